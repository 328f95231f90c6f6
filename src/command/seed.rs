//! The seed of a reproducible cluster: read where keys are made, and nowhere else.

use std::path::Path;

use super::git::tracks_below;
use crate::error::{Error, Result};
use crate::keys::Entropy;
use crate::keys::Seed;
use crate::secret::Secret;
use crate::shell;
use crate::sources::beneath::Regular;
use crate::sources::read_below;
use crate::spec::Spec;

/// A seed has one line; comments may stand above it.
const LIMIT: usize = 4096;

/// The system's randomness, or the seed that the description names.
pub(super) fn entropy(directory: &Path, spec: &Spec) -> Result<Entropy> {
    let Some(reproducible) = &spec.reproducible else {
        return Ok(Entropy::system());
    };
    let name = &*reproducible.seed_file;
    let refuse = |why: &str| Error::refused(format!("{name} {why}"));
    let Regular { bytes, mode } = read_below(directory, name, LIMIT)
        .map_err(|why| refuse(&format!("cannot be read: {why}")).help(NEW))?;
    let bytes = Secret::new(bytes);
    if bytes.expose().len() > LIMIT {
        return Err(refuse("is larger than 4 KiB, and a seed is 64 hexadecimal digits").help(NEW));
    }
    // Git keeps no modes: what it tracks is read by whoever reads the repository.
    if mode & 0o077 != 0 && !tracks_below(directory, name)? {
        return Err(refuse(&format!("can be read by others (mode {mode:04o})")).help(format!(
            "chmod 600 {}; or commit it, if everybody with the repository may have every key",
            shell::operand(name)
        )));
    }
    let seed = Seed::parse(bytes.expose(), spec.cluster.name.as_str())
        .map_err(|why| refuse(why).help(NEW))?;
    Ok(Entropy::seeded(seed))
}

const NEW: &str =
    "`kpki init --lab` makes one, and so does `openssl rand -hex 32`: 256 random bits";
