//! `kpki why`
use std::path::Path;

use super::Outcome;
use crate::cli::WhyArgs;
use crate::error::{Error, Result};

pub(super) fn run(_directory: &Path, _args: &WhyArgs) -> Result<Outcome> {
    Err(Error::internal("not written yet"))
}
