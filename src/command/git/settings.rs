//! A repository's own configuration.

use std::path::Path;

use super::{Git, cannot_run, failed};
use crate::error::{Error, Result};

/// What a setting was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) enum Was {
    Missing,
    Same,
    Other(String),
}

/// Writes one setting of the repository that holds `project`, where it is not so already.
pub(in crate::command) fn set(project: &Path, name: &str, value: &str) -> Result<Was> {
    let config = |arguments: &[&str]| {
        let mut command = Git::alone(project).command();
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
        _ => {
            let said = String::from_utf8_lossy(&known.stderr).into_owned();
            let elsewhere =
                said.contains("inside a git repository") || said.contains("not in a git");
            return Err(if elsewhere {
                Error::refused(format!("{} is in no Git repository", project.display()))
                    .help("git init makes one; -C DIR names another project folder")
            } else {
                failed(&said)
            });
        }
    };
    let done = config(&["--replace-all", name, value])?;
    if done.status.success() {
        Ok(was)
    } else {
        Err(failed(&String::from_utf8_lossy(&done.stderr)))
    }
}
