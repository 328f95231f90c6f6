//! Which repository a project is in, found by Git and then held against the folders.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{cannot_run, failed};
use crate::error::{Error, Result};
use crate::render::printable;
use crate::sources::read_regular;
use crate::visible;

/// A repository by its folders.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The top folder of its working tree.
    pub top: PathBuf,
    /// Where Git keeps it: `.git`, or what a file of that name says.
    pub git_folder: PathBuf,
    /// The name of an empty tree, where this Git tells how it names objects.
    pub empty_tree: Option<&'static str>,
}

const ASK: [&str; 4] =
    ["rev-parse", "--show-toplevel", "--absolute-git-dir", "--show-object-format"];

/// `git hash-object -t tree /dev/null`; every Git knows it without having it.
const EMPTY_TREES: [(&[u8], &str); 2] = [
    (b"sha1", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"),
    (b"sha256", "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"),
];

impl Place {
    /// What Git finds; `None` where there is no repository.
    pub fn asked(mut git: Command) -> Result<Option<Place>> {
        let output = git.args(ASK).output().map_err(|error| cannot_run(&error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            // Not where a `.git` names a place that is none.
            if said.contains("not a git repository (or any") {
                return Ok(None);
            }
            return Err(why(&said));
        }
        let mut lines = output.stdout.split(|byte| *byte == b'\n');
        let path = |line: &[u8]| PathBuf::from(OsStr::from_bytes(line));
        match (lines.next(), lines.next(), lines.next(), lines.count()) {
            (Some(top), Some(folder), Some(format), 1) => Ok(Some(Place {
                top: path(top),
                git_folder: path(folder),
                empty_tree: EMPTY_TREES
                    .iter()
                    .find_map(|(name, tree)| (*name == format).then_some(*tree)),
            })),
            _ => Err(Error::refused("the path of the Git repository has a line break in it")),
        }
    }

    /// No commit can bring a `.git`, so the project is below a folder that has one, and that is the
    /// repository. A Git before 2.38 does not refuse one that a commit brought; and a `core.worktree` may
    /// name any folder.
    pub fn check(&self, project: &Path) -> Result<()> {
        let entry = self.top.join(".git");
        let named = if entry.is_dir() {
            Some(entry)
        } else {
            linked(&entry).map(|path| self.top.join(path))
        };
        let real = |path: &Path| fs::canonicalize(path).ok();
        let is_it = named
            .and_then(|path| real(&path))
            .is_some_and(|path| Some(path) == real(&self.git_folder));
        let is_below = real(project)
            .zip(real(&self.top))
            .is_some_and(|(project, top)| project.starts_with(top));
        if is_it && is_below {
            return Ok(());
        }
        let message = format!(
            "Git takes {} for the repository of {}, with the files in {}",
            visible::path(&self.git_folder),
            visible::path(project),
            visible::path(&self.top)
        );
        Err(Error::refused(message).help(
            "a project is below the folder that has .git: delete what else looks like a repository \
             (HEAD, config, objects, refs), or take core.worktree out of its config",
        ))
    }
}

/// What a `.git` that is a file says (gitrepository-layout(5)): a worktree's or a submodule's.
fn linked(entry: &Path) -> Option<PathBuf> {
    let bytes = read_regular(entry, 64 << 10).ok()?;
    let path = bytes.strip_prefix(b"gitdir: ")?;
    Some(PathBuf::from(OsStr::from_bytes(path.trim_ascii_end())))
}

fn why(said: &str) -> Error {
    if said.contains("cannot use bare repository") {
        let folder = said.split('\'').nth(1).unwrap_or("a folder");
        let message =
            format!("{} is a Git repository of its own to Git, without a .git", printable(folder));
        return Error::refused(message).help(
            "a commit can bring one, with programs to run: see who added HEAD, config, objects and \
             refs there, and delete them",
        );
    }
    failed(said)
}
