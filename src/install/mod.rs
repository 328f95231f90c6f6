//! One node's tree against what lies on the node: what is written, in which order, what is removed and what
//! restarts. Pure: values in, an [`Installation`] out.
//!
//! A file on the node is kpki's if the node's [`Record`] knows it as it is now. Only such a file is removed;
//! and a private key that is nobody's copy is never overwritten unless that is allowed.
//!
//! `out/nodes/NODE/` is what should lie on a node. It is moved into place layer after layer, so that no
//! manifest is seen before the files that it names. What was put there is recorded on the node itself, by
//! public fingerprints.
//!
//! May import `plan` and what lies below. Never here: files, the project's lock, a secret in the clear
//! beyond the file that is being placed.

mod archive;
mod fingerprint;
mod objection;
mod older;
mod permission;
mod reach;
mod record;
mod restart;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::graph::{DerivationId, Graph, Placement, Recipe, Rendered};
use crate::name::{Label, NodeName, TreePath};
use crate::profile::{KUBERNETES_FOLDER, folder_mode};
use crate::secret::Secret;
use crate::state::NodeState;

pub use archive::{archive, is_archive};
pub use fingerprint::{Fingerprint, Holds};
pub use objection::{Objection, objections};
pub use older::{NodesOwn, Older, named_pair};
pub use permission::Permission;
pub use reach::strangers;
pub use record::{Record, RecordDocument, Recorded};
pub use restart::{Effect, Restarting, restarts};

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
    slots.sort_by(|a, b| (a.layer, &a.path).cmp(&(b.layer, &b.path)));
    slots
}

/// A file as it should be on the node.
pub struct Wanted {
    pub path: TreePath,
    pub layer: Layer,
    pub derivation: DerivationId,
    pub mode: u32,
    /// User and group; `None`: whoever installs it, which is root on a node.
    pub owner: Option<(u32, u32)>,
    pub secret: bool,
    pub bytes: Secret,
    pub holds: Holds,
}

/// Why a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    New,
    /// Other bytes, which kpki put there.
    Outdated,
    /// Other bytes, and not those that kpki put there.
    Foreign,
    /// The right bytes with another mode or owner.
    Attributes,
}

pub struct Write<'a> {
    pub file: &'a Wanted,
    pub reason: Reason,
}

/// What is to be done on a node.
pub struct Installation<'a> {
    /// To be made, or open to others: path and mode, those above first.
    pub folders: Vec<(String, u32)>,
    /// In order.
    pub writes: Vec<Write<'a>>,
    /// What kpki put there and nothing describes any more, in order.
    pub removals: Vec<(Layer, TreePath)>,
    /// What kpki put there, but was changed since: not kpki's any more, so it stays.
    pub kept: Vec<TreePath>,
    /// Would be overwritten, and holds a private key that kpki did not put there.
    pub keys_at_risk: Vec<TreePath>,
    /// Certificates that somebody renewed on the node, and that older ones take the place of.
    pub older: Vec<Older>,
    pub unchanged: usize,
    /// True while files are being moved, whatever happens meanwhile.
    pub meanwhile: Record,
    pub afterwards: Record,
    /// The record says the same already.
    pub recorded: bool,
    /// There is a record: kpki was here before.
    pub has_record: bool,
}

impl Installation<'_> {
    pub fn is_empty(&self) -> bool {
        self.changes_nothing() && self.recorded
    }

    /// All is as described, and only the record of it is to be made.
    pub fn is_first_record(&self) -> bool {
        self.changes_nothing() && !self.recorded && !self.has_record
    }

    /// No file of the tree is touched.
    pub fn changes_nothing(&self) -> bool {
        self.folders.is_empty() && self.writes.is_empty() && self.removals.is_empty()
    }
}

/// `wanted` in the order of [`slots`].
pub fn install<'a>(
    cluster: &Label,
    name: &NodeName,
    wanted: &'a [Wanted],
    node: &NodeState,
    record: Option<&Record>,
    allowed: &dyn Fn(&TreePath) -> bool,
) -> Installation<'a> {
    let afterwards = Record::of(cluster, name, wanted);
    let knows = |path: &TreePath, bytes: &Secret| record.is_some_and(|r| r.knows(path, bytes));
    let mut done = Installation {
        folders: folders(wanted, node),
        writes: Vec::new(),
        removals: Vec::new(),
        kept: Vec::new(),
        keys_at_risk: Vec::new(),
        older: Vec::new(),
        unchanged: 0,
        meanwhile: afterwards.with(record),
        recorded: record == Some(&afterwards),
        has_record: record.is_some(),
        afterwards,
    };
    for file in wanted {
        let reason = match node.files.get(&file.path) {
            None => Reason::New,
            Some(old) if old.bytes.expose() == file.bytes.expose() => {
                if old.mode == file.mode && old.belongs_to(file.owner) {
                    done.unchanged += 1;
                    continue;
                }
                Reason::Attributes
            }
            Some(old) if knows(&file.path, &old.bytes) => {
                done.older.extend(file.older_than(&old.bytes, true));
                Reason::Outdated
            }
            Some(old) => {
                done.older.extend(file.older_than(&old.bytes, false));
                if file.loses_key(&old.bytes) && !allowed(&file.path) {
                    done.keys_at_risk.push(file.path.clone());
                }
                Reason::Foreign
            }
        };
        done.writes.push(Write { file, reason });
    }
    let described: BTreeSet<&TreePath> = wanted.iter().map(|file| &file.path).collect();
    let recorded: BTreeSet<(Layer, &TreePath)> = record
        .into_iter()
        .flat_map(|record| &record.files)
        .map(|line| (line.layer, &line.path))
        .filter(|(_, path)| !described.contains(path))
        .collect();
    for (layer, path) in recorded.into_iter().rev() {
        match node.files.get(path) {
            None => {}
            Some(old) if knows(path, &old.bytes) => done.removals.push((layer, path.clone())),
            Some(_) => done.kept.push(path.clone()),
        }
    }
    done
}

impl Wanted {
    fn older_than(&self, old: &Secret, known: bool) -> Option<Older> {
        let (node, until) = older::newer(old, &self.bytes, known)?;
        Some(Older { path: self.path.clone(), node, until })
    }

    /// A key that is on no record and not the one to be written. An unreadable file in a secret's place may
    /// be one.
    fn loses_key(&self, old: &Secret) -> bool {
        match Holds::of(old) {
            Holds::Key { key, .. } => {
                !matches!(self.holds, Holds::Key { key: own, .. } if own == key)
            }
            Holds::Unreadable => true,
            Holds::Public(_) => self.secret && !old.expose().trim_ascii().is_empty(),
        }
    }
}

/// Folders above the files. Those that are there keep their modes: only Kubernetes' own are closed where they
/// are open to others than kubeadm has them.
fn folders(wanted: &[Wanted], node: &NodeState) -> Vec<(String, u32)> {
    let mut changes = BTreeMap::new();
    for file in wanted {
        let path = file.path.as_str();
        for (end, _) in path.match_indices('/') {
            let folder = path.get(..end).unwrap_or(path);
            let mode = folder_mode(folder);
            let own = folder.starts_with(KUBERNETES_FOLDER);
            match node.folders.get(folder) {
                Some(now) if !own || now | mode == mode => {}
                _ => {
                    changes.insert(folder.to_owned(), mode);
                }
            }
        }
    }
    changes.into_iter().collect()
}
