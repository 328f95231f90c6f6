//! Files and lock lines that the description no longer mentions: listed, never planned, until `--prune`.

use super::{Plan, World};
use crate::graph::Recipe;
use crate::name::{ArtifactName, TreePath};
use crate::sealed::SUFFIX;
use crate::state::File;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Orphan {
    File { path: TreePath, secret: bool },
    Line(ArtifactName),
}

/// Folders below `out/` whose every file of a known kind is kpki's own.
const FOLDERS: [&str; 5] = [
    "nodes/",
    "users/",
    "identities/",
    "certificates/",
    "cluster/",
];
const KINDS: [&str; 7] = [
    ".crt",
    ".csr",
    ".key",
    ".pub",
    ".conf",
    ".kubeconfig",
    ".yaml",
];

pub(super) fn find(plan: &mut Plan, world: World<'_>) {
    // Where a kubeconfig says that its user's own key lies, it may: that key is not kpki's to delete.
    let not_ours = |path: &str| {
        let Some((folder, file)) = path.rsplit_once('/') else {
            return false;
        };
        let config = format!("{folder}/kubeconfig").parse::<ArtifactName>();
        let config = config.ok().and_then(|name| world.graph.find(&name));
        config.is_some_and(|id| match &world.graph.get(id).recipe {
            Recipe::Kubeconfig(config) => config.client_key.as_deref() == Some(file),
            _ => false,
        })
    };
    for (path, file) in &world.inventory.files {
        if world.graph.is_placed(path) {
            continue;
        }
        // CA folder: nothing there is ever an orphan but a super-admin.conf that moved to a node.
        let own = path == "ca/super-admin.conf"
            || (FOLDERS.iter().any(|folder| path.starts_with(folder))
                && KINDS.iter().any(|kind| path.ends_with(kind))
                && !not_ours(path));
        let sealed = format!("{path}{SUFFIX}");
        let forms = match file {
            File::Secret(secret) => [
                secret.plain.is_some().then_some(path),
                secret.sealed.is_some().then_some(&sealed),
            ],
            File::Public { .. } | File::Unusable { .. } => [Some(path), None],
        };
        for path in forms.into_iter().flatten() {
            match (file, path.parse::<TreePath>()) {
                (File::Public { .. } | File::Secret(_), Ok(tree_path)) if own => {
                    plan.orphans.push(Orphan::File {
                        path: tree_path,
                        secret: matches!(file, File::Secret(_)),
                    });
                }
                _ => plan.foreign.push(path.clone()),
            }
        }
    }
    for name in world.lock.entries.keys() {
        if world.graph.find(name).is_none() {
            plan.orphans.push(Orphan::Line(name.clone()));
        }
    }
    plan.orphans.sort();
    plan.foreign.sort();
}
