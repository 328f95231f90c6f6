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
    /// A service-account key that it should believe in is not published.
    TokenKeyMissing,
}
