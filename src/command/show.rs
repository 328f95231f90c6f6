//! `kpki show`

use std::path::{Path, PathBuf};

use super::folder::{DESCRIPTION, Folder};
use super::{Outcome, clock, lookup, standard_input, terminal};
use crate::cli::ShowArgs;
use crate::engine::Project;
use crate::error::{Error, Result};
use crate::facts::pem::MAX_PEM;
use crate::hash::Digest;
use crate::render::{Owner, ShowReport, artifact_report, file_report, printable};
use crate::secret::Secret;
use crate::sources::{read_regular, size_in_words};
use crate::time::Timestamp;

pub(super) fn run(directory: &Path, args: &ShowArgs) -> Result<Outcome> {
    let now = args.future.from(clock);
    let report = report(directory, &args.what, now)?;
    terminal::print(&report, args.output.format)?;
    Ok(Outcome::Done)
}

fn report(directory: &Path, what: &str, now: Timestamp) -> Result<ShowReport> {
    if standard_input::is_meant(Path::new(what)) {
        return show_bytes(directory, &standard_input::read()?, standard_input::SHOWN, now);
    }
    let file = file(directory, what);
    if let Some(path) = file.as_ref().filter(|_| means_a_file(what)) {
        return show_file(directory, path, what, now);
    }
    // A file can be shown without any project; a name needs one.
    let folder = match folder(directory) {
        Some(folder) => folder,
        None => match &file {
            Some(path) => return show_file(directory, path, what, now),
            None => Folder::read(directory),
        },
    }?;
    let project = &folder.project;
    let world = project.world(now);
    match (lookup::exact(project, what), file) {
        (Some(id), _) => Ok(artifact_report(world, &project.spec, id).into()),
        (None, Some(path)) => show_file(directory, &path, what, now),
        (None, None) if what.starts_with('.') || what.starts_with('/') => {
            Err(Error::refused(format!("there is no file {}", printable(what))))
        }
        (None, None) => match lookup::artifact(project, what) {
            Ok(id) => Ok(artifact_report(world, &project.spec, id).into()),
            Err(_) if Path::new(what).is_dir() => {
                Err(Error::refused(format!("{} is a folder, not a file", printable(what))))
            }
            Err(error) => Err(error),
        },
    }
}

/// Written as a path, or with the extension of a file: no artifact is meant, even if one is called so.
fn means_a_file(what: &str) -> bool {
    what.starts_with("./")
        || what.starts_with("../")
        || what.starts_with('/')
        || Path::new(what).extension().is_some()
}

/// From where the user stands, or else from the project folder, which plan's paths start at.
fn file(directory: &Path, what: &str) -> Option<PathBuf> {
    [PathBuf::from(what), directory.join(what)]
        .into_iter()
        .find(|path| path.exists() && (means_a_file(what) || !path.is_dir()))
}

fn folder(directory: &Path) -> Option<Result<Folder>> {
    directory.join(DESCRIPTION).exists().then(|| Folder::read(directory))
}

fn show_file(directory: &Path, path: &Path, shown: &str, now: Timestamp) -> Result<ShowReport> {
    let refuse = |why: String| Error::refused(format!("{}: {why}", printable(shown)));
    let bytes = read_regular(path, MAX_PEM).map(Secret::new).map_err(refuse)?;
    if bytes.expose().len() > MAX_PEM {
        return Err(refuse(format!("larger than {}", size_in_words(MAX_PEM))));
    }
    show_bytes(directory, &bytes, shown, now)
}

fn show_bytes(directory: &Path, bytes: &Secret, shown: &str, now: Timestamp) -> Result<ShowReport> {
    // Whose it is can be told only where the project can be read.
    let project = match folder(directory).map(|read| read.map(|folder| folder.project)) {
        None => None,
        Some(Ok(project)) => Some(project),
        Some(Err(_)) => {
            terminal::note(
                "note: the project here cannot be read (kpki plan tells why), so no artifact is named",
            );
            None
        }
    };
    let find = |matches: &dyn Fn(&Project, crate::graph::DerivationId) -> bool| {
        let project = project.as_ref()?;
        let id = project.graph.ids().find(|id| matches(project, *id))?;
        Some(project.graph.get(id).name.to_string())
    };
    let of_certificate = |digest: Digest| {
        find(&|project, id| {
            let facts = project.survey.public_part(id).certificate();
            facts.is_some_and(|facts| facts.digest == digest)
        })
    };
    let of_key = |digest: Digest| {
        find(&|project, id| {
            let key = project.survey.public_part(id).public_key();
            key.is_some_and(|key| key.digest() == digest)
        })
    };
    let owner = Owner { of_certificate: &of_certificate, of_key: &of_key };
    file_report(shown, bytes, now, owner)
        .map(ShowReport::from)
        .map_err(|why| Error::refused(format!("{} {why}", printable(shown))))
}
