//! Flags of static pods that may change without a word, and in which direction. What is not here stops.
//!
//! Sources: the reference pages of kube-apiserver, kube-controller-manager and kube-scheduler (kubernetes.io,
//! Component tools), and etcd's configuration options (etcd.io).

use super::Process;
use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD, Scheduler as SCHEDULER};

#[derive(Debug)]
pub struct HarmlessFlag {
    pub processes: &'static [Process],
    /// Without its dashes; a `*` stands for any text.
    pub name: &'static str,
    pub when: HarmlessWhen,
}

/// Which new value is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HarmlessWhen {
    /// None, too.
    Any,
    Only(&'static [&'static str]),
    /// A version of TLS that is not lower.
    NotLower,
    /// No cipher suite that was not there; where none was named, only those of Go's that are forward secret
    /// and authenticated.
    Fewer,
    /// No element less.
    More,
    /// What kpki mounts for it, writable, is one of these folders or below; of a file that is the folder that
    /// it lies in.
    Below(&'static [&'static str]),
    /// As [`HarmlessWhen::Below`], read-only, where there was none: nobody here sees what the file says, and
    /// whatever that is, it is not less than nothing.
    AddedBelow(&'static [&'static str]),
    /// All elements were there before, or are as kpki writes them for this very flag.
    Known,
    /// As [`HarmlessWhen::Known`], or etcd's URL for clients of any described member.
    Members,
}

const KUBERNETES: &[Process] = &[API, CM, SCHEDULER];
const CLIENTS: &[Process] = &[CM, SCHEDULER];
const ONLY_API: &[Process] = &[API];
const ONLY_CM: &[Process] = &[CM];
const ONLY_ETCD: &[Process] = &[ETCD];

const fn any(processes: &'static [Process], name: &'static str) -> HarmlessFlag {
    HarmlessFlag { processes, name, when: HarmlessWhen::Any }
}

const fn when(
    processes: &'static [Process],
    name: &'static str,
    when: HarmlessWhen,
) -> HarmlessFlag {
    HarmlessFlag { processes, name, when }
}

use HarmlessWhen::{AddedBelow, Below, Fewer, Known, Members, More, NotLower, Only};

#[rustfmt::skip] // one row, one line
pub const HARMLESS_FLAGS: &[HarmlessFlag] = &[
    any(KUBERNETES, "v"),
    any(KUBERNETES, "vmodule"),
    any(KUBERNETES, "logging-format"),
    any(KUBERNETES, "log-flush-frequency"),
    when(KUBERNETES, "profiling", Only(&["false"])),
    when(KUBERNETES, "contention-profiling", Only(&["false"])),
    when(KUBERNETES, "tls-min-version", NotLower),
    when(KUBERNETES, "tls-cipher-suites", Fewer),
    when(CLIENTS, "bind-address", Only(&["127.0.0.1", "::1"])),
    when(CLIENTS, "leader-elect", Only(&["true"])),
    any(CLIENTS, "leader-elect-lease-duration"),
    any(CLIENTS, "leader-elect-renew-deadline"),
    any(CLIENTS, "leader-elect-retry-period"),
    any(CLIENTS, "kube-api-qps"),
    any(CLIENTS, "kube-api-burst"),

    any(ONLY_API, "max-requests-inflight"),
    any(ONLY_API, "max-mutating-requests-inflight"),
    any(ONLY_API, "request-timeout"),
    any(ONLY_API, "min-request-timeout"),
    any(ONLY_API, "http2-max-streams-per-connection"),
    any(ONLY_API, "event-ttl"),
    any(ONLY_API, "goaway-chance"),
    any(ONLY_API, "livez-grace-period"),
    any(ONLY_API, "shutdown-delay-duration"),
    any(ONLY_API, "shutdown-send-retry-after"),
    any(ONLY_API, "shutdown-watch-termination-grace-period"),
    any(ONLY_API, "default-watch-cache-size"),
    any(ONLY_API, "watch-cache-sizes"),
    any(ONLY_API, "delete-collection-workers"),
    any(ONLY_API, "default-not-ready-toleration-seconds"),
    any(ONLY_API, "default-unreachable-toleration-seconds"),
    any(ONLY_API, "etcd-compaction-interval"),
    any(ONLY_API, "etcd-healthcheck-timeout"),
    any(ONLY_API, "etcd-readycheck-timeout"),
    any(ONLY_API, "kubelet-timeout"),
    any(ONLY_API, "audit-log-maxage"),
    any(ONLY_API, "audit-log-maxbackup"),
    any(ONLY_API, "audit-log-maxsize"),
    any(ONLY_API, "audit-log-compress"),
    when(ONLY_API, "audit-log-path", Below(&["/var/log"])),
    when(ONLY_API, "anonymous-auth", Only(&["false"])),
    when(ONLY_API, "service-account-lookup", Only(&["true"])),
    when(ONLY_API, "enable-bootstrap-token-auth", Only(&["false"])),
    when(ONLY_API, "enable-admission-plugins", More),
    when(ONLY_API, "etcd-servers", Members),
    // Without one nothing is audited. Which one counts of two decides what is seen: that stops.
    when(ONLY_API, "audit-policy-file", AddedBelow(&["/etc/kubernetes"])),
    // Without one all is in the clear.
    when(ONLY_API, "encryption-provider-config", AddedBelow(&["/etc/kubernetes"])),
    when(ONLY_API, "service-account-extend-token-expiration", Only(&["false"])),

    any(ONLY_CM, "concurrent-*-syncs"),
    any(ONLY_CM, "node-monitor-grace-period"),
    any(ONLY_CM, "node-monitor-period"),
    any(ONLY_CM, "node-startup-grace-period"),
    any(ONLY_CM, "node-eviction-rate"),
    any(ONLY_CM, "secondary-node-eviction-rate"),
    any(ONLY_CM, "unhealthy-zone-threshold"),
    any(ONLY_CM, "large-cluster-size-threshold"),
    any(ONLY_CM, "terminated-pod-gc-threshold"),
    any(ONLY_CM, "min-resync-period"),
    any(ONLY_CM, "horizontal-pod-autoscaler-*"),
    // Who gives each node its part of the pods' network, and how large that is. Not `cluster-cidr`: pods in
    // the nodes' or the services' network answer in their place.
    any(ONLY_CM, "allocate-node-cidrs"),
    any(ONLY_CM, "node-cidr-mask-size"),
    any(ONLY_CM, "node-cidr-mask-size-ipv4"),
    any(ONLY_CM, "node-cidr-mask-size-ipv6"),
    when(ONLY_CM, "use-service-account-credentials", Only(&["true"])),

    any(ONLY_ETCD, "quota-backend-bytes"),
    any(ONLY_ETCD, "auto-compaction-mode"),
    any(ONLY_ETCD, "auto-compaction-retention"),
    any(ONLY_ETCD, "heartbeat-interval"),
    any(ONLY_ETCD, "election-timeout"),
    any(ONLY_ETCD, "snapshot-count"),
    any(ONLY_ETCD, "max-snapshots"),
    any(ONLY_ETCD, "max-wals"),
    any(ONLY_ETCD, "max-request-bytes"),
    any(ONLY_ETCD, "max-txn-ops"),
    any(ONLY_ETCD, "backend-batch-interval"),
    any(ONLY_ETCD, "backend-batch-limit"),
    any(ONLY_ETCD, "grpc-keepalive-*"),
    any(ONLY_ETCD, "log-level"),
    any(ONLY_ETCD, "log-format"),
    any(ONLY_ETCD, "metrics"),
    any(ONLY_ETCD, "watch-progress-notify-interval"),
    any(ONLY_ETCD, "experimental-watch-progress-notify-interval"),
    any(ONLY_ETCD, "warning-apply-duration"),
    any(ONLY_ETCD, "experimental-warning-apply-duration"),
    any(ONLY_ETCD, "initial-cluster-state"),
    when(ONLY_ETCD, "log-outputs", Only(&["default", "stderr", "stdout"])),
    when(ONLY_ETCD, "client-cert-auth", Only(&["true"])),
    when(ONLY_ETCD, "peer-client-cert-auth", Only(&["true"])),
    when(ONLY_ETCD, "initial-cluster", Known),
    when(ONLY_ETCD, "listen-client-urls", Known),
    when(ONLY_ETCD, "listen-peer-urls", Known),
    when(ONLY_ETCD, "listen-metrics-urls", Known),
    when(ONLY_ETCD, "advertise-client-urls", Known),
    when(ONLY_ETCD, "initial-advertise-peer-urls", Known),
    when(ONLY_ETCD, "data-dir", Below(&["/var/lib/etcd"])),
    when(ONLY_ETCD, "wal-dir", Below(&["/var/lib/etcd"])),
];

impl HarmlessFlag {
    pub fn is_of(&self, process: Process, flag: &str) -> bool {
        let same = match self.name.split_once('*') {
            Some((start, end)) => flag
                .strip_prefix(start)
                .is_some_and(|rest| rest.len() > end.len() && rest.ends_with(end)),
            None => self.name == flag,
        };
        same && self.processes.contains(&process)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flag_has_two_rows() {
        for (index, row) in HARMLESS_FLAGS.iter().enumerate() {
            let mut again = HARMLESS_FLAGS.iter().skip(index + 1);
            let both = |other: &&HarmlessFlag| {
                other.name == row.name
                    && other.processes.iter().any(|one| row.processes.contains(one))
            };
            assert!(!again.any(|row| both(&row)), "{}", row.name);
        }
        let syncs = HARMLESS_FLAGS.iter().find(|row| row.name == "concurrent-*-syncs").unwrap();
        assert!(syncs.is_of(Process::ControllerManager, "concurrent-gc-syncs"));
        for flag in ["concurrent--syncs", "concurrent-syncs", "concurrent-gc-syncs-file"] {
            assert!(!syncs.is_of(Process::ControllerManager, flag), "{flag}");
        }
        assert!(!syncs.is_of(Process::Scheduler, "concurrent-gc-syncs"));
    }
}
