//! `kpki apply`

use std::path::Path;

use super::output::Output;
use super::plan::intent;
use super::project::{Description, Project};
use super::{Outcome, clock, terminal};
use crate::build::entropy::Entropy;
use crate::build::execute::execute;
use crate::cli::{ApplyArgs, Format};
use crate::error::{Error, Kind, Result};
use crate::lock;
use crate::plan::{self, Intent, Plan};
use crate::render::plan_report;
use crate::store::{RealDisk, begin};

pub(super) fn run(directory: &Path, args: &ApplyArgs) -> Result<Outcome> {
    // A mistake in the description is found before anything is touched.
    let description = Description::read(directory)?;
    let disk = RealDisk::open(directory)?;
    let transaction = begin(&disk)?;
    terminal::settled(transaction.settled());
    // Under the writer's lock: nobody else changes it now.
    let project = Project::with(description, directory)?;
    let now = clock();
    let intent = intent(&args.intentions, &project)?;
    let world = project.world(now);
    let plan = plan::plan(world, &project.spec, &intent);
    let mut report = plan_report(world, &project.spec, &plan, &project.notes);
    refuse(&plan, &report.decisions(terminal::columns()))?;
    if let Some(newest) = project.lock.newest_not_before()
        && newest > now
    {
        return Err(Error::refused(format!(
            "the clock says {now}, but a certificate on record is not valid before {newest}"
        ))
        .help("set the clock; nothing was written"));
    }
    let prune = args.prune && !plan.orphans.is_empty();
    if !plan.is_empty() || prune {
        let output = Output::new(&disk, &transaction, plan.steps.len());
        let new = execute(
            world,
            &project.spec,
            &plan,
            args.prune,
            now,
            &Entropy::system(),
            &output,
        )
        .map_err(|error| Error {
            message: format!("{}\nnothing was written", error.message),
            ..error
        })?;
        let bar = output.into_bar();
        bar.set_message("committing");
        transaction.commit(lock::render(&new).as_bytes())?;
        bar.finish_and_clear();
        if project.graph.has_requests() {
            // What waits is named by what was just written.
            let after = Project::read(directory)?;
            let world = after.world(now);
            report.update_waiting(world, &plan::plan(world, &after.spec, &Intent::default()));
        }
    }
    terminal::product(&match args.output.format {
        Format::Text => report.applied_text(prune, terminal::columns()),
        Format::Json => report.json(),
    })?;
    Ok(Outcome::Done)
}

/// Everything that stands in the way, at once.
fn refuse(plan: &Plan, decisions: &str) -> Result<()> {
    if plan.blocked.is_empty() && plan.mixed.is_empty() {
        return Ok(());
    }
    let message = format!(
        "apply needs a decision first\n\n{}\n\nnothing was written",
        decisions.trim_end()
    );
    if !plan.mixed.is_empty() {
        return Err(Error::refused(message)
            .help("check out one side of cluster.lock and out/ together, then apply again"));
    }
    let allows: Vec<String> = plan
        .blocked
        .iter()
        .filter_map(|blocked| blocked.allow.as_ref())
        .map(|allow| format!("--allow {allow}"))
        .collect();
    if allows.is_empty() {
        return Err(Error::refused(message));
    }
    let mut unique = allows;
    unique.dedup();
    unique.truncate(3);
    Err(Error::new(Kind::NeedsAllow, message).help(format!(
        "to go on all the same: kpki apply {}",
        unique.join(" ")
    )))
}
