//! `kpki show`
use std::path::Path;

use super::Outcome;
use crate::cli::ShowArgs;
use crate::error::{Error, Result};

pub(super) fn run(_directory: &Path, _args: &ShowArgs) -> Result<Outcome> {
    Err(Error::internal("not written yet"))
}
