//! Flags with which a process works and lets in whom nobody meant.
//!
//! Sources: the kube-apiserver reference (`--authorization-mode` is AlwaysAllow where nothing is written);
//! of etcd `client/pkg/transport/listener.go` (`ServerConfig`: a file of trusted CAs makes it ask for
//! certificates, too) and its configuration options.

use super::Process;
use Process::{Apiserver as API, Etcd as ETCD};

#[derive(Debug)]
pub struct WeakFlag {
    pub process: Process,
    /// Without its dashes.
    pub flag: &'static str,
    pub weak: WeakWhen,
    /// With this flag it is not as bad, or not at all where no words follow.
    pub but: Option<(&'static str, Option<&'static str>)>,
    /// Follows what is written.
    pub says: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeakWhen {
    /// It is not given.
    Absent,
    /// It is false, or not given.
    Off,
    /// It is true.
    On,
    /// Its list has this word.
    Has(&'static str),
    /// It has another value than this.
    Not(&'static str),
}

use WeakWhen::{Absent, Has, Not, Off, On};

const WHOEVER: &str = "whoever reaches etcd's port can read and change the cluster";
const PEERS: &str = "whoever reaches etcd's peer port can join and change the cluster";
const CA_ALONE: &str =
    "etcd asks clients for certificates only because it has a file of trusted CAs";
const PEER_CA_ALONE: &str =
    "etcd asks peers for certificates only because it has a file of trusted CAs";

#[rustfmt::skip] // one row, one thought
pub const WEAK_FLAGS: &[WeakFlag] = &[
    WeakFlag { process: API, flag: "authorization-mode", weak: Has("AlwaysAllow"), but: None,
        says: "allows everybody everything" },
    WeakFlag { process: API, flag: "authorization-mode", weak: Absent, but: Some(("authorization-config", None)),
        says: "everybody is allowed everything" },
    WeakFlag { process: API, flag: "insecure-port", weak: Not("0"), but: None,
        says: "answers everybody without asking who it is; from 1.24 on the API server ends at once with it" },
    WeakFlag { process: ETCD, flag: "client-cert-auth", weak: Off, but: Some(("trusted-ca-file", Some(CA_ALONE))),
        says: WHOEVER },
    WeakFlag { process: ETCD, flag: "peer-client-cert-auth", weak: Off,
        but: Some(("peer-trusted-ca-file", Some(PEER_CA_ALONE))), says: PEERS },
    WeakFlag { process: ETCD, flag: "auto-tls", weak: On, but: Some(("cert-file", None)),
        says: "makes a certificate that no client can check" },
    WeakFlag { process: ETCD, flag: "peer-auto-tls", weak: On, but: Some(("peer-cert-file", None)),
        says: "makes a certificate that no peer can check" },
];

/// As its process reads a flag that is given several times.
///
/// Sources: `StringSliceVar` and `StringArrayVar` in `options` of kube-apiserver and of its generic library
/// (kubernetes/kubernetes). All others: the last one counts.
pub const LIST_FLAGS: &[(Process, &str)] = &[
    (API, "authorization-mode"),
    (API, "disable-admission-plugins"),
    (API, "enable-admission-plugins"),
    (API, "etcd-servers"),
    (API, "requestheader-allowed-names"),
    (API, "requestheader-extra-headers-prefix"),
    (API, "requestheader-group-headers"),
    (API, "requestheader-username-headers"),
    (API, "tls-cipher-suites"),
];
