//! What makes a node's tree unfit to be handed out.

use std::fmt;

use crate::graph::Graph;
use crate::name::{NodeName, TreePath};
use crate::plan::{Orphan, Plan, Reason};
use crate::sealed::SUFFIX;
use crate::state::{is_public, looks_like_own};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Objection {
    /// A secret or a static pod that nothing describes any more: whoever takes the tree would run it.
    Orphan(TreePath),
    /// The same, that kpki did not make.
    Foreign(String),
    /// Not as it was built; reads after nothing.
    Damaged(String),
    /// Of two versions, as after a bad merge.
    Mixed(TreePath),
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Objection::Orphan(path) => write!(f, "out/{path} is no longer described"),
            Objection::Foreign(path) => {
                write!(f, "out/{path} is not described, and kpki did not make it")
            }
            Objection::Damaged(what) => f.write_str(what),
            Objection::Mixed(path) => {
                write!(f, "out/{path} has another key than cluster.lock says")
            }
        }
    }
}

impl Objection {
    /// What helps.
    pub fn help(&self) -> &'static str {
        match self {
            Objection::Orphan(_) => "kpki apply --prune deletes what is no longer described",
            Objection::Foreign(_) => {
                "it would not be handed out, and is never deleted: move it out of out/nodes/"
            }
            Objection::Damaged(_) => "kpki plan says what is wrong, and kpki apply repairs it",
            Objection::Mixed(_) => "check out one side of cluster.lock and out/ together",
        }
    }
}

/// Sorted.
pub fn objections(graph: &Graph, plan: &Plan, node: &NodeName) -> Vec<Objection> {
    let tree = format!("nodes/{node}/");
    let in_tree = |path: &TreePath| path.as_str().starts_with(&tree);
    let runs_or_opens = |path: &TreePath, secret| secret || path.as_str().contains("/manifests/");
    let mut found: Vec<Objection> = Vec::new();
    found.extend(plan.orphans.iter().filter_map(|orphan| match orphan {
        Orphan::File { path, secret, .. } if in_tree(path) && runs_or_opens(path, *secret) => {
            Some(Objection::Orphan(path.clone()))
        }
        _ => None,
    }));
    let foreign = plan.foreign.iter().filter(|path| {
        let secret = !is_public(path.strip_suffix(SUFFIX).unwrap_or(path));
        path.starts_with(&tree)
            && (path.contains("/manifests/") || (secret && looks_like_own(path)))
    });
    found.extend(foreign.cloned().map(Objection::Foreign));
    for reason in plan.steps.iter().flat_map(|step| &step.reasons) {
        if let Reason::OutputMissing { path }
        | Reason::OutputModified { path }
        | Reason::OutputUnreadable { path, .. } = reason
            && in_tree(path)
        {
            found.push(Objection::Damaged(reason.to_string()));
        }
    }
    found.extend(plan.mixed.iter().filter_map(|mixed| {
        let mut places = graph.placements(mixed.derivation).iter();
        places.any(|place| in_tree(&place.path)).then(|| Objection::Mixed(mixed.path.clone()))
    }));
    found.sort();
    found.dedup();
    found
}
