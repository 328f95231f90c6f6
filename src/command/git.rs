//! What Git has and would take: asked of `git` itself, since only it knows all that decides what is ignored.
//! The one place that runs another program, for commands that write, check or compare revisions. A plan asks
//! it one thing, where this machine's own apply was interrupted, whether Git tracks what that left; and with
//! `--base` for a revision's objects.

mod failure;
mod guarded;
mod object;
mod place;
mod revision;
mod settings;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufReader, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use self::failure::cannot_run;
pub(super) use self::failure::failed;
use self::place::Place;
use crate::error::{Error, Result};
use crate::secret::Secret;

pub(super) use object::{Object, Pipe};
pub(super) use revision::{Commit, Repository};
pub(super) use settings::{Was, set};

/// The files of a project folder that a commit could take.
pub(super) struct Listing {
    git: Git,
    /// Names of objects in the index, and the paths that have them.
    pub tracked: BTreeMap<String, Vec<PathBuf>>,
    /// Neither tracked nor ignored.
    pub untracked: Vec<PathBuf>,
}

/// How to run Git so that it means the project's repository.
pub(super) struct Git {
    program: PathBuf,
    /// Where it starts; paths that it prints are relative to here.
    from: PathBuf,
    /// The project folder, as seen from there.
    project: PathBuf,
    place: Place,
    /// A hook's environment names the index that is being committed, relative to where the hook runs.
    keeps_environment: bool,
}

/// Whether Git's index has a file of this path, or one below it, in the project's repository or one further
/// in. `false` where there is no repository or no Git.
pub(super) fn tracks_below(project: &Path, path: &str) -> Result<bool> {
    if guarded::program().is_none() {
        return Ok(false);
    }
    // To the outer repository a submodule is one entry: what is below it is in the inner one's index.
    let ends = path.match_indices('/').map(|(at, _)| at);
    let inner = ends.chain([path.len()]).filter_map(|end| {
        let (folder, below) = path.split_at_checked(end)?;
        let folder = project.join(folder);
        let has_git = folder.join(".git").symlink_metadata().is_ok();
        has_git.then(|| (folder, below.trim_start_matches('/').to_owned()))
    });
    for (folder, below) in std::iter::once((project.to_owned(), path.to_owned())).chain(inner) {
        let Some(mut git) = Git::of(&folder)? else {
            continue;
        };
        if !below.is_empty() {
            git.project = PathBuf::from(below);
        }
        if !git.list(&["--cached"])?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `None` where there is no repository.
pub(super) fn listing(project: &Path) -> Result<Option<Listing>> {
    let Some(git) = Git::of(project)? else {
        return Ok(None);
    };
    let git = git.with_environment(project);
    let mut tracked: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for entry in git.list(&["--stage"])? {
        // MODE OBJECT STAGE, a tab, and the path.
        let mut parts = entry.splitn(2, |byte| *byte == b'\t');
        let (Some(head), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let head = String::from_utf8_lossy(head);
        let mut words = head.split(' ');
        if let (Some("100644" | "100755"), Some(object)) = (words.next(), words.next()) {
            let paths = tracked.entry(object.to_owned()).or_default();
            paths.push(path_of(path));
        }
    }
    let untracked = git.list(&["--others", "--exclude-standard"])?;
    Ok(Some(Listing {
        untracked: untracked.iter().map(|path| git.from.join(path_of(path))).collect(),
        tracked,
        git,
    }))
}

pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

impl Git {
    /// The repository of a project folder, whatever the environment says; `None` where there is none.
    pub(super) fn of(project: &Path) -> Result<Option<Self>> {
        let program = guarded::program().ok_or_else(not_here)?;
        let mut ask = guarded::command(&program, false);
        ask.current_dir(project);
        let Some(place) = Place::asked(ask)? else {
            return Ok(None);
        };
        place.check(project)?;
        Ok(Some(Git {
            program,
            from: project.to_owned(),
            project: PathBuf::from("."),
            place,
            keeps_environment: false,
        }))
    }

    /// As a hook means it, where its environment names the same repository: with the index that is being
    /// committed.
    fn with_environment(self, project: &Path) -> Self {
        let ask = guarded::command(&self.program, true);
        match Place::asked(ask) {
            Ok(Some(place)) if place == self.place => Git {
                from: PathBuf::from("."),
                project: project.to_owned(),
                keeps_environment: true,
                ..self
            },
            _ => self,
        }
    }

    fn command(&self) -> Command {
        let mut command = guarded::command(&self.program, self.keeps_environment);
        command.current_dir(&self.from);
        if !self.keeps_environment {
            // Nothing is searched for again, and no setting moves the working tree.
            command.env("GIT_DIR", &self.place.git_folder).env("GIT_WORK_TREE", &self.place.top);
        }
        // No call converts content; a Git since 2.41 does not even read what the tree says of that.
        if let Some(tree) = self.place.empty_tree {
            command.env("GIT_ATTR_SOURCE", tree);
        }
        command
    }

    /// Whether its history is cut off.
    pub(super) fn is_shallow(&self) -> Result<bool> {
        let mut command = self.command();
        let output = command
            .args(["rev-parse", "--is-shallow-repository"])
            .output()
            .map_err(|error| cannot_run(&error))?;
        match output.stdout.trim_ascii() {
            b"true" => Ok(true),
            b"false" => Ok(false),
            _ => Err(failed(&String::from_utf8_lossy(&output.stderr))),
        }
    }

    /// What `git ls-files` lists of the project folder.
    fn list(&self, flags: &[&str]) -> Result<Vec<Vec<u8>>> {
        let mut command = self.command();
        let output = command
            .args(["ls-files", "-z"])
            .args(flags)
            .arg("--")
            .arg(&self.project)
            .output()
            .map_err(|error| cannot_run(&error))?;
        if !output.status.success() {
            return Err(failed(&String::from_utf8_lossy(&output.stderr)));
        }
        let entries = output.stdout.split(|byte| *byte == 0);
        Ok(entries.filter(|entry| !entry.is_empty()).map(<[u8]>::to_vec).collect())
    }
}

impl Listing {
    /// As a person here would write it.
    pub fn shown(&self, path: &Path) -> PathBuf {
        self.git.from.join(path)
    }

    /// Gives every object of the index to `look`, at most `limit` bytes of each, with its whole size.
    pub fn each_object(
        &self,
        limit: u64,
        mut look: impl FnMut(&[PathBuf], Secret, u64),
    ) -> Result<()> {
        let mut child = self
            .git
            .command()
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| cannot_run(&error))?;
        let (Some(mut asks), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::internal("git has no pipes"));
        };
        let read = std::thread::scope(|scope| {
            // From a thread of its own: both pipes may be full.
            scope.spawn(move || {
                let mut objects = self.tracked.keys();
                objects.try_for_each(|object| writeln!(asks, "{object}"))
            });
            let mut answers = BufReader::new(answers);
            self.tracked.values().try_for_each(|paths| {
                let object = Object::read(&mut answers, limit)?;
                let object = object.ok_or_else(|| std::io::Error::other("git says no more"))?;
                look(paths, object.bytes, object.size);
                Ok(())
            })
        });
        let status = child.wait().map_err(|error| cannot_run(&error))?;
        read.map_err(|error: std::io::Error| failed(&error.to_string()))?;
        if status.success() { Ok(()) } else { Err(failed("git cat-file ended with an error")) }
    }
}

fn not_here() -> Error {
    cannot_run(&std::io::Error::new(std::io::ErrorKind::NotFound, "no folder of PATH has it"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn git(folder: &Path, words: &[&str]) {
        let name = ["-c", "user.name=n", "-c", "user.email=e@example.com"];
        let mut git = Command::new("git");
        let run = git.args(name).args(words).current_dir(folder).output();
        assert!(run.unwrap().status.success(), "{words:?}");
    }

    /// As `git add -f out/.pending` makes it: the whole folder is ignored.
    fn project(below: &str) -> (tempfile::TempDir, PathBuf) {
        let top = tempfile::tempdir().unwrap();
        let project = top.path().join(below);
        fs::create_dir_all(project.join("out/.pending/tree")).unwrap();
        fs::write(project.join("out/.pending/tree/a"), "a").unwrap();
        fs::write(project.join("out/.pendings"), "a").unwrap();
        fs::write(project.join(".gitignore"), "out/.pending\n").unwrap();
        git(top.path(), &["init", "--quiet"]);
        git(top.path(), &["add", "--all"]);
        (top, project)
    }

    #[test]
    fn what_the_index_tracks_below_a_folder() {
        for below in [".", "sites/[a] *"] {
            let (top, project) = project(below);
            assert!(!tracks_below(&project, "out/.pending").unwrap());
            assert!(!tracks_below(&project, "out/.pend*").unwrap());
            assert!(tracks_below(&project, "out/.pendings").unwrap());
            git(&project, &["add", "--force", "out/.pending"]);
            assert!(tracks_below(&project, "out/.pending").unwrap());
            // Tracked, though it is not here now.
            fs::remove_dir_all(project.join("out")).unwrap();
            assert!(tracks_below(&project, "out/.pending").unwrap());
            fs::write(top.path().join(".git/config"), "[broken\n").unwrap();
            assert!(tracks_below(&project, "out/.pending").is_err());
        }
        let nowhere = tempfile::tempdir().unwrap();
        assert!(!tracks_below(nowhere.path(), "out/.pending").unwrap());
    }

    /// A submodule's files are in an index of their own.
    #[test]
    fn what_an_inner_repository_tracks() {
        for inner in ["out", "out/.pending"] {
            let (_top, project) = project(".");
            git(&project.join(inner), &["init", "--quiet"]);
            assert!(!tracks_below(&project, "out/.pending").unwrap());
            git(&project.join(inner), &["add", "--force", "."]);
            assert!(tracks_below(&project, "out/.pending").unwrap(), "{inner}");
        }
    }

    /// What Git before 2.38 finds, which does not know `safe.bareRepository`; and what `core.worktree` makes
    /// of any.
    #[test]
    fn a_repository_is_held_against_the_folders() {
        let (top, project) = project("sites/prod");
        let top = fs::canonicalize(top.path()).unwrap();
        let place = |top: &Path, git_folder: &Path| Place {
            top: top.to_owned(),
            git_folder: git_folder.to_owned(),
            empty_tree: None,
        };
        let real = top.join(".git");
        assert!(place(&top, &real).check(&project).is_ok());
        assert!(place(&project, &project).check(&project).is_err());
        assert!(place(&top, &project).check(&project).is_err());
        assert!(place(&project, &real).check(&project).is_err());
        assert!(place(Path::new("/"), &real).check(&project).is_err());
        let other = tempfile::tempdir().unwrap();
        git(other.path(), &["init", "--quiet"]);
        let there = other.path().join(".git");
        assert!(place(other.path(), &there).check(&project).is_err());

        // A worktree of its own has a file for its `.git`.
        git(&top, &["commit", "--quiet", "-m", "one"]);
        let tree = other.path().join("tree");
        git(&top, &["worktree", "add", "--quiet", "--detach", tree.to_str().unwrap()]);
        let found = Git::of(&tree.join("sites/prod")).unwrap().unwrap();
        assert_eq!(found.place.git_folder, real.join("worktrees/tree"));
        // The working tree that the configuration names is another one.
        git(&top, &["config", "core.worktree", other.path().to_str().unwrap()]);
        assert!(Git::of(&project).is_err());
    }

    /// With names of 64 digits; each setting and variable is one that this Git takes.
    #[test]
    fn a_repository_with_sha_256() {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "--quiet", "--object-format=sha256"]);
        fs::write(folder.path().join("a"), "a").unwrap();
        git(folder.path(), &["add", "a"]);
        let listing = listing(folder.path()).unwrap().unwrap();
        assert!(listing.git.place.empty_tree.is_some_and(|tree| tree.len() == 64));
        let mut sizes = Vec::new();
        listing.each_object(9, |_, _, size| sizes.push(size)).unwrap();
        assert_eq!(sizes, [1]);
    }
}
