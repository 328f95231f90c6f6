//! What is to be done on a node, decided from what should lie there and what does.

use std::collections::{BTreeMap, BTreeSet};

use super::handover::{Handover, exchanged_pair};
use super::still_read::StillRead;
use super::{Layer, Older, Reason, Record, Recorded, Wanted, Write};
use crate::name::{Label, NodeName, TreePath};
use crate::profile::{KUBERNETES_FOLDER, folder_mode};
use crate::secret::Secret;
use crate::state::NodeState;

/// What is to be done on a node.
pub struct Installation<'a> {
    /// To be made, or open to others: path and mode, those above first.
    pub folders: Vec<(String, u32)>,
    /// In order; those of [`Self::handover`] come first.
    pub writes: Vec<Write<'a>>,
    /// Among them what comes before everything else.
    pub handover: Option<Handover>,
    /// The certificate and the key to sign with, which change one after the other.
    pub exchanged_pair: Option<[TreePath; 2]>,
    /// What kpki put there and nothing describes any more, in order.
    pub removals: Vec<(Layer, TreePath)>,
    /// The same, but a process that the kubelet is about to replace may start with it once more: the next
    /// install removes it.
    pub removals_later: Vec<TreePath>,
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

/// `wanted` in the order of [`super::slots`].
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
        handover: None,
        exchanged_pair: None,
        removals: Vec::new(),
        removals_later: Vec::new(),
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
    done.handover = Handover::of(wanted, &done.writes, node);
    if let Some(handover) = &done.handover {
        done.meanwhile.files.extend(handover.recorded());
        let rank = |path| handover.first.iter().position(|first| first == path);
        done.writes.sort_by_key(|write| rank(&write.file.path).unwrap_or(usize::MAX));
    }
    done.exchanged_pair = exchanged_pair(wanted, &done.writes, node, done.handover.as_ref());
    let described: BTreeSet<&TreePath> = wanted.iter().map(|file| &file.path).collect();
    let is_removed =
        |path: &TreePath, bytes: &Secret| !described.contains(path) && knows(path, bytes);
    let still_read = StillRead::of(&done.writes, node, &is_removed);
    let recorded: BTreeSet<(Layer, &TreePath)> = record
        .into_iter()
        .flat_map(|record| &record.files)
        .map(|line| (line.layer, &line.path))
        .filter(|(_, path)| !described.contains(path))
        .collect();
    for (layer, path) in recorded.into_iter().rev() {
        match node.files.get(path) {
            None => {}
            Some(old) if knows(path, &old.bytes) && still_read.has(path) => {
                done.removals_later.push(path.clone());
            }
            Some(old) if knows(path, &old.bytes) => done.removals.push((layer, path.clone())),
            Some(_) => done.kept.push(path.clone()),
        }
    }
    let is_later = |line: &&Recorded| done.removals_later.contains(&line.path);
    let kept = record.into_iter().flat_map(|record| &record.files).filter(is_later).cloned();
    done.afterwards.files.extend(kept);
    done
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
