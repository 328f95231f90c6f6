//! The journal: what a commit does, in lines that a person can read after a crash.
//!
//! ```text
//! kpki journal 2
//! lock 0b1d… 9c3e… (BLAKE3 of cluster.lock before and after; `-` where there was none)
//! allow ca/kubernetes (this root of trust may get another key: a person said so)
//! mode 0600 ca/front-proxy-ca.key
//! put 7f20… ca/ca.crt (BLAKE3 of the staged file)
//! remove users/jane/jane.key
//! end 3f6c… (BLAKE3 of all bytes before this line, keyed by this machine's key)
//! ```
//!
//! Changes are sorted by path. A change's place in the list names what it replaces in `old/`.
//!
//! A journal that lies in the project folder proves nothing: it may have come with a pull request. Only the
//! key of its last line, which never leaves this user's state folder, tells that it was written here.

use std::collections::BTreeSet;

use blake3::Hash;
use zeroize::Zeroizing;

use super::{MachineKey, is_stores_own};
use crate::error::{Error, Result};
use crate::keys::Entropy;
use crate::name::{ArtifactName, TreePath};

const HEAD: &str = "kpki journal 2\n";
const NO_LOCK: &str = "-";

/// What the journals of this user on this machine are sealed with.
#[derive(Clone)]
pub struct JournalKey(Zeroizing<[u8; 32]>);

impl JournalKey {
    pub fn of(machine: &MachineKey) -> Self {
        JournalKey(machine.derive("kpki 2026-11 journal of an apply"))
    }

    /// Where there is no machine key: nothing that is sealed with this one is ever finished by a later run.
    pub fn of_this_run(entropy: &Entropy) -> Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        entropy.fill(&mut *key).map_err(|error| Error::internal(error.to_string()))?;
        Ok(JournalKey(key))
    }

    fn seal(&self, body: &str) -> Hash {
        blake3::keyed_hash(&self.0, body.as_bytes())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Relative to `out/`.
    pub(super) path: TreePath,
    pub(super) action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Take the staged file, with the mode that it has; the digest is of its bytes.
    Put(Hash),
    Remove,
    Mode(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Journal {
    /// Of the lock in force when it was written; `None`: there was none.
    pub(super) lock_before: Option<Hash>,
    pub(super) lock_after: Hash,
    /// Roots of trust whose keys this change may replace.
    pub(super) allowed: BTreeSet<ArtifactName>,
    changes: Vec<Change>,
}

impl Journal {
    /// At most one change a path, or the order would decide.
    pub(super) fn new(
        lock_before: Option<Hash>,
        lock_after: Hash,
        allowed: BTreeSet<ArtifactName>,
        mut changes: Vec<Change>,
    ) -> Result<Self> {
        changes.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        for (one, next) in changes.iter().zip(changes.iter().skip(1)) {
            if one.path == next.path {
                return Err(Error::internal(format!(
                    "two changes to {} in one transaction",
                    one.path
                )));
            }
        }
        Ok(Journal { lock_before, lock_after, allowed, changes })
    }

    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether this file, relative to `out/`, is staged for it.
    pub(super) fn puts(&self, path: &str) -> bool {
        let found = self.changes.binary_search_by(|change| change.path.as_str().cmp(path));
        let change = found.ok().and_then(|index| self.changes.get(index));
        change.is_some_and(|change| matches!(change.action, Action::Put(_)))
    }

    pub(super) fn write(&self, key: &JournalKey) -> String {
        let mut text = String::from(HEAD);
        let before = self.lock_before.map_or(NO_LOCK.to_owned(), |hash| hash.to_hex().to_string());
        text.extend(["lock ", &before, " ", &self.lock_after.to_hex(), "\n"]);
        for name in &self.allowed {
            text.extend(["allow ", name.as_str(), "\n"]);
        }
        for Change { path, action } in &self.changes {
            let word = match action {
                Action::Put(digest) => format!("put {}", digest.to_hex()),
                Action::Remove => "remove".to_owned(),
                Action::Mode(mode) => format!("mode {mode:04o}"),
            };
            text.extend([&word, " ", path.as_str(), "\n"]);
        }
        let end = format!("end {}\n", key.seal(&text).to_hex());
        text + &end
    }

    /// Whether `bytes` are a journal that was written with this key.
    pub(super) fn is_sealed(bytes: &[u8], key: &JournalKey) -> bool {
        let sealed = || {
            let (body, end) = body_and_end(std::str::from_utf8(bytes).ok()?);
            let seal = Hash::from_hex(end.strip_prefix("end ")?.strip_suffix('\n')?).ok()?;
            // Compared in constant time.
            (key.seal(body) == seal).then_some(())
        };
        sealed().is_some()
    }

    /// What a journal says, whoever wrote it. The error reads after "it ".
    pub(super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(bytes).map_err(|_| "is not text")?;
        let (body, end) = body_and_end(text);
        let Some(body) = body.strip_prefix(HEAD) else {
            return Err("does not begin with `kpki journal 2`: another version of kpki wrote it");
        };
        if !end.starts_with("end ") || !end.ends_with('\n') {
            return Err("is cut off");
        }
        let mut lines = body.lines().peekable();
        let lock = lines.next().and_then(|line| line.strip_prefix("lock ")?.split_once(' '));
        let (before, after) = lock.ok_or("does not say which lock it follows")?;
        let hash = |text: &str| Hash::from_hex(text).map_err(|_| "names no digest of a lock");
        let before = if before == NO_LOCK { None } else { Some(hash(before)?) };
        let after = hash(after)?;
        let mut allowed = BTreeSet::new();
        while let Some(name) = lines.peek().and_then(|line| line.strip_prefix("allow ")) {
            allowed.insert(name.parse().map_err(|_| "names no artifact where it should")?);
            lines.next();
        }
        let changes: Option<Vec<_>> = lines.map(read_change).collect();
        let changes = changes.ok_or("has a line that is no change")?;
        Journal::new(before, after, allowed, changes).map_err(|_| "has two changes of one file")
    }
}

/// The last line, and all before it.
fn body_and_end(text: &str) -> (&str, &str) {
    let end = text.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
    text.split_at_checked(end).unwrap_or(("", text))
}

fn read_change(line: &str) -> Option<Change> {
    let (word, rest) = line.split_once(' ')?;
    let (action, path) = match word {
        "put" => {
            let (digest, path) = rest.split_once(' ')?;
            (Action::Put(Hash::from_hex(digest).ok()?), path)
        }
        "remove" => (Action::Remove, rest),
        "mode" => {
            let (mode, path) = rest.split_once(' ')?;
            let mode = u32::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o777)?;
            (Action::Mode(mode), path)
        }
        _ => return None,
    };
    let path: TreePath = path.parse().ok()?;
    (!is_stores_own(path.as_str())).then_some(Change { path, action })
}

/// What to do where a started change can be neither finished nor undone without guessing.
pub(super) const RESCUE: &str = "nothing was deleted: new files are in out/.pending/tree, replaced ones in out/.pending/old; \
     put back what is missing, then `kpki discard` sets the rest aside";

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> JournalKey {
        JournalKey(Zeroizing::new([byte; 32]))
    }

    fn journal() -> Journal {
        let change = |path, action| Change { path: TreePath::of(path), action };
        let hash = blake3::hash;
        let allowed = BTreeSet::from(["ca/ca".parse().unwrap()]);
        let changes = vec![
            change("users/jane/jane.key", Action::Remove),
            change("ca/ca.crt", Action::Put(hash(b"new"))),
            change("ca/front-proxy-ca.key", Action::Mode(0o600)),
        ];
        Journal::new(None, hash(b"after"), allowed, changes).unwrap()
    }

    #[test]
    fn reads_what_it_writes() {
        let text = journal().write(&key(1));
        // `b3sum` of the texts.
        let new = blake3::hash(b"new").to_hex();
        let after = blake3::hash(b"after").to_hex();
        let start = format!(
            "kpki journal 2\nlock - {after}\nallow ca/ca\nput {new} ca/ca.crt\n\
             mode 0600 ca/front-proxy-ca.key\nremove users/jane/jane.key\nend "
        );
        assert!(text.starts_with(&start), "{text}");
        assert_eq!(Journal::read(text.as_bytes()).unwrap(), journal());
        assert!(Journal::is_sealed(text.as_bytes(), &key(1)));
        assert!(!Journal::is_sealed(text.as_bytes(), &key(2)));
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let bytes = journal().write(&key(1)).into_bytes();
        for end in 0..bytes.len() {
            assert!(!Journal::is_sealed(&bytes[..end], &key(1)), "cut at {end}");
            let mut changed = bytes.clone();
            changed[end] ^= 1;
            assert!(!Journal::is_sealed(&changed, &key(1)), "changed at {end}");
            // Whatever it says, reading it ends.
            let _ = Journal::read(&changed);
            let _ = Journal::read(&bytes[..end]);
        }
        let longer = [&bytes[..], b"put x"].concat();
        assert!(!Journal::is_sealed(&longer, &key(1)));
    }

    #[test]
    fn a_checksum_without_a_key_is_no_seal() {
        let text = journal().write(&key(1));
        let (body, _) = body_and_end(&text);
        let text = format!("{body}end {}\n", blake3::hash(body.as_bytes()).to_hex());
        assert_eq!(Journal::read(text.as_bytes()), Ok(journal()));
        assert!(!Journal::is_sealed(text.as_bytes(), &key(1)));
        let before = "kpki journal 1\nput ca/kubernetes.key\nend 0\n";
        assert!(Journal::read(before.as_bytes()).is_err());
    }

    #[test]
    fn the_store_s_own_folders_are_no_places() {
        for path in [".discarded/1/tree/ca/ca.key", ".pending/old/0"] {
            let text = journal().write(&key(1)).replace("users/jane/jane.key", path);
            assert!(Journal::read(text.as_bytes()).is_err(), "{path}");
        }
    }

    #[test]
    fn a_path_has_one_change() {
        let change = |action| Change { path: TreePath::of("a"), action };
        let hash = blake3::hash(b"");
        let both = vec![change(Action::Put(hash)), change(Action::Remove)];
        assert!(Journal::new(None, hash, BTreeSet::new(), both).is_err());
    }
}
