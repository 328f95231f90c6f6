//! Public keys as age and ssh write them, checked by age itself.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::digest::{SHA256, digest};

use super::kind::{FINGERPRINT, RecipientKind};
use super::{point, rsa};
use crate::name::NameError;

#[derive(Clone)]
pub(crate) enum Key {
    X25519(age::x25519::Recipient),
    Ssh(age::ssh::Recipient),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::X25519(key) => key.fmt(f),
            Key::Ssh(key) => key.fmt(f),
        }
    }
}

impl Key {
    pub(crate) fn as_age(&self) -> &dyn age::Recipient {
        match self {
            Key::X25519(key) => key,
            Key::Ssh(key) => key,
        }
    }
}

/// The kind of a key, and its id.
type Parsed = (RecipientKind, String, Key);

pub(super) fn of_age(text: &str) -> Result<Parsed, NameError> {
    // The part before the last 1 names the kind (BIP 173).
    if text.rfind('1').is_some_and(|at| at > 3) {
        return refuse("needs a plugin or a newer age; kpki seals to age1… (X25519) and ssh keys");
    }
    let key = match text.parse::<age::x25519::Recipient>() {
        Ok(key) if key.to_string() == text => key,
        _ => return refuse("is cut or mistyped; copy the `Public key:` that age-keygen printed"),
    };
    let bytes = bech32::decode(text).ok().and_then(|(_, bytes)| bytes.try_into().ok());
    if !bytes.is_some_and(point::is_public_key) {
        return refuse(NOBODYS);
    }
    Ok((RecipientKind::X25519, text.to_owned(), Key::X25519(key)))
}

const NOBODYS: &str = "is nobody's key: what is sealed to it is open to all or to none; copy the public key again from where \
     it was made";

pub(super) fn of_ssh(kind: &str, key: &str) -> Result<Parsed, NameError> {
    use age::ssh::ParseRecipientKeyError as Why;
    const KINDS: &str = "kpki seals to ssh-ed25519 and to ssh-rsa of 2048 to 4096 bits";
    const DAMAGED: &str = "is cut or mistyped; copy the whole line of the .pub file";
    let blob = STANDARD.decode(key).unwrap_or_default();
    let rsa_parts = rsa::parts(&blob);
    if kind == "ssh-rsa" && rsa_parts.is_none() {
        return refuse(DAMAGED);
    }
    // age reads as far as it understands; here the whole word must be the key.
    let whole = format!("{kind} {key}");
    let parsed = match format!("{whole} ").parse::<age::ssh::Recipient>() {
        Ok(parsed) if parsed.to_string() == whole => parsed,
        Err(Why::RsaModulusTooSmall | Why::RsaModulusTooLarge) => {
            return refuse(format!("has an RSA key of another size; {KINDS}"));
        }
        Err(Why::Unsupported(_)) => {
            return refuse(format!("is an ssh key of another kind; {KINDS}"));
        }
        _ => return refuse(DAMAGED),
    };
    let kind = match &parsed {
        age::ssh::Recipient::SshRsa(..) => match rsa_parts.map(rsa::check) {
            Some(Ok(())) => RecipientKind::SshRsa,
            Some(Err(why)) => return refuse(why),
            None => return refuse(DAMAGED),
        },
        age::ssh::Recipient::SshEd25519(_, point) => {
            // A point has other encodings beside the one that a key is written with (RFC 8032, section
            // 5.1.3).
            let is_canonical = blob.ends_with(point.compress().as_bytes());
            if !is_canonical || !point::has_prime_order(point) {
                return refuse(NOBODYS);
            }
            RecipientKind::SshEd25519
        }
    };
    let id = fingerprint(key).ok_or_else(|| NameError("is not base64".into()))?;
    Ok((kind, id, Key::Ssh(parsed)))
}

/// As OpenSSH writes it: over the decoded key.
fn fingerprint(key: &str) -> Option<String> {
    let key = STANDARD.decode(key).ok()?;
    let hash = digest(&SHA256, &key);
    Some(format!("{FINGERPRINT}{}", STANDARD_NO_PAD.encode(hash)))
}

fn refuse<T>(why: impl Into<String>) -> Result<T, NameError> {
    Err(NameError(why.into()))
}
