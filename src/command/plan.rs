//! `kpki plan`

use std::mem::ManuallyDrop;
use std::path::Path;

use super::base::{Against, Base};
use super::folder::Folder;
use super::plan_again::{apply_as, apply_it, in_shell, plan_again};
use super::product_file::{self, Product, Whose};
use super::{Outcome, clock, clock_doubt, interrupted, loose_folders, machine, policy, terminal};
use crate::cli::{Intentions, PlanArgs};
use crate::engine::{Consequences, Project, consequences, lacking, undecided};
use crate::error::{Error, Kind, Result};
use crate::graph::Recipe;
use crate::name::ArtifactName;
use crate::plan::{Allow, Intent, NamePattern, Plan, plan};
use crate::render::{
    Asked, BaseReport, PLAN_BEGINS, SavedPlan, ShownPlan, plan_report, unverified_note,
};
use crate::review::{Principal, Review, principals, review};
use crate::store::RealDisk;
use crate::time::Timestamp;
use crate::visible;

pub(super) fn run(directory: &Path, args: &PlanArgs) -> Result<Outcome> {
    if args.out.as_deref() == Some(Path::new("-")) {
        let message = "a plan is not saved to stdout; nothing was written";
        return Err(Error::new(Kind::Usage, message).help(format!(
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
    let now = args.future.now.unwrap_or_else(clock);
    let policy = policy::read(directory, &args.policy)?;
    let intent = intent(&args.intentions, project)?;
    let mut plan = plan(project.world(now), &project.spec, &intent);
    let review = review(project.world(now), &project.spec, &intent, &policy, &plan);
    plan.interruption = folder.interruption(directory, &intent)?;
    let has_doubt =
        args.future.now.is_none() && clock_doubt::tell(project.world(now), &plan, &intent);
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

/// Names that the user gives must name something: a typing error would do nothing, silently.
pub(super) fn intent(args: &Intentions, project: &Project) -> Result<Intent> {
    let intent =
        Intent { renew: args.renew.clone(), rekey: args.rekey.clone(), allow: args.allow.clone() };
    if project.spec.reproducible.is_some()
        && let Some(pattern) = intent.renew.first().or(intent.rekey.first())
    {
        let message = format!(
            "{pattern} cannot be renewed or rekeyed by a command: its key follows from the seed, its dates from the description"
        );
        let help = "move `not-before` for new dates; raise a `revision` for a new key";
        return Err(Error::new(Kind::Usage, message).help(help));
    }
    let patterns = intent.renew.iter().chain(&intent.rekey);
    let permitted = intent.allow.iter().filter_map(|allow| match allow {
        Allow::Replace(name) => Some(NamePattern::Exact(name.clone())),
        Allow::LostKey(pattern) => Some(pattern.clone()),
        // Whoever automates may always give the first two; there is nothing in them to mistype.
        Allow::Plaintext | Allow::Clock | Allow::Escalation(_) | Allow::Interrupted(_) => None,
    });
    for pattern in patterns.cloned().chain(permitted) {
        let names = || project.graph.ids().map(|id| &project.graph.get(id).name);
        if !names().any(|name| pattern.matches(name)) {
            let text = pattern.to_string();
            let error = Error::new(Kind::Usage, format!("no artifact is named {text}"));
            return Err(error.help(match nearest(&text, names()) {
                Some(near) => format!("did you mean {near}?"),
                None => "cluster.lock lists all names".into(),
            }));
        }
    }
    refuse_unknown_principals(&intent, project)?;
    for (flag, patterns) in [("--renew", &intent.renew), ("--rekey", &intent.rekey)] {
        for pattern in patterns {
            refuse_without_effect(flag, pattern, project)?;
        }
    }
    for allow in &intent.allow {
        if let Allow::LostKey(pattern) = allow {
            refuse_without_key(allow, pattern, project)?;
        }
        let (Allow::Replace(name) | Allow::LostKey(NamePattern::Exact(name))) = allow else {
            continue;
        };
        let anchor =
            project.graph.find(name).is_some_and(|id| project.graph.get(id).recipe.is_anchor());
        let help = match allow {
            Allow::Replace(_) if !anchor => format!(
                "{name} is neither a CA nor the service-account key: --rekey {name} makes a new key, \
                 --allow lost-key:{name} gives up a lost one"
            ),
            Allow::LostKey(_) if anchor => format!(
                "{name} is a root of trust: --allow replace:{name} gives it up, and all that it signed"
            ),
            _ => continue,
        };
        let message = format!("--allow {allow} permits nothing");
        return Err(Error::new(Kind::Usage, message).help(help));
    }
    Ok(intent)
}

/// Only a key can be lost; an anchor's has a message of its own.
fn refuse_without_key(allow: &Allow, pattern: &NamePattern, project: &Project) -> Result<()> {
    let graph = &project.graph;
    let mut named = graph.ids().filter(|id| pattern.matches(&graph.get(*id).name));
    let exact = matches!(pattern, NamePattern::Exact(_));
    let has_key = |id| graph.key_places(id).next().is_some();
    if named.any(|id| has_key(id) && (exact || !graph.get(id).recipe.is_anchor())) {
        return Ok(());
    }
    let message = format!("--allow {allow} permits nothing");
    Err(Error::new(Kind::Usage, message)
        .help(format!("no key that could be given up is called {pattern}")))
}

/// Nobody of that name could ever gain anything: it is a typing error. A name that is right and needs no
/// consent now is none, since whoever consents may do so before the change arrives.
fn refuse_unknown_principals(intent: &Intent, project: &Project) -> Result<()> {
    let named = intent.allow.iter().filter_map(|allow| match allow {
        Allow::Escalation(name) => Some((allow, name)),
        _ => None,
    });
    let mut named = named.peekable();
    if named.peek().is_none() {
        return Ok(());
    }
    let principals = principals(&project.graph, &project.lock, &project.spec);
    for (allow, name) in named {
        if principals.iter().any(|principal| principal.is_called(name.as_str())) {
            continue;
        }
        let names: Vec<ArtifactName> = principals.iter().map(Principal::as_artifact).collect();
        let error = Error::new(Kind::Usage, format!("--allow {allow} permits nothing"));
        return Err(error.help(match nearest(name.as_str(), names.iter()) {
            Some(near) => format!("nobody here is called {name}; did you mean escalation:{near}?"),
            None => format!("nobody here is called {name}; kpki plan says who gains something"),
        }));
    }
    Ok(())
}

/// An order that nothing can follow is a mistake, not a success.
fn refuse_without_effect(flag: &str, pattern: &NamePattern, project: &Project) -> Result<()> {
    let graph = &project.graph;
    let mut named = graph
        .ids()
        .filter(|id| pattern.matches(&graph.get(*id).name))
        .map(|id| &graph.get(id).recipe);
    let follows = |recipe: &Recipe| match recipe {
        Recipe::Leaf(_) | Recipe::Request(_) | Recipe::ClusterSigned(_) | Recipe::OwnCa(_) => true,
        Recipe::SigningKey(_) => flag == "--rekey",
        _ => false,
    };
    if named.any(follows) {
        return Ok(());
    }
    let only = graph
        .ids()
        .find(|id| pattern.matches(&graph.get(*id).name))
        .map(|id| &graph.get(id).recipe);
    let help = match only {
        Some(Recipe::Kubeconfig(config)) => {
            format!("its certificate is {}", graph.get(config.identity).name)
        }
        Some(Recipe::SigningKey(_)) => {
            "it is a key without a certificate; --rekey makes another".into()
        }
        Some(Recipe::ImportedCa(_)) => "it was brought: bring another certificate".into(),
        _ => "it is rendered from others and follows them".into(),
    };
    let message = format!("{flag} {pattern} asks for nothing");
    Err(Error::new(Kind::Usage, message).help(help))
}

/// The name that was probably meant.
pub(super) fn nearest<'a>(
    text: &str,
    names: impl Iterator<Item = &'a ArtifactName>,
) -> Option<String> {
    names
        .map(|name| {
            let whole = strsim::damerau_levenshtein(text, name.as_str());
            let last = name.as_str().rsplit('/').next().unwrap_or_default();
            // `apiserver` means nodes/cp1/apiserver, and so may `apisrver`.
            let short = 1 + strsim::damerau_levenshtein(text, last);
            (whole.min(short), name)
        })
        .filter(|(distance, _)| *distance <= 2 + text.len() / 5)
        .min()
        .map(|(_, name)| name.to_string())
}
