//! `kpki textconv`: what Git runs to show a file in words. It never fails because of what the file holds: Git
//! would give up the whole diff.

use std::path::Path;

use super::{Outcome, terminal};
use crate::diff::{items, of_lock};
use crate::error::{Error, Result};
use crate::facts::{pem::MAX_PEM, plaintext_in};
use crate::lock;
use crate::render::{file_in_words, lock_in_words, printable};
use crate::secret::Secret;
use crate::sources::read_regular;
use crate::visible;

pub(super) fn run(file: &Path) -> Result<Outcome> {
    let bytes = read_regular(file, lock::LIMIT).map(Secret::new).map_err(|why| {
        let file = visible::path(file);
        Error::refused(format!("cannot read {file}: {why}"))
    })?;
    terminal::plain(&in_words(&bytes))?;
    Ok(Outcome::Done)
}

fn in_words(bytes: &Secret) -> String {
    let content = bytes.expose();
    if content.len() > lock::LIMIT {
        return "a file that is too large to be read\n".to_owned();
    }
    if let Ok(lock) = lock::parse(content)
        && lock::is_lock(content)
    {
        return lock_in_words(&of_lock(&lock));
    }
    let items = if content.len() > MAX_PEM { Vec::new() } else { items(bytes) };
    let is_known = items.iter().any(|item| item.kind != "unreadable file");
    // As it is, with conflict markers and all; but never a secret.
    match str::from_utf8(content) {
        Ok(text) if !is_known && plaintext_in(content).is_empty() => {
            let lines = text.lines().map(|line| format!("{}\n", printable(line)));
            lines.collect()
        }
        _ => file_in_words(&items),
    }
}
