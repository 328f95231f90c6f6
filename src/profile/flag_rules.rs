//! Flags that exclude each other, and flags that only work together: what a process checks when it starts,
//! before it looks at any file.
//!
//! Sources: of kubernetes/kubernetes `pkg/kubeapiserver/options/{authentication,authorization}.go`,
//! `pkg/controlplane/apiserver/options/validation.go`, `options/etcd.go` and `options/serving.go` of
//! `staging/src/k8s.io/apiserver/pkg/server`, and the kube-controller-manager's
//! `options/csrsigningcontroller.go`; the kube-apiserver reference; of etcd `server/embed/config.go` and
//! `client/pkg/transport/listener.go`.

use super::Process;

/// A flag that a process takes only without the others.
#[derive(Debug)]
pub struct Exclusion {
    pub process: Process,
    pub flags: Flags,
    pub others: Flags,
    pub counts: Counts,
    pub weight: Weight,
}

/// Names without dashes.
#[derive(Debug, Clone, Copy)]
pub enum Flags {
    These(&'static [&'static str]),
    /// All whose names start so.
    StartingWith(&'static str),
}

impl Flags {
    pub fn hold(self, name: &str) -> bool {
        match self {
            These(names) => names.contains(&name),
            StartingWith(start) => name.starts_with(start),
        }
    }
}

/// When a process takes a flag for given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Wherever it is written, with an empty value too.
    Written,
    WithValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The process ends at once.
    Ends,
    /// It depends on a file that is not read here, or only a part of the process fails.
    MayFail,
}

/// A flag and what it does not work without.
#[derive(Debug, Clone, Copy)]
pub struct Companions {
    pub process: Process,
    /// Any of them needs the rest.
    pub flag: &'static str,
    pub needs: &'static [&'static str],
    /// Where kpki adds the flag itself, these go along; the others it has anyway.
    pub completed_by: &'static [&'static str],
    pub weight: Weight,
    /// Follows "without it ".
    pub why: &'static str,
}

/// A word in a flag's list, and the flag that goes with it: neither works without the other.
#[derive(Debug)]
pub struct WordNeeds {
    pub process: Process,
    pub list: &'static str,
    pub word: &'static str,
    pub flag: &'static str,
}

use Counts::{WithValue, Written};
use Flags::{StartingWith, These};
use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD, Scheduler as SCHEDULER};
use Weight::{Ends, MayFail};

const fn exclusion(process: Process, flags: Flags, others: Flags, counts: Counts) -> Exclusion {
    Exclusion { process, flags, others, counts, weight: Ends }
}

/// Each per-signer pair of the controller-manager takes the place of the one for all.
const SIGNER_FILES: &[&str] = &[
    "cluster-signing-kube-apiserver-client-cert-file",
    "cluster-signing-kube-apiserver-client-key-file",
    "cluster-signing-kubelet-client-cert-file",
    "cluster-signing-kubelet-client-key-file",
    "cluster-signing-kubelet-serving-cert-file",
    "cluster-signing-kubelet-serving-key-file",
    "cluster-signing-legacy-unknown-cert-file",
    "cluster-signing-legacy-unknown-key-file",
];

#[rustfmt::skip] // one row, one thought
pub const EXCLUSIONS: &[Exclusion] = &[
    exclusion(API, These(&["authorization-config"]), These(&["authorization-mode"]), Written),
    exclusion(API, These(&["authorization-config"]), StartingWith("authorization-webhook-"), Written),
    exclusion(API, These(&["authentication-config"]), StartingWith("oidc-"), Written),
    // Refused if the file configures anonymous requests.
    Exclusion {
        weight: MayFail,
        ..exclusion(API, These(&["authentication-config"]), These(&["anonymous-auth"]), Written)
    },
    exclusion(API, These(&["service-account-signing-endpoint"]),
        These(&["service-account-signing-key-file", "service-account-key-file"]), WithValue),
    exclusion(CM, These(SIGNER_FILES),
        These(&["cluster-signing-cert-file", "cluster-signing-key-file"]), WithValue),
    exclusion(ETCD, These(&["discovery", "discovery-endpoints", "discovery-srv"]),
        These(&["initial-cluster"]), WithValue),
    exclusion(ETCD, These(&["discovery"]), These(&["discovery-endpoints", "discovery-srv"]), WithValue),
    exclusion(ETCD, These(&["discovery-endpoints"]), These(&["discovery-srv"]), WithValue),
];

const fn needs(
    process: Process,
    flag: &'static str,
    needs: &'static [&'static str],
    why: &'static str,
) -> Companions {
    Companions { process, flag, needs, completed_by: &[], weight: Ends, why }
}

const PAIR: &str = "it does not start with one half of a pair";

#[rustfmt::skip] // one row, one thought
const COMPANIONS: &[Companions] = &[
    Companions {
        completed_by: &["service-account-issuer"],
        ..needs(API, "service-account-signing-key-file", &["service-account-issuer"],
            "it signs no tokens and does not start")
    },
    needs(API, "service-account-signing-key-file", &["service-account-key-file"],
        "it could not verify the tokens that it signs and does not start"),
    // Aggregated API servers read the user from these headers, of callers of these names.
    Companions {
        completed_by: &["requestheader-allowed-names", "requestheader-extra-headers-prefix",
            "requestheader-group-headers", "requestheader-username-headers"],
        weight: MayFail,
        ..needs(API, "requestheader-client-ca-file",
            &["requestheader-group-headers", "requestheader-username-headers"],
            "aggregated APIs are told no header to read users from")
    },
    needs(API, "oidc-issuer-url", &["oidc-client-id"], "it does not start"),
    needs(API, "oidc-client-id", &["oidc-issuer-url"], "it does not start"),
    needs(API, "encryption-provider-config-automatic-reload", &["encryption-provider-config"],
        "there is nothing to read again, and it does not start"),
    needs(ETCD, "listen-client-urls", &["advertise-client-urls"], "it does not start"),
];

/// Flags that name a certificate and its key: neither works without the other, nor with another one's.
#[derive(Debug)]
pub struct KeyPair {
    pub process: Process,
    pub certificate: &'static str,
    pub key: &'static str,
}

#[rustfmt::skip] // one pair, one line
pub const KEY_PAIRS: &[KeyPair] = &[
    KeyPair { process: API, certificate: "proxy-client-cert-file", key: "proxy-client-key-file" },
    KeyPair { process: API, certificate: "tls-cert-file", key: "tls-private-key-file" },
    KeyPair { process: API, certificate: "etcd-certfile", key: "etcd-keyfile" },
    KeyPair { process: API, certificate: "kubelet-client-certificate", key: "kubelet-client-key" },
    KeyPair { process: CM, certificate: "cluster-signing-cert-file", key: "cluster-signing-key-file" },
    KeyPair { process: CM, certificate: "cluster-signing-kube-apiserver-client-cert-file", key: "cluster-signing-kube-apiserver-client-key-file" },
    KeyPair { process: CM, certificate: "cluster-signing-kubelet-client-cert-file", key: "cluster-signing-kubelet-client-key-file" },
    KeyPair { process: CM, certificate: "cluster-signing-kubelet-serving-cert-file", key: "cluster-signing-kubelet-serving-key-file" },
    KeyPair { process: CM, certificate: "cluster-signing-legacy-unknown-cert-file", key: "cluster-signing-legacy-unknown-key-file" },
    KeyPair { process: CM, certificate: "tls-cert-file", key: "tls-private-key-file" },
    KeyPair { process: SCHEDULER, certificate: "tls-cert-file", key: "tls-private-key-file" },
    KeyPair { process: ETCD, certificate: "cert-file", key: "key-file" },
    KeyPair { process: ETCD, certificate: "client-cert-file", key: "client-key-file" },
    KeyPair { process: ETCD, certificate: "peer-cert-file", key: "peer-key-file" },
    KeyPair { process: ETCD, certificate: "peer-client-cert-file", key: "peer-client-key-file" },
];

/// All flags that need others.
pub fn companions() -> impl Iterator<Item = Companions> {
    let halves = KEY_PAIRS.iter().flat_map(|KeyPair { process, certificate, key }| {
        [(certificate, key), (key, certificate)]
            .map(|(one, other)| needs(*process, one, std::slice::from_ref(other), PAIR))
    });
    COMPANIONS.iter().copied().chain(halves)
}

pub const WORD_NEEDS: &[WordNeeds] = &[
    WordNeeds {
        process: API,
        list: "authorization-mode",
        word: "ABAC",
        flag: "authorization-policy-file",
    },
    WordNeeds {
        process: API,
        list: "authorization-mode",
        word: "Webhook",
        flag: "authorization-webhook-config-file",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{FLAGS, When};

    /// kpki's own command lines break none of these.
    #[test]
    fn own_flags_agree() {
        let always = |process: Process, name: &str| {
            FLAGS.iter().any(|row| {
                let newest = !row.when.iter().any(|when| matches!(when, When::Before(_)));
                row.process == process && row.name == name && newest
            })
        };
        for row in EXCLUSIONS {
            let own = |flags: Flags| {
                FLAGS.iter().any(|flag| flag.process == row.process && flags.hold(flag.name))
            };
            assert!(!(own(row.flags) && own(row.others)), "{row:?}");
        }
        for row in companions() {
            if always(row.process, row.flag) {
                for other in row.needs.iter().chain(row.completed_by) {
                    assert!(always(row.process, other), "{row:?}");
                }
            }
            assert!(!row.needs.contains(&row.flag));
        }
    }

    #[test]
    fn no_row_stands_twice() {
        for (at, row) in companions().enumerate() {
            let same = |other: &Companions| {
                other.process == row.process && other.flag == row.flag && other.needs == row.needs
            };
            assert_eq!(companions().skip(at).filter(same).count(), 1, "{row:?}");
        }
    }

    /// What a leaf's row calls a certificate and a key is a pair.
    #[test]
    fn leaves_are_pairs() {
        for told in crate::profile::LEAVES.iter().filter_map(|row| row.told) {
            let Some(key) = told.key else { continue };
            let known = KEY_PAIRS.iter().any(|pair| {
                let flags = (pair.process, pair.certificate, pair.key);
                flags == (told.process, told.certificate[0], key)
            });
            assert!(known, "{told:?}");
        }
    }

    /// Every signer's four files are halves of pairs.
    #[test]
    fn signers_are_pairs() {
        for file in SIGNER_FILES {
            assert!(companions().any(|row| row.flag == *file && row.process == CM), "{file}");
        }
    }
}
