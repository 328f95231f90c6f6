//! `kpki check --no-plaintext --history`: which keys of this project Git ever had in the clear.
//!
//! Every file that any commit of any ref or reflog has below the project folder is looked into once, one at a
//! time. Only public halves are kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use super::git::{Git, Object, Pipe, failed, path_of};
use crate::engine::Project;
use crate::error::{Error, Result};
use crate::facts::{PublicKey, plaintext_in, private_keys_in};
use crate::graph::{DerivationId, Recipe};
use crate::hash::Digest;
use crate::keys::PrivateKey;
use crate::render::{HistoryReport, KeyInHistory, KeyOf};
use crate::sealed::recipient_of;

const WALK: [&str; 5] = ["rev-list", "--all", "--reflog", "--full-history", "--"];
/// Each file once, and nothing but files.
const FILES: [&str; 8] = [
    "rev-list",
    "--objects",
    "--no-object-names",
    "--filter=object:type=blob",
    "--filter-provided-objects",
    "--all",
    "--reflog",
    "--full-history",
];
/// Large ones piece by piece: Git would hold each in memory.
const CONTENTS: [&str; 5] = ["-c", "core.bigFileThreshold=8m", "cat-file", "--buffer", "--batch"];
const CHANGES: [&str; 9] =
    ["diff-tree", "--stdin", "-r", "-m", "-z", "--root", "--raw", "--no-renames", "--relative"];

/// A key that was found, by what is public of it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Key(Digest),
    /// Of whoever opens what is sealed for this one.
    Identity(String),
    /// In no form that kpki's own keys have; the object that holds it.
    Unknown(String),
}

/// What the first walk leaves: names of objects and public facts.
#[derive(Default)]
struct Finds {
    files: usize,
    keys: BTreeMap<Found, BTreeSet<String>>,
    too_large: BTreeSet<String>,
}

pub(super) struct History {
    pub report: HistoryReport,
    pub too_large: Vec<PathBuf>,
}

pub(super) fn run(directory: &Path, project: &Project, limit: u64) -> Result<History> {
    let git = Git::of(directory)?
        .ok_or_else(|| Error::refused("no Git repository is here, so there is no history"))?;
    if git.is_shallow()? {
        return Err(Error::refused("the history here is cut off (a shallow clone)")
            .help("git fetch --unshallow gets the rest"));
    }
    let finds = look(&git, limit)?;
    let wanted = finds.keys.values().flatten().chain(&finds.too_large);
    let first = first_seen(&git, &wanted.map(String::as_str).collect())?;
    let shown = |path: &Path| super::terminal::written_path(&directory.join(path));
    let artifacts = keys_in_use(project);
    let mut in_use = BTreeSet::new();
    let mut keys = Vec::new();
    for (found, objects) in &finds.keys {
        let seen = objects.iter().filter_map(|object| first.get(object.as_str()));
        let seen = seen.max_by_key(|seen| seen.age);
        let of = match found {
            Found::Key(digest) => match artifacts.get(digest) {
                Some(id) => {
                    in_use.insert(*id);
                    KeyOf::Artifact(*id)
                }
                None => KeyOf::Nothing,
            },
            Found::Identity(recipient) if is_recipient(project, recipient) => {
                KeyOf::Recipient(recipient.clone())
            }
            Found::Identity(_) | Found::Unknown(_) => KeyOf::Nothing,
        };
        let public_key = match found {
            Found::Key(digest) => Some(digest.to_string()),
            Found::Identity(recipient) => Some(recipient.clone()),
            Found::Unknown(_) => None,
        };
        keys.push(KeyInHistory::new(
            &project.graph,
            &of,
            public_key,
            seen.map(|seen| seen.commit.clone()),
            seen.map(|seen| shown(&seen.path)),
        ));
    }
    let too_large = finds.too_large.iter();
    Ok(History {
        report: HistoryReport::new(&project.graph, finds.files, keys, &in_use),
        too_large: too_large
            .filter_map(|object| Some(directory.join(&first.get(object.as_str())?.path)))
            .collect(),
    })
}

fn look(git: &Git, limit: u64) -> Result<Finds> {
    let mut finds = Finds::default();
    let files = [&FILES[..], &["--", "."]].concat();
    let mut pipe = Pipe::of(git, &files, &CONTENTS)?;
    let broken = |error: std::io::Error| failed(&error.to_string());
    while let Some(object) = Object::read(&mut pipe.output, limit).map_err(broken)? {
        finds.files += 1;
        if object.size > limit {
            finds.too_large.insert(object.name.clone());
        }
        if plaintext_in(object.bytes.expose()).is_empty() {
            continue;
        }
        for found in keys_in(&object) {
            finds.keys.entry(found).or_default().insert(object.name.clone());
        }
    }
    pipe.finish()?;
    Ok(finds)
}

fn keys_in(object: &Object) -> BTreeSet<Found> {
    let mut keys = BTreeSet::new();
    let secrets = private_keys_in(object.bytes.expose());
    let mut unknown = secrets.is_empty();
    for secret in &secrets {
        // An RSA key may be both.
        let key = PrivateKey::from_pem(secret.expose()).ok();
        let key = key.map(|key| Found::Key(key.public_key().digest()));
        let identity = recipient_of(secret).map(|one| Found::Identity(one.id().to_owned()));
        unknown |= key.is_none() && identity.is_none();
        keys.extend(key.into_iter().chain(identity));
    }
    if unknown {
        keys.insert(Found::Unknown(object.name.clone()));
    }
    keys
}

/// Where an object came from.
struct Seen {
    /// How many changes are newer.
    age: usize,
    commit: String,
    path: PathBuf,
}

/// Of each of these objects the oldest change that brought it.
fn first_seen<'a>(git: &Git, objects: &BTreeSet<&'a str>) -> Result<HashMap<&'a str, Seen>> {
    let mut first = HashMap::new();
    if objects.is_empty() {
        return Ok(first);
    }
    let walk = [&WALK[..], &["."]].concat();
    let changes = [&CHANGES[..], &["--", "."]].concat();
    let mut pipe = Pipe::of(git, &walk, &changes)?;
    let broken = |error: std::io::Error| failed(&error.to_string());
    let mut commit = String::new();
    let mut age = 0;
    let mut field = Vec::new();
    let mut next = |field: &mut Vec<u8>| -> Result<bool> {
        field.clear();
        pipe.output.read_until(0, field).map_err(broken)?;
        Ok(field.pop().is_some())
    };
    while next(&mut field)? {
        let text = String::from_utf8_lossy(&field).into_owned();
        // A commit, or `:MODE MODE OBJECT OBJECT STATUS` and then the path. The newest come first.
        let Some(change) = text.strip_prefix(':') else {
            commit = text;
            continue;
        };
        let brought = change.split(' ').nth(3);
        let known = brought.and_then(|object| objects.get(object));
        next(&mut field)?;
        age += 1;
        if let Some(object) = known {
            let seen = Seen { age, commit: commit.clone(), path: path_of(&field) };
            first.insert(*object, seen);
        }
    }
    pipe.finish()?;
    Ok(first)
}

/// Public halves of the keys that this project has, as far as out/ and lock tell.
fn keys_in_use(project: &Project) -> HashMap<Digest, DerivationId> {
    let mut keys = HashMap::new();
    for id in project.graph.ids() {
        let derivation = project.graph.get(id);
        if !matches!(
            derivation.recipe,
            Recipe::OwnCa(_)
                | Recipe::ImportedCa(_)
                | Recipe::SigningKey(_)
                | Recipe::Leaf(_)
                | Recipe::Request(_)
        ) {
            continue;
        }
        let entry = project.lock.entries.get(&derivation.name);
        let on_record = entry.and_then(|entry| entry.public_key);
        let here = project.survey.public_part(id).public_key();
        for digest in on_record.into_iter().chain(here.map(PublicKey::digest)) {
            keys.insert(digest, id);
        }
    }
    keys
}

fn is_recipient(project: &Project, id: &str) -> bool {
    let described = project.spec.recipients();
    let names = described.values().chain(project.lock.recipients.values());
    names.flatten().any(|name| name.split(' ').next() == Some(id))
}
