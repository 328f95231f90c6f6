//! Revisions: what a commit holds of the project folder. Only objects are read; nothing of the repository's
//! is run, fetched or replaced, and what a user or branch is called never becomes an option.

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use super::failure::failed;
use super::{Git, Object};
use crate::error::{Error, Result};
use crate::render::printable;
use crate::sources::{Tree, TreeEntry};
use crate::visible::is_hidden;

/// The repository of a project folder.
pub(in crate::command) struct Repository {
    git: Git,
    /// The project folder in it, as Git writes it: `sites/prod/`, or empty.
    prefix: String,
}

/// The name of a commit's object: hexadecimal digits, never an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) struct Commit(String);

/// Names and objects of a hundred thousand files fit. A few objects can describe a tree without end.
const LISTING: u64 = 64 << 20;

impl Commit {
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Repository {
    /// `None` where there is no repository.
    pub fn of(project: &Path) -> Result<Option<Self>> {
        let Some(git) = Git::of(project)? else {
            return Ok(None);
        };
        let mut repository = Repository { git, prefix: String::new() };
        let output = repository.output(&["rev-parse", "--show-prefix"])?;
        if !output.status.success() {
            return Err(failed(&String::from_utf8_lossy(&output.stderr)));
        }
        let prefix = String::from_utf8(output.stdout)
            .map_err(|_| Error::refused("the project folder's name is no plain text"))?;
        prefix.trim_end_matches('\n').clone_into(&mut repository.prefix);
        Ok(Some(repository))
    }

    fn command(&self) -> Command {
        let mut command = self.git.command();
        command.stderr(Stdio::piped());
        command
    }

    fn output(&self, arguments: &[&str]) -> Result<Output> {
        let output = self.command().args(arguments).output();
        output.map_err(|error| cannot_run(&error))
    }

    /// The commit that a revision means; `None` where it means none.
    pub fn commit(&self, revision: &str) -> Result<Option<Commit>> {
        // No name of Git's begins so, and rev-parse would take it for an option.
        if revision.is_empty() || revision.starts_with('-') || revision.contains(is_hidden) {
            return Ok(None);
        }
        let name = format!("{revision}^{{commit}}");
        let output = self.output(&["rev-parse", "--verify", "--quiet", &name])?;
        Ok(object(&output).map(Commit))
    }

    /// Where two histories part.
    pub fn merge_base(&self, one: &Commit, other: &Commit) -> Result<Option<Commit>> {
        let output = self.output(&["merge-base", &one.0, &other.0])?;
        Ok(object(&output).map(Commit))
    }

    /// The project folder in a commit; empty where it has none.
    pub fn tree(&self, commit: &Commit) -> Result<Tree> {
        let folder = format!("{}:{}", commit.0, self.prefix.trim_end_matches('/'));
        let output = self.output(&["rev-parse", "--verify", "--quiet", &folder])?;
        let entries = match object(&output) {
            Some(tree) => self.entries(&tree)?,
            None => BTreeMap::new(),
        };
        let objects = Mutex::new(self.objects()?);
        Ok(Tree {
            entries,
            fetch: Box::new(move |object| {
                let mut objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
                objects.get(object).map_err(|error| format!("git failed: {error}"))
            }),
        })
    }

    fn entries(&self, tree: &str) -> Result<BTreeMap<String, TreeEntry>> {
        let mut child = self
            .command()
            .args(["ls-tree", "-r", "-z", "-l", "--full-tree", tree])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| cannot_run(&error))?;
        let mut listing = Vec::new();
        let read = match child.stdout.take() {
            Some(answers) => answers.take(LISTING + 1).read_to_end(&mut listing),
            None => Ok(0),
        };
        let too_long = listing.len() as u64 > LISTING;
        if too_long {
            let _ = child.kill();
        }
        let status = child.wait().map_err(|error| cannot_run(&error))?;
        if too_long {
            return Err(Error::refused("the revision holds more files than kpki reads")
                .help("keep cluster.kdl in a folder of its own, and name that with -C"));
        }
        read.map_err(|error| failed(&error.to_string()))?;
        if !status.success() {
            return Err(failed("git ls-tree ended with an error"));
        }
        let entries = listing.split(|byte| *byte == 0);
        entries.filter_map(entry).collect()
    }

    fn objects(&self) -> Result<Objects> {
        let mut child = self
            .command()
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| cannot_run(&error))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(asks), Some(answers)) => {
                Ok(Objects { child, asks: Some(asks), answers: BufReader::new(answers) })
            }
            _ => Err(Error::internal("git has no pipes")),
        }
    }
}

fn cannot_run(error: &std::io::Error) -> Error {
    Error::refused(format!("cannot run git: {error}"))
        .help("revisions are read with git; kpki diff A B compares files and folders without it")
}

/// The one object name that git printed.
fn object(output: &Output) -> Option<String> {
    let text = str::from_utf8(&output.stdout).ok()?.trim_end();
    (output.status.success() && is_object(text)).then(|| text.to_owned())
}

/// SHA-1 or SHA-256.
fn is_object(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `MODE TYPE OBJECT SIZE`, a tab, and the path. A name that is no text cannot be asked for.
fn entry(line: &[u8]) -> Option<Result<(String, TreeEntry)>> {
    let (head, path) = str::from_utf8(line).ok()?.split_once('\t')?;
    let mut words = head.split_ascii_whitespace();
    let (mode, _, object, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let entry = match (mode, size.parse()) {
        ("120000", _) => TreeEntry::Symlink,
        ("160000", _) => TreeEntry::Submodule,
        (_, Ok(size)) => TreeEntry::File { object: object.to_owned(), size },
        // It has no size where it is not here: to be told, and not to be taken for a file that nobody
        // committed.
        (_, Err(_)) => {
            let path = printable(path);
            return Some(Err(failed(&format!(
                "it does not have {path}, object {object} (a partial clone lacks some)"
            ))));
        }
    };
    Some(Ok((path.to_owned(), entry)))
}

/// A `git cat-file` that waits for questions.
struct Objects {
    child: Child,
    /// Closed, it ends.
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Objects {
    /// How large it is was seen in the listing.
    fn get(&mut self, object: &str) -> std::io::Result<Vec<u8>> {
        let closed = || std::io::Error::other("git has ended");
        writeln!(self.asks.as_mut().ok_or_else(closed)?, "{object}")?;
        let object = Object::read(&mut self.answers, u64::MAX)?;
        Ok(object.ok_or_else(closed)?.bytes.expose().to_vec())
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        self.asks = None;
        let _ = self.child.wait();
    }
}
