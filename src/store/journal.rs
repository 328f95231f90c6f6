//! The journal: what a commit does, in lines that a person can read after a crash.
//!
//! ```text
//! kpki journal 1
//! mode 0600 ca/front-proxy-ca.key
//! put ca/ca.crt
//! remove users/jane/jane.key
//! end 3f6c… (BLAKE3 of all bytes before this line)
//! ```
//!
//! Lines are sorted by path. A change's place in the list names what it replaces in `old/`.

use super::JOURNAL;
use crate::error::{Error, Result};
use crate::name::TreePath;

const HEAD: &str = "kpki journal 1\n";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Relative to `out/`.
    pub(super) path: TreePath,
    pub(super) action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Take the staged file, with the mode that it has.
    Put,
    Remove,
    Mode(u32),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Journal {
    changes: Vec<Change>,
}

impl Journal {
    /// At most one change a path, or the order would decide.
    pub(super) fn new(mut changes: Vec<Change>) -> Result<Self> {
        changes.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        for (one, next) in changes.iter().zip(changes.iter().skip(1)) {
            if one.path == next.path {
                return Err(Error::internal(format!(
                    "two changes to {} in one transaction",
                    one.path
                )));
            }
        }
        Ok(Journal { changes })
    }

    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    pub(super) fn write(&self) -> String {
        let mut text = String::from(HEAD);
        for Change { path, action } in &self.changes {
            let word = match action {
                Action::Put => "put".to_owned(),
                Action::Remove => "remove".to_owned(),
                Action::Mode(mode) => format!("mode {mode:04o}"),
            };
            text.extend([&word, " ", path.as_str(), "\n"]);
        }
        let end = format!("end {}\n", blake3::hash(text.as_bytes()).to_hex());
        text + &end
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not text"))?;
        let end = text
            .trim_end_matches('\n')
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let (body, end) = text.split_at_checked(end).unwrap_or(("", text));
        if end != format!("end {}\n", blake3::hash(body.as_bytes()).to_hex()) {
            return Err(damaged("its checksum does not match"));
        }
        let Some(lines) = body.strip_prefix(HEAD) else {
            return Err(damaged("its first line is not `kpki journal 1`")
                .help("a newer kpki may have written it: run `kpki apply` with that one"));
        };
        let changes = lines.lines().map(read_change).collect::<Option<_>>();
        Journal::new(changes.ok_or_else(|| damaged("it has a line that is no change"))?)
    }
}

fn read_change(line: &str) -> Option<Change> {
    let (word, rest) = line.split_once(' ')?;
    let (action, path) = match word {
        "put" => (Action::Put, rest),
        "remove" => (Action::Remove, rest),
        "mode" => {
            let (mode, path) = rest.split_once(' ')?;
            let mode = u32::from_str_radix(mode, 8).ok()?;
            (Action::Mode(mode), path)
        }
        _ => return None,
    };
    let path = path.parse().ok()?;
    Some(Change { path, action })
}

fn damaged(why: &str) -> Error {
    Error::refused(format!("{JOURNAL} cannot be used: {why}")).help(RESCUE)
}

/// What to do where a started change can be neither finished nor undone without guessing.
pub(super) const RESCUE: &str = "nothing was deleted: new files are in out/.pending/tree, replaced ones in out/.pending/old; \
     put back what is missing, move out/.pending away, then run `kpki apply`";

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Journal {
        let change = |path, action| Change {
            path: TreePath::of(path),
            action,
        };
        Journal::new(vec![
            change("users/jane/jane.key", Action::Remove),
            change("ca/ca.crt", Action::Put),
            change("ca/front-proxy-ca.key", Action::Mode(0o600)),
        ])
        .unwrap()
    }

    #[test]
    fn reads_what_it_writes() {
        let text = journal().write();
        assert!(
            text.starts_with("kpki journal 1\nput ca/ca.crt\nmode 0600 ca/front-proxy-ca.key\n")
        );
        assert_eq!(Journal::read(text.as_bytes()).unwrap(), journal());
        let empty = Journal::new(Vec::new()).unwrap();
        assert_eq!(Journal::read(empty.write().as_bytes()).unwrap(), empty);
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let bytes = journal().write().into_bytes();
        for end in 0..bytes.len() {
            assert!(Journal::read(&bytes[..end]).is_err(), "cut at {end}");
            let mut changed = bytes.clone();
            changed[end] ^= 1;
            assert!(Journal::read(&changed).is_err(), "changed at {end}");
        }
    }

    #[test]
    fn a_path_has_one_change() {
        let change = |action| Change {
            path: TreePath::of("a"),
            action,
        };
        assert!(Journal::new(vec![change(Action::Put), change(Action::Remove)]).is_err());
    }
}
