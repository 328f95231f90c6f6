//! `kpki fmt`: the description's files in their usual form.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::folder::{Description, load};
use super::{Outcome, terminal};
use crate::config::formatted;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::hash::Digest;
use crate::name::ArtifactName;
use crate::sources::Sources;
use crate::store::{RealDisk, replace_input};
use crate::visible::harmless;

/// Larger than any file that a description may name.
const MOST: usize = 64 << 20;

pub(super) fn run(directory: &Path, check: bool) -> Result<Outcome> {
    let description = Description::read(directory)?;
    let mut changes: Vec<(&str, String)> = Vec::new();
    for file in description.files() {
        let text = formatted(&file.text).ok_or_else(|| {
            Error::internal(format!("{} would say something else", harmless(&file.name)))
                .nothing_written()
        })?;
        if *text != *file.text {
            changes.push((&file.name, text));
        }
    }
    if changes.is_empty() {
        terminal::product("nothing to do: the description is formatted\n")?;
        return Ok(Outcome::Done);
    }
    refuse_other(directory, &description, &changes)?;
    let mut said = String::new();
    for (name, text) in &changes {
        let shown = harmless(name);
        if check {
            let _ = writeln!(said, "{shown} is not formatted");
        } else {
            replace_input(&RealDisk::open(directory)?, name, text.as_bytes())?;
            let _ = writeln!(said, "formatted {shown}");
        }
    }
    if check {
        said.push_str("next: kpki fmt\n");
        terminal::product(&said)?;
        return Ok(Outcome::Differences);
    }
    terminal::product_after("the description was formatted", &said)?;
    Ok(Outcome::Done)
}

/// What is written must mean what was read.
fn refuse_other(
    directory: &Path,
    description: &Description,
    changes: &[(&str, String)],
) -> Result<()> {
    let folder = Sources::Folder(directory.to_owned());
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for path in description.asked() {
        if let Ok(Some(bytes)) = folder.read_if_there(path, MOST) {
            files.insert(path.clone(), bytes);
        }
    }
    let locked = Some(description.spec().cluster.kubernetes.value);
    let before = load(&Sources::Memory(files.clone()), "the description", locked)?;
    for (name, text) in changes {
        files.insert((*name).to_owned(), text.clone().into_bytes());
    }
    let after = load(&Sources::Memory(files), "the formatted description", locked)?;
    if wishes(&before.graph) == wishes(&after.graph) {
        return Ok(());
    }
    Err(Error::internal("the formatted description means something else").nothing_written())
}

/// Every artifact, where it lies and what it is made of.
fn wishes(graph: &Graph) -> BTreeMap<&ArtifactName, (Digest, Vec<String>)> {
    let wish = |id| {
        let derivation = graph.get(id);
        let places = graph.placements(id).iter().map(|place| format!("{place:?}")).collect();
        (&derivation.name, (derivation.hash, places))
    };
    graph.ids().map(wish).collect()
}
