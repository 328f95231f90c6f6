//! `kpki check --no-plaintext`: no secret may get into a repository in the clear.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::git::{Listing, listing};
use super::history;
use super::{Outcome, terminal};
use crate::cli::{CheckArgs, Format};
use crate::error::{Error, Result};
use crate::facts::{Plaintext, plaintext_in};
use crate::render::{FoundReport, PlaintextReport, Where};
use crate::secret::Secret;
use crate::sources::read_regular;
use crate::visible;

/// More of one file is not read.
const LIMIT: usize = 64 << 20;

pub(super) fn run(directory: &Path, args: &CheckArgs) -> Result<Outcome> {
    let mut search = Search::default();
    let listing = listing(directory)?;
    match &listing {
        Some(listing) => search.repository(listing)?,
        None => search.folder(directory)?,
    }
    let history = args.history.then(|| {
        let limit = u64::try_from(LIMIT).unwrap_or(u64::MAX);
        history::run(directory, &Folder::read(directory)?.project, limit)
    });
    let history = history.transpose()?.map(|history| {
        let too_large = history.too_large.iter();
        search.too_large.extend(too_large.map(|path| shown(path)));
        history.report
    });
    let report = PlaintextReport::new(
        listing.is_some(),
        search.files,
        search.found,
        search.too_large,
        history,
    );
    terminal::product(&match args.output.format {
        Format::Text => report.text(terminal::columns()),
        Format::Json => report.json(),
    })?;
    Ok(if report.clean { Outcome::Done } else { Outcome::Refused })
}

#[derive(Default)]
struct Search {
    files: usize,
    found: Vec<FoundReport>,
    too_large: Vec<String>,
}

impl Search {
    /// What the next commit holds, and what the next `git add` would take.
    fn repository(&mut self, listing: &Listing) -> Result<()> {
        let limit = u64::try_from(LIMIT).unwrap_or(u64::MAX);
        let mut changed = BTreeSet::new();
        listing.each_object(limit, |paths, bytes, size| {
            for path in paths {
                let path = listing.shown(path);
                self.look(&path, Where::Tracked, &bytes, size > limit);
                if may_differ(&path, &bytes, size) {
                    changed.insert(path);
                }
            }
        })?;
        for path in &changed {
            self.file(path, Where::Changed)?;
        }
        for path in &listing.untracked {
            self.file(path, Where::Untracked)?;
        }
        Ok(())
    }

    /// Everything, where nothing says what is ignored.
    fn folder(&mut self, folder: &Path) -> Result<()> {
        let failed = |error| Error::io("list", folder, &error);
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            if entry.file_type().map_err(failed)?.is_dir() {
                self.folder(&path)?;
            } else {
                self.file(&path, Where::Untracked)?;
            }
        }
        Ok(())
    }

    /// Links are committed as links; a folder in a listing is a repository of its own.
    fn file(&mut self, path: &Path, place: Where) -> Result<()> {
        match path.symlink_metadata() {
            Ok(facts) if !facts.is_file() => return Ok(()),
            // Deleted, and not yet so in the index.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            _ => {}
        }
        let bytes = read_regular(path, LIMIT)
            .map_err(|why| Error::refused(format!("cannot read {}: {why}", shown(path))))?;
        let too_large = bytes.len() > LIMIT;
        self.look(path, place, &Secret::new(bytes), too_large);
        Ok(())
    }

    fn look(&mut self, path: &Path, place: Where, bytes: &Secret, too_large: bool) {
        self.files += 1;
        if too_large && !self.too_large.contains(&shown(path)) {
            self.too_large.push(shown(path));
        }
        let kinds: BTreeSet<Plaintext> = plaintext_in(bytes.expose());
        if !kinds.is_empty() {
            self.found.push(FoundReport {
                path: shown(path),
                place,
                kinds: kinds.into_iter().collect(),
            });
        }
    }
}

/// Whether the working tree has another content than the index. Git itself would run the filters that the
/// tree and its configuration name, so that bytes are compared here: what a filter converts differs.
fn may_differ(path: &Path, object: &Secret, size: u64) -> bool {
    match path.symlink_metadata() {
        // A link, or gone.
        Ok(facts) if !facts.is_file() => false,
        Ok(facts) if facts.len() == size && size <= LIMIT as u64 => {
            let file = read_regular(path, LIMIT).map(Secret::new);
            !file.is_ok_and(|file| file.expose() == object.expose())
        }
        _ => true,
    }
}

pub(super) fn shown(path: &Path) -> String {
    // `./out` reads worse than `out`.
    let path: PathBuf = path.components().skip_while(|part| part.as_os_str() == ".").collect();
    visible::path(&path)
}
