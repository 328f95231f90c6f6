//! A repository's own configuration.

use std::path::Path;

use super::failure::{cannot_run, failed};
use super::{Git, path_of};
use crate::error::{Error, Result};
use crate::visible;

/// What a setting was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) enum Was {
    Missing,
    Same,
    Other(String),
}

/// Writes one setting of the repository that holds `project`, where it is not so already.
pub(in crate::command) fn set(project: &Path, name: &str, value: &str) -> Result<Was> {
    let git = Git::of(project)?.ok_or_else(|| {
        Error::refused(format!("{} is in no Git repository", visible::path(project)))
            .help("git init makes one; -C DIR names another project folder")
    })?;
    refuse_link(&git)?;
    let config = |arguments: &[&str]| {
        let mut command = git.command();
        command
            .args(["config", "--local"])
            .args(arguments)
            .output()
            .map_err(|error| cannot_run(&error))
    };
    let known = config(&["-z", "--get-all", name])?;
    let was = match known.status.code() {
        Some(0) if known.stdout == [value.as_bytes(), b"\0"].concat() => return Ok(Was::Same),
        Some(0) => {
            let known = String::from_utf8_lossy(&known.stdout);
            Was::Other(known.trim_end_matches('\0').replace('\0', ", "))
        }
        // git-config(1): the section or key is not there.
        Some(1) => Was::Missing,
        _ => return Err(failed(&String::from_utf8_lossy(&known.stderr))),
    };
    let done = config(&["--replace-all", name, value])?;
    if done.status.success() {
        Ok(was)
    } else {
        Err(failed(&String::from_utf8_lossy(&done.stderr)))
    }
}

/// Git writes through a link, into whatever file it names.
fn refuse_link(git: &Git) -> Result<()> {
    let output = git
        .command()
        .args(["rev-parse", "--git-path", "config"])
        .output()
        .map_err(|error| cannot_run(&error))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr)));
    }
    let path = output.stdout.strip_suffix(b"\n").unwrap_or_default();
    let path = git.from.join(path_of(path));
    if path.is_symlink() {
        let message = format!("{} is a symbolic link", visible::path(&path));
        return Err(Error::refused(message)
            .help("kpki writes no settings into another file; put a regular file there"));
    }
    Ok(())
}
