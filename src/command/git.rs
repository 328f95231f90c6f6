//! What Git has and would take: asked of `git` itself, since only it knows all that decides what is ignored. The
//! one place that runs another program, for commands that write, check or compare revisions: plan runs none.

mod revision;
mod settings;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

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
pub(super) struct Git {
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
    let alone = Git::alone(project);
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

pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

impl Git {
    /// Whatever the environment says.
    pub(super) fn alone(project: &Path) -> Self {
        Git {
            from: project.to_owned(),
            project: PathBuf::from("."),
            keeps_environment: false,
        }
    }

    fn command(&self) -> Command {
        let mut command = git();
        command
            .current_dir(&self.from)
            // A promisor remote would be asked for what is missing.
            .args(["-c", "protocol.allow=never"])
            .args(["--literal-pathspecs", "--no-pager"])
            .env("LC_ALL", "C")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            // What stands in for other objects hides them; and nothing is fetched.
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_NO_LAZY_FETCH", "1");
        if !self.keeps_environment {
            for name in OF_A_REPOSITORY {
                command.env_remove(name);
            }
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
        Ok(output.stdout.trim_ascii() == b"true")
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
            self.tracked.values().try_for_each(|paths| {
                let object = Object::read(&mut answers, limit)?;
                let object = object.ok_or_else(|| std::io::Error::other("git says no more"))?;
                look(paths, object.bytes, object.size);
                Ok(())
            })
        });
        let status = child.wait().map_err(|error| cannot_run(&error))?;
        read.map_err(|error: std::io::Error| failed(&error.to_string()))?;
        if status.success() {
            Ok(())
        } else {
            Err(failed("git cat-file ended with an error"))
        }
    }
}

/// What `git cat-file --batch` says of one object.
pub(super) struct Object {
    pub name: String,
    /// At most as many as were asked for.
    pub bytes: Secret,
    pub size: u64,
}

impl Object {
    /// `OBJECT blob SIZE`, a line end, the bytes and a line end. `None`: there are no more.
    pub(super) fn read(answers: &mut impl BufRead, limit: u64) -> std::io::Result<Option<Object>> {
        let mut head = String::new();
        if answers.read_line(&mut head)? == 0 {
            return Ok(None);
        }
        let mut words = head.trim_end().split(' ');
        let size = words.clone().next_back();
        let (Some(name), Some(size)) =
            (words.next(), size.and_then(|size| size.parse::<u64>().ok()))
        else {
            return Err(std::io::Error::other(format!(
                "it does not give an object: {} (a partial clone lacks some)",
                head.trim_end()
            )));
        };
        let shown = size.min(limit);
        let mut bytes = Vec::with_capacity(usize::try_from(shown).unwrap_or(0) + 1);
        answers.take(shown).read_to_end(&mut bytes)?;
        std::io::copy(&mut answers.take(size - shown + 1), &mut std::io::sink())?;
        Ok(Some(Object {
            name: name.to_owned(),
            bytes: Secret::new(bytes),
            size,
        }))
    }
}

/// Two runs of Git, the second of which reads what the first one prints.
pub(super) struct Pipe {
    runs: [Child; 2],
    pub output: BufReader<ChildStdout>,
}

impl Pipe {
    pub(super) fn of(git: &Git, first: &[&str], second: &[&str]) -> Result<Pipe> {
        let start = |words: &[&str], input: Stdio| {
            let mut command = git.command();
            command.args(words).stdin(input).stdout(Stdio::piped());
            command.spawn().map_err(|error| cannot_run(&error))
        };
        let no_pipe = || Error::internal("git has no pipes");
        let mut first = start(first, Stdio::null())?;
        let between = first.stdout.take().ok_or_else(no_pipe)?;
        let mut second = start(second, between.into())?;
        let output = BufReader::new(second.stdout.take().ok_or_else(no_pipe)?);
        Ok(Pipe {
            runs: [first, second],
            output,
        })
    }

    /// After everything was read.
    pub(super) fn finish(self) -> Result<()> {
        let Pipe { runs, output } = self;
        drop(output);
        for mut run in runs {
            let status = run.wait().map_err(|error| cannot_run(&error))?;
            if !status.success() {
                return Err(failed("it ended with an error"));
            }
        }
        Ok(())
    }
}

fn cannot_run(error: &std::io::Error) -> Error {
    Error::refused(format!("cannot run git: {error}"))
        .help("git alone knows what it ignores; install it, or look with another tool")
}

pub(super) fn failed(said: &str) -> Error {
    let said = OsStr::from_bytes(said.trim_end().as_bytes()).to_string_lossy();
    Error::refused(format!("git failed: {said}"))
}
