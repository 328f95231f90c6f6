//! Several projects in one run, for commands that only read: `kpki -C 'clusters/*' status`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, glob_with};

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
        let found = matching(path)?.into_iter().filter(|folder| {
            // Not `exists`: what is wrong with it is told by whoever reads it.
            folder.join(DESCRIPTION).symlink_metadata().is_ok()
        });
        let before = all.len();
        all.extend(found);
        if all.len() == before {
            let message = format!("no folder with a {DESCRIPTION} is {}", visible::path(path));
            return Err(
                Error::refused(message).help("* stands for any part of a name, ? for a character")
            );
        }
    }
    let mut seen = BTreeSet::new();
    all.retain(|folder| seen.insert(folder.clone()));
    Ok(all)
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?'])
}

/// Sorted; a hidden folder only where the pattern has its dot, as in a shell.
fn matching(pattern: &Path) -> Result<Vec<PathBuf>> {
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let usage =
        |why: String| Error::new(Kind::Usage, format!("-C {}: {why}", visible::path(pattern)));
    let text = pattern.to_str().ok_or_else(|| usage("is no UTF-8 text".to_owned()))?;
    let found = glob_with(text, options).map_err(|error| usage(error.msg.to_owned()))?;
    // What cannot be looked into is no project that was meant.
    Ok(found.flatten().filter(|path| path.is_dir()).collect())
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
    fn the_worst_end_counts() {
        assert_eq!(worse(0, 2), 2);
        assert_eq!(worse(3, 2), 3);
        assert_eq!(worse(1, 3), 1);
        assert_eq!(worse(64, 0), 64);
    }
}
