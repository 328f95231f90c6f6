//! Flags that check somebody or something: what kpki sets is no excuse for a weaker one.
//!
//! Sources: as of [`super::HARMLESS_FLAGS`]; which value is the weaker one follows from each flag's default.

use super::Process;
use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD, Scheduler as SCHEDULER};

#[derive(Debug)]
pub struct Check {
    pub processes: &'static [Process],
    /// Without its dashes.
    pub flag: &'static str,
    pub weaker: Weaker,
}

/// Which change weakens a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weaker {
    /// It goes away.
    Gone,
    /// It is no longer this.
    IsNot(&'static str),
    /// It lacks an element that it had.
    Lacks,
    /// A lower version of TLS.
    Lower,
    /// It has an element that it had not, or none: then all are taken.
    Has,
}

const fn check(processes: &'static [Process], flag: &'static str, weaker: Weaker) -> Check {
    Check { processes, flag, weaker }
}

const KUBERNETES: &[Process] = &[API, CM, SCHEDULER];
const ONLY_API: &[Process] = &[API];
const ONLY_ETCD: &[Process] = &[ETCD];

use Weaker::{Gone, Has, IsNot, Lacks, Lower};

pub const CHECKS: &[Check] = &[
    check(KUBERNETES, "client-ca-file", Gone),
    check(KUBERNETES, "profiling", IsNot("false")),
    check(KUBERNETES, "requestheader-allowed-names", Gone),
    check(KUBERNETES, "requestheader-client-ca-file", Gone),
    check(KUBERNETES, "tls-cipher-suites", Has),
    check(KUBERNETES, "tls-min-version", Lower),
    check(ONLY_API, "admission-control-config-file", Gone),
    check(ONLY_API, "anonymous-auth", IsNot("false")),
    check(ONLY_API, "authentication-config", Gone),
    check(ONLY_API, "authorization-config", Gone),
    check(ONLY_API, "authorization-mode", Lacks),
    check(ONLY_API, "enable-admission-plugins", Lacks),
    check(ONLY_API, "enable-bootstrap-token-auth", IsNot("false")),
    check(ONLY_API, "encryption-provider-config", Gone),
    check(ONLY_API, "etcd-cafile", Gone),
    check(ONLY_API, "kubelet-certificate-authority", Gone),
    check(ONLY_API, "oidc-required-claim", Gone),
    check(ONLY_API, "service-account-lookup", IsNot("true")),
    check(&[CM], "use-service-account-credentials", IsNot("true")),
    check(ONLY_ETCD, "client-cert-allowed-hostname", Gone),
    check(ONLY_ETCD, "client-cert-auth", IsNot("true")),
    check(ONLY_ETCD, "client-crl-file", Gone),
    check(ONLY_ETCD, "peer-cert-allowed-cn", Gone),
    check(ONLY_ETCD, "peer-cert-allowed-hostname", Gone),
    check(ONLY_ETCD, "peer-client-cert-auth", IsNot("true")),
    check(ONLY_ETCD, "peer-crl-file", Gone),
    check(ONLY_ETCD, "peer-trusted-ca-file", Gone),
    check(ONLY_ETCD, "trusted-ca-file", Gone),
];
