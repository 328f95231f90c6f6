//! What Git has and would take: asked of `git` itself, since only it knows all that decides what is ignored. The
//! one place that runs another program, for commands that write, check or compare revisions: plan runs none.

mod revision;
mod settings;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Error, Result};
use crate::secret::Secret;

pub(super) use revision::{Commit, Repository};
pub(super) use settings::{Was, set};

/// The files of a project folder that a commit could take.
pub(super) struct Listing {
    git: Git,
    /// Names of objects in the index, and the paths that have them.
    pub tracked: BTreeMap<String, Vec<PathBuf>>,
    /// Tracked, with another content in the working tree.
    pub changed: Vec<PathBuf>,
    /// Neither tracked nor ignored.
    pub untracked: Vec<PathBuf>,
}

/// How to run Git so that it means the project's repository.
struct Git {
    /// Where it starts; paths that it prints are relative to here.
    from: PathBuf,
    /// The project folder, as seen from there.
    project: PathBuf,
    /// A hook's environment names the index that is being committed, relative to where the hook runs.
    keeps_environment: bool,
}

/// A repository's own configuration may name a program to run.
fn git() -> Command {
    let mut command = Command::new("git");
    command
        .args(["-c", "core.fsmonitor=false"])
        .args(["-c", "core.hooksPath=/dev/null"])
        .stdin(Stdio::null());
    command
}

/// What a hook's environment says of a repository, which may be another one.
const OF_A_REPOSITORY: [&str; 4] = ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_PREFIX"];

/// Whether Git's index has a file of the project folder.
pub(super) fn is_tracked(project: &Path, name: &str) -> bool {
    let mut command = git();
    let status = command
        .arg("-C")
        .arg(project)
        .args(["ls-files", "--error-unmatch", "--", name])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// `None` where there is no repository.
pub(super) fn listing(project: &Path) -> Result<Option<Listing>> {
    let alone = Git {
        from: project.to_owned(),
        project: PathBuf::from("."),
        keeps_environment: false,
    };
    let here = Git {
        from: PathBuf::from("."),
        project: project.to_owned(),
        keeps_environment: true,
    };
    let Some(top) = alone.top()? else {
        return Ok(None);
    };
    let git = if here.top().ok().flatten().as_ref() == Some(&top) {
        here
    } else {
        alone
    };
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
    let paths = |flags: &[&str]| -> Result<Vec<PathBuf>> {
        let all = git.list(flags)?;
        Ok(all
            .iter()
            .map(|path| git.from.join(path_of(path)))
            .collect())
    };
    Ok(Some(Listing {
        changed: paths(&["--modified"])?,
        untracked: paths(&["--others", "--exclude-standard"])?,
        tracked,
        git,
    }))
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

impl Git {
    fn command(&self) -> Command {
        let mut command = git();
        command
            .current_dir(&self.from)
            .arg("--literal-pathspecs")
            .env("LC_ALL", "C")
            .env("GIT_OPTIONAL_LOCKS", "0");
        if !self.keeps_environment {
            for name in OF_A_REPOSITORY {
                command.env_remove(name);
            }
        }
        command
    }

    /// The top folder of the repository.
    fn top(&self) -> Result<Option<Vec<u8>>> {
        let mut command = self.command();
        let output = command
            .args(["rev-parse", "--show-toplevel"])
            .output()
            .map_err(|error| cannot_run(&error))?;
        if output.status.success() {
            return Ok(Some(output.stdout));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("not a git repository") {
            return Ok(None);
        }
        Err(failed(&said))
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
        Ok(entries
            .filter(|entry| !entry.is_empty())
            .map(<[u8]>::to_vec)
            .collect())
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
            self.tracked
                .values()
                .try_for_each(|paths| read_object(&mut answers, limit, paths, &mut look))
        });
        let status = child.wait().map_err(|error| cannot_run(&error))?;
        read.map_err(|error| failed(&error.to_string()))?;
        if status.success() {
            Ok(())
        } else {
            Err(failed("git cat-file ended with an error"))
        }
    }
}

/// `OBJECT blob SIZE`, a line end, the bytes and a line end.
fn read_object(
    answers: &mut impl BufRead,
    limit: u64,
    paths: &[PathBuf],
    look: &mut impl FnMut(&[PathBuf], Secret, u64),
) -> std::io::Result<()> {
    let mut head = String::new();
    answers.read_line(&mut head)?;
    let size = head.trim_end().rsplit(' ').next();
    let Some(size) = size.and_then(|size| size.parse::<u64>().ok()) else {
        return Err(std::io::Error::other(format!(
            "git does not give an object of its index: {}",
            head.trim_end()
        )));
    };
    let shown = size.min(limit);
    let mut bytes = Vec::with_capacity(usize::try_from(shown).unwrap_or(0) + 1);
    answers.take(shown).read_to_end(&mut bytes)?;
    std::io::copy(&mut answers.take(size - shown + 1), &mut std::io::sink())?;
    look(paths, Secret::new(bytes), size);
    Ok(())
}

fn cannot_run(error: &std::io::Error) -> Error {
    Error::refused(format!("cannot run git: {error}"))
        .help("git alone knows what it ignores; install it, or look with another tool")
}

fn failed(said: &str) -> Error {
    let said = OsStr::from_bytes(said.trim_end().as_bytes()).to_string_lossy();
    Error::refused(format!("git failed: {said}"))
}
