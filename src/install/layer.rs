//! Where a node's files belong, and in which order they are put in place.

use serde::{Deserialize, Serialize};

use crate::graph::{Graph, Placement, Recipe, Rendered};
use crate::name::{CertificatesDir, NodeName, TreePath};
use crate::profile::{AUTHORITY_FILES, AuthorityFile, below_root, certificates_dir_of};
use crate::spec::CaName;

/// In this order files are put in place, each after all that it names: certificates and keys first, static
/// pods last.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    Pki,
    Kubeconfig,
    KubeletConfig,
    Manifest,
}

impl Layer {
    pub const ALL: [Layer; 4] =
        [Layer::Pki, Layer::Kubeconfig, Layer::KubeletConfig, Layer::Manifest];

    fn of(recipe: &Recipe) -> Layer {
        match recipe {
            Recipe::StaticPod(_) => Layer::Manifest,
            Recipe::Rendered(Rendered::KubeletConfig(_)) => Layer::KubeletConfig,
            Recipe::Kubeconfig(_) | Recipe::Rendered(Rendered::KubeletConf(_)) => Layer::Kubeconfig,
            _ => Layer::Pki,
        }
    }
}

/// Where a file of a node's tree belongs on the node.
#[derive(Debug)]
pub struct Slot<'g> {
    pub place: &'g Placement,
    /// Below the node's root.
    pub path: TreePath,
    pub layer: Layer,
}

/// Every file that the description places on a node, in the order in which they are put in place.
pub fn slots<'g>(graph: &'g Graph, node: &NodeName) -> Vec<Slot<'g>> {
    let tree = format!("nodes/{node}/");
    let mut slots: Vec<Slot<'g>> = graph
        .all_placements()
        .iter()
        .filter(|place| place.node.as_ref() == Some(node))
        .filter_map(|place| {
            Some(Slot {
                path: place.path.as_str().strip_prefix(&tree)?.parse().ok()?,
                layer: Layer::of(&graph.get(place.derivation).recipe),
                place,
            })
        })
        .collect();
    slots.sort_by_cached_key(|slot| (slot.layer, place_in_layer(&slot.path)));
    slots
}

/// By path, but for the certificate that the controller-manager signs with: it stands right before its key,
/// so that nothing is renamed between the two.
fn place_in_layer(path: &TreePath) -> (String, bool) {
    match signing_folder(path) {
        Some(dir) => (below_root(&dir, file_of_cluster_ca(AuthorityFile::PrivateKey)), false),
        None => (path.to_string(), true),
    }
}

/// Whether it is what the controller-manager signs with, where that is not ca.crt.
pub fn is_signing_file(path: &TreePath) -> bool {
    signing_folder(path).is_some()
}

fn signing_folder(path: &TreePath) -> Option<CertificatesDir> {
    certificates_dir_of(path.as_str(), file_of_cluster_ca(AuthorityFile::Signing))
}

fn file_of_cluster_ca(file: AuthorityFile) -> &'static str {
    let mut rows = AUTHORITY_FILES.iter();
    let row = rows.find(|row| row.ca == CaName::Kubernetes && row.file == file);
    row.map_or("", |row| row.path)
}
