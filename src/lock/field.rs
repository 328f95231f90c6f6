//! Parts of a lock's lines, checked: whoever wrote them, they reach terminals.

use super::line::{CopyLine, ExposedLine, Head, Line, OrphanLine, RecipientsLine};
use crate::name::{ArtifactName, TreePath};
use crate::spec::KeypairState;
use crate::state::{Exposure, Lock, Made, Rest, SeedMark};
use crate::visible::{printable as escaped, without_keys};

pub(super) fn add_head(lock: &mut Lock, head: Head) -> Result<(), String> {
    printable(head.cluster.as_deref())?;
    lock.cluster = head.cluster;
    lock.kubernetes = head.kubernetes.and_then(|version| version.parse().ok());
    lock.seed = head.seed.map(|id| SeedMark { id, schedule: head.schedule.unwrap_or(1) });
    Ok(())
}

pub(super) fn add_artifact(lock: &mut Lock, line: Line) -> Result<(), String> {
    let name: ArtifactName = line.name.parse().map_err(|error| {
        let name = shown(&line.name);
        format!("has a bad name: \"{name}\" {error}")
    })?;
    for text in [&line.revision, &line.server] {
        printable(text.as_deref())?;
    }
    if let Some(state) = line.keypair.as_deref()
        && !KeypairState::ALL.iter().any(|known| known.as_str() == state)
    {
        return Err(format!(
            "has a key pair that is neither trusted nor serving-only: {}",
            shown(state)
        ));
    }
    printable_up_to(line.initial_cluster.as_deref(), LONGEST_INITIAL_CLUSTER)?;
    match lock.entries.insert(name.clone(), line.entry()) {
        None => Ok(()),
        Some(_) => Err(format!("names {name} a second time")),
    }
}

pub(super) fn add_recipients(lock: &mut Lock, line: RecipientsLine) -> Result<(), String> {
    for text in line.recipients.iter().chain(&line.node) {
        printable(Some(text))?;
    }
    let node = line.node.map(|node| node.parse()).transpose();
    let owner = node.map_err(|error| format!("has a bad node: it {error}"))?;
    let members = line.recipients.into_iter().collect();
    match lock.recipients.insert(owner, members) {
        None => Ok(()),
        Some(_) => Err("names the same recipients a second time".to_owned()),
    }
}

pub(super) fn add_copy(lock: &mut Lock, line: &CopyLine) -> Result<(), String> {
    let CopyLine { copy, sealed, recipients } = line;
    let path = copy.parse().map_err(|error| {
        let path = shown(copy);
        format!("has a bad path: \"{path}\" {error}")
    })?;
    match lock.copies.insert(path, Rest { sealed: *sealed, recipients: *recipients }) {
        None => Ok(()),
        Some(_) => Err(format!("names {} a second time", shown(copy))),
    }
}

pub(super) fn add_exposed(lock: &mut Lock, line: ExposedLine) -> Result<(), String> {
    let ExposedLine { exposed, public_key, to } = line;
    for text in &to {
        printable(Some(text))?;
    }
    let name = exposed.parse().map_err(|error| {
        let name = shown(&exposed);
        format!("has a bad name: \"{name}\" {error}")
    })?;
    let exposure = Exposure { public_key, to: to.into_iter().collect() };
    match lock.exposed.insert(name, exposure) {
        None => Ok(()),
        Some(_) => Err(format!("names {} a second time", shown(&exposed))),
    }
}

pub(super) fn add_orphan(lock: &mut Lock, line: &OrphanLine) -> Result<(), String> {
    let OrphanLine { orphan, content, public_key } = line;
    let path = orphan.parse().map_err(|error| {
        let path = shown(orphan);
        format!("has a bad path: \"{path}\" {error}")
    })?;
    let made = match (content, public_key) {
        (Some(content), None) => Made::Content(*content),
        (None, Some(key)) => Made::Key(*key),
        _ => return Err("has neither `content` nor `public-key`, or both".to_owned()),
    };
    match lock.orphans.insert(path, made) {
        None => Ok(()),
        Some(_) => Err(format!("names {} a second time", shown(orphan))),
    }
}

pub(super) fn orphan_line(path: &TreePath, made: Made) -> OrphanLine {
    let (content, public_key) = match made {
        Made::Content(digest) => (Some(digest), None),
        Made::Key(digest) => (None, Some(digest)),
    };
    OrphanLine { orphan: path.to_string(), content, public_key }
}

/// Texts of a lock reach terminals.
fn printable(text: Option<&str>) -> Result<(), String> {
    printable_up_to(text, 300)
}

/// A name and a URL for each of more members than an etcd can have.
const LONGEST_INITIAL_CLUSTER: usize = 64 << 10;

fn printable_up_to(text: Option<&str>, limit: usize) -> Result<(), String> {
    match text {
        Some(text) if text.len() > limit || text.bytes().any(|b| !(b' '..=b'~').contains(&b)) => {
            Err(format!("has a text that kpki never writes: \"{}\"", shown(text)))
        }
        _ => Ok(()),
    }
}

/// A text of unknown origin for a message: its beginning, escaped.
pub(super) fn shown(text: &str) -> String {
    let text = without_keys(text);
    let head: String = text.chars().take(80).collect();
    let more = if text.chars().nth(80).is_some() { "..." } else { "" };
    escaped(&head) + more
}
