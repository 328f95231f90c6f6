//! Whether `out/` is what the description and the seed make, byte for byte.

use schemars::JsonSchema;
use serde::Serialize;

use crate::build::execute::Files;
use crate::build::reading::read_secret;
use crate::build::rebuild::rebuild;
use crate::error::{Error, Result};
use crate::graph::Placement;
use crate::keys::Entropy;
use crate::plan::{Intent, Orphan, Resting, plan, resting};
use crate::state::{File, looks_like_own};
use crate::time::Timestamp;

use super::Project;

/// How a file is not what the description and the seed make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// It is not there.
    Missing,
    /// Its bytes are others.
    Content,
    /// It is sealed and should not be, or the other way round, or for others than described.
    Form,
    /// It is a secret that others can read.
    Exposed,
    /// It is no plain file that can be read.
    Unreadable,
    /// Nothing describes it.
    NotDescribed,
}

/// What a comparison of every file found.
pub struct Checked {
    /// How many files were built again and compared.
    pub compared: usize,
    /// Below `out/`.
    pub differences: Vec<(String, Difference)>,
}

/// Builds everything again and compares it with what is here.
pub fn check(
    project: &Project,
    now: Timestamp,
    entropy: impl FnOnce() -> Result<Entropy>,
    files: &dyn Files,
) -> Result<Checked> {
    if project.spec.reproducible.is_none() {
        return Err(Error::refused("keys that were drawn cannot be made again to compare them")
            .help("only a description with `reproducible { … }` can be checked"));
    }
    let world = project.world(now);
    let built = rebuild(world, &project.spec, &entropy()?, files)?;
    let mut differences = Vec::new();
    for (path, built) in &built {
        let place = project.graph.placed_at(path);
        let what = match (project.inventory.get(path.as_str()), place) {
            (None, _) | (Some(File::Secret(_)), None) => Difference::Missing,
            (Some(File::Unusable { .. } | File::Unreadable { .. }), _) => Difference::Unreadable,
            (Some(File::Public { bytes, .. }), _) if bytes == built.expose() => continue,
            (Some(File::Public { .. }), _) => Difference::Content,
            (Some(File::Secret(secret)), Some(place)) => {
                let same = read_secret(world, files, place)?.expose() == built.expose();
                if !same {
                    Difference::Content
                } else if matches!(resting(world, place), Resting::Differs(_)) {
                    Difference::Form
                } else if secret.exposed().is_some() {
                    Difference::Exposed
                } else {
                    continue;
                }
            }
        };
        let path = place.map_or_else(|| path.clone(), Placement::file);
        differences.push((path.to_string(), what));
    }
    let plan = plan(world, &project.spec, &Intent::default());
    for orphan in plan.orphans {
        if let Orphan::File { path, .. } = orphan {
            differences.push((path.to_string(), Difference::NotDescribed));
        }
    }
    let strangers = plan.foreign.into_iter().filter(|path| looks_like_own(path));
    differences.extend(strangers.map(|path| (path, Difference::NotDescribed)));
    Ok(Checked { compared: built.len(), differences })
}
