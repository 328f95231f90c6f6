//! `kpki status`

use std::path::Path;

use super::project::{Project, warn_if_pending};
use super::{Outcome, clock, terminal};
use crate::cli::{Format, StatusArgs};
use crate::error::Result;
use crate::plan::{Intent, plan};
use crate::render::status_report;

pub(super) fn run(directory: &Path, args: &StatusArgs) -> Result<Outcome> {
    warn_if_pending(directory)?;
    let project = Project::read(directory)?;
    let world = project.world(args.future.now.unwrap_or_else(clock));
    let plan = plan(world, &project.spec, &Intent::default());
    let report = status_report(world, &project.spec, &plan);
    terminal::product(&match args.output.format {
        Format::Text => report.text(terminal::columns()),
        Format::Json => report.json(),
    })?;
    Ok(if args.detailed_exitcode && report.needs_attention() {
        Outcome::Differences
    } else {
        Outcome::Done
    })
}
