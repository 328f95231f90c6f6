//! `kpki accept`: a certificate that the cluster signed comes back.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::effect::Progress;
use super::folder::{Description, Folder};
use super::output::Output;
use super::verified_secrets::Learnt;
use super::{Outcome, clock, interrupted, lookup, loose_folders, seed, standard_input, terminal};
use crate::cli::AcceptArgs;
use crate::engine::{self, Acceptance, Accepting, Project};
use crate::error::{Error, Result};
use crate::facts::pem::MAX_PEM;
use crate::graph::{ClusterSigned, DerivationId, Graph, Recipe};
use crate::lock;
use crate::plan::renew_from;
use crate::render::printable;
use crate::secret::Secret;
use crate::sources::read_regular;
use crate::store::{Pending, RealDisk, begin};
use crate::time::Timestamp;
use crate::visible;

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
    let mut folder = Folder::with(description, directory)?;
    loose_folders::refuse(&folder)?;
    if folder.pending == Pending::Unfinished {
        return Err(Error::refused(
            "an apply was interrupted, and out/ may be half old and half new",
        )
        .help(
            "kpki plan shows what it would do; kpki apply finishes it, kpki discard sets it aside",
        ));
    }
    let id = lookup::artifact(&folder.project, &args.name)?;
    let source = shown(&args.certificate);
    let now = clock();
    let project = &mut folder.project;
    let accepting = match engine::accept(project, id, bytes.expose(), &source, now)? {
        Acceptance::New(accepting) => accepting,
        Acceptance::IsHere => {
            progress.complete();
            let name = &folder.project.graph.get(id).name;
            return Ok(format!("{name} has this certificate already\n"));
        }
    };
    let settled = progress.take(transaction.settle(None))?;
    terminal::settled(settled);
    let identities = &args.identities.identity;
    let output = Output::new(&disk, &transaction, identities, accepting.plan.steps.len());
    let entropy = seed::entropy(directory, &folder.project.spec)?;
    let new = accepting.carry_out(&folder.project, &entropy, &output)?;
    let (bar, written) = output.finish();
    bar.finish_and_clear();
    progress.take(transaction.commit(lock::render(&new).as_bytes(), BTreeSet::new()))?;
    progress.complete();
    loose_folders::close(&folder, &disk)?;
    let mut learnt = Learnt::default();
    learnt.committed(new, written);
    learnt.remember(directory, folder.project.world(now));

    Ok(told(&folder.project, *accepting))
}

/// What was accepted and written, and what comes next.
fn told(project: &Project, accepting: Accepting) -> String {
    let Accepting { id, accepted, checked, left_out, place, plan, .. } = accepting;
    let mut notes = checked.notes;
    if left_out > 0 {
        notes.push(format!("{left_out} more in the file left out: the API server has its CA"));
    }
    for note in notes {
        terminal::note(&format!("note: {note}"));
    }
    let written = plan.steps.iter().flat_map(|step| &step.writes);
    let mut text = format!(
        "accepted {}: {}\nwrote out/{}\n",
        project.graph.get(id).name,
        life(project, &accepted, &checked.facts),
        place.path
    );
    for path in written {
        let _ = writeln!(text, "wrote out/{path}");
    }
    text.push_str(&next(&project.graph, id, &plan));
    text
}

fn shown(path: &Path) -> String {
    if standard_input::is_meant(path) {
        return standard_input::SHOWN.to_owned();
    }
    visible::path(path)
}

/// Never shown, whatever it is: it may be the key.
fn read(path: &Path) -> Result<Secret> {
    if standard_input::is_meant(path) {
        return standard_input::read();
    }
    let bytes = read_regular(path, MAX_PEM)
        .map_err(|why| Error::refused(format!("{}: {why}", shown(path))))?;
    if bytes.len() > MAX_PEM {
        return Err(Error::refused(format!("{}: larger than 1 MiB", shown(path))));
    }
    Ok(Secret::new(bytes))
}

fn life(
    project: &Project,
    accepted: &ClusterSigned,
    facts: &crate::facts::CertificateFacts,
) -> String {
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
