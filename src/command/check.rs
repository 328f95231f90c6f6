//! `kpki apply --check`: whether `out/` is what the description and the seed make, byte for byte.

use std::path::Path;

use super::folder::Folder;
use super::on_disk::OnDisk;
use super::{Outcome, clock, seed, terminal};
use crate::cli::{ApplyArgs, Format};
use crate::engine::check;
use crate::error::Result;
use crate::render::CheckReport;
use crate::store::RealDisk;

pub(super) fn run(directory: &Path, args: &ApplyArgs) -> Result<Outcome> {
    let project = Folder::read(directory)?.project;
    let disk = RealDisk::open(directory)?;
    let secrets = OnDisk::new(&disk, &args.identities);
    let entropy = || seed::entropy(directory, &project.spec);
    let report = CheckReport::new(check(&project, clock(), entropy, &secrets)?);
    terminal::product(&match args.output.format {
        Format::Text => report.text(),
        Format::Json => report.json(),
    })?;
    Ok(if report.is_equal() { Outcome::Done } else { Outcome::Differences })
}
