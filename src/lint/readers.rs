//! Who loads which trusted CAs, and which certificates are shown to whom: one row a reader.
//!
//! Sources: the Kubernetes page "PKI certificates and requirements", the reference pages of the components,
//! and etcd's "Transport security model".

use crate::facts::ExtendedKeyUsage;
use crate::pod::Process;
use crate::profile::{AUTHORITY_FILES, AuthorityFile};
use crate::spec::CaName;

/// What a certificate is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum As {
    Client,
    Server,
}

impl As {
    pub fn usage(self) -> ExtendedKeyUsage {
        match self {
            Client => ExtendedKeyUsage::Client,
            Server => ExtendedKeyUsage::Server,
        }
    }
}

#[derive(Debug)]
pub(super) struct ReaderRow {
    /// Begins a sentence's subject: `etcd`.
    pub who: &'static str,
    /// What names its file; `None`: a configuration that is not read here.
    pub flag: Option<(Process, &'static str)>,
    /// Whose bundle it loads where no flag is here to say so, as kubeadm has it.
    pub ca: CaName,
    /// Rows of [`crate::profile::LEAVES`].
    pub meets: &'static [(&'static str, As)],
}

const fn reader(
    who: &'static str,
    flag: Option<(Process, &'static str)>,
    ca: CaName,
    meets: &'static [(&'static str, As)],
) -> ReaderRow {
    ReaderRow { who, flag, ca, meets }
}

use As::{Client, Server};
use CaName::{Etcd, FrontProxy, Kubernetes};
use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD};

/// Besides, every kubeconfig reads the API server's certificate with the CA that it holds.
#[rustfmt::skip] // one reader, a few lines
pub(super) const READERS: &[ReaderRow] = &[
    reader("the API server", Some((API, "client-ca-file")), Kubernetes, &[
        ("kubelet", Client), ("admin", Client), ("super-admin", Client),
        ("controller-manager", Client), ("scheduler", Client), ("kube-proxy", Client),
    ]),
    reader("the kubelet", None, Kubernetes, &[("apiserver-kubelet-client", Client)]),
    reader("every pod", Some((CM, "root-ca-file")), Kubernetes, &[("apiserver", Server)]),
    reader("the API server", Some((API, "etcd-cafile")), Etcd, &[("etcd-server", Server)]),
    reader("etcd", Some((ETCD, "trusted-ca-file")), Etcd, &[
        ("apiserver-etcd-client", Client), ("etcd-server", Client), ("etcd-healthcheck-client", Client),
    ]),
    reader("etcd", Some((ETCD, "peer-trusted-ca-file")), Etcd, &[("etcd-peer", Client), ("etcd-peer", Server)]),
    reader("the API server", Some((API, "requestheader-client-ca-file")), FrontProxy,
        &[("front-proxy-client", Client)]),
    reader("the controller-manager", Some((CM, "requestheader-client-ca-file")), FrontProxy,
        &[("front-proxy-client", Client)]),
    reader("the API server", Some((API, "kubelet-certificate-authority")), Kubernetes,
        &[("kubelet-server", Server)]),
];

/// Where kubeadm puts the CAs of this name for those who read them.
pub(super) fn bundle(ca: CaName) -> &'static str {
    (AUTHORITY_FILES.iter())
        .find(|row| row.ca == ca && row.file == AuthorityFile::Bundle)
        .map_or("", |row| row.path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{FLAGS, FlagFrom, LEAVES};

    fn row(name: &str) -> &'static crate::profile::LeafRow {
        LEAVES.iter().find(|row| row.name == name).unwrap()
    }

    /// Every leaf meets a reader in each of its uses, and a reader meets leaves of its CA alone.
    #[test]
    fn every_leaf_is_read_in_every_use() {
        for row in LEAVES {
            let met = |way| READERS.iter().any(|reader| reader.meets.contains(&(row.name, way)));
            assert!(!row.usage.client() || met(Client), "{}", row.name);
            assert!(!row.usage.server() || met(Server), "{}", row.name);
        }
        for reader in READERS {
            for (name, way) in reader.meets {
                let usage = row(name).usage;
                assert!(if *way == Client { usage.client() } else { usage.server() }, "{name}");
                assert_eq!(row(name).issuer, reader.ca, "{name}");
            }
        }
    }

    /// A reader's flag names the file that kubeadm's own place has.
    #[test]
    fn flags_name_the_bundle_of_the_readers_ca() {
        for reader in READERS {
            let Some((process, name)) = reader.flag else { continue };
            let flag = FLAGS.iter().find(|flag| (flag.process, flag.name) == (process, name));
            let FlagFrom::File(path) = flag.unwrap().from else { panic!("--{name}") };
            let file = AUTHORITY_FILES.iter().find(|file| file.path == path).unwrap();
            assert_eq!((file.ca, file.file), (reader.ca, AuthorityFile::Bundle), "--{name}");
        }
    }

    /// Whoever restarts for another bundle of a leaf's CA reads it here, too.
    #[test]
    fn whoever_checks_a_leaf_is_a_reader() {
        for row in LEAVES {
            for checker in row.checked_by {
                let is_reader = |reader: &ReaderRow| {
                    reader.flag == Some(*checker)
                        && reader.meets.iter().any(|(name, _)| *name == row.name)
                };
                assert!(READERS.iter().any(is_reader), "{} {checker:?}", row.name);
            }
        }
    }
}
