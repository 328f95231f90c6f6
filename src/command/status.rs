//! `kpki status`

use std::path::Path;

use super::folder::Folder;
use super::{Outcome, clock, loose_folders, terminal};
use crate::cli::StatusArgs;
use crate::error::Result;
use crate::plan::{Intent, plan};
use crate::render::status_report;

pub(super) fn run(directory: &Path, args: &StatusArgs) -> Result<Outcome> {
    let folder = Folder::read(directory)?;
    loose_folders::tell(&folder);
    let project = &folder.project;
    let world = project.world(args.future.now.unwrap_or_else(clock));
    let plan = plan(world, &project.spec, &Intent::default());
    let report = status_report(world, &project.spec, &plan);
    terminal::print(&report, args.format)?;
    let ends = args.check.is_some_and(|span| report.ends_within(span));
    Ok(if ends || (args.detailed_exitcode && report.needs_attention()) {
        Outcome::Differences
    } else {
        Outcome::Done
    })
}
