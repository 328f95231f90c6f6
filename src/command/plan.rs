//! `kpki plan`

use std::mem::ManuallyDrop;
use std::path::Path;

use super::base::{Against, Base};
use super::folder::Folder;
use super::intent::intent;
use super::plan_again::{apply_as, apply_it, in_shell, plan_again};
use super::product_file::{self, Product, Whose};
use super::selection::selected;
use super::{Outcome, clock, clock_doubt, interrupted, loose_folders, machine, policy, terminal};
use crate::cli::PlanArgs;
use crate::engine::{Consequences, Project, consequences, lacking, undecided};
use crate::error::{Error, Kind, Result};
use crate::plan::{Intent, Plan, plan};
use crate::render::{
    Asked, BaseReport, PLAN_BEGINS, SavedPlan, ShownPlan, plan_report, unverified_note,
};
use crate::review::{Review, review};
use crate::store::RealDisk;
use crate::time::Timestamp;
use crate::visible;

pub(super) fn run(directory: &Path, args: &PlanArgs) -> Result<Outcome> {
    if args.out.as_deref() == Some(Path::new("-")) {
        let error = Error::new(Kind::Usage, "a plan is not saved to stdout").nothing_written();
        return Err(error.help(format!(
            "name a new file, such as {}; --format json prints the plan for a program",
            SAVED.example
        )));
    }
    // The process ends with the plan: giving back the memory of a large project piece by piece would take
    // longer.
    let folder = ManuallyDrop::new(Folder::read_finished(directory)?);
    loose_folders::tell(&folder);
    folder.refuse_obstacles(&RealDisk::open(directory)?)?;
    let project = &folder.project;
    let now = args.future.from(clock);
    let policy = policy::read(directory, &args.policy)?;
    let intent = intent(&args.intentions, project)?;
    let mut plan = plan(project.world(now), &project.spec, &intent);
    let review = review(project.world(now), &project.spec, &intent, &policy, &plan);
    plan.interruption = folder.interruption(directory, &intent)?;
    let has_doubt =
        !args.future.is_asked() && clock_doubt::tell(project.world(now), &plan, &intent);
    let against = match &args.base {
        None => None,
        Some(revision) => {
            let base = Base::read(directory, revision, &folder)?;
            Some(base.review(&folder, now, &intent, &policy, &review))
        }
    };
    let (review, base) = match against {
        None => (review, None),
        Some(Against { review, report }) => (review, Some(report)),
    };
    let foreseen = consequences(project, now, &intent, &policy, &plan.blocked);
    let mut report = plan_report(
        project.world(now),
        &project.spec,
        &plan,
        &review,
        foreseen.as_ref(),
        &project.notes,
    );
    let is_hidden = base.as_ref().is_some_and(BaseReport::hides);
    report.base = base;
    let saved = (args.out.as_ref())
        .map(|_| save(project, now, (&mut plan, &review, foreseen.as_ref()), &intent));
    let unverified = unverified_note(project.world(now)).map(|note| match machine::key() {
        Err(why) => format!("whether secrets were exchanged cannot be told here: {why}"),
        Ok(_) => note,
    });
    report.notes.extend(unverified);
    if let Some(names) = selected(project, &args.names)? {
        report.only(&names);
    }
    let lacking = lacking(&review, foreseen.as_ref());
    let shown = ShownPlan {
        plan: &report,
        command: in_shell(&way_on(directory, args, &intent, now)),
        lacking: lacking.iter().map(ToString::to_string).collect(),
        saved: saved.as_ref().zip(args.out.as_ref()).map(|(saved, file)| {
            let then = if report.stops() {
                "apply refuses it until the above is decided".to_owned()
            } else {
                format!("{} does exactly this", in_shell(&apply_it(directory, file)))
            };
            format!("saved as {} ({}); {then}", visible::path(file), saved.hash)
        }),
        full: args.full,
    };
    let text = terminal::shown(&shown, args.output.format)?;
    if let (Some(file), Some(saved)) = (&args.out, saved) {
        let whose = Whose { directory, sources: &folder.sources };
        product_file::place(whose, file, &SAVED)?.write(saved.text().as_bytes(), &SAVED)?;
    }
    match &args.out {
        Some(file) => {
            let done = format!("{} was written", visible::path(file));
            terminal::product_after(&done, &text)?;
        }
        None => terminal::product(&text)?,
    }
    let interrupted = plan.interruption.as_ref().filter(|interruption| interruption.stops());
    let stopped = interrupted.map(interrupted::kind).or(undecided(&plan, &review)
        .map(|undecided| undecided.kind())
        .or(has_doubt.then_some(Kind::NeedsAllow)));
    Ok(match stopped {
        _ if is_hidden => Outcome::Refused,
        Some(Kind::NeedsAllow) if args.detailed_exitcode => Outcome::NeedsAllow,
        Some(_) if args.detailed_exitcode => Outcome::Refused,
        _ if interrupted.is_some() || !review.violations.is_empty() => Outcome::Refused,
        _ if args.detailed_exitcode && !plan.is_empty() => Outcome::Differences,
        _ => Outcome::Done,
    })
}

/// The command that carries out what is shown. A plan that is saved needs consent to be saved with it.
fn way_on(directory: &Path, args: &PlanArgs, intent: &Intent, now: Timestamp) -> Vec<String> {
    match &args.out {
        Some(file) => {
            let asked = Asked { now, intent: intent.clone() };
            plan_again(directory, file, &asked, &args.policy)
        }
        None => apply_as(directory, intent, &args.policy),
    }
}

/// It holds no secret, and the umask says who reads it.
const SAVED: Product<'_> = Product {
    none: "no saved plan of kpki",
    example: "change.plan",
    is_own: |bytes| bytes.starts_with(PLAN_BEGINS.as_bytes()),
    mode: 0o666,
};

/// The plan as it is saved. What this machine has not verified is no part of the change: a plan
/// that was saved elsewhere, or before a secret was touched, is still this one.
pub(super) fn save(
    project: &Project,
    now: Timestamp,
    (plan, review, foreseen): (&mut Plan, &Review, Option<&Consequences>),
    intent: &Intent,
) -> SavedPlan {
    let all = plan.steps.clone();
    plan.steps.retain(|step| !step.is_of_this_machine());
    let world = project.world(now);
    let report = plan_report(world, &project.spec, plan, review, foreseen, &project.notes);
    plan.steps = all;
    SavedPlan::new(&project.graph, intent, report)
}
