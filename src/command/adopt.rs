//! `kpki adopt`: a cluster that runs is taken over, from copies of its nodes' files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::folder::{DESCRIPTION, Folder, LOCK};
use super::on_disk::OnDisk;
use super::{Outcome, clock, init, interrupted, loose_folders, terminal};
use crate::adopt::{Refusal, files_elsewhere};
use crate::cli::AdoptArgs;
use crate::engine::{Adoption, Described, NotAdopted, adopt};
use crate::error::{Error, Kind, Result};
use crate::lock;
use crate::machine::Machine;
use crate::machine::kubeadm_config::KubeadmConfig;
use crate::name::NodeName;
use crate::render::adopt_report;
use crate::sealed::Recipient;
use crate::sources::node::{Source, read_machine};
use crate::sources::read_regular;
use crate::spec::Spec;
use crate::state::OUT;
use crate::store::{Disk as _, EntryKind, RealDisk, Settled, begin, write_inputs};
use crate::visible;

pub(super) fn run(directory: &Path, args: &AdoptArgs) -> Result<Outcome> {
    let machines = machines(args)?;
    let witness = args.kubeadm_config.as_deref().map(read_witness).transpose()?;
    let now = clock();
    let is_here = directory.join(DESCRIPTION).symlink_metadata().is_ok();
    let folder = is_here.then(|| Folder::read(directory)).transpose()?;
    if let Some(folder) = &folder {
        refuse_other_recipients(&folder.project.spec, args)?;
        loose_folders::refuse(folder)?;
    } else {
        refuse_leftovers(directory)?;
    }
    let gone = args.gone.iter().cloned().collect();
    let described = match folder {
        Some(folder) => Described::Here(Box::new(folder.project)),
        None => Described::Inferred {
            witness: witness.as_ref(),
            recipients: args.recipients.iter().cloned().collect(),
            gone: &gone,
        },
    };
    let disk = is_here.then(|| RealDisk::open(directory)).transpose()?;
    let secrets = match &disk {
        Some(disk) => OnDisk::new(disk, &args.identities),
        None => OnDisk::nothing(&args.identities),
    };
    let adoption = match adopt(&machines, described, now, &secrets) {
        Ok(adoption) => adoption,
        Err(NotAdopted::Failed(error)) => return Err(error),
        Err(NotAdopted::Refused(refusals)) => return Err(refused(&refusals)),
    };
    let report = adopt_report(&adoption, args.write, is_here);
    if !args.write {
        if let Some(text) = adoption.inputs.get(DESCRIPTION) {
            terminal::product(&String::from_utf8_lossy(text))?;
        }
        terminal::talk(report.trim_end());
        return Ok(Outcome::Done);
    }
    write(directory, &adoption)?;
    terminal::product_after("the cluster was taken over", &report)?;
    Ok(Outcome::Done)
}

/// Every node's files.
fn machines(args: &AdoptArgs) -> Result<BTreeMap<NodeName, Machine>> {
    let mut sources: BTreeMap<&NodeName, Source> = BTreeMap::new();
    let mut from_stdin = None;
    for given in &args.sources {
        let source = Source::named(&given.source.to_string_lossy());
        if matches!(source, Source::StandardInput)
            && let Some(first) = from_stdin.replace(&given.node)
        {
            let message = format!("{first} and {} both read standard input", given.node);
            return Err(Error::new(Kind::Usage, message)
                .help("give one of them as a file: ssh NODE … > NODE.tar, then NODE=NODE.tar"));
        }
        if sources.insert(&given.node, source).is_some() {
            let message = format!("{} is given twice", given.node);
            return Err(Error::new(Kind::Usage, message).help("each node has one source"));
        }
    }
    let read = |(node, source): (&NodeName, Source)| {
        let mut copy = read_machine(&source)?;
        let elsewhere = files_elsewhere(copy.machine());
        copy.also(elsewhere.iter().map(String::as_str))?;
        Ok((node.clone(), copy.machine().clone()))
    };
    sources.into_iter().map(read).collect()
}

/// The description says whom secrets are sealed to.
fn refuse_other_recipients(spec: &Spec, args: &AdoptArgs) -> Result<()> {
    let asked: BTreeSet<Recipient> = args.recipients.iter().cloned().collect();
    let described = spec.secrets.as_ref().map(|secrets| &secrets.value);
    if asked.is_empty() || described == Some(&asked) {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, "--recipient, and cluster.kdl is here and says something else")
        .help("write secrets { recipient \"age1…\" } into cluster.kdl, then kpki apply"))
}

const LARGEST_CONFIG: usize = 1 << 20;

fn read_witness(path: &Path) -> Result<KubeadmConfig> {
    let shown = visible::path(path);
    let bytes = read_regular(path, LARGEST_CONFIG)
        .map_err(|why| Error::refused(format!("{shown} cannot be read: {why}")))?;
    KubeadmConfig::read(&shown, &bytes).map_err(|mistakes| {
        let lines: Vec<String> =
            mistakes.iter().map(|mistake| format!("{}: {}", mistake.at, mistake.message)).collect();
        Error::refused(lines.join("\n"))
    })
}

/// Files of another project, or of an adoption that was stopped: with them a new description would speak of
/// what it did not make.
fn refuse_leftovers(directory: &Path) -> Result<()> {
    let found = [OUT, LOCK].into_iter().find(|name| {
        let path = directory.join(name);
        let is_empty = std::fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_none());
        path.symlink_metadata().is_ok() && !is_empty
    });
    let Some(name) = found else { return Ok(()) };
    let path = visible::path(&directory.join(name));
    Err(Error::refused(format!("{path} is here, and no {DESCRIPTION}"))
        .nothing_written()
        .help("take an empty folder (-C DIR), or put back the description that it belongs to"))
}

fn refused(refusals: &[Refusal]) -> Error {
    let mut refusals = refusals.to_vec();
    refusals.sort();
    refusals.dedup();
    let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    let mut helps: BTreeSet<&str> = BTreeSet::new();
    helps.extend(refusals.iter().filter_map(|refusal| refusal.help.as_deref()));
    let error = Error::refused(format!("the cluster is not taken over\n\n{}", lines.join("\n")))
        .nothing_written();
    if helps.is_empty() {
        return error;
    }
    error.help(helps.into_iter().collect::<Vec<_>>().join("\n      "))
}

/// The description comes last: before it is there, no plan is made for half of what belongs together.
fn write(directory: &Path, adoption: &Adoption) -> Result<()> {
    std::fs::create_dir_all(directory).map_err(|error| Error::io("create", directory, &error))?;
    let disk = RealDisk::open(directory)?;
    let (description, beside): (Vec<_>, Vec<_>) =
        adoption.inputs.iter().partition(|(name, _)| *name == DESCRIPTION);
    for (name, _) in description.iter().chain(&beside) {
        if disk.kind(name)? != EntryKind::Missing {
            return Err(Error::refused(format!("{name} is here already"))
                .nothing_written()
                .help("move it away, or take another folder with -C"));
        }
    }
    if !description.is_empty() {
        init::git_files(directory, adoption.project.spec.kubelet_client)?;
    }
    write_inputs(&disk, &beside)?;
    let mut transaction = begin(&disk, interrupted::key()?)?;
    let settled = transaction.settle(None).map_err(|failed| failed.error)?;
    if settled == Settled::Finished {
        return Err(
            Error::refused("an interrupted apply was finished first").help("run kpki adopt again")
        );
    }
    for (path, file) in &adoption.files {
        transaction.stage(path, file.bytes.expose(), file.mode)?;
    }
    let text = lock::render(&adoption.project.lock);
    transaction.commit(text.as_bytes(), BTreeSet::new()).map_err(|failed| failed.error)?;
    write_inputs(&disk, &description)
}
