//! What there should be: derivations (recipes of artifacts, which know no path) and placements (where
//! their bytes lie).
//!
//! A [`Derivation`] is what an artifact is made of, with a hash over named fields ([`Fields`]), so that
//! `why` explains from what the hash covers. A key and the certificate over it are one derivation; the
//! public half always lies in the clear. For a certificate that only a kubeconfig embeds it is a copy under
//! `out/identities/`.
//!
//! In a reproducible description every key can be had again ([`Graph::is_key_derived`]). The graph knows
//! that without knowing the seed, which only apply reads. Written dates are inputs and enter the hash; the
//! clock does not.
//!
//! A certificate that the cluster signs is imported. Its request is minted, or brought, and an artifact of
//! its own. Kubernetes' signer writes the subject in its own way and may cut the life, so an answer is
//! compared by key, common name and the set of organizations.
//!
//! May import `spec`, `profile`, `manifest` and what lies below. Never here: the state, bytes of a
//! certificate that kpki issued, a clock.

mod artifact;
mod contradictions;
mod derive;
mod layout;
mod recipe;
mod sans;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::facts::CertificateFacts;
use crate::hash::{Digest, Fields};
use crate::name::{ArtifactName, NodeName, TreePath};
use crate::sealed::{Recipients, SUFFIX};
use crate::spec::{self, BroughtRequest, ChainCertificate, Root};
use crate::time::Timestamp;

pub use artifact::{Artifact, Scope, UserPart};
pub use contradictions::{
    About, Contradiction, Host, Known, LARGEST_BEFORE, Severity, contradictions, flags_alone,
    hosts, largest_is_lifted,
};
pub use derive::{etcd_peer_url, flags_on, images, runs_as, written_organizations};
pub use layout::{Origin, first_places, origins, tree_of};
pub use recipe::{
    ClusterSigned, ImportedCa, InputHashes, Kubeconfig, KubeletConf, Leaf, OwnCa, PodSource,
    Recipe, Rendered, Request, Revision, SigningKey, SigningRequest, StaticPod, UserBindings,
    binding_in_words,
};
pub use sans::{address_in, first_service_address, sans_from};

/// Index of a derivation in its graph; inputs always have a smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DerivationId(usize);

impl DerivationId {
    pub fn index(self) -> usize {
        self.0
    }
}

/// The recipe of one artifact.
#[derive(Debug)]
pub struct Derivation {
    pub artifact: Artifact,
    /// The artifact's, as it is spelled.
    pub name: ArtifactName,
    pub recipe: Recipe,
    /// Of the block that describes it: a CA's, a user's, a certificate's, or its node's. Never hashed.
    pub origin: spec::Origin,
    /// What the recipe reads.
    pub inputs: Vec<DerivationId>,
    /// Of the recipe and of the recipes that it reads; see [`crate::hash`].
    pub hash: Digest,
}

/// Which part of an artifact a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FilePart {
    /// PEM, one certificate. The first placement is the artifact's public part.
    Certificate,
    /// PEM, one certificate request. Its artifact's public part.
    Request,
    /// PEM, PKCS#8.
    PrivateKey,
    /// PEM, SubjectPublicKeyInfo.
    PublicKey,
    /// A rendered public file: a bundle, a manifest, a kubeconfig that only names a pair.
    Rendered,
    /// A kubeconfig: rendered around a private key.
    Kubeconfig,
}

impl FilePart {
    pub fn is_secret(self) -> bool {
        matches!(self, FilePart::PrivateKey | FilePart::Kubeconfig)
    }
}

/// Where the bytes of an artifact lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    pub derivation: DerivationId,
    pub content: FilePart,
    /// Below `out/`; where it is sealed, [`Placement::file`] is the file's name.
    pub path: TreePath,
    pub mode: u32,
    /// On the node, where its reader is not root: `out/` keeps no owners.
    pub on_node: Option<Ownership>,
    pub node: Option<NodeName>,
    /// Whom it is sealed to; `None`: it rests in the clear.
    pub recipients: Option<Arc<Recipients>>,
}

/// Whose a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    pub user: u32,
    pub group: u32,
    pub mode: u32,
}

impl Placement {
    /// The file that holds it.
    pub fn file(&self) -> TreePath {
        match self.recipients {
            Some(_) => self.sealed_file(),
            None => self.path.clone(),
        }
    }

    /// The file that would hold it sealed.
    pub fn sealed_file(&self) -> TreePath {
        self.path.with_suffix(SUFFIX)
    }
}

/// Derivations in build order, and their placements.
#[derive(Debug, Default)]
pub struct Graph {
    derivations: Vec<Derivation>,
    /// Grouped by derivation, masters first.
    placements: Vec<Placement>,
    /// For each derivation, where its placements start.
    starts: Vec<usize>,
    by_name: HashMap<ArtifactName, DerivationId>,
    /// For each derivation, whose input it is.
    dependents: Vec<Vec<DerivationId>>,
    by_path: HashMap<TreePath, usize>,
    keypairs: BTreeMap<Root, Vec<DerivationId>>,
    not_before: Option<Timestamp>,
}

impl Graph {
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = DerivationId> + use<> {
        (0..self.derivations.len()).map(DerivationId)
    }

    /// # Panics
    /// Never: ids are made by this graph only.
    #[expect(clippy::indexing_slicing, reason = "ids come from this graph")]
    pub fn get(&self, id: DerivationId) -> &Derivation {
        &self.derivations[id.0]
    }

    /// The written start of every validity, in a reproducible cluster.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// Its key follows from the seed: it can be had again at any time.
    pub fn is_key_derived(&self, id: DerivationId) -> bool {
        let maker = &self.get(self.key_maker(id)).recipe;
        self.not_before.is_some() && maker.key_algorithm().is_some()
    }

    /// What has the key of an identity for its own: where the cluster signs, the request.
    pub fn key_maker(&self, identity: DerivationId) -> DerivationId {
        match &self.get(identity).recipe {
            Recipe::ClusterSigned(signed) => signed.request,
            _ => identity,
        }
    }

    /// The artifact whose certificate and key a file of `id` holds: of a kubeconfig the one that it embeds.
    pub fn identity_in(&self, id: DerivationId) -> DerivationId {
        match &self.get(id).recipe {
            Recipe::Kubeconfig(config) => config.identity,
            _ => id,
        }
    }

    /// The CAs whose certificates a bundle holds, or a chain begins with: the one that signs first.
    pub fn cas_in(&self, bundle: DerivationId) -> &[DerivationId] {
        match &self.get(bundle).recipe {
            Recipe::Rendered(Rendered::Bundle { cas } | Rendered::Chain { cas, .. }) => cas,
            _ => &[],
        }
    }

    /// The key pairs of a root of trust: the one that signs first, then those that are trusted besides.
    pub fn keypairs(&self, root: Root) -> &[DerivationId] {
        self.keypairs.get(&root).map_or(&[], Vec::as_slice)
    }

    /// What stands above a CA's own certificate in a file of trust.
    pub fn above_in(&self, bundle: DerivationId) -> &[ChainCertificate] {
        match &self.get(bundle).recipe {
            Recipe::Rendered(Rendered::Chain { above, .. }) => above,
            _ => &[],
        }
    }

    /// The bundles that hold a CA's certificate.
    pub fn bundles_of(&self, ca: DerivationId) -> impl Iterator<Item = DerivationId> + '_ {
        self.dependents(ca).filter(move |id| !self.cas_in(*id).is_empty())
    }

    pub fn find(&self, name: &ArtifactName) -> Option<DerivationId> {
        self.by_name.get(name).copied()
    }

    /// What an artifact's hash covers.
    pub fn fields(&self, id: DerivationId) -> Fields {
        self.get(id).recipe.fields(&|input| {
            let input = self.get(input);
            InputHashes {
                whole: input.hash,
                as_issuer: input.recipe.issuer_fields().map_or(input.hash, |fields| fields.hash()),
            }
        })
    }

    pub fn len(&self) -> usize {
        self.derivations.len()
    }

    pub fn is_empty(&self) -> bool {
        self.derivations.is_empty()
    }

    /// All placements of an artifact, its master first.
    pub fn placements(&self, id: DerivationId) -> &[Placement] {
        let start = self.starts.get(id.0).copied().unwrap_or(0);
        let end = self.starts.get(id.0 + 1).copied().unwrap_or(self.placements.len());
        self.placements.get(start..end).unwrap_or(&[])
    }

    pub fn placements_of(
        &self,
        id: DerivationId,
        content: FilePart,
    ) -> impl Iterator<Item = &Placement> {
        self.placements(id).iter().filter(move |placement| placement.content == content)
    }

    /// Where the private key of an artifact lies first of all.
    pub fn key_file(&self, id: DerivationId) -> Option<&TreePath> {
        self.placements_of(id, FilePart::PrivateKey).next().map(|place| &place.path)
    }

    pub fn all_placements(&self) -> &[Placement] {
        &self.placements
    }

    pub fn placed_at(&self, path: &TreePath) -> Option<&Placement> {
        self.placed(path.as_str())
    }

    pub fn placed(&self, path: &str) -> Option<&Placement> {
        self.by_path.get(path).and_then(|index| self.placements.get(*index))
    }

    pub fn is_placed(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// It is a secret; not so a kubeconfig whose key is a file of its own.
    pub fn holds_secret(&self, place: &Placement) -> bool {
        match &self.get(place.derivation).recipe {
            Recipe::Kubeconfig(config) => config.client_key.is_none(),
            _ => place.content.is_secret(),
        }
    }

    /// The key, or kubeconfig, that `place` is a copy of has another place: the master.
    pub fn is_copy(&self, place: &Placement) -> bool {
        let master = self.placements_of(place.derivation, place.content).next();
        master.is_some_and(|master| master.path != place.path)
    }

    /// The certificate of a CA that was brought.
    pub fn brought_certificate(&self, id: DerivationId) -> Option<&CertificateFacts> {
        match &self.get(id).recipe {
            Recipe::ImportedCa(ca) => Some(&ca.brought.facts),
            _ => None,
        }
    }

    /// The kubeconfig that embeds an identity.
    pub fn kubeconfig_of(&self, identity: DerivationId) -> Option<DerivationId> {
        // A CA has all leaves for dependents, and no kubeconfig.
        match self.get(identity).recipe {
            Recipe::Leaf(_) | Recipe::ClusterSigned(_) => {
                self.dependent(identity, |recipe| matches!(recipe, Recipe::Kubeconfig(_)))
            }
            _ => None,
        }
    }

    /// The CertificateSigningRequest object around a request.
    pub fn manifest_of(&self, request: DerivationId) -> Option<DerivationId> {
        self.dependent(request, |recipe| {
            matches!(recipe, Recipe::Rendered(Rendered::SigningRequest(_)))
        })
    }

    /// Some certificate is signed by the cluster.
    pub fn has_requests(&self) -> bool {
        self.derivations.iter().any(|one| matches!(one.recipe, Recipe::Request(_)))
    }

    /// The certificate that answers a request.
    pub fn answer_to(&self, request: DerivationId) -> Option<DerivationId> {
        match self.get(request).recipe {
            Recipe::Request(_) => {
                self.dependent(request, |recipe| matches!(recipe, Recipe::ClusterSigned(_)))
            }
            _ => None,
        }
    }

    fn dependent(
        &self,
        id: DerivationId,
        wanted: impl Fn(&Recipe) -> bool,
    ) -> Option<DerivationId> {
        self.dependents(id).find(|other| wanted(&self.get(*other).recipe))
    }

    /// The request for an identity whose key somebody else holds.
    pub fn brought_request(&self, identity: DerivationId) -> Option<&BroughtRequest> {
        match &self.get(identity).recipe {
            Recipe::Leaf(leaf) => leaf.brought.as_ref(),
            Recipe::Request(request) => request.brought.as_ref(),
            Recipe::ClusterSigned(signed) => self.brought_request(signed.request),
            _ => None,
        }
    }

    /// Every file that may hold an identity's private key, its master first.
    pub fn key_places(&self, identity: DerivationId) -> impl Iterator<Item = &Placement> {
        self.placements_of(self.key_maker(identity), FilePart::PrivateKey).chain(
            self.kubeconfig_of(identity).into_iter().flat_map(|config| self.placements(config)),
        )
    }

    /// What embeds or is issued by `id`, directly.
    pub fn dependents(&self, id: DerivationId) -> impl Iterator<Item = DerivationId> + '_ {
        self.dependents.get(id.0).into_iter().flatten().copied()
    }
}
