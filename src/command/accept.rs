//! `kpki accept`: a certificate that the cluster signed comes back.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use super::effect::Progress;
use super::output::Output;
use super::project::{Description, Project};
use super::seen::Learnt;
use super::{Outcome, clock, interrupted, lookup, seed, terminal, ways};
use crate::build::accept::{check, one_certificate};
use crate::build::execute::execute;
use crate::cli::AcceptArgs;
use crate::error::{Error, Kind, Result};
use crate::facts::certificate_pem;
use crate::facts::pem::MAX_PEM;
use crate::graph::{Accepted, Content, DerivationId, Graph, Recipe};
use crate::lock;
use crate::plan::{Action, Intent, Survey, accepted_entry, plan, renew_from, request_id};
use crate::render::printable;
use crate::secret::Secret;
use crate::sources::read_regular;
use crate::state::File;
use crate::store::{Pending, RealDisk, begin};
use crate::time::Timestamp;

pub(super) fn run(directory: &Path, args: &AcceptArgs) -> Result<Outcome> {
    let progress = Progress::of(RealDisk::open(directory));
    let text = accept(directory, args, &progress).map_err(|error| progress.tell(error))?;
    terminal::product_after(
        &format!("the certificate of {} was accepted", printable(&args.name)),
        &text,
    )?;
    Ok(Outcome::Done)
}

/// What was done, in words.
fn accept(directory: &Path, args: &AcceptArgs, progress: &Progress) -> Result<String> {
    let description = Description::read(directory)?;
    // Before the writer's lock: a pipe may take as long as a person.
    let bytes = read(&args.certificate)?;
    let disk = RealDisk::open(directory)?;
    let mut transaction = begin(&disk, interrupted::key()?)?;
    let mut project = Project::with(description, directory)?;
    ways::refuse(&project)?;
    if project.pending == Pending::Unfinished {
        return Err(Error::refused(
            "an apply was interrupted, and out/ may be half old and half new",
        )
        .help(
            "kpki plan shows what it would do; kpki apply finishes it, kpki discard sets it aside",
        ));
    }
    let now = clock();
    let (id, accepted) = target(&project, &args.name)?;
    let name = project.graph.get(id).name.clone();
    let refuse = |why: String| {
        Error::refused(format!("{} is not accepted for {name}: {why}", shown(&args.certificate)))
    };
    let (der, left_out) = one_certificate(bytes.expose()).map_err(&refuse)?;
    let checked = check(project.world(now), id, &accepted, &der, now).map_err(&refuse)?;
    let request = request_id(project.world(now), accepted.request)
        .ok_or_else(|| Error::internal(format!("the request of {name} is not here")))?;
    if checked.is_here_already {
        progress.complete();
        return Ok(format!("{name} has this certificate already\n"));
    }

    // From here on it is a plan as any other, in a world where the certificate is here.
    let entry = accepted_entry(project.world(now), id, Some(request), &checked.facts);
    let pem = certificate_pem(&der).into_bytes();
    let place = project.graph.placements_of(id, Content::Certificate).next().cloned();
    let Some(place) = place else {
        return Err(Error::internal(format!("{name} has no place")));
    };
    let file = File::Public { mode: place.mode, bytes: pem.clone() };
    project.inventory.files.insert(place.path.to_string(), file);
    project.lock.entries.insert(name.clone(), entry);
    project.survey = Survey::take(&project.graph, &project.lock, &project.inventory);
    let world = project.world(now);
    let family = format!("{name}/");
    let ours = |other: DerivationId| {
        let other = &project.graph.get(other).name;
        *other == name || other.as_str().starts_with(&family)
    };
    let plan =
        plan(world, &project.spec, &Intent::default()).only(&project.lock, &project.graph, ours);
    if let Some(blocked) = plan.blocked.first() {
        return Err(refuse(blocked.why.clone()));
    }
    let made_anew = |action| !matches!(action, Action::Reissue | Action::Repair | Action::Record);
    if plan.steps.iter().any(|step| step.derivation == accepted.request && made_anew(step.action)) {
        return Err(refuse("the description asks for another key than the request's; kpki apply makes that request".into()));
    }
    let settled = progress.take(transaction.settle(None))?;
    terminal::settled(settled);
    transaction.stage(&place.path, &pem, place.mode)?;
    let identities = &args.identities.identity;
    let output = Output::new(&disk, &transaction, identities, plan.steps.len());
    let mut new = execute(
        world,
        &project.spec,
        &plan,
        false,
        now,
        &seed::entropy(directory, &project.spec)?,
        &output,
    )?;
    // What else the description changed waits for an apply.
    new.cluster.clone_from(&project.lock.cluster);
    new.kubernetes = project.lock.kubernetes;
    new.seed = project.lock.seed;
    new.recipients.clone_from(&project.lock.recipients);
    new.exposed.clone_from(&project.lock.exposed);
    let (bar, written) = output.finish();
    bar.finish_and_clear();
    progress.take(transaction.commit(lock::render(&new).as_bytes(), BTreeSet::new()))?;
    progress.complete();
    ways::close(&project, &disk)?;
    let mut learnt = Learnt::default();
    learnt.committed(new, written);
    learnt.remember(directory, world);

    let mut notes = checked.notes;
    if left_out > 0 {
        notes.push(format!("{left_out} more in the file left out: the API server has its CA"));
    }
    for note in notes {
        terminal::talk(&format!("note: {note}"));
    }
    let written = plan.steps.iter().flat_map(|step| &step.writes);
    let mut text = format!(
        "accepted {name}: {}\nwrote out/{}\n",
        life(&project, &accepted, &checked.facts),
        place.path
    );
    for path in written {
        let _ = writeln!(text, "wrote out/{path}");
    }
    text.push_str(&next(&project.graph, id, &plan));
    Ok(text)
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") {
        return "what came on standard input".to_owned();
    }
    printable(&path.display().to_string())
}

/// Never shown, whatever it is: it may be the key.
fn read(path: &Path) -> Result<Secret> {
    let bytes = if path == Path::new("-") {
        let limit = u64::try_from(MAX_PEM).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(|error| Error::refused(format!("cannot read standard input: {error}")))?;
        bytes
    } else {
        read_regular(path, MAX_PEM)
            .map_err(|why| Error::refused(format!("{}: {why}", shown(path))))?
    };
    if bytes.len() > MAX_PEM {
        return Err(Error::refused(format!("{}: larger than 1 MiB", shown(path))));
    }
    Ok(Secret::new(bytes))
}

fn target(project: &Project, text: &str) -> Result<(DerivationId, Accepted)> {
    let id = lookup::artifact(project, text)?;
    let name = &project.graph.get(id).name;
    match &project.graph.get(id).recipe {
        Recipe::Accepted(accepted) => Ok((id, *accepted)),
        other => Err(Error::new(
            Kind::Usage,
            format!("{name} ({}) is not signed by the cluster", other.kind()),
        )
        .help("accept takes the certificate of a user with via \"csr\"")),
    }
}

fn life(project: &Project, accepted: &Accepted, facts: &crate::facts::CertificateFacts) -> String {
    let due = match &project.graph.get(accepted.request).recipe {
        Recipe::Request(request) => renew_from(facts, &request.policy),
        _ => facts.not_after,
    };
    let text = |time: Timestamp| time.date();
    format!(
        "{}, valid until {}, renewal due from {}",
        facts.subject,
        text(facts.not_after),
        text(due)
    )
}

fn next(graph: &Graph, id: DerivationId, plan: &crate::plan::Plan) -> String {
    let Some(config) = graph.kubeconfig_of(id) else {
        return String::new();
    };
    let Some(place) = graph.placements(config).first() else {
        return String::new();
    };
    let path = &place.path;
    let written = plan.steps.iter().any(|step| step.derivation == config);
    let kept = plan.kept.iter().any(|(kept, _)| *kept == config);
    if let (true, Recipe::Kubeconfig(config)) = (written || kept, &graph.get(config).recipe) {
        return match &config.client_key {
            Some(key) => {
                format!("next: give out/{path} to its user; it looks for {key} beside it\n")
            }
            None => format!("next: kubectl --kubeconfig out/{path} auth whoami\n"),
        };
    }
    let key = graph.key_places(id).next().map_or_else(String::new, |place| place.path.to_string());
    format!("next: put the key at out/{key}, then kpki apply writes out/{path}\n")
}
