//! `kpki apply --check`: whether `out/` is what the description and the seed make, byte for byte.

use std::path::Path;

use super::identity::Keyring;
use super::project::{Project, warn};
use super::{Outcome, clock, seed, terminal};
use crate::build::execute::Files;
use crate::build::rebuild::rebuild;
use crate::build::seal::Identity;
use crate::build::sealing::read_secret;
use crate::cli::{ApplyArgs, Format};
use crate::error::{Error, Result};
use crate::graph::Placement;
use crate::name::TreePath;
use crate::plan::{Intent, Orphan, Resting, plan, resting};
use crate::render::{CheckReport, Difference};
use crate::secret::Secret;
use crate::state::File;
use crate::store::{Disk as _, RealDisk};

pub(super) fn run(directory: &Path, args: &ApplyArgs) -> Result<Outcome> {
    let project = Project::read(directory)?;
    warn(project.pending);
    if project.spec.reproducible.is_none() {
        return Err(
            Error::refused("keys that were drawn cannot be made again to compare them")
                .help("only a description with `reproducible { … }` can be checked"),
        );
    }
    let disk = RealDisk::open(directory)?;
    let secrets = OnDisk {
        disk: &disk,
        keyring: Keyring::of(&args.identities.identity),
    };
    let world = project.world(clock());
    let entropy = seed::entropy(directory, &project.spec)?;
    let built = rebuild(world, &project.spec, &entropy, &secrets)?;
    let mut differences = Vec::new();
    for (path, built) in &built {
        let place = project.graph.placed_at(path);
        let what = match (project.inventory.get(path.as_str()), place) {
            (None, _) | (Some(File::Secret(_)), None) => Difference::Missing,
            (Some(File::Unusable { .. }), _) => Difference::Unreadable,
            (Some(File::Public { bytes, .. }), _) if bytes == built.bytes.expose() => continue,
            (Some(File::Public { .. }), _) => Difference::Content,
            (Some(File::Secret(secret)), Some(place)) => {
                if read_secret(world, &secrets, place)?.expose() != built.bytes.expose() {
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
    for orphan in plan(world, &project.spec, &Intent::default()).orphans {
        if let Orphan::File { path, .. } = orphan {
            differences.push((path.to_string(), Difference::NotDescribed));
        }
    }
    let report = CheckReport::new(built.len(), differences);
    terminal::product(&match args.output.format {
        Format::Text => report.text(),
        Format::Json => report.json(),
    })?;
    Ok(if report.is_equal() {
        Outcome::Done
    } else {
        Outcome::Differences
    })
}

/// Reads secrets and writes nothing.
struct OnDisk<'a> {
    disk: &'a RealDisk,
    keyring: Keyring,
}

impl Files for OnDisk<'_> {
    fn read_secret(&self, path: &TreePath) -> Result<Secret> {
        self.disk.read(&format!("out/{path}")).map(Secret::new)
    }

    fn identities(&self) -> Result<&[Identity]> {
        self.keyring.identities(|ask| ask())
    }

    fn write(&self, path: &TreePath, _: &[u8], _: u32) -> Result<()> {
        Err(Error::internal(format!(
            "a check writes nothing, not even {path}"
        )))
    }

    fn set_mode(&self, path: &TreePath, _: u32) -> Result<()> {
        self.write(path, &[], 0)
    }

    fn remove(&self, path: &TreePath) -> Result<()> {
        self.write(path, &[], 0)
    }

    fn progress(&self, _: usize) {}
}
