//! `kpki apply`

use std::path::Path;

use super::effect::Progress;
use super::folder::{Description, Folder};
use super::intent::intent;
use super::output::Output;
use super::plan::save;
use super::plan_again::{in_shell, plan_again};
use super::verified_secrets::Learnt;
use super::{
    Outcome, check, clock, clock_doubt, interrupted, loose_folders, policy, seed, terminal,
};
use crate::cli::ApplyArgs;
use crate::engine::{Applying, Consequences, Undecided, consequences, lacking, undecided};
use crate::error::{Error, Result};
use crate::first_few;
use crate::lock;
use crate::plan::{self, Allow, Intent, Plan};
use crate::render::{AppliedReport, Asked, PlanReport, SavedPlan, moved, plan_report};
use crate::review::{Review, ReviewPolicy, review};
use crate::sources::read_regular;
use crate::store::{RealDisk, Settled, Transaction, begin};
use crate::time::Timestamp;
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
    let folder = Folder::with(description, directory)?;
    folder.refuse_obstacles(&disk)?;
    loose_folders::refuse(&folder)?;
    let now = clock();
    let asked = match &saved {
        Some(saved) => saved.plan.asked(),
        None => Asked { now, intent: intent(&args.intentions, &folder.project)? },
    };
    let policy = policy::read(directory, &args.policy)?;
    let mut judged = Judged::new((directory, args), folder, &asked, &policy)?;
    if let Some(saved) = &saved {
        let Judged { folder, plan, reviewed, foreseen, .. } = &mut judged;
        let judged = (plan, &*reviewed, foreseen.as_ref());
        saved.compare(&save(&folder.project, asked.now, judged, &asked.intent))?;
    }
    if let Some(interruption) = &judged.plan.interruption {
        interrupted::refuse(interruption, &judged.objections())?;
    }
    let again = saved.as_ref().map(|saved| plan_again(directory, saved.file, &asked, &args.policy));
    judged.refuse(again.clone())?;
    let world = judged.folder.project.world(asked.now);
    clock_doubt::refuse(world, &judged.plan, &asked.intent, now, saved.is_some())?;
    let issued_at = judged.folder.project.spec.not_before().unwrap_or(now);
    let check = |judged: &Judged| {
        let world = judged.folder.project.world(asked.now);
        Learnt::by_checking(directory, world, &judged.plan, &args.identities)
    };
    // What an interrupted apply has staged is in its place only once that is finished.
    let consent = judged.plan.interruption.as_ref().map(|interruption| interruption.identity);
    let learnt = if consent.is_none() { Some(check(&judged)?) } else { None };
    let settled = progress.take(transaction.settle(consent.as_ref()))?;
    progress.settled(settled);
    terminal::settled(settled);
    if settled == Settled::Finished {
        // Files have moved, so they are read anew; and what is wanted now is judged as any plan.
        judged = Judged::new((directory, args), Folder::read(directory)?, &asked, &policy)?;
        judged.refuse(again)?;
    }
    let learnt = learnt.map_or_else(|| check(&judged), Ok)?;
    let run = Run { directory, args, progress, disk: &disk, now, issued_at };
    run.carry_out(judged, asked.now, transaction, learnt)
}

/// A plan in the course of an apply, and the files that it was made for.
struct Judged {
    folder: Folder,
    plan: Plan,
    reviewed: Review,
    foreseen: Option<Consequences>,
    report: PlanReport,
    /// Nothing of it is left out where it is told.
    full: bool,
}

impl Judged {
    fn new(
        (directory, args): (&Path, &ApplyArgs),
        folder: Folder,
        asked: &Asked,
        policy: &ReviewPolicy,
    ) -> Result<Judged> {
        let project = &folder.project;
        let world = project.world(asked.now);
        let mut plan = plan::plan(world, &project.spec, &asked.intent);
        let reviewed = review(world, &project.spec, &asked.intent, policy, &plan);
        plan.interruption = folder.interruption(directory, &asked.intent)?;
        let foreseen = consequences(project, asked.now, &asked.intent, policy, &plan.blocked);
        let then = foreseen.as_ref();
        let report = plan_report(world, &project.spec, &plan, &reviewed, then, &project.notes);
        Ok(Judged { folder, plan, reviewed, foreseen, report, full: args.full })
    }

    fn objections(&self) -> String {
        self.report.objections(terminal::columns(), self.full)
    }

    /// `again`: how the plan that was saved is made.
    fn refuse(&self, again: Option<Vec<String>>) -> Result<()> {
        let Some(undecided) = undecided(&self.plan, &self.reviewed) else {
            return Ok(());
        };
        let lacking = lacking(&self.reviewed, self.foreseen.as_ref());
        Err(refusal(&undecided, &lacking, &self.objections(), again))
    }
}

/// What carrying out a plan needs of the command line and the disk.
struct Run<'a> {
    directory: &'a Path,
    args: &'a ApplyArgs,
    progress: &'a Progress,
    disk: &'a RealDisk,
    now: Timestamp,
    /// Of certificates.
    issued_at: Timestamp,
}

impl Run<'_> {
    fn carry_out(
        &self,
        judged: Judged,
        planned_at: Timestamp,
        transaction: Transaction<'_, RealDisk>,
        mut learnt: Learnt,
    ) -> Result<String> {
        let Run { directory, args, progress, disk, now, issued_at } = self;
        let Judged { folder, plan, mut report, .. } = judged;
        let project = &folder.project;
        let applying = Applying::new(project, &plan, planned_at, args.prune);
        if !applying.changes_nothing() {
            let identities = &args.identities.identity;
            let output = Output::new(disk, &transaction, identities, plan.steps.len());
            let entropy = seed::entropy(directory, &project.spec)?;
            let lock = applying.carry_out(*issued_at, &entropy, &output)?;
            let (bar, written) = output.finish();
            bar.set_message("committing");
            let text = lock::render(&lock);
            progress.take(transaction.commit(text.as_bytes(), applying.replaced()))?;
            bar.finish_and_clear();
            learnt.committed(lock, written);
            if project.graph.has_requests() {
                // What waits is named by what was just written.
                let after = Folder::read(directory)?.project;
                let world = after.world(*now);
                report.update_waiting(world, &plan::plan(world, &after.spec, &Intent::default()));
            }
        }
        progress.complete();
        loose_folders::close(&folder, disk)?;
        learnt.remember(directory, project.world(planned_at));
        let nodes = &project.spec.nodes;
        let is_first = project.lock.entries.is_empty() && !applying.changes_nothing();
        let first_node = nodes.first().filter(|_| is_first).map(|node| node.name.to_string());
        let applied =
            AppliedReport { plan: &report, first_node, pruned: applying.prunes(), full: args.full };
        terminal::shown(&applied, args.output.format)
    }
}

/// A plan that somebody reviewed.
struct Saved<'a> {
    file: &'a Path,
    text: String,
    plan: SavedPlan,
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
        let plan = SavedPlan::read(&text).map_err(refuse)?;
        Ok(Saved { file, text, plan })
    }

    /// Refuses a plan that would be another one now.
    fn compare(&self, now: &SavedPlan) -> Result<()> {
        const SHOWN: usize = 8;
        if self.text == now.text() {
            return Ok(());
        }
        let message = format!(
            "{} is stale: a plan made now is another one\n  {}",
            visible::path(self.file),
            first_few::at_most(SHOWN, moved(&self.plan, now)).join("\n  ")
        );
        Err(Error::refused(message).help("kpki plan --out FILE makes a new one to review"))
    }
}

/// Everything that stands in the way, at once. `again`: how the plan that was saved is made.
fn refusal(
    undecided: &Undecided,
    lacking: &[Allow],
    decisions: &str,
    again: Option<Vec<String>>,
) -> Error {
    let message = format!("apply needs a decision first\n\n{}", decisions.trim_end());
    let error = Error::new(undecided.kind(), message);
    let is_blocked = match undecided {
        Undecided::Mixed => {
            return error.help(
                "check out one side of cluster.lock and out/ together, then apply again; a file that was \
                 damaged or put there by mistake can be restored or deleted instead",
            );
        }
        Undecided::Forbidden => {
            return error
                .help("no --allow helps against a policy: change the description, or have its keeper change the policy");
        }
        Undecided::Blocked => return error,
        Undecided::NeedsConsent { is_blocked } => *is_blocked,
    };
    let allows = lacking.iter().flat_map(|allow| ["--allow".to_owned(), allow.to_string()]);
    // In one line, however long: it is copied.
    let help = if let Some(mut words) = again {
        words.extend(allows);
        let command = in_shell(&words);
        format!("undo the change; if it is wanted, plan again with it and review that: {command}")
    } else {
        let allows = in_shell(&allows.collect::<Vec<_>>());
        if is_blocked {
            format!("put back what is lost or undo the change; to go on all the same add {allows}")
        } else {
            format!("undo the change; if it is wanted, add {allows}")
        }
    };
    error.help(help)
}
