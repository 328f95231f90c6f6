//! One recipient: an age key or an ssh key.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::kind::{FINGERPRINT, RecipientKind};
use super::parse::{Key, of_age, of_ssh};
use crate::name::NameError;

/// A public key that secrets are sealed to.
#[derive(Clone)]
pub struct Recipient {
    kind: RecipientKind,
    /// `age1…` in whole, or an ssh key's fingerprint as `ssh-keygen -l` shows it.
    id: String,
    comment: String,
    key: Key,
}

impl Recipient {
    pub fn kind(&self) -> RecipientKind {
        self.kind
    }

    /// Names the key exactly: equal ids are equal keys.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id, and an ssh key's comment.
    pub fn full_name(&self) -> String {
        match self.comment.as_str() {
            "" => self.id.clone(),
            comment => format!("{} {comment}", self.id),
        }
    }

    /// For people: `age1ql3z7hjy5...`, `alice@laptop`, `SHA256:jT2nYC9z...`.
    pub fn short_name(&self) -> String {
        short(&self.full_name())
    }

    /// What an age file says of an ssh key: the first 32 bits of its SHA-256.
    pub fn tag(&self) -> Option<String> {
        let fingerprint = self.id.strip_prefix(FINGERPRINT)?;
        let bytes = STANDARD_NO_PAD.decode(fingerprint).ok()?;
        Some(STANDARD_NO_PAD.encode(bytes.get(..4)?))
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }
}

/// Comments are shown in plans, so they stay short.
const LONGEST_COMMENT: usize = 40;

/// A [full name](Recipient::full_name) in short.
pub(super) fn short(full: &str) -> String {
    match full.split_once(' ') {
        Some((_, comment)) => comment.to_owned(),
        None => full.chars().take(15).chain("...".chars()).collect(),
    }
}

impl FromStr for Recipient {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        if text.starts_with("age1") {
            let (kind, id, key) = of_age(text)?;
            return Ok(Recipient { kind, id, comment: String::new(), key });
        }
        match text.split_whitespace().collect::<Vec<_>>().as_slice() {
            [kind, key, comment @ ..] if kind.contains("ssh-") || kind.starts_with("ecdsa-") => {
                let (kind, id, key) = of_ssh(kind, key)?;
                let comment = comment.join(" ");
                let shown = comment.chars().filter(|c| (' '..='~').contains(c));
                Ok(Recipient { kind, id, comment: shown.take(LONGEST_COMMENT).collect(), key })
            }
            _ => Err(NameError(
                "is not a recipient; write age1… or an ssh public key in one line".into(),
            )),
        }
    }
}

impl PartialEq for Recipient {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Recipient {}

impl PartialOrd for Recipient {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Recipient {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.id.cmp(&other.id)
    }
}

/// As a description names it.
impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)?;
        match self.comment.as_str() {
            "" => Ok(()),
            comment => write!(f, " {comment}"),
        }
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}
