//! What all builders share: the world, the time, the randomness, and what was built before.

use std::collections::HashMap;
use std::sync::Mutex;

use super::certificate::{Issuer, Template, issue, issue_from_seed};
use crate::algorithm::KeyAlgorithm;
use crate::content::{Input, bundle_content};
use crate::error::{Error, Result};
use crate::facts::{CertificateFacts, PublicKey};
use crate::graph::DerivationId;
use crate::keys::{Entropy, KeyError, PrivateKey, Seed};
use crate::name::{ArtifactName, TreePath};
use crate::plan::{BACKDATE, World};
use crate::sealed::Identity;
use crate::secret::Secret;
use crate::state::Rest;
use crate::time::Timestamp;

/// Where secrets come from and outputs go to.
pub trait Files: Sync {
    /// A file that holds a secret, in whichever form: only called for those in the inventory.
    fn read_secret(&self, path: &TreePath) -> Result<Secret>;
    /// What opens sealed secrets: asked for only once one must be opened.
    fn identities(&self) -> Result<&[Identity]>;
    fn write(&self, path: &TreePath, bytes: &[u8], mode: u32) -> Result<()>;
    fn set_mode(&self, path: &TreePath, mode: u32) -> Result<()>;
    fn remove(&self, path: &TreePath) -> Result<()>;
    /// `count` more steps are done.
    fn progress(&self, count: usize);
}

/// All that builders share.
pub(super) struct BuildContext<'a> {
    pub world: World<'a>,
    pub issued_at: Timestamp,
    pub entropy: &'a Entropy,
    pub files: &'a dyn Files,
    pub cas: HashMap<DerivationId, CaState>,
    /// The public halves of service-account keys as they will be.
    pub signing_keys: HashMap<DerivationId, PublicKey>,
    pub written: Mutex<Written>,
}

/// The secrets written so far, by their names in the clear; `None`: in the clear.
pub(super) type Written = HashMap<TreePath, Option<Rest>>;

/// A CA as its leaves and readers need it.
pub(super) struct CaState {
    pub der: Vec<u8>,
    pub facts: CertificateFacts,
    /// Loaded only where something must be signed or checked.
    pub key: Option<HeldKey>,
}

/// A key and the PEM that it was read from: copies are byte for byte.
pub(super) struct HeldKey {
    pub key: PrivateKey,
    pub pem: Secret,
    /// Just made: it lies nowhere yet.
    pub is_new: bool,
}

impl HeldKey {
    /// One that was never written.
    pub fn made(key: PrivateKey) -> Self {
        HeldKey { is_new: true, ..HeldKey::found(key) }
    }

    /// One that has its files, or had them.
    pub fn found(key: PrivateKey) -> Self {
        HeldKey { pem: key.to_pem(), key, is_new: false }
    }
}

impl BuildContext<'_> {
    /// What a rendered file takes from a CA as it will be, or from what stays as it is.
    pub fn input(&self, id: DerivationId) -> Option<Input<'_>> {
        if let Some(ca) = self.cas.get(&id) {
            return Some(Input { der: &ca.der, public_key: &ca.facts.public_key });
        }
        match self.signing_keys.get(&id) {
            Some(public_key) => Some(Input { der: &[], public_key }),
            None => self.world.survey.public_part(id).input(),
        }
    }

    /// All that a rendered file takes; fewer than it wants where one is not there.
    pub fn inputs(&self, ids: &[DerivationId]) -> Vec<Input<'_>> {
        ids.iter().filter_map(|id| self.input(*id)).collect()
    }

    /// The bytes of a trust bundle as it will be.
    pub fn bundle(&self, id: DerivationId) -> Result<String> {
        let graph = self.world.graph;
        let cas = graph.cas_in(id).iter().map(|ca| self.input(*ca).map(|input| input.der));
        let cas: Option<Vec<&[u8]>> = cas.collect();
        cas.map(|cas| bundle_content(cas, graph.above_in(id))).ok_or_else(|| self.too_early(id))
    }

    pub fn too_early(&self, id: DerivationId) -> Error {
        let name = &self.world.graph.get(id).name;
        Error::internal(format!("{name} was needed before it was built"))
    }

    /// Signs a certificate for an artifact, with a serial number of its own.
    pub fn issue(
        &self,
        name: &ArtifactName,
        template: &Template<'_>,
        issuer: &Issuer<'_>,
    ) -> Result<Vec<u8>> {
        let issued = if let Some(seed) = self.entropy.seed() {
            issue_from_seed(template, issuer, seed)
        } else {
            let serial = self.entropy.serial();
            let serial = serial.map_err(|error| Error::refused(error.to_string()))?;
            issue(template, issuer, &serial)
        };
        issued.map_err(|error| Error::internal(format!("{name}: {error}")))
    }

    /// Where the validity of what is issued now begins. A date that somebody wrote is meant.
    pub fn not_before(&self) -> Timestamp {
        match self.entropy.seed() {
            Some(_) => self.issued_at,
            None => self.issued_at.minus(BACKDATE),
        }
    }

    /// A key that was never made before; from a seed the one that the artifact has.
    pub fn new_key(&self, id: DerivationId, algorithm: KeyAlgorithm) -> Result<HeldKey> {
        let made = match self.entropy.seed() {
            Some(seed) => self.derived_key(id, algorithm, seed),
            None => PrivateKey::generate(algorithm, self.entropy),
        };
        made.map(HeldKey::made).map_err(|error| Error::refused(error.to_string()))
    }

    /// The key that follows from the seed, where a cluster has one.
    pub fn key_from_seed(
        &self,
        id: DerivationId,
        algorithm: KeyAlgorithm,
    ) -> Result<Option<HeldKey>> {
        let Some(seed) = self.entropy.seed() else {
            return Ok(None);
        };
        let key = self.derived_key(id, algorithm, seed);
        key.map(|key| Some(HeldKey::found(key))).map_err(|error| Error::refused(error.to_string()))
    }

    fn derived_key(
        &self,
        id: DerivationId,
        algorithm: KeyAlgorithm,
        seed: &Seed,
    ) -> std::result::Result<PrivateKey, KeyError> {
        let graph = self.world.graph;
        let id = graph.key_maker(id);
        let revision = graph.get(id).recipe.revision().unwrap_or_default();
        // A user's key stays the same whoever signs the certificate.
        let named = graph.answer_to(id).unwrap_or(id);
        PrivateKey::derive(algorithm, graph.get(named).name.as_str(), &revision, seed)
    }
}
