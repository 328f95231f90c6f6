//! From what the user typed to one artifact.

use super::plan::nearest;
use crate::engine::Project;
use crate::error::{Error, Kind};
use crate::graph::DerivationId;
use crate::name::ArtifactName;
use crate::visible::{at_most, printable};

/// How many of several matches are listed.
const LISTED: usize = 10;

/// The artifact of that name.
pub(super) fn exact(project: &Project, text: &str) -> Option<DerivationId> {
    let name = text.parse::<ArtifactName>().ok()?;
    project.graph.find(&name)
}

/// A name, or the end of one where only one artifact ends so: `apiserver` in a cluster of one node.
pub(super) fn artifact(project: &Project, text: &str) -> Result<DerivationId, Error> {
    if let Some(id) = exact(project, text) {
        return Ok(id);
    }
    let names = || project.graph.ids().map(|id| &project.graph.get(id).name);
    let ending = |name: &&ArtifactName| {
        let rest = name.as_str().strip_suffix(text);
        rest.is_some_and(|rest| rest.ends_with('/'))
    };
    let matches: Vec<&ArtifactName> = names().filter(ending).collect();
    if let [only] = matches.as_slice()
        && let Some(id) = project.graph.find(only)
    {
        return Ok(id);
    }
    let shown = printable(text);
    if matches.is_empty() {
        let help = nearest(text, names()).map_or_else(
            || "cluster.lock lists all names".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        return Err(Error::new(Kind::Usage, format!("no artifact is named {shown}")).help(help));
    }
    let names = at_most(LISTED, matches.iter().map(ToString::to_string));
    let list: Vec<String> = names.iter().map(|name| format!("  {name}")).collect();
    let message = format!("{} artifacts are named {shown}\n{}", matches.len(), list.join("\n"));
    Err(Error::new(Kind::Usage, message).help("write one of these names in full"))
}
