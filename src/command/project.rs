//! The project folder as values: description, lock, files under `out/` and what they say.

use std::path::{Path, PathBuf};

use super::terminal;
use crate::config;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::lock;
use crate::plan::{Survey, World};
use crate::sources::Sources;
use crate::spec::Spec;
use crate::state::{File, Inventory, Lock, is_public};
use crate::store::{Disk as _, EntryKind, FoundKind, Pending, RealDisk, pending, scan};
use crate::time::Timestamp;

pub(super) const DESCRIPTION: &str = "cluster.kdl";
pub(super) const LOCK: &str = "cluster.lock";

/// All that is read before a plan is made.
pub(super) struct Project {
    pub spec: Spec,
    pub graph: Graph,
    pub lock: Lock,
    pub inventory: Inventory,
    pub survey: Survey,
    /// What the description's reader wants said.
    pub notes: Vec<String>,
}

/// The description, read once, and what it asks for.
pub(super) struct Description {
    spec: Spec,
    graph: Graph,
    notes: Vec<String>,
}

impl Description {
    pub fn read(directory: &Path) -> Result<Description> {
        let path: PathBuf = directory.join(DESCRIPTION);
        if !path.exists() {
            return Err(Error::refused(format!("there is no {}", path.display()))
                .help("kpki init writes one to start from; -C DIR names another folder"));
        }
        let sources = Sources::Folder(directory.to_owned());
        let loaded = config::load(&sources, DESCRIPTION).map_err(|report| {
            let count = report.problems().len();
            let noun = if count == 1 { "mistake" } else { "mistakes" };
            Error::refused(format!(
                "{count} {noun} in the description\n\n{}\n\nnothing was written",
                report.render(terminal::stderr_has_color()).trim_end()
            ))
        })?;
        Ok(Description {
            graph: Graph::derive(&loaded.spec),
            spec: loaded.spec,
            notes: loaded.notes,
        })
    }
}

impl Project {
    /// Reads everything; opens no secret.
    pub fn read(directory: &Path) -> Result<Project> {
        let (description, state) =
            rayon::join(|| Description::read(directory), || read_state(directory));
        // A mistake in the description is told first: it is what was edited last.
        let description = description?;
        Ok(Project::new(description, state?))
    }

    /// The description against the files as they are now.
    pub fn with(description: Description, directory: &Path) -> Result<Project> {
        Ok(Project::new(description, read_state(directory)?))
    }

    fn new(description: Description, (lock, inventory): (Lock, Inventory)) -> Project {
        let Description { spec, graph, notes } = description;
        let survey = Survey::take(&graph, &lock, &inventory);
        Project {
            spec,
            graph,
            lock,
            inventory,
            survey,
            notes,
        }
    }

    pub fn world(&self, now: Timestamp) -> World<'_> {
        World {
            graph: &self.graph,
            lock: &self.lock,
            inventory: &self.inventory,
            survey: &self.survey,
            now,
        }
    }
}

/// While an interrupted apply waits to be settled, every command says so.
pub(super) fn warn_if_pending(directory: &Path) -> Result<()> {
    let disk = RealDisk::open(directory)?;
    match pending(&disk)? {
        Pending::Nothing => {}
        Pending::Staged => terminal::talk(
            "note: an earlier apply was interrupted before its changes counted; the next apply clears them away",
        ),
        Pending::Unfinished => terminal::talk(
            "note: an earlier apply was interrupted half-way; out/ is not consistent until the next `kpki apply` finishes it",
        ),
    }
    Ok(())
}

fn read_state(directory: &Path) -> Result<(Lock, Inventory)> {
    let disk = RealDisk::open(directory)?;
    Ok((read_lock(&disk)?, read_inventory(directory)?))
}

fn read_lock(disk: &RealDisk) -> Result<Lock> {
    match disk.kind(LOCK)? {
        EntryKind::Missing => return Ok(Lock::default()),
        EntryKind::File { size, .. } if size > lock::LIMIT as u64 => {
            return Err(Error::refused(format!("{LOCK} is larger than 64 MiB")));
        }
        _ => {}
    }
    lock::parse(&disk.read(LOCK)?).map_err(|error| {
        Error::refused(format!("{LOCK}:{}: {}", error.line, error.why)).help(
            "restore it from Git; or delete it, and the next apply rebuilds it from out/ without changing a file",
        )
    })
}

fn read_inventory(directory: &Path) -> Result<Inventory> {
    let mut inventory = Inventory::default();
    for found in scan(directory, &is_public)? {
        let file = match found.kind {
            FoundKind::PublicFile { mode, bytes, .. } => File::Public { mode, bytes },
            FoundKind::SecretFile { mode, size } => File::Secret { mode, size },
            FoundKind::TooLarge { size } => File::Unusable {
                what: format!("is too large ({size} bytes)"),
            },
            FoundKind::Symlink => File::Unusable {
                what: "is a symbolic link".into(),
            },
            FoundKind::Special => File::Unusable {
                what: "is not a regular file".into(),
            },
            FoundKind::Unreadable(why) => File::Unusable {
                what: format!("cannot be read: {why}"),
            },
            FoundKind::Foreign => File::Unusable {
                what: "has a name that is not UTF-8".into(),
            },
        };
        inventory.files.insert(found.path, file);
    }
    Ok(inventory)
}
