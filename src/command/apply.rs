//! `kpki apply`

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use super::effect::Progress;
use super::output::Output;
use super::plan::{intent, saved_text};
use super::plan_again::{in_shell, plan_again};
use super::project::{Description, Project};
use super::seen::Learnt;
use super::{Outcome, check, clock, clock_doubt, interrupted, policy, seed, terminal, ways};
use crate::build::execute::{Files as _, execute};
use crate::cli::{ApplyArgs, Format};
use crate::error::{Error, Kind, Result};
use crate::lock;
use crate::name::{ArtifactName, TreePath};
use crate::plan::{self, Action, Allow, Intent, Plan};
use crate::render::{Asked, asked, moved, plan_report};
use crate::review::{PrivilegeChange, Review, review};
use crate::shell;
use crate::sources::read_regular;
use crate::state::{File, SecretFile};
use crate::store::{RealDisk, Settled, begin};
use crate::visible;

pub(super) fn run(directory: &Path, args: &ApplyArgs) -> Result<Outcome> {
    if args.check {
        return check::run(directory, args);
    }
    let progress = Progress::of(RealDisk::open(directory));
    let applied = apply(directory, args, &progress).map_err(|error| progress.tell(error))?;
    // What it was is not known here; an apply that had nothing to do has done all of it, too.
    terminal::product_after("everything was applied", &applied).map_err(|error| {
        error.help("do not repeat it: kpki plan says that nothing is left to do")
    })?;
    Ok(Outcome::Done)
}

/// What was done, as the user wants it printed.
fn apply(directory: &Path, args: &ApplyArgs, progress: &Progress) -> Result<String> {
    let saved = args.plan.as_deref().map(Saved::read).transpose()?;
    // A mistake in the description is found before anything is touched.
    let description = Description::read(directory)?;
    let disk = RealDisk::open(directory)?;
    let mut transaction = begin(&disk, interrupted::key()?)?;
    // Under the writer's lock: nobody else changes it now. Until the plan is judged, it is only read.
    let project = Project::with(description, directory)?;
    project.refuse_obstacles(&disk)?;
    ways::refuse(&project)?;
    let now = clock();
    let asked = match &saved {
        Some(saved) => saved.asked.clone(),
        None => Asked { now, intent: intent(&args.intentions, &project)? },
    };
    let policy = policy::read(directory, &args.policy)?;
    let world = project.world(asked.now);
    let mut plan = plan::plan(world, &project.spec, &asked.intent);
    let reviewed = review(world, &project.spec, &asked.intent, &policy, &plan);
    plan.interruption = project.interruption(directory, &asked.intent)?;
    let mut report = plan_report(world, &project.spec, &plan, &reviewed, &project.notes);
    if let Some(saved) = &saved {
        let (text, _) = saved_text(&project, asked.now, &mut plan, &reviewed, &asked.intent);
        saved.compare(&text)?;
    }
    let objections = report.objections(terminal::columns());
    if let Some(interruption) = &plan.interruption {
        interrupted::refuse(interruption, &objections)?;
    }
    let again =
        saved.as_ref().map(|saved| plan_again(directory, saved.file, &saved.asked, &args.policy));
    refuse(&plan, &reviewed, &objections, again.clone())?;
    clock_doubt::refuse(world, &plan, &asked.intent, now, saved.is_some())?;
    let issued_at = project.spec.not_before().unwrap_or(now);
    // What an interrupted apply has staged is in its place only once that is finished.
    let learnt = match plan.interruption {
        None => Some(Learnt::by_checking(directory, world, &plan, &args.identities)?),
        Some(_) => None,
    };
    let consent = plan.interruption.as_ref().map(|interruption| interruption.identity);
    let settled = progress.take(transaction.settle(consent.as_ref()))?;
    progress.settled(settled);
    terminal::settled(settled);
    // Files have moved, so they are read anew; and what is wanted now is judged as any plan.
    let read;
    let (project, plan) = if settled == Settled::Finished {
        read = Project::read(directory)?;
        let world = read.world(asked.now);
        let plan = plan::plan(world, &read.spec, &asked.intent);
        let reviewed = review(world, &read.spec, &asked.intent, &policy, &plan);
        report = plan_report(world, &read.spec, &plan, &reviewed, &read.notes);
        refuse(&plan, &reviewed, &report.objections(terminal::columns()), again)?;
        (&read, plan)
    } else {
        (&project, plan)
    };
    let world = project.world(asked.now);
    let prune = args.prune && !plan.orphans.is_empty();
    let modes = wrong_modes(project, &plan);
    let mut learnt = match learnt {
        Some(learnt) => learnt,
        None => Learnt::by_checking(directory, world, &plan, &args.identities)?,
    };
    if !plan.changes_nothing() || prune || !modes.is_empty() {
        let identities = &args.identities.identity;
        let output = Output::new(&disk, &transaction, identities, plan.steps.len());
        let lock = execute(
            world,
            &project.spec,
            &plan,
            args.prune,
            issued_at,
            &seed::entropy(directory, &project.spec)?,
            &output,
        )?;
        for (path, mode) in &modes {
            output.set_mode(path, *mode)?;
        }
        let (bar, written) = output.finish();
        bar.set_message("committing");
        let allowed = replaced(project, &plan);
        progress.take(transaction.commit(lock::render(&lock).as_bytes(), allowed))?;
        bar.finish_and_clear();
        learnt.committed(lock, written);
        if project.graph.has_requests() {
            // What waits is named by what was just written.
            let after = Project::read(directory)?;
            let world = after.world(now);
            report.update_waiting(world, &plan::plan(world, &after.spec, &Intent::default()));
        }
    }
    progress.complete();
    ways::close(project, &disk)?;
    learnt.remember(directory, world);
    Ok(match args.output.format {
        Format::Text => report.applied_text(prune, terminal::columns()),
        Format::Json => report.json(),
    })
}

/// Roots of trust that get another key: plan blocks each without consent.
fn replaced(project: &Project, plan: &Plan) -> BTreeSet<ArtifactName> {
    let graph = &project.graph;
    let replaced = plan.steps.iter().filter(|step| step.action == Action::Replace);
    replaced.map(|step| graph.get(step.derivation).name.clone()).collect()
}

/// A plan that somebody reviewed.
struct Saved<'a> {
    file: &'a Path,
    text: String,
    asked: Asked,
}

impl<'a> Saved<'a> {
    fn read(file: &'a Path) -> Result<Self> {
        let refuse = |why: String| {
            Error::refused(format!("{} {why}", visible::path(file)))
                .help("kpki plan --out FILE writes a plan")
        };
        let bytes = read_regular(file, lock::LIMIT)
            .map_err(|why| refuse(format!("cannot be read: {why}")))?;
        let text = String::from_utf8(bytes).map_err(|_| refuse("is not a plan".to_owned()))?;
        let asked = asked(&text).map_err(refuse)?;
        Ok(Saved { file, text, asked })
    }

    /// Refuses a plan that would be another one now.
    fn compare(&self, now: &str) -> Result<()> {
        const SHOWN: usize = 8;
        if self.text == now {
            return Ok(());
        }
        let mut lines = moved(&self.text, now);
        let more = lines.len().saturating_sub(SHOWN);
        lines.truncate(SHOWN);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        let message = format!(
            "{} is stale: a plan made now is another one\n  {}",
            visible::path(self.file),
            lines.join("\n  ")
        );
        Err(Error::refused(message).help("kpki plan --out FILE makes a new one to review"))
    }
}

/// Files that no step touches and whose mode is not the one they get. Only an exposed secret is a finding,
/// since Git keeps no modes; but after an apply all are right.
fn wrong_modes(project: &Project, plan: &Plan) -> Vec<(TreePath, u32)> {
    let writes = plan.steps.iter().filter(|step| !step.only_checks());
    let stepped: HashSet<_> = writes.map(|step| step.derivation).collect();
    project
        .graph
        .all_placements()
        .iter()
        .filter(|place| !stepped.contains(&place.derivation))
        .filter(|place| match project.inventory.get(place.path.as_str()) {
            Some(File::Public { mode, .. }) => *mode != place.mode,
            // A file that is not to be in the clear goes; of a sealed one the mode does not matter.
            Some(File::Secret(SecretFile { plain: Some(plain), sealed: None })) => {
                place.recipients.is_none() && plain.mode != place.mode
            }
            _ => false,
        })
        .map(|place| (place.path.clone(), place.mode))
        .collect()
}

/// Everything that stands in the way, at once. `again`: how the plan that was saved is made.
fn refuse(plan: &Plan, review: &Review, decisions: &str, again: Option<Vec<String>>) -> Result<()> {
    const SHOWN: usize = 6;
    let mut escalations = review.changes.iter().filter(|change| change.stops()).peekable();
    if plan.blocked.is_empty()
        && plan.mixed.is_empty()
        && review.violations.is_empty()
        && escalations.peek().is_none()
    {
        return Ok(());
    }
    let message = format!("apply needs a decision first\n\n{}", decisions.trim_end());
    if !plan.mixed.is_empty() {
        return Err(Error::refused(message).help(
            "check out one side of cluster.lock and out/ together, then apply again; a file that was \
             damaged or put there by mistake can be restored or deleted instead",
        ));
    }
    if !review.violations.is_empty() {
        return Err(Error::refused(message)
            .help("no --allow helps against a policy: change the description, or have its keeper change the policy"));
    }
    let allows: Vec<Allow> = plan
        .blocked
        .iter()
        .filter_map(|blocked| blocked.allow.clone())
        .chain(escalations.map(PrivilegeChange::allow))
        .collect();
    if allows.is_empty() {
        return Err(Error::refused(message));
    }
    let mut unique = allows;
    unique.dedup();
    if let Some(mut words) = again {
        for allow in &unique {
            words.extend(["--allow".to_owned(), allow.to_string()]);
        }
        let command = in_shell(&words);
        return Err(Error::new(Kind::NeedsAllow, message).help(format!(
            "undo the change; if it is wanted, plan again with it and review that: {command}"
        )));
    }
    let more = if unique.len() > SHOWN { " ..." } else { "" };
    unique.truncate(SHOWN);
    let unique: Vec<String> = (unique.iter())
        .map(|allow| format!("--allow {}", shell::quoted(&allow.to_string())))
        .collect();
    let allows = unique.join(" ");
    let help = if plan.blocked.is_empty() {
        format!("undo the change; if it is wanted, add {allows}{more}")
    } else {
        format!(
            "put back what is lost or undo the change; to go on all the same add {allows}{more}"
        )
    };
    Err(Error::new(Kind::NeedsAllow, message).help(help))
}
