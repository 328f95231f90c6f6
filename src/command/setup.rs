//! `kpki setup git`: certificates in words in `git diff`, locks merged line by line.

use std::fmt::Write as _;
use std::path::Path;

use super::git::{Was, set};
use super::init::{Change, change};
use super::{Outcome, terminal};
use crate::error::{Error, Result};
use crate::render::init::GITATTRIBUTES_OF_KPKI;
use crate::render::printable;

/// In the repository's own configuration, which no clone shares: Git lets no commit name a program to run.
/// Git gives each to a shell; %P is quoted by Git, the others are names that it makes.
const SETTINGS: [(&str, &str); 3] = [
    ("diff.kpki.textconv", "kpki textconv --"),
    ("merge.kpki-lock.name", "kpki: each line of a lock is taken whole"),
    ("merge.kpki-lock.driver", "kpki merge-lock --marker-size=%L -- %O %A %B %P"),
];

const ATTRIBUTES: &str = ".gitattributes";

pub(super) fn run(directory: &Path) -> Result<Outcome> {
    let mut text = String::new();
    let mut is_set = false;
    for (name, value) in SETTINGS {
        let was = set(directory, name, value)?;
        is_set |= !matches!(was, Was::Same);
        match was {
            Was::Same => {}
            Was::Missing => {
                let _ = writeln!(text, "set {name} in the repository's configuration");
            }
            Was::Other(old) => {
                let old = printable(&old);
                let _ =
                    writeln!(text, "set {name} in the repository's configuration; it was: {old}");
            }
        }
    }
    let path = directory.join(ATTRIBUTES);
    let attributes = change(&path, GITATTRIBUTES_OF_KPKI);
    attributes.make(&path).map_err(|error| Error::io("write", &path, &error))?;
    match &attributes {
        Change::Nothing => {}
        Change::Write(..) => {
            let _ = writeln!(text, "wrote {ATTRIBUTES}");
        }
        Change::Append(..) => {
            let _ = writeln!(text, "added what was missing to {ATTRIBUTES}");
        }
        Change::Tell(lines) => {
            let _ = write!(text, "left {ATTRIBUTES} as it is; add to it:\n\n{lines}\n");
        }
    }
    if text.is_empty() {
        text.push_str("nothing to do: Git is set up here\n");
    } else if matches!(attributes, Change::Write(..) | Change::Append(..)) {
        let _ = writeln!(
            text,
            "next: commit {ATTRIBUTES}; every other clone needs its own `kpki setup git`"
        );
    }
    if is_set || matches!(attributes, Change::Write(..) | Change::Append(..)) {
        terminal::product_after("Git was set up", &text)?;
    } else {
        terminal::product(&text)?;
    }
    Ok(Outcome::Done)
}
