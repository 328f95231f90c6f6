//! `kpki status`
use std::path::Path;

use super::Outcome;
use crate::cli::StatusArgs;
use crate::error::{Error, Result};

pub(super) fn run(_directory: &Path, _args: &StatusArgs) -> Result<Outcome> {
    Err(Error::internal("not written yet"))
}
