//! `kpki verify --live`: opens sockets, changes nothing and takes no lock.

use std::path::Path;

use super::folder::Folder;
use super::on_disk::OnDisk;
use super::{Outcome, clock, seed, terminal};
use crate::cli::VerifyArgs;
use crate::engine::verify_live;
use crate::error::Result;
use crate::live::Sockets;
use crate::render::live_report;
use crate::store::RealDisk;
use crate::time::Span;

/// Of a run that nobody gave a limit.
const LIMIT: Span = Span::minutes(10);

pub(super) fn run(directory: &Path, args: &VerifyArgs) -> Result<Outcome> {
    let project = Folder::read(directory)?.project;
    let disk = RealDisk::open(directory)?;
    let secrets = OnDisk::new(&disk, &args.identities);
    let entropy = seed::entropy(directory, &project.spec);
    let limit = args.timeout.unwrap_or(LIMIT);
    let now = clock();
    let live = verify_live(&project, now, limit, &entropy, &secrets, &Sockets::new(limit))?;
    let report = live_report(now, &live);
    terminal::print(&report, args.output.format)?;
    Ok(match (report.faults, report.not_proven) {
        (0, 0) => Outcome::Done,
        (0, _) => Outcome::NotProven,
        _ => Outcome::Refused,
    })
}
