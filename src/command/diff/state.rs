//! Two states of a project: what each describes, and the certificates that were built.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::operand::{Revision, Revisions};
use crate::command::folder::{DESCRIPTION, Description};
use crate::command::git::Repository;
use crate::diff::{Comparison, Item, Side, Value, items, of_graph};
use crate::error::{Error, Result};
use crate::graph::{Artifact, Graph};
use crate::render::{
    DiffReport, FileCertificate, PrivilegeReport, Section, Wished, authority_report, diff_report,
    printable,
};
use crate::review::{Credential, Described, Principal, between};
use crate::secret::Secret;
use crate::sources::{Sources, Tree, TreeEntry, size_in_words};
use crate::spec::Spec;
use crate::state::is_public;
use crate::store::scan::READ_LIMIT;
use crate::store::{Found, FoundKind, scan};

/// One state. `None`: it has none.
struct State {
    name: String,
    description: Option<(Spec, Graph)>,
    built: Option<Built>,
}

/// Files below out/, by path.
type Built = BTreeMap<String, Content>;

#[derive(PartialEq, Eq)]
enum Content {
    Bytes(Vec<u8>),
    /// What is no file to be read.
    Odd(Item),
}

pub(super) fn compare(directory: &Path, sides: &Revisions) -> Result<DiffReport> {
    let before = read_revision(&sides.repository, &sides.before)?;
    let after = match &sides.after {
        Some(revision) => read_revision(&sides.repository, revision)?,
        None => read_working_tree(directory)?,
    };
    if before.description.is_none() && after.description.is_none() {
        let message = format!("there is no {DESCRIPTION} in {} or {}", before.name, after.name);
        return Err(Error::refused(message).help("-C DIR names another project folder"));
    }
    let mut notes = Vec::new();
    for state in [&before, &after] {
        if state.description.is_none() {
            notes.push(format!("there is no {DESCRIPTION} in {}", state.name));
        }
    }
    let side = |state: &State| match &state.description {
        Some((spec, graph)) => of_graph(graph, spec),
        None => Side::new(),
    };
    let described = Comparison::of(&side(&before), &side(&after));
    let mut sections = vec![(Section::Description, described)];
    let descriptions = before.description.zip(after.description);
    match (before.built, after.built) {
        (Some(before), Some(after)) => sections.push((Section::Files, certificates(before, after))),
        (None, None) => {}
        // What was never committed was not deleted either.
        (built, _) => {
            let without = if built.is_none() { &before.name } else { &after.name };
            notes.push(format!(
                "there are no certificates under out/ in {without}: only descriptions are compared"
            ));
        }
    }
    // A cluster that is built for the first time gains nothing over anybody.
    let authority =
        descriptions.map_or_else(Vec::new, |(before, after)| authority(&before, &after, &sections));
    let names = [before.name.as_str(), after.name.as_str()];
    Ok(diff_report(names, authority, &sections, notes))
}

fn authority(
    before: &(Spec, Graph),
    after: &(Spec, Graph),
    sections: &[(Section, Comparison)],
) -> Vec<PrivilegeReport> {
    let [old, new] = [before, after].map(|(spec, graph)| Described { spec, graph });
    let wished = |path: &str| {
        let below = path.strip_prefix("out/")?;
        let now = wished_at(&after.1, below);
        // Described before, it is no stranger's.
        let gone = |wished| Wished { credential: None, ..wished };
        now.or_else(|| wished_at(&before.1, below).map(gone))
    };
    let files = sections.iter().filter(|(of, _)| *of == Section::Files);
    let held: Vec<FileCertificate<'_>> = files
        .flat_map(|(_, comparison)| &comparison.certificates)
        .filter(|pair| !signs_by_another(&before.1, &after.1, &pair.within))
        .map(|pair| FileCertificate { pair, described: wished(&pair.within) })
        .collect();
    authority_report(&between(old, new), &held)
}

/// Nobody trusts what lies there: it is the certificate of whichever key pair signs, and that is another in
/// the two descriptions.
fn signs_by_another(before: &Graph, after: &Graph, path: &str) -> bool {
    let signer = |graph: &Graph| {
        let id = graph.placed(path.strip_prefix("out/")?)?.derivation;
        let is_signing = matches!(graph.get(id).artifact, Artifact::Signing(_));
        let signer = graph.cas_in(id).first().filter(|_| is_signing)?;
        Some(graph.get(*signer).name.clone())
    };
    signer(before).zip(signer(after)).is_some_and(|(old, new)| old != new)
}

/// Whose certificate is to lie there: in a bundle that of its CA.
fn wished_at(graph: &Graph, path: &str) -> Option<Wished> {
    let id = graph.placed(path)?.derivation;
    let id = graph.cas_in(id).first().copied().unwrap_or(id);
    Some(Wished {
        principal: Principal::of(&graph.get(id).name).to_string(),
        credential: Credential::of_recipe(graph, id),
    })
}

/// Most files are the same on both sides, byte for byte, and are not looked into.
fn certificates(before: Built, mut after: Built) -> Comparison {
    let mut sides = [Side::new(), Side::new()];
    let [old, new] = &mut sides;
    for (path, content) in before {
        let other = after.remove(&path);
        if other.as_ref() != Some(&content) || !content.is_known() {
            let path = printable(&path);
            old.insert(path.clone(), content.items());
            new.extend(other.map(|other| (path, other.items())));
        }
    }
    new.extend(after.into_iter().map(|(path, content)| (printable(&path), content.items())));
    Comparison::of(old, new)
}

impl Content {
    /// What could not be read may be anything, on both sides.
    fn is_known(&self) -> bool {
        let unknown =
            |item: &Item| item.fields.iter().any(|field| matches!(field.value, Value::Unknown(_)));
        !matches!(self, Content::Odd(item) if unknown(item))
    }

    fn items(self) -> Vec<Item> {
        match self {
            Content::Bytes(bytes) => items(&Secret::new(bytes)),
            Content::Odd(item) => vec![item],
        }
    }
}

fn read_revision(repository: &Repository, revision: &Revision) -> Result<State> {
    let tree = Arc::new(repository.tree(&revision.commit)?);
    let built = below_out(&tree)?;
    let sources = Sources::Tree(tree);
    Ok(State {
        name: revision.name.clone(),
        description: Description::of(&sources, &revision.name)?,
        built,
    })
}

fn read_working_tree(directory: &Path) -> Result<State> {
    let name = "the working tree".to_owned();
    let sources = Sources::Folder(directory.to_owned());
    let mut built = Built::new();
    for Found { path, kind } in scan(directory, &is_compared)? {
        if !is_compared(&path) {
            continue;
        }
        let content = match kind {
            FoundKind::ReadFile { bytes, .. } => Content::Bytes(bytes),
            FoundKind::SecretFile { .. } => continue,
            FoundKind::TooLarge { .. } => too_large(),
            FoundKind::Symlink => symlink(),
            FoundKind::Special | FoundKind::Foreign => {
                Content::Odd(Item::new("special file").unknown("why", "it is not opened"))
            }
            FoundKind::Unreadable(why) => {
                Content::Odd(Item::new("unreadable file").unknown("why", &why))
            }
        };
        built.insert(format!("out/{path}"), content);
    }
    Ok(State {
        description: Description::of(&sources, &name)?,
        built: (!built.is_empty()).then_some(built),
        name,
    })
}

/// Certificates, requests and public keys; what is rendered follows from the description.
fn is_compared(path: &str) -> bool {
    is_public(path) && Path::new(path).extension().is_none_or(|end| end != "yaml")
}

fn symlink() -> Content {
    Content::Odd(Item::new("symbolic link").unknown("to", "it is not followed"))
}

fn too_large() -> Content {
    let limit = usize::try_from(READ_LIMIT).unwrap_or(usize::MAX);
    let why = format!("it is larger than {}", size_in_words(limit));
    Content::Odd(Item::new("unreadable file").unknown("why", &why))
}

fn below_out(tree: &Tree) -> Result<Option<Built>> {
    let mut built = Built::new();
    for (path, entry) in tree.entries.range("out/".to_owned()..) {
        let Some(below) = path.strip_prefix("out/") else {
            break;
        };
        if !is_compared(below) {
            continue;
        }
        let content = match entry {
            TreeEntry::File { size, .. } if *size as u64 > READ_LIMIT => too_large(),
            TreeEntry::File { object, .. } => {
                Content::Bytes((tree.fetch)(object).map_err(|why| {
                    Error::refused(format!("cannot read {}: {why}", printable(path)))
                })?)
            }
            TreeEntry::Symlink => symlink(),
            TreeEntry::Submodule => {
                Content::Odd(Item::new("submodule").unknown("why", "it is not looked into"))
            }
        };
        built.insert(path.clone(), content);
    }
    Ok((!built.is_empty()).then_some(built))
}
