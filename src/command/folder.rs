//! The project folder as values: description, lock, files under `out/` and what they say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::io::Errno;

use super::{interrupted, terminal, verified_secrets};
use crate::config::{self, Loaded, SourceFile};
use crate::engine::{Project, public_kubeconfigs};
use crate::error::{Error, Kind, Result};
use crate::graph::Graph;
use crate::hash::Digest;
use crate::lock;
use crate::plan::{Intent, Interruption};
use crate::sources::owner::{is_denied, why};
use crate::sources::{Noted, Sources, beneath};
use crate::spec::Spec;
use crate::state::{Inventory, Lock, is_read};
use crate::store::{
    Disk as _, EntryKind, Found, FoundKind, Interrupted, Pending, RealDisk, ScannedFolders,
    pending, scan_staged, scan_with_folders,
};
use crate::version::KubernetesVersion;
use crate::visible;

pub(super) const DESCRIPTION: &str = "cluster.kdl";
pub(super) const LOCK: &str = "cluster.lock";

/// The project folder: the project that it holds, and what is known of the folder itself.
pub(super) struct Folder {
    pub project: Project,
    /// What is known of the folders of `out/`.
    pub folders: ScannedFolders,
    /// What an interrupted apply had left when the files were read.
    pub pending: Pending,
    /// Of a change that is recorded and not complete, where the files were read for a plan.
    interrupted: Option<Unfinished>,
    /// Every file that the description read or looked for, and the seed: relative to the project folder.
    pub sources: BTreeSet<String>,
    /// Digest of the lock's bytes when the files were read.
    lock_bytes: Option<Digest>,
}

/// A change that is recorded and not complete, and the lock that is in force until it is.
struct Unfinished {
    found: Interrupted,
    in_force: Lock,
}

/// Which state of the files is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    AsTheyAre,
    /// As finishing an interrupted apply leaves them, where that may be finished.
    Finished,
}

/// What lies beside the description.
struct State {
    lock: Lock,
    inventory: Inventory,
    folders: ScannedFolders,
    pending: Pending,
    interrupted: Option<Unfinished>,
    lock_bytes: Option<Digest>,
}

/// The description, and the files that it was read from.
pub(super) struct Description {
    loaded: Loaded,
    sources: BTreeSet<String>,
}

impl Description {
    pub fn read(directory: &Path) -> Result<Description> {
        Description::must_be(directory)?;
        Description::read_with(directory, version_on_record(directory))
    }

    /// There is one.
    pub fn must_be(directory: &Path) -> Result<()> {
        let path: PathBuf = directory.join(DESCRIPTION);
        // Not `exists`: a link to nowhere is there, and reading it says what is wrong.
        if let Err(error) = path.symlink_metadata() {
            if let Some(errno) = Errno::from_io_error(&error).filter(|errno| is_denied(*errno)) {
                let why = why(CWD, directory, errno);
                return Err(unread(&format!("cannot read {}: {why}", visible::path(directory))));
            }
            // Without -C it was looked for above, too.
            let nowhere =
                if directory == Path::new(".") { ", nor one in a folder above" } else { "" };
            return Err(Error::refused(format!("there is no {}{nowhere}", visible::path(&path)))
                .help("kpki init writes one to start from; -C DIR names another folder"));
        }
        Ok(())
    }

    pub fn spec(&self) -> &Spec {
        &self.loaded.spec
    }

    /// Its own files, the first one first.
    pub fn files(&self) -> &[SourceFile] {
        &self.loaded.files
    }

    /// Every file that it read or looked for.
    pub fn asked(&self) -> &BTreeSet<String> {
        &self.sources
    }

    fn read_with(directory: &Path, locked: Option<KubernetesVersion>) -> Result<Description> {
        let noted = Noted::new(directory);
        let sources = Sources::Noted(noted.clone());
        let loaded = load(&sources, "the description", locked);
        let loaded = loaded.map_err(|error| match sources.read(DESCRIPTION, MOST) {
            // No mistake of its writer's.
            Err(denied) if denied.is_denied() => unread(&denied.to_string()),
            _ => error,
        })?;
        let mut sources = noted.asked();
        let seed = loaded.spec.reproducible.as_ref();
        let seed =
            seed.map(|reproducible| beneath::follow(directory, &reproducible.seed_file).real);
        sources.extend(seed);
        Ok(Description { loaded, sources })
    }

    /// What any state of the project asks for, with the version that its lock resolved; `None` where it has
    /// no description.
    pub fn of(sources: &Sources, state: &str) -> Result<Option<(Spec, Graph)>> {
        let fail = |error: &dyn std::fmt::Display| Error::refused(format!("{state}: {error}"));
        let there = sources.read_if_there(DESCRIPTION, MOST);
        if there.is_ok_and(|bytes| bytes.is_none()) {
            return Ok(None);
        }
        let bytes = sources.read_if_there(LOCK, lock::LIMIT).map_err(|error| fail(&error));
        let lock = bytes.and_then(|bytes| {
            parse_lock(bytes.as_deref())
                .map_err(|error| Error { message: format!("{state}: {error}"), ..error })
        });
        let locked = lock.as_ref().ok().and_then(|lock| lock.kubernetes);
        let loaded = load(sources, &format!("the description of {state}"), locked)?;
        lock.map(|_| Some((loaded.spec, loaded.graph)))
    }

    /// What a state is with the files read that are named as secrets and described as public.
    fn read_public(&self, directory: &Path, view: View, state: State) -> Result<State> {
        let public = public_kubeconfigs(&self.loaded.graph, &state.lock);
        if public.is_empty() { Ok(state) } else { read_state(directory, view, &public) }
    }

    /// As the lock in force resolves its version: what an interrupted apply left may have another one.
    fn resolved(self, directory: &Path, lock: &Lock) -> Result<Description> {
        let cluster = &self.loaded.spec.cluster;
        if cluster.requested.resolve(lock.kubernetes) == cluster.kubernetes.value {
            return Ok(self);
        }
        Description::read_with(directory, lock.kubernetes)
    }
}

pub(super) fn load(
    sources: &Sources,
    what: &str,
    locked: Option<KubernetesVersion>,
) -> Result<Loaded> {
    config::load(sources, DESCRIPTION, locked).map_err(|report| {
        let mistakes = report.render(terminal::stderr_has_color());
        let mut error = mistaken(what, report.problems().len(), &mistakes);
        error.message.push('\n');
        let error = error.nothing_written();
        if report.is_shortened() { error.help("kpki validate tells all of them") } else { error }
    })
}

pub(super) fn mistaken(what: &str, count: usize, mistakes: &str) -> Error {
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    Error::refused(format!("{count} {noun} in {what}\n\n{}", mistakes.trim_end()))
}

/// The version in the lock's head. A mistake there is told where the lock is read.
pub(super) fn version_on_record(directory: &Path) -> Option<KubernetesVersion> {
    let head = RealDisk::open(directory).ok()?.first_line(LOCK).ok()?;
    lock::parse(&head).ok()?.kubernetes
}

fn unread(what: &str) -> Error {
    Error::refused(what)
        .nothing_written()
        .help("run kpki as its owner, or have its owner let you read it")
}

/// A description that is larger is there, too: its reader refuses it.
const MOST: usize = 1 << 20;

impl Folder {
    /// Reads everything; opens no secret.
    pub fn read(directory: &Path) -> Result<Folder> {
        Folder::read_as(directory, View::AsTheyAre)
    }

    /// For a plan: what an interrupted apply left is finished before anything else is done.
    pub fn read_finished(directory: &Path) -> Result<Folder> {
        Folder::read_as(directory, View::Finished)
    }

    fn read_as(directory: &Path, view: View) -> Result<Folder> {
        let (description, state) = rayon::join(
            || Description::read(directory),
            || read_state(directory, view, &BTreeSet::new()),
        );
        // A mistake in the description is told first: it is what was edited last.
        let description = description?;
        let state = description.read_public(directory, view, state?)?;
        Folder::new(description, state, directory)
    }

    /// The description against the files, as an apply finds them once it has finished what was interrupted.
    pub fn with(description: Description, directory: &Path) -> Result<Folder> {
        let state = read_state(directory, View::Finished, &BTreeSet::new())?;
        let state = description.read_public(directory, View::Finished, state)?;
        Folder::new(description, state, directory)
    }

    /// What a plan says of an interrupted apply. `None`: there is none.
    pub fn interruption(&self, directory: &Path, intent: &Intent) -> Result<Option<Interruption>> {
        let Some(Unfinished { found, in_force }) = &self.interrupted else {
            return Ok(None);
        };
        let disk = RealDisk::open(directory)?;
        let Project { graph, lock, .. } = &self.project;
        let locks = (in_force, lock);
        interrupted::judge(directory, found, &disk, graph, locks, intent).map(Some)
    }

    fn new(description: Description, state: State, directory: &Path) -> Result<Folder> {
        let State { lock, inventory, folders, pending, interrupted, lock_bytes } = state;
        let Description { loaded, sources } = description.resolved(directory, &lock)?;
        let project = Project::new(loaded, lock, inventory);
        Ok(Folder { project, folders, pending, interrupted, sources, lock_bytes })
    }

    /// After more was read: nobody has applied anything since the files were.
    pub fn refuse_changed(&self, directory: &Path) -> Result<()> {
        let disk = RealDisk::open(directory)?;
        let lock = lock_bytes(&disk)?.map(|bytes| Digest::of(&bytes));
        if (pending(&disk)?, lock) == (self.pending, self.lock_bytes) {
            Ok(())
        } else {
            Err(changed_meanwhile())
        }
    }
}

/// Readers take no lock, so an apply may run beside them. Every commit that changes what the files say
/// changes the lock, and while it moves files its journal is there: what was read between two equal
/// looks at both belongs together.
fn read_state(directory: &Path, view: View, public: &BTreeSet<String>) -> Result<State> {
    let disk = RealDisk::open(directory)?;
    let look = || Ok::<_, Error>((pending(&disk)?, lock_bytes(&disk)?));
    let mut before = look()?;
    for _ in 0..READ_ATTEMPTS {
        let unfinished = match (view, before.0) {
            (View::Finished, Pending::Unfinished) => interrupted::look(directory, &disk)?,
            _ => None,
        };
        let through = unfinished.as_ref().filter(|found| interrupted::is_looked_through(found));
        let (inventory, folders) = read_inventory(directory, through, public)?;
        let after = look()?;
        if before == after {
            let (pending, in_force) = before;
            let staged = through.map(|found| found.lock(&disk)).transpose()?;
            let lock = parse_lock(staged.as_deref().or(in_force.as_deref()))?;
            let interrupted = match unfinished {
                Some(found) => {
                    Some(Unfinished { found, in_force: parse_lock(in_force.as_deref())? })
                }
                None => None,
            };
            return Ok(State {
                lock,
                lock_bytes: in_force.as_deref().map(Digest::of),
                inventory,
                folders,
                pending,
                interrupted,
            });
        }
        before = after;
    }
    Err(changed_meanwhile())
}

fn changed_meanwhile() -> Error {
    Error::new(Kind::Busy, format!("another kpki changed out/ and {LOCK} while they were read"))
        .help("wait until it has finished, then run the command again")
}

const READ_ATTEMPTS: usize = 5;

fn lock_bytes(disk: &RealDisk) -> Result<Option<Vec<u8>>> {
    match disk.kind(LOCK)? {
        EntryKind::Missing => return Ok(None),
        EntryKind::File { size, .. } if size > lock::LIMIT as u64 => {
            return Err(Error::refused(format!("{LOCK} is larger than 64 MiB")).help(lock::RESTORE));
        }
        _ => {}
    }
    disk.read(LOCK).map(Some)
}

pub(super) fn parse_lock(bytes: Option<&[u8]>) -> Result<Lock> {
    let Some(bytes) = bytes else {
        return Ok(Lock::default());
    };
    lock::parse(bytes).map_err(|error| {
        Error::refused(format!("{LOCK}:{}: {}", error.line, error.why)).help(error.help)
    })
}

fn read_inventory(
    directory: &Path,
    finished: Option<&Interrupted>,
    public: &BTreeSet<String>,
) -> Result<(Inventory, ScannedFolders)> {
    let is_read = |path: &str| is_read(path) || public.contains(path);
    let mut inventory = Inventory::default();
    let staged = finished.map(|_| scan_staged(directory, &is_read)).transpose()?;
    let (index, scanned) = rayon::join(
        || verified_secrets::read(directory),
        || scan_with_folders(directory, &is_read),
    );
    let (mut all, folders) = scanned?;
    if let (Some(found), Some(staged)) = (finished, staged) {
        all = interrupted::finished(found, staged, all);
    }
    for Found { path, kind } in all {
        let what = match kind {
            FoundKind::ReadFile { mode, bytes, .. } => {
                inventory.add_read(path, mode, bytes);
                continue;
            }
            FoundKind::SecretFile { mode, stamp, .. } => {
                let plain = verified_secrets::plain_file(index.as_ref(), &path, mode, stamp);
                inventory.add_secret(path, plain);
                continue;
            }
            FoundKind::TooLarge { size } => format!("is too large ({size} bytes)"),
            FoundKind::Symlink => "is a symbolic link".into(),
            FoundKind::Special => "is not a regular file".into(),
            FoundKind::Unreadable(why) => {
                inventory.add_unreadable(path, why);
                continue;
            }
            FoundKind::Foreign => "has a name that is no plain text".into(),
        };
        inventory.add_unusable(path, what);
    }
    Ok((inventory, folders))
}
