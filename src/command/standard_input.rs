//! What comes on standard input where `-` stands for a file.

use std::io::Read as _;
use std::path::Path;

use crate::error::{Error, Result};
use crate::facts::pem::MAX_PEM;
use crate::secret::Secret;
use crate::sources::size_in_words;

pub(super) const SHOWN: &str = "what came on standard input";

pub(super) fn is_meant(path: &Path) -> bool {
    path == Path::new("-")
}

/// As much as a file may hold. It may be a key.
pub(super) fn read() -> Result<Secret> {
    let limit = u64::try_from(MAX_PEM).unwrap_or(u64::MAX).saturating_add(1);
    // In its final size: an outgrown buffer would keep a part of a key.
    let mut bytes = Vec::with_capacity(MAX_PEM + 1);
    let read = std::io::stdin().lock().take(limit).read_to_end(&mut bytes);
    let bytes = Secret::new(bytes);
    read.map_err(|error| Error::refused(format!("cannot read standard input: {error}")))?;
    if bytes.expose().len() > MAX_PEM {
        let message = format!("{SHOWN}: larger than {}", size_in_words(MAX_PEM));
        return Err(Error::refused(message));
    }
    Ok(bytes)
}
