//! `--policy FILE`

use std::collections::BTreeMap;

use super::terminal;
use crate::cli;
use crate::config;
use crate::error::{Error, Result};
use crate::plan::ReviewPolicy;
use crate::sources::{Sources, read_regular};
use crate::visible;

/// Rules are few.
const LIMIT: usize = 64 * 1024;

pub(super) fn read(args: &cli::Policy) -> Result<ReviewPolicy> {
    let Some(file) = &args.policy else {
        return Ok(ReviewPolicy::default());
    };
    let bytes = read_regular(file, LIMIT).map_err(|why| {
        Error::refused(format!("{} cannot be read: {why}", visible::path(file)))
            .help("--policy names a file with policy { … }")
    })?;
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
