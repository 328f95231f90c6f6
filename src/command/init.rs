//! `kpki init`
use std::path::Path;

use super::Outcome;
use crate::error::{Error, Result};

pub(super) fn run(_directory: &Path) -> Result<Outcome> {
    Err(Error::internal("not written yet"))
}
