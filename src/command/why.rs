//! `kpki why`

use std::path::Path;

use super::folder::Folder;
use super::{Outcome, clock, lookup, terminal};
use crate::cli::WhyArgs;
use crate::error::Result;
use crate::plan::{Intent, plan};
use crate::render::why_report;

pub(super) fn run(directory: &Path, args: &WhyArgs) -> Result<Outcome> {
    let project = Folder::read(directory)?.project;
    let world = project.world(args.future.from(clock));
    let id = lookup::artifact(&project, &args.name)?;
    let plan = plan(world, &project.spec, &Intent::default());
    let report = why_report(world, &plan, id);
    terminal::print(&report, args.output.format)?;
    Ok(Outcome::Done)
}
