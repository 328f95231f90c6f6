//! Files of secret keys that open what is sealed: age identities, ssh keys, either behind a passphrase.

use super::seal::{Identity, native, ssh, unlocked};
use super::unopened::{Locked, NotAnIdentity};
use crate::secret::Secret;

const AGE_FILE: [&[u8]; 2] = [b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----"];

/// The identities in one file, as `age -i` reads it.
pub fn identities(file: &Secret, passphrase: Locked<'_>) -> Result<Vec<Identity>, NotAnIdentity> {
    if cfg!(not(feature = "age")) {
        return Err(NotAnIdentity::because(
            "is of no use: this kpki was built without the feature `age`",
        ));
    }
    let bytes = file.expose();
    if AGE_FILE.iter().any(|start| bytes.starts_with(start)) {
        let inside = unlocked(bytes, passphrase)?;
        return native_file(inside.expose());
    }
    if bytes.trim_ascii_start().starts_with(b"-----BEGIN ") {
        return ssh(bytes.trim_ascii_start(), passphrase).map(|identity| vec![identity]);
    }
    native_file(bytes)
}

fn native_file(bytes: &[u8]) -> Result<Vec<Identity>, NotAnIdentity> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| NotAnIdentity::because("is no identity file: it is not text"))?;
    let mut all = Vec::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        all.push(native(line).ok_or_else(|| not_native(number, line))?);
    }
    if all.is_empty() {
        return Err(NotAnIdentity::because("holds no identity"));
    }
    Ok(all)
}

fn not_native(number: usize, line: &str) -> NotAnIdentity {
    let why = if line.starts_with("AGE-PLUGIN-") {
        "an identity of a plugin, which kpki does not run"
    } else if line.starts_with("age1") || line.starts_with("ssh-") {
        "a public key, which opens nothing; the identity is the file that age-keygen or ssh-keygen wrote"
    } else {
        "something else than an identity"
    };
    NotAnIdentity::because(format!("has {why} in line {number}"))
}
