//! Reading and writing `cluster.lock`: JSON Lines, a head and one artifact a line, sorted by name.
//!
//! A line stands alone: no comma depends on a neighbour, so that two branches that each add an artifact
//! merge without a conflict.
//!
//! The lock explains; it never makes a file trusted. Lines for files are needed only where the artifact's
//! line moves on and the file stays, so an older lock serves as well.
//!
//! May import `state` and what lies below. Never here: files, and what a line means for a plan.

mod field;
mod line;
mod merge;

use serde::{Deserialize, Serialize};

use self::field::{
    add_artifact, add_copy, add_exposed, add_head, add_orphan, add_recipients, orphan_line, shown,
};
use self::line::{CopyLine, ExposedLine, Head, Line, RecipientsLine};
use crate::state::Lock;

pub use line::schema;
pub use merge::{Marks, Merged, merge};

/// The newest form that this kpki reads. It writes the one before wherever that can hold the lock.
pub const FORMAT_VERSION: u32 = 5;
/// The form before a root of trust had several key pairs.
const ONE_KEY_PAIR: u32 = 4;
/// The form before a manifest without an annotation had a line.
const WITHOUT_DIGESTS: u32 = 3;
/// The form before lines were marked of what nothing describes any more.
const WITHOUT_MARKS: u32 = 2;
/// The form before files were remembered that nothing describes any more.
const WITHOUT_ORPHANS: u32 = 1;

/// A lock file is at most this large.
pub const LIMIT: usize = 64 << 20;

/// Why a lock cannot be read, with its line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct LockError {
    pub line: usize,
    pub why: String,
    /// What to do.
    pub help: &'static str,
}

pub const RESTORE: &str = "restore it from Git; or delete it, and the next apply rebuilds it from out/ \
     without changing a file";
pub const TAKE_ONE_SIDE: &str = "keep one line of each pair, delete the markers, and take the files under out/ of the same \
     side (`git checkout --ours` or `--theirs`); then kpki plan";
/// How lines begin that a merge leaves behind.
const MARKS: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];
const NEWER: &str = "run the kpki that wrote it, or a newer one";

/// Whether a file means to be a lock.
pub fn is_lock(bytes: &[u8]) -> bool {
    bytes.starts_with(b"{\"kpki-lock\":")
}

pub fn parse(bytes: &[u8]) -> Result<Lock, LockError> {
    let fail = |line, why: &str| LockError { line, why: why.to_owned(), help: RESTORE };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or(&[]);
        let line = before.split(|byte| *byte == b'\n').count();
        fail(line, "is not UTF-8 text")
    })?;
    let mut lock = Lock::default();
    let mut seen_head = false;
    for (number, line) in text.split_inclusive('\n').enumerate().map(|(n, l)| (n + 1, l)) {
        if MARKS.iter().any(|mark| line.starts_with(mark)) {
            return Err(LockError { help: TAKE_ONE_SIDE, ..fail(number, "is a merge conflict") });
        }
        let Some(line) = line.strip_suffix('\n') else {
            return Err(fail(number, "is cut off (no newline at its end)"));
        };
        let added = if !seen_head {
            let head: Head = read(line).map_err(|why| fail(number, &why))?;
            if head.kpki_lock > FORMAT_VERSION {
                return Err(LockError {
                    help: NEWER,
                    ..fail(number, "was written by a newer kpki")
                });
            }
            seen_head = true;
            add_head(&mut lock, head)
        } else if line.starts_with("{\"recipients\":") {
            read(line).and_then(|line| add_recipients(&mut lock, line))
        } else if line.starts_with("{\"copy\":") {
            read(line).and_then(|line| add_copy(&mut lock, &line))
        } else if line.starts_with("{\"exposed\":") {
            read(line).and_then(|line| add_exposed(&mut lock, line))
        } else if line.starts_with("{\"orphan\":") {
            read(line).and_then(|line| add_orphan(&mut lock, &line))
        } else {
            read(line).and_then(|line| add_artifact(&mut lock, line))
        };
        added.map_err(|why| fail(number, &why))?;
    }
    Ok(lock)
}

/// The error reads after the line's number.
fn read<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| {
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        format!("is not a lock line: {}", shown(what))
    })
}

pub fn render(lock: &Lock) -> String {
    let mut text = String::with_capacity(lock.entries.len() * 256);
    let head = Head {
        kpki_lock: version(lock),
        cluster: lock.cluster.clone(),
        kubernetes: lock.kubernetes.map(|version| version.to_string()),
        seed: lock.seed.map(|seed| seed.id),
        schedule: lock.seed.map(|seed| seed.schedule).filter(|version| *version != 1),
    };
    push_line(&mut text, &head);
    for (owner, recipients) in &lock.recipients {
        let line = RecipientsLine {
            recipients: recipients.iter().cloned().collect(),
            node: owner.as_ref().map(ToString::to_string),
        };
        push_line(&mut text, &line);
    }
    for (name, entry) in &lock.entries {
        push_line(&mut text, &Line::of(name, entry));
    }
    for (path, rest) in &lock.copies {
        let line =
            CopyLine { copy: path.to_string(), sealed: rest.sealed, recipients: rest.recipients };
        push_line(&mut text, &line);
    }
    for (name, exposure) in &lock.exposed {
        let line = ExposedLine {
            exposed: name.to_string(),
            public_key: exposure.public_key,
            to: exposure.to.iter().cloned().collect(),
        };
        push_line(&mut text, &line);
    }
    for (path, made) in &lock.orphans {
        push_line(&mut text, &orphan_line(path, *made));
    }
    text
}

/// The oldest form that can hold it.
fn version(lock: &Lock) -> u32 {
    if lock.entries.values().any(|entry| entry.keypair.is_some()) {
        FORMAT_VERSION
    } else if lock.entries.values().any(|entry| entry.restart_digest.is_some()) {
        ONE_KEY_PAIR
    } else if lock.entries.values().any(|entry| entry.left) {
        WITHOUT_DIGESTS
    } else if lock.orphans.is_empty() {
        WITHOUT_ORPHANS
    } else {
        WITHOUT_MARKS
    }
}

fn push_line(text: &mut String, line: &impl Serialize) {
    // Plain structs of texts and numbers always serialize.
    if let Ok(json) = serde_json::to_string(line) {
        text.push_str(&json);
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use crate::hash::Digest;
    use crate::name::{ArtifactName, TreePath};
    use crate::state::{Entry, Exposure, Made};

    fn lock() -> Lock {
        let mut lock = Lock {
            cluster: Some("lab".into()),
            kubernetes: "1.36.2".parse().ok(),
            ..Lock::default()
        };
        let mut entry = Entry::new(Digest::of(b"recipe"));
        entry.revision = Some("1".into());
        entry.public_key = Some(Digest::of(b"key"));
        entry.certificate = Some(Digest::of(b"certificate"));
        entry.not_before = "2026-01-01".parse().ok();
        entry.not_after = "2027-01-01".parse().ok();
        lock.entries.insert(ArtifactName::of("nodes/worker-00001/kubelet"), entry.clone());
        entry.revision = Some("2.3".into());
        entry.left = true;
        lock.entries.insert(ArtifactName::of("users/jane"), entry);
        let mut pod = Entry::new(Digest::of(b"pod"));
        (pod.content, pod.restart_digest) = (Some(Digest::of(b"manifest")), Some(Digest::of(b"")));
        lock.entries.insert(ArtifactName::of("nodes/cp1/manifests/etcd"), pod);
        let exposure =
            Exposure { public_key: Digest::of(b"key"), to: BTreeSet::from(["age1abc".to_owned()]) };
        let name = ArtifactName::of("users/jane");
        lock.exposed.insert(name, exposure);
        for (path, made) in [
            ("nodes/w2/pki/ca.crt", Made::Content(Digest::of(b"pem"))),
            ("nodes/w2/pki/sa.key", Made::Key(Digest::of(b"key"))),
        ] {
            lock.orphans.insert(TreePath::of(path), made);
        }
        lock
    }

    #[test]
    fn what_is_written_reads_back_and_lines_stay_short() {
        let lock = lock();
        let text = render(&lock);
        assert_eq!(parse(text.as_bytes()), Ok(lock));
        assert!(text.lines().all(|line| line.len() <= 400), "{text}");
    }

    /// An older kpki reads what needs nothing newer, and is told its reader where something does.
    #[test]
    fn the_form_is_the_oldest_that_can_hold_the_lock() {
        let mut lock = lock();
        let mut version = || {
            let text = render(&lock);
            let head = text.lines().next().unwrap_or_default().to_owned();
            lock.entries.pop_first();
            if lock.entries.is_empty() {
                lock.orphans.pop_first();
            }
            head.chars().nth(13)
        };
        let versions = [version(), version(), version(), version(), version()];
        assert_eq!(versions, ['4', '3', '3', '2', '1'].map(Some));
    }

    #[test]
    fn damage_is_named_by_its_line() {
        let text = render(&lock());
        let cut = &text.as_bytes()[..text.len() - 20];
        assert_eq!(parse(cut).unwrap_err().line, 7);
        for mark in ["<<<<<<< ours", "||||||| base", "=======", ">>>>>>> theirs"] {
            let conflict = text.replacen('\n', &format!("\n{mark}\n"), 1);
            let error = parse(conflict.as_bytes()).unwrap_err();
            assert_eq!((error.line, &*error.why), (2, "is a merge conflict"));
            assert!(error.help.contains("delete the markers"), "{error:?}");
        }
        let twice = format!("{text}{}", text.split_inclusive('\n').next_back().unwrap());
        assert!(parse(twice.as_bytes()).unwrap_err().why.contains("a second time"));
        let newer = text.replacen("\"kpki-lock\":4", "\"kpki-lock\":6", 1);
        assert!(parse(newer.as_bytes()).unwrap_err().why.contains("newer kpki"));
    }
}
