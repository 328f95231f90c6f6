//! `kpki apply --check`: whether `out/` is what the description and the seed make, byte for byte.

use std::path::Path;

use super::on_disk::OnDisk;
use super::project::Project;
use super::{Outcome, clock, seed, terminal};
use crate::build::rebuild::rebuild;
use crate::build::sealing::read_secret;
use crate::cli::{ApplyArgs, Format};
use crate::error::{Error, Result};
use crate::graph::Placement;
use crate::plan::{Intent, Orphan, Resting, plan, resting};
use crate::render::{CheckReport, Difference};
use crate::state::{File, looks_like_own};
use crate::store::RealDisk;

pub(super) fn run(directory: &Path, args: &ApplyArgs) -> Result<Outcome> {
    let project = Project::read(directory)?;
    if project.spec.reproducible.is_none() {
        return Err(Error::refused("keys that were drawn cannot be made again to compare them")
            .help("only a description with `reproducible { … }` can be checked"));
    }
    let disk = RealDisk::open(directory)?;
    let secrets = OnDisk::new(&disk, &args.identities);
    let world = project.world(clock());
    let entropy = seed::entropy(directory, &project.spec)?;
    let built = rebuild(world, &project.spec, &entropy, &secrets)?;
    let mut differences = Vec::new();
    for (path, built) in &built {
        let place = project.graph.placed_at(path);
        let what = match (project.inventory.get(path.as_str()), place) {
            (None, _) | (Some(File::Secret(_)), None) => Difference::Missing,
            (Some(File::Unusable { .. } | File::Unreadable { .. }), _) => Difference::Unreadable,
            (Some(File::Public { bytes, .. }), _) if bytes == built.expose() => continue,
            (Some(File::Public { .. }), _) => Difference::Content,
            (Some(File::Secret(secret)), Some(place)) => {
                if read_secret(world, &secrets, place)?.expose() != built.expose() {
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
    let report = CheckReport::new(built.len(), differences);
    terminal::product(&match args.output.format {
        Format::Text => report.text(),
        Format::Json => report.json(),
    })?;
    Ok(if report.is_equal() { Outcome::Done } else { Outcome::Differences })
}
