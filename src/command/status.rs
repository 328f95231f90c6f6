//! `kpki status`

use std::path::Path;

use super::folder::Folder;
use super::selection::selected;
use super::{Outcome, clock, loose_folders, terminal};
use crate::cli::StatusArgs;
use crate::error::Result;
use crate::plan::{Intent, plan};
use crate::render::status_report;

pub(super) fn run(directory: &Path, args: &StatusArgs) -> Result<Outcome> {
    let folder = Folder::read(directory)?;
    loose_folders::tell(&folder);
    let project = &folder.project;
    let world = project.world(args.future.from(clock));
    let plan = plan(world, &project.spec, &Intent::default());
    let mut report = status_report(world, &project.spec, &plan);
    if let Some(names) = selected(project, &args.names)? {
        report.only(&names);
    }
    let ends = args.check.is_some_and(|span| report.ends_within(span));
    if let Some(deadline) = args.before {
        report.ending_before(deadline.from(world.now));
    }
    terminal::print(&report, args.format)?;
    Ok(if ends || (args.detailed_exitcode && report.needs_attention()) {
        Outcome::Differences
    } else {
        Outcome::Done
    })
}
