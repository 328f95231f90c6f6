//! What the words after `kpki diff` mean: files, folders or revisions, by what there is.

use std::path::{Path, PathBuf};

use crate::cli::DiffArgs;
use crate::command::git::{Commit, Repository};
use crate::error::{Error, Kind, Result};
use crate::render::printable;
use crate::visible;

pub(super) enum Sides {
    Revisions(Box<Revisions>),
    Files([PathBuf; 2]),
    Folders([PathBuf; 2]),
}

pub(super) struct Revisions {
    pub repository: Repository,
    pub before: Revision,
    /// `None`: the working tree.
    pub after: Option<Revision>,
}

pub(super) struct Revision {
    /// As the user wrote it.
    pub name: String,
    pub commit: Commit,
}

enum Operand {
    Path(PathBuf),
    Revision(Commit),
    /// `A..B`, or `A...B`: what B did since it left A.
    Range(Revision, Revision),
}

pub(super) fn sides(directory: &Path, args: &DiffArgs) -> Result<Sides> {
    // Files are compared wherever they lie.
    let (repository, trouble) = match Repository::of(directory) {
        Ok(repository) => (repository, None),
        Err(trouble) => (None, Some(trouble)),
    };
    let told = Told { directory, repository: repository.as_ref(), trouble };
    let read = |text: &Option<String>| text.as_ref().map(|text| told.operand(text)).transpose();
    let before = match read(&args.before)? {
        None => told.head()?,
        Some(operand) => operand,
    };
    let after = read(&args.after)?;
    let name = |text: &Option<String>| text.clone().unwrap_or_else(|| "HEAD".to_owned());
    let revisions = |before, after| match repository {
        Some(repository) => Ok(Sides::Revisions(Box::new(Revisions { repository, before, after }))),
        None => Err(Error::internal("a revision without a repository")),
    };
    let named = |commit, text| Revision { name: name(text), commit };
    match (before, after) {
        (Operand::Revision(commit), None) => revisions(named(commit, &args.before), None),
        (Operand::Range(before, after), None) => revisions(before, Some(after)),
        (Operand::Revision(before), Some(Operand::Revision(after))) => {
            revisions(named(before, &args.before), Some(named(after, &args.after)))
        }
        (Operand::Path(before), Some(Operand::Path(after))) => paths(before, after),
        (Operand::Path(path), None) => {
            let message = format!("{} is compared with nothing", shown(&path));
            Err(Error::new(Kind::Usage, message).help(
                "name another file or folder; a revision alone is compared with the working tree",
            ))
        }
        _ => Err(Error::new(
            Kind::Usage,
            "two revisions, two files or two folders are compared, not one of each",
        )
        .help("kpki diff REV compares a revision with the working tree")),
    }
}

fn paths(before: PathBuf, after: PathBuf) -> Result<Sides> {
    match (before.is_dir(), after.is_dir()) {
        (true, true) => Ok(Sides::Folders([before, after])),
        (false, false) => Ok(Sides::Files([before, after])),
        (is_dir, _) => {
            let folder = if is_dir { &before } else { &after };
            let message = format!("{} is a folder, and the other is none", shown(folder));
            Err(Error::new(Kind::Usage, message).help("name two files or two folders"))
        }
    }
}

fn shown(path: &Path) -> String {
    visible::path(path)
}

struct Told<'a> {
    directory: &'a Path,
    repository: Option<&'a Repository>,
    /// Why there is none, where one might be.
    trouble: Option<Error>,
}

impl Told<'_> {
    fn trouble_or(&self, error: Error) -> Error {
        self.trouble.clone().unwrap_or(error)
    }

    /// Where nothing is named.
    fn head(&self) -> Result<Operand> {
        let missing = match self.repository {
            None => "there is no Git repository here",
            Some(_) => "there is no commit here yet",
        };
        let help =
            "kpki diff A B compares two files or two folders; -C DIR names another project folder";
        self.revision("HEAD")?.ok_or_else(|| self.trouble_or(Error::refused(missing).help(help)))
    }

    fn operand(&self, text: &str) -> Result<Operand> {
        let path = self.path(text);
        let shown = printable(text);
        if is_written_as_path(text) {
            return path
                .map(Operand::Path)
                .ok_or_else(|| Error::refused(format!("there is no file or folder {shown}")));
        }
        match (path, self.revision(text)?) {
            (Some(path), None) => Ok(Operand::Path(path)),
            (None, Some(revision)) => Ok(revision),
            (Some(_), Some(_)) => {
                let message = format!("{shown} is both a file or folder and a revision");
                Err(Error::new(Kind::Usage, message).help(format!(
                    "write ./{shown} for what lies there, {shown}.. for the revision against HEAD, \
                     {shown}^0 for the revision against the working tree"
                )))
            }
            (None, None) => {
                let error = Error::refused(match self.repository {
                    Some(_) => format!("{shown} is neither a file or folder nor a revision"),
                    None => {
                        format!("there is no file or folder {shown}, and no Git repository here")
                    }
                });
                let help = "git log --oneline lists revisions; -C DIR names another project folder";
                Err(self.trouble_or(error.help(help)))
            }
        }
    }

    /// From where the user stands, or else from the project folder.
    fn path(&self, text: &str) -> Option<PathBuf> {
        [PathBuf::from(text), self.directory.join(text)]
            .into_iter()
            .find(|path| !text.is_empty() && path.symlink_metadata().is_ok())
    }

    fn revision(&self, text: &str) -> Result<Option<Operand>> {
        let Some(repository) = self.repository else {
            return Ok(None);
        };
        if let Some(commit) = repository.commit(text)? {
            return Ok(Some(Operand::Revision(commit)));
        }
        // No branch or tag has two dots in its name (git-check-ref-format).
        let Some((before, after)) = text.split_once("..") else {
            return Ok(None);
        };
        let (after, parted) = match after.strip_prefix('.') {
            Some(after) => (after, true),
            None => (after, false),
        };
        let side = |text: &str| -> Result<Option<Revision>> {
            let name = if text.is_empty() { "HEAD" } else { text };
            let commit = repository.commit(name)?;
            Ok(commit.map(|commit| Revision { name: name.to_owned(), commit }))
        };
        let (Some(mut before), Some(after)) = (side(before)?, side(after)?) else {
            return Ok(None);
        };
        if parted {
            let base = repository.merge_base(&before.commit, &after.commit)?;
            before.commit = base.ok_or_else(|| {
                Error::refused(format!("{} has no common history", printable(text)))
                    .help("write two dots to compare them as they are")
            })?;
            before.name = format!("where {} left {}", after.name, before.name);
        }
        Ok(Some(Operand::Range(before, after)))
    }
}

/// So that it can be said when a branch is called the same.
fn is_written_as_path(text: &str) -> bool {
    ["./", "../", "/"].iter().any(|start| text.starts_with(start)) || matches!(text, "." | "..")
}
