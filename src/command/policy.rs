//! `--policy FILE`

use std::collections::BTreeMap;
use std::path::Path;

use super::command_path::Way;
use super::terminal;
use crate::cli;
use crate::config;
use crate::error::{Error, Result};
use crate::review::ReviewPolicy;
use crate::sources::{Sources, read_regular};
use crate::visible;

/// Rules are few.
const LIMIT: usize = 64 * 1024;

pub(super) fn read(directory: &Path, args: &cli::Policy) -> Result<ReviewPolicy> {
    let Some(file) = &args.policy else {
        return Ok(ReviewPolicy::default());
    };
    let refuse = |why: String| {
        Error::refused(format!("{} cannot be read: {why}", visible::path(file)))
            .help("--policy names a file with policy { … }")
    };
    let way = Way::of(file).map_err(|error| refuse(error.to_string()))?;
    // A mistake quotes its line: a stranger's link must not choose the file.
    if let Some(link) = way.brought_link(directory) {
        let at = visible::path(link);
        let why = format!("{at} is a symbolic link, which is not followed in a repository");
        return Err(refuse(why).help("name the file itself, if it is the policy that you mean"));
    }
    let bytes = read_regular(&way.real, LIMIT).map_err(refuse)?;
    let name = file.file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    // A file of its own: nothing that a description holds can be included by it.
    let sources = Sources::Memory(BTreeMap::from([(name.clone(), bytes)]));
    config::load_policy(&sources, &name).map_err(|report| {
        Error::refused(format!(
            "mistakes in the policy\n\n{}",
            report.render(terminal::stderr_has_color()).trim_end()
        ))
    })
}
