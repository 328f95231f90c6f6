//! Puts artifacts and their files into a graph.

use std::collections::{BTreeMap, HashMap};

use super::owners::Owners;
use super::sealing::Sealing;
use crate::graph::layout::{masters, tree_of};
use crate::graph::recipe::InputHashes;
use crate::graph::{Artifact, Derivation, DerivationId, FilePart, Graph, Placement, Recipe};
use crate::hash::Digest;
use crate::name::{CertificatesDir, NodeName, TreePath};
use crate::spec::{CaName, Origin, Spec};

const PUBLIC: u32 = 0o644;
const SECRET: u32 = 0o600;
/// kubeadm's mode of a static pod's manifest.
const MANIFEST: u32 = 0o600;

/// A CA and what its readers trust.
pub(super) struct Issuer {
    pub ca: DerivationId,
    /// Of servers.
    pub bundle: DerivationId,
    /// For clients of other hands than Kubernetes'; without a chain the bundle.
    pub chain: DerivationId,
}

pub(super) type ByCa = BTreeMap<CaName, Issuer>;

/// A graph that grows in build order.
pub(super) struct Builder {
    pub graph: Graph,
    pub certificates_dir: CertificatesDir,
    sealing: Sealing,
    owners: Owners,
    as_issuer: HashMap<DerivationId, Digest>,
}

impl Builder {
    pub fn of(spec: &Spec) -> Self {
        let graph = Graph { not_before: spec.not_before(), ..Graph::default() };
        Builder {
            graph,
            certificates_dir: spec.cluster.certificates_dir.value.clone(),
            sealing: Sealing::of(spec),
            owners: Owners::of(spec),
            as_issuer: HashMap::new(),
        }
    }

    /// An artifact, and its files in their first places.
    pub fn add(&mut self, artifact: Artifact, recipe: Recipe, origin: &Origin) -> DerivationId {
        let holds_key = recipe.holds_key();
        let id = self.make(artifact, recipe, origin);
        let artifact = self.graph.get(id).artifact.clone();
        let files = masters(&artifact, &self.certificates_dir).into_iter();
        let is_public = matches!(self.graph.get(id).recipe, Recipe::Rendered(_));
        for file in files.filter(|file| holds_key || file.content != FilePart::PrivateKey) {
            let mode = match artifact {
                Artifact::StaticPod(..) => MANIFEST,
                _ => mode_of(file.content),
            };
            let content = match file.content {
                // A kubeconfig without a secret. Its mode is kubeadm's of any.
                FilePart::Kubeconfig if is_public => FilePart::Rendered,
                content => content,
            };
            self.place(id, content, file.path, file.node, mode);
        }
        id
    }

    pub fn make(
        &mut self,
        artifact: Artifact,
        mut recipe: Recipe,
        origin: &Origin,
    ) -> DerivationId {
        recipe.begin(self.graph.not_before);
        let id = DerivationId(self.graph.derivations.len());
        let fields = recipe.fields(&|input| InputHashes {
            whole: self.graph.get(input).hash,
            as_issuer: self.as_issuer.get(&input).copied().unwrap_or(self.graph.get(input).hash),
        });
        if let Some(fields) = recipe.issuer_fields() {
            self.as_issuer.insert(id, fields.hash());
        }
        let inputs = recipe.inputs();
        for input in &inputs {
            if let Some(dependents) = self.graph.dependents.get_mut(input.0) {
                dependents.push(id);
            }
        }
        self.graph.dependents.push(Vec::new());
        let name = artifact.name();
        self.graph.by_name.insert(name.clone(), id);
        let hash = fields.hash();
        let origin = origin.clone();
        self.graph.derivations.push(Derivation { artifact, name, recipe, origin, inputs, hash });
        id
    }

    /// A copy on a node.
    pub fn copy(&mut self, id: DerivationId, content: FilePart, path: TreePath, node: &NodeName) {
        self.place(id, content, path, Some(node), mode_of(content));
    }

    pub fn place(
        &mut self,
        derivation: DerivationId,
        content: FilePart,
        path: TreePath,
        node: Option<&NodeName>,
        mode: u32,
    ) {
        // What anybody may read needs no owner.
        let on_node = tree_of(path.as_str())
            .filter(|_| mode == SECRET)
            .and_then(|(_, on_node)| self.owners.of_file(on_node));
        let node_name = node.cloned();
        let recipients = None;
        let mut place =
            Placement { derivation, content, path, mode, on_node, node: node_name, recipients };
        if self.graph.holds_secret(&place) {
            place.recipients = self.sealing.of_tree(node);
        }
        self.graph.placements.push(place);
    }

    pub fn finish(mut self) -> Graph {
        // Stable: masters were placed first and stay first.
        self.graph.placements.sort_by_key(|placement| placement.derivation);
        let mut starts = Vec::with_capacity(self.graph.derivations.len());
        let mut next = 0;
        for id in 0..self.graph.derivations.len() {
            starts.push(next);
            next += self
                .graph
                .placements
                .get(next..)
                .unwrap_or(&[])
                .iter()
                .take_while(|placement| placement.derivation.0 == id)
                .count();
        }
        self.graph.starts = starts;
        self.graph.by_path = self
            .graph
            .placements
            .iter()
            .enumerate()
            .map(|(index, placement)| (placement.path.clone(), index))
            .collect();
        self.graph
    }
}

pub(super) fn mode_of(content: FilePart) -> u32 {
    match content {
        FilePart::Certificate | FilePart::Request | FilePart::Rendered => PUBLIC,
        // sa.pub is 0600 in kubeadm's output too.
        FilePart::PublicKey | FilePart::PrivateKey | FilePart::Kubeconfig => SECRET,
    }
}
