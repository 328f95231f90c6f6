//! What the description says that servers and clients believe in, and what `out/` holds.

use std::collections::HashMap;

use super::client::Client;
use crate::facts::PublicKey;
use crate::graph::DerivationId;
use crate::holdings::Certificate;
use crate::name::ArtifactName;
use crate::spec::CaName;
use crate::time::Timestamp;

/// All that an answer is held against.
pub struct Known {
    pub cas: Vec<Trust>,
    pub leaves: HashMap<DerivationId, Leaf>,
    /// The keypairs that tokens are signed with; of one that is not here why.
    pub token_keys: Vec<(ArtifactName, Result<PublicKey, String>)>,
    /// A client that nobody should take.
    pub stranger: Result<Client, String>,
    pub now: Timestamp,
}

/// A CA with its keypairs: there are several while it is replaced.
pub struct Trust {
    pub ca: CaName,
    pub keypairs: Vec<TrustedKeypair>,
}

pub struct TrustedKeypair {
    pub name: ArtifactName,
    pub certificate: Certificate,
    /// One that it signed for this run, or why there is none.
    pub client: Result<Client, String>,
    /// Servers take clients by it; not so where it is only for servers any more.
    pub lets_in: bool,
}

/// A certificate that belongs on a node.
pub struct Leaf {
    pub name: ArtifactName,
    /// DER, of the one in `out/`.
    pub here: Option<Vec<u8>>,
}

impl Known {
    pub(super) fn keypairs(&self, ca: CaName) -> &[TrustedKeypair] {
        let trust = self.cas.iter().find(|trust| trust.ca == ca);
        trust.map_or(&[], |trust| trust.keypairs.as_slice())
    }
}
