//! Flags that a process does not know any more: given one, it ends at once.

use super::Process;
use super::flag_rules::Flags;
use crate::version::Change;

#[derive(Debug)]
pub struct GoneFlag {
    pub process: Process,
    pub flags: Flags,
    pub since: Change,
    /// Follows "not known since".
    pub from: &'static str,
    pub instead: &'static str,
}

use Flags::{StartingWith, These};
use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD};

#[rustfmt::skip] // one row, one thought
pub const GONE_FLAGS: &[GoneFlag] = &[
    GoneFlag { process: API, flags: These(&["cloud-config", "cloud-provider"]), since: Change::NoCloudProviderFlags,
        from: "Kubernetes 1.33", instead: "delete it: the cloud-controller-manager speaks to the cloud" },
    GoneFlag { process: CM, flags: These(&["concurrent-service-syncs"]), since: Change::NoServiceSyncsFlag,
        from: "Kubernetes 1.37", instead: "delete it: the cloud-controller-manager has it" },
    GoneFlag { process: ETCD, flags: StartingWith("experimental-"), since: Change::Etcd37,
        from: "etcd 3.7, which comes with Kubernetes 1.37",
        instead: "write it without experimental-, or as a word of --feature-gates: see etcd's notes on 3.6" },
];
