//! `kpki status`

use std::path::Path;

use super::folder::Folder;
use super::{Outcome, clock, loose_folders, terminal};
use crate::cli::{StatusArgs, StatusFormat};
use crate::error::{Error, Result};
use crate::plan::{Intent, plan};
use crate::render::{calendar, metrics, status_report};

pub(super) fn run(directory: &Path, args: &StatusArgs) -> Result<Outcome> {
    let folder = Folder::read(directory)?;
    loose_folders::tell(&folder);
    let project = &folder.project;
    let world = project.world(args.future.now.unwrap_or_else(clock));
    let plan = plan(world, &project.spec, &Intent::default());
    let report = status_report(world, &project.spec, &plan);
    terminal::product(&match args.format {
        StatusFormat::Text => report.text(terminal::columns()),
        StatusFormat::Json => report.json(),
        StatusFormat::Prometheus => metrics(world, &plan, &report),
        // RFC 5545 3.6: a calendar without a component is none.
        StatusFormat::Ics => calendar(world, &project.spec, &plan).ok_or_else(|| {
            Error::refused("no certificate is here yet, so there is no date for a calendar")
                .help("kpki apply makes them")
        })?,
    })?;
    Ok(if args.detailed_exitcode && report.needs_attention() {
        Outcome::Differences
    } else {
        Outcome::Done
    })
}
