//! What a reading command is asked about: artifacts, by their names, or all of a node, a user or a CA.

use std::collections::BTreeSet;

use super::lookup;
use crate::engine::Project;
use crate::error::Result;
use crate::name::ArtifactName;
use crate::plan::NamePattern;

/// Every artifact that one of the names means: `apiserver` is one on each node, `cp1` all of that node,
/// `nodes/cp1/*` the same. `None` where nothing is named, which is all of them.
pub(super) fn selected(
    project: &Project,
    names: &[NamePattern],
) -> Result<Option<BTreeSet<ArtifactName>>> {
    if names.is_empty() {
        return Ok(None);
    }
    let mut all = BTreeSet::new();
    for name in names {
        let found: Vec<_> = meant(project, name).collect();
        if found.is_empty() {
            return Err(lookup::nothing_named(project, name));
        }
        all.extend(found);
    }
    Ok(Some(all))
}

fn meant<'a>(
    project: &'a Project,
    pattern: &'a NamePattern,
) -> impl Iterator<Item = ArtifactName> + 'a {
    let (text, itself) = match pattern {
        NamePattern::Exact(name) => (name.as_str(), true),
        NamePattern::Below(parent) => (parent.as_str(), false),
    };
    let graph = &project.graph;
    let is_meant = move |name: &ArtifactName| {
        let mut folders = name.as_str().match_indices('/');
        folders.any(|(at, _)| name.as_str().get(..at).is_some_and(|folder| ends(folder, text)))
            || itself && ends(name.as_str(), text)
    };
    graph.ids().map(|id| graph.get(id).name.clone()).filter(is_meant)
}

fn ends(name: &str, text: &str) -> bool {
    name.strip_suffix(text).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}
