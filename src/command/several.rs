//! Several projects in one run, for commands that only read: `kpki -C 'clusters/*' status`.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::folder::DESCRIPTION;
use super::terminal;
use crate::cli::{
    CheckArgs, Command, Format, PlanArgs, ReviewFormat, StatusArgs, StatusFormat, VerifyArgs,
};
use crate::error::{Error, Kind, Result};
use crate::visible;

/// From the best to the worst: nothing, a difference, not proven, a consent, refused, busy, a defect, a
/// mistake in the command line.
const ENDS: [u8; 8] = [0, 2, 4, 3, 1, 75, 70, 64];

/// The worse of two exit codes.
pub(super) fn worse(one: u8, other: u8) -> u8 {
    let rank = |code| ENDS.iter().position(|end| *end == code).unwrap_or(ENDS.len());
    if rank(one) < rank(other) { other } else { one }
}

/// The folders that were named. `clusters/*` is every folder there that holds a project, also where no shell
/// has expanded it.
pub(super) fn named(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in given {
        if !is_pattern(path) || path.symlink_metadata().is_ok() {
            all.push(path.clone());
            continue;
        }
        let found = matching(path).into_iter().filter(|folder| {
            // Not `exists`: what is wrong with it is told by whoever reads it.
            folder.join(DESCRIPTION).symlink_metadata().is_ok()
        });
        let before = all.len();
        all.extend(found);
        if all.len() == before {
            let message = format!("no folder with a {DESCRIPTION} is {}", visible::path(path));
            return Err(Error::refused(message).help("* stands for a name, ? for a character"));
        }
    }
    let mut seen = BTreeSet::new();
    all.retain(|folder| seen.insert(folder.clone()));
    Ok(all)
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?'])
}

fn matching(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        found = match component {
            Component::Normal(name) if is_pattern(Path::new(name)) => {
                let name = name.to_string_lossy();
                found.iter().flat_map(|folder| folders_in(folder, &name)).collect()
            }
            other => found.iter().map(|folder| folder.join(other)).collect(),
        };
    }
    found
}

/// Sorted; a hidden one only where the pattern begins with a dot, as in a shell.
fn folders_in(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let here = if folder == Path::new("") { Path::new(".") } else { folder };
    let entries = std::fs::read_dir(here).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| pattern.starts_with('.') || !name.starts_with('.'))
        .filter(|name| is_match(pattern.as_bytes(), name.as_bytes()))
        .collect();
    names.sort();
    let paths = names.into_iter().map(|name| folder.join(name));
    paths.filter(|path| path.is_dir()).collect()
}

/// In time of the product of both lengths: a star never starts again before the last one.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut read, mut star) = (0, 0, None);
    while read < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(b'?') => (at, read) = (at + 1, read + 1),
            Some(byte) if name.get(read) == Some(byte) => (at, read) = (at + 1, read + 1),
            _ => match star {
                Some((back, from)) => {
                    star = Some((back, from + 1));
                    (at, read) = (back + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// Before one of several is read; `Err`: the command is for one project.
pub(super) fn heading(command: &Command, folder: &Path, is_first: bool) -> Result<()> {
    let is_text = match command {
        Command::Validate => true,
        Command::Plan(PlanArgs { out: None, output, .. }) => output.format == ReviewFormat::Text,
        Command::Status(StatusArgs { format: StatusFormat::Prometheus, .. }) => {
            return Err(one_project("metrics of several projects are none that Prometheus reads"));
        }
        Command::Status(status) => status.format == StatusFormat::Text,
        Command::Check(CheckArgs { output, .. })
        | Command::Verify(VerifyArgs { path: None, output, .. }) => output.format == Format::Text,
        _ => return Err(one_project("-C names several projects, and this is for one")),
    };
    if !is_text {
        return Ok(());
    }
    let before = if is_first { "" } else { "\n" };
    terminal::heading(before, &visible::path(folder))
}

fn one_project(message: &str) -> Error {
    Error::new(Kind::Usage, message)
        .help("validate, plan, status, check and verify take several; run others once for each")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_name_and_a_question_mark_any_character() {
        for (pattern, name, is) in [
            ("*", "a", true),
            ("a*", "ab", true),
            ("a*", "b", false),
            ("*-prod", "eu-prod", true),
            ("*-prod", "eu-prod-2", false),
            ("*a*b*", "xaxbx", true),
            ("*a*b*", "xbxa", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("", "", true),
            ("a", "", false),
            ("**", "x", true),
        ] {
            assert_eq!(is_match(pattern.as_bytes(), name.as_bytes()), is, "{pattern} {name}");
        }
        // No pattern takes for ever.
        let (stars, name) = ("*a".repeat(2000), "a".repeat(4000) + "b");
        assert!(!is_match(stars.as_bytes(), name.as_bytes()));
    }

    #[test]
    fn the_worst_end_counts() {
        assert_eq!(worse(0, 2), 2);
        assert_eq!(worse(3, 2), 3);
        assert_eq!(worse(1, 3), 1);
        assert_eq!(worse(64, 0), 64);
    }
}
