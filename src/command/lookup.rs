//! From what the user typed to one artifact: the same for every command and option that takes a name.

use std::collections::BTreeSet;

use crate::engine::Project;
use crate::error::{Error, Kind, Result};
use crate::first_few::at_most;
use crate::graph::DerivationId;
use crate::name::ArtifactName;
use crate::plan::NamePattern;
use crate::visible::printable;
use crate::words::{did_you_mean, nearest};

/// How many of several matches are listed.
const LISTED: usize = 10;

/// The artifact of that name.
pub(super) fn exact(project: &Project, text: &str) -> Option<DerivationId> {
    let name = text.parse::<ArtifactName>().ok()?;
    project.graph.find(&name)
}

/// A name, or the end of one where only one artifact ends so: `apiserver` in a cluster of one node.
pub(super) fn artifact(project: &Project, text: &str) -> Result<DerivationId> {
    let name = among(project, text, &|_| true)?;
    project.graph.find(&name).ok_or_else(|| Error::internal(format!("no artifact {name}")))
}

/// The same for an option that can do something for some artifacts only: of several that end so it is one of
/// them.
pub(super) fn among(
    project: &Project,
    text: &str,
    can: &dyn Fn(DerivationId) -> bool,
) -> Result<ArtifactName> {
    let graph = &project.graph;
    let all = || graph.ids().map(|id| &graph.get(id).name);
    // One that it can do nothing for is told so by whoever asks.
    if let Some(id) = exact(project, text) {
        return Ok(graph.get(id).name.clone());
    }
    let can: Vec<&ArtifactName> =
        graph.ids().filter(|id| can(*id)).map(|id| &graph.get(id).name).collect();
    let ending = |name: &&ArtifactName| ends(name.as_str(), text);
    let mut matches: Vec<&ArtifactName> = can.iter().copied().filter(ending).collect();
    if matches.is_empty() {
        matches = all().filter(ending).collect();
    }
    match matches.as_slice() {
        [] => Err(no_artifact(text, can.iter().map(|name| name.as_str()))),
        [only] => Ok((*only).clone()),
        several => Err(ambiguous(text, several.iter().map(ToString::to_string))),
    }
}

/// What stands before `/*` may be the end of a name, too: `cp1/*`.
pub(super) fn pattern(
    project: &Project,
    pattern: &NamePattern,
    can: &dyn Fn(DerivationId) -> bool,
) -> Result<NamePattern> {
    let parent = match pattern {
        NamePattern::Exact(name) => {
            return among(project, name.as_str(), can).map(NamePattern::Exact);
        }
        NamePattern::Below(parent) => parent,
    };
    let graph = &project.graph;
    let names = || graph.ids().map(|id| &graph.get(id).name);
    if names().any(|name| pattern.matches(name)) {
        return Ok(pattern.clone());
    }
    let parents: BTreeSet<&str> = graph
        .ids()
        .filter(|id| can(*id))
        .flat_map(|id| {
            let name = graph.get(id).name.as_str();
            name.match_indices('/').filter_map(|(at, _)| name.get(..at))
        })
        .collect();
    let text = parent.as_str();
    let matches: Vec<&str> = parents.iter().copied().filter(|name| ends(name, text)).collect();
    match matches.as_slice() {
        [] => {
            let near = nearest(text, parents.into_iter()).first().map(|near| format!("{near}/*"));
            Err(no_artifact(&pattern.to_string(), near.as_deref().into_iter()))
        }
        [only] => Ok(NamePattern::Below(ArtifactName::of(only))),
        several => {
            Err(ambiguous(&pattern.to_string(), several.iter().map(|parent| format!("{parent}/*"))))
        }
    }
}

fn ends(name: &str, text: &str) -> bool {
    name.strip_suffix(text).is_some_and(|rest| rest.ends_with('/'))
}

/// The names are those that could have been given.
pub(super) fn unknown<'n>(
    what: &str,
    text: &str,
    names: impl Iterator<Item = &'n str>,
    otherwise: &str,
) -> Error {
    let error = Error::new(Kind::Usage, format!("no {what} is named {}", printable(text)));
    error.help(did_you_mean(text, names).unwrap_or_else(|| otherwise.to_owned()))
}

/// No artifact has the name, is below it, or ends so.
pub(super) fn nothing_named(project: &Project, pattern: &NamePattern) -> Error {
    let graph = &project.graph;
    let names = graph.ids().flat_map(|id| {
        let name = graph.get(id).name.as_str();
        let ends = name.match_indices('/').flat_map(|(at, _)| [name.get(..at), name.get(at + 1..)]);
        ends.flatten().chain([name])
    });
    let names: BTreeSet<&str> = names.collect();
    no_artifact(&pattern.to_string(), names.into_iter())
}

fn no_artifact<'n>(text: &str, names: impl Iterator<Item = &'n str>) -> Error {
    unknown("artifact", text, names, "cluster.lock lists all names")
}

fn ambiguous(text: &str, names: impl Iterator<Item = String>) -> Error {
    let names: Vec<String> = names.collect();
    let count = names.len();
    let list: Vec<String> = at_most(LISTED, names).iter().map(|name| format!("  {name}")).collect();
    let message = format!("{count} artifacts are named {}\n{}", printable(text), list.join("\n"));
    Error::new(Kind::Usage, message).help("write one of these names in full")
}
