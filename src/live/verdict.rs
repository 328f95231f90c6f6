//! What is said of one address.

use schemars::JsonSchema;
use serde::Serialize;

use super::accepted::ClientsOf;
use super::service::Service;
use crate::holdings::Certificate;
use crate::name::{ArtifactName, NodeName};

pub struct Verdict {
    pub service: Service,
    pub node: Option<NodeName>,
    /// As it was dialled; empty where that is not known.
    pub address: String,
    pub served: Option<Served>,
    pub clients: Vec<ClientsOf>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// What could not be told, each with its reason; that of clients stands with them.
    pub unproven: Vec<String>,
    pub notes: Vec<String>,
}

/// A certificate that a server has shown, and the key of which it has.
pub struct Served {
    pub certificate: Certificate,
    /// The keypair of the cluster that signed it.
    pub signed_by: Option<ArtifactName>,
    pub held: Held,
}

/// Whether it is what `out/` holds for that place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// It is this artifact's.
    Same(ArtifactName),
    /// There is another one.
    Another,
    /// There is none.
    Nothing,
}

/// What is wrong at an address; the text reads after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    pub text: String,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, text: impl Into<String>) -> Self {
        Fault { kind, text: text.into() }
    }
}

impl FaultKind {
    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            FaultKind::Unresolved => {
                "look at the name in cluster.kdl, and at the DNS that this machine asks"
            }
            FaultKind::ConnectionRefused => {
                "look on the node whether the process runs (crictl ps, systemctl status kubelet), and at its log"
            }
            FaultKind::Unreachable => {
                "look at the routes and firewalls between this machine and the node"
            }
            FaultKind::Silent => {
                "a firewall that drops packets, or a process that hangs: try again from a node of the cluster"
            }
            FaultKind::PlainHttp | FaultKind::NoTls => {
                "look on the node which process has the port: ss -ltnp"
            }
            FaultKind::Handshake => "the log of the process says why",
            FaultKind::UnreadableCertificate => {
                "kpki show FILE, on the node, tells what is wrong with it"
            }
            FaultKind::WrongName => {
                "where cluster.kdl has the name: kpki install NODE; else add it there as a san, then kpki apply"
            }
            FaultKind::WrongKeypair | FaultKind::Untrusted => {
                "kpki install NODE puts the certificate of out/ in place; kpki verify looks at that one"
            }
            FaultKind::Expired => {
                "kpki apply renews what is due, kpki install NODE puts it in place"
            }
            FaultKind::NotYetValid => "compare the clock of this machine with that of the node",
            FaultKind::ClientsRefused => {
                "its CA file lacks that keypair, or was read before it had it: kpki install NODE, then restart the                  process"
            }
            FaultKind::ClientsAccepted => {
                "its CA file still has that keypair, or was read when it had it: kpki install NODE, then restart \
                 the process"
            }
            FaultKind::TokenKeyMissing => {
                "its sa.pub lacks that key, or was read before it had it: kpki install NODE, then restart the API                  server"
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Its name has no address.
    Unresolved,
    /// Nobody listens.
    ConnectionRefused,
    /// There is no way to it.
    Unreachable,
    /// The time limit was over before a certificate came.
    Silent,
    /// HTTP in the clear.
    PlainHttp,
    /// Something that is no TLS.
    NoTls,
    /// The TLS handshake did not come to an end.
    Handshake,
    /// Kubernetes does not read what it shows.
    UnreadableCertificate,
    /// The certificate is not for what was dialled.
    WrongName,
    /// No keypair of the CA signed it.
    WrongKeypair,
    /// It is refused for another reason.
    Untrusted,
    Expired,
    NotYetValid,
    /// A client of a keypair that it should trust is not taken.
    ClientsRefused,
    /// A client of a keypair that is for servers alone is taken.
    ClientsAccepted,
    /// A service-account key that it should believe in is not published.
    TokenKeyMissing,
}
