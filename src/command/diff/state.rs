//! Two states of a project: what each describes, and the certificates that were built.

use std::path::Path;
use std::sync::Arc;

use super::operand::{Revision, Revisions};
use crate::command::git::Repository;
use crate::command::project::{DESCRIPTION, Description};
use crate::diff::{Comparison, Item, Side, items, of_graph};
use crate::error::{Error, Result};
use crate::render::{DiffReport, Section, diff_report};
use crate::secret::Secret;
use crate::sources::{Sources, Tree, TreeEntry, size_in_words};
use crate::state::is_public;
use crate::store::scan::READ_LIMIT;
use crate::store::{Found, FoundKind, scan};

/// One state. `None`: it has none.
struct State {
    name: String,
    description: Option<Side>,
    built: Option<Side>,
}

pub(super) fn compare(directory: &Path, sides: &Revisions) -> Result<DiffReport> {
    let before = read_revision(&sides.repository, &sides.before)?;
    let after = match &sides.after {
        Some(revision) => read_revision(&sides.repository, revision)?,
        None => read_working_tree(directory)?,
    };
    if before.description.is_none() && after.description.is_none() {
        let message = format!(
            "there is no {DESCRIPTION} in {} or {}",
            before.name, after.name
        );
        return Err(Error::refused(message).help("-C DIR names another project folder"));
    }
    let mut notes = Vec::new();
    for state in [&before, &after] {
        if state.description.is_none() {
            notes.push(format!("there is no {DESCRIPTION} in {}", state.name));
        }
    }
    let described = Comparison::of(
        &before.description.unwrap_or_default(),
        &after.description.unwrap_or_default(),
    );
    let mut sections = vec![(Section::Description, described)];
    match (before.built, after.built) {
        (Some(before), Some(after)) => {
            sections.push((Section::Files, Comparison::of(&before, &after)));
        }
        (None, None) => {}
        // What was never committed was not deleted either.
        (built, _) => {
            let without = if built.is_none() {
                &before.name
            } else {
                &after.name
            };
            notes.push(format!(
                "there are no certificates under out/ in {without}: only descriptions are compared"
            ));
        }
    }
    Ok(diff_report([&before.name, &after.name], &sections, notes))
}

fn read_revision(repository: &Repository, revision: &Revision) -> Result<State> {
    let tree = Arc::new(repository.tree(&revision.commit)?);
    let built = below_out(&tree)?;
    let sources = Sources::Tree(tree);
    Ok(State {
        name: revision.name.clone(),
        description: described(&sources, &revision.name)?,
        built,
    })
}

fn read_working_tree(directory: &Path) -> Result<State> {
    let name = "the working tree".to_owned();
    let sources = Sources::Folder(directory.to_owned());
    let mut built = Side::new();
    for Found { path, kind } in scan(directory, &is_compared)? {
        if !is_compared(&path) {
            continue;
        }
        let items = match kind {
            FoundKind::ReadFile { bytes, .. } => items(&Secret::new(bytes)),
            FoundKind::SecretFile { .. } => continue,
            FoundKind::TooLarge { .. } => vec![too_large()],
            FoundKind::Symlink => vec![Item::new(SYMLINK)],
            FoundKind::Special | FoundKind::Foreign => vec![Item::new("special file")],
            FoundKind::Unreadable(why) => vec![Item::new("unreadable file").text("why", why)],
        };
        built.insert(format!("out/{path}"), items);
    }
    Ok(State {
        description: described(&sources, &name)?,
        built: (!built.is_empty()).then_some(built),
        name,
    })
}

fn described(sources: &Sources, name: &str) -> Result<Option<Side>> {
    let described = Description::of(sources, name)?;
    Ok(described.map(|(spec, graph)| of_graph(&graph, &spec)))
}

/// Certificates, requests and public keys; what is rendered follows from the description.
fn is_compared(path: &str) -> bool {
    is_public(path) && Path::new(path).extension().is_none_or(|end| end != "yaml")
}

const SYMLINK: &str = "symbolic link";

fn too_large() -> Item {
    let limit = usize::try_from(READ_LIMIT).unwrap_or(usize::MAX);
    let why = format!("it is larger than {}", size_in_words(limit));
    Item::new("unreadable file").text("why", why)
}

fn below_out(tree: &Tree) -> Result<Option<Side>> {
    let mut built = Side::new();
    for (path, entry) in tree.entries.range("out/".to_owned()..) {
        let Some(below) = path.strip_prefix("out/") else {
            break;
        };
        if !is_compared(below) {
            continue;
        }
        let items = match entry {
            TreeEntry::File { size, .. } if *size as u64 > READ_LIMIT => vec![too_large()],
            TreeEntry::File { object, .. } => {
                let bytes = (tree.fetch)(object)
                    .map_err(|why| Error::refused(format!("cannot read {path}: {why}")))?;
                items(&Secret::new(bytes))
            }
            TreeEntry::Symlink => vec![Item::new(SYMLINK)],
            TreeEntry::Submodule => continue,
        };
        built.insert(path.clone(), items);
    }
    Ok((!built.is_empty()).then_some(built))
}
