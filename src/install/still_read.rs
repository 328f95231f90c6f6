//! What a static pod may read once more although its new manifest does not name it: the kubelet replaces the
//! pod some seconds after its manifest, and until then starts the old one again whenever it ends.

use std::collections::BTreeSet;

use super::{Reason, Write};
use crate::name::TreePath;
use crate::pod::{OnHost, PodFacts, is_same_pod, read};
use crate::profile::{KUBERNETES_FOLDER, Process};
use crate::secret::Secret;
use crate::state::NodeState;

pub(super) enum StillRead {
    /// Paths on the node, with the slash before them.
    Files(BTreeSet<String>),
    /// A manifest that cannot be read may name anything.
    Anything,
}

impl StillRead {
    /// By the pods that these writes replace, and by those whose manifests stay.
    pub fn of(
        writes: &[Write<'_>],
        node: &NodeState,
        is_removed: &dyn Fn(&TreePath, &Secret) -> bool,
    ) -> StillRead {
        let mut files = BTreeSet::new();
        for process in Process::ALL {
            let path = format!("{KUBERNETES_FOLDER}/manifests/{}.yaml", process.name());
            let write = writes.iter().find(|write| write.file.path.as_str() == path);
            let Ok(path) = path.parse::<TreePath>() else { continue };
            let Some(old) = node.files.get(&path) else { continue };
            if is_removed(&path, &old.bytes) {
                continue;
            }
            let Some(write) = write else {
                // It stays, and may be the operator's alone.
                let Ok(facts) = read(old.bytes.expose(), process) else {
                    return StillRead::Anything;
                };
                files.extend(named(&facts));
                continue;
            };
            let [old, new] = [&old.bytes, &write.file.bytes].map(Secret::expose);
            if write.reason == Reason::Attributes || is_same_pod(old, new) {
                continue;
            }
            let Ok(facts) = read(old, process) else { return StillRead::Anything };
            files.extend(named(&facts));
        }
        StillRead::Files(files)
    }

    pub fn has(&self, path: &TreePath) -> bool {
        match self {
            StillRead::Anything => true,
            StillRead::Files(files) => files.contains(&format!("/{path}")),
        }
    }
}

/// Every value of a flag may be a path; those that are none are no file of kpki's either.
pub(super) fn named(facts: &PodFacts) -> impl Iterator<Item = String> {
    facts.flags.iter().map(|flag| match facts.on_host(&flag.value) {
        OnHost::At(path) => path,
        OnHost::Elsewhere | OnHost::Hidden => flag.value.clone(),
    })
}
