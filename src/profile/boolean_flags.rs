//! Flags that mean true where they stand alone. All others take the next word for their value, whatever it
//! is (spf13/pflag, `parseLongArg`; Go's `flag`, which etcd reads with).
//!
//! Sources: the reference pages of the Kubernetes components and etcd's configuration options. A flag that is
//! missing here must be written as `--flag=true`; one that does not belong here would hide the next word.

use super::Process;

/// Of all that read with Kubernetes' own flag sets.
const KUBERNETES: &[&str] = &[
    "contention-profiling",
    "log-json-split-stream",
    "log-text-split-stream",
    "permit-address-sharing",
    "permit-port-sharing",
    "profiling",
];

const APISERVER: &[&str] = &[
    "allow-privileged",
    "anonymous-auth",
    "audit-log-compress",
    "enable-aggregator-routing",
    "enable-bootstrap-token-auth",
    "enable-garbage-collector",
    "enable-logs-handler",
    "enable-priority-and-fairness",
    "encryption-provider-config-automatic-reload",
    "service-account-extend-token-expiration",
    "service-account-lookup",
    "shutdown-send-retry-after",
    "watch-cache",
];

const CONTROLLER_MANAGER: &[&str] = &[
    "allocate-node-cidrs",
    "authentication-skip-lookup",
    "authentication-tolerate-lookup-failure",
    "configure-cloud-routes",
    "enable-dynamic-provisioning",
    "enable-garbage-collector",
    "enable-hostpath-provisioner",
    "enable-leader-migration",
    "leader-elect",
    "use-service-account-credentials",
];

const SCHEDULER: &[&str] =
    &["authentication-skip-lookup", "authentication-tolerate-lookup-failure", "leader-elect"];

const ETCD: &[&str] = &[
    "auto-tls",
    "client-cert-auth",
    "enable-pprof",
    "experimental-compact-hash-check-enabled",
    "experimental-initial-corrupt-check",
    "force-new-cluster",
    "initial-election-tick-advance",
    "peer-auto-tls",
    "peer-client-cert-auth",
    "pre-vote",
    "socket-reuse-address",
    "socket-reuse-port",
    "strict-reconfig-check",
    "unsafe-no-fsync",
];

impl Process {
    /// `name` without its dashes.
    pub fn is_boolean(self, name: &str) -> bool {
        let own = match self {
            Process::Etcd => return ETCD.contains(&name),
            Process::Apiserver => APISERVER,
            Process::ControllerManager => CONTROLLER_MANAGER,
            Process::Scheduler => SCHEDULER,
        };
        own.contains(&name) || KUBERNETES.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{FLAGS, FlagFrom};

    /// What kpki sets to true or false is a boolean, and nothing else of what it sets.
    #[test]
    fn kpkis_own_booleans_are_known() {
        for row in FLAGS.iter() {
            let says_so = matches!(row.from, FlagFrom::Fixed("true" | "false"));
            assert_eq!(row.process.is_boolean(row.name), says_so, "{}", row.name);
        }
        assert!(!Process::Apiserver.is_boolean("external-hostname"));
    }
}
