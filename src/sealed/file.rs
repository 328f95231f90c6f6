//! The outside of an age file: its header's stanzas and the size of what is inside. Nothing is opened.

use super::kind::RecipientKind;
use super::recipients::Recipients;
use crate::hash::Digest;

/// Public facts of a sealed secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedFile {
    /// Of the whole file.
    pub digest: Digest,
    /// Bytes of what is inside.
    pub size: u64,
    /// Sorted.
    pub stanzas: Vec<Stanza>,
}

/// For whom a file can be opened, as far as it says: an X25519 key stays anonymous.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stanza {
    X25519,
    /// With the key's tag.
    Ssh(RecipientKind, String),
    /// A passphrase, a plugin's, or one of a newer age.
    Other(String),
}

impl Stanza {
    /// As age files write it.
    pub fn kind(&self) -> &str {
        match self {
            Stanza::X25519 => RecipientKind::X25519.as_str(),
            Stanza::Ssh(kind, _) => kind.as_str(),
            Stanza::Other(kind) => kind,
        }
    }
}

const VERSION: &[u8] = b"age-encryption.org/v1\n";
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
/// A body's full line; a shorter one ends it.
const COLUMNS: usize = 64;
const NONCE: u64 = 16;
/// The payload is sealed in chunks of 64 KiB, each with a tag.
const CHUNK: u64 = 64 << 10;
const TAG: u64 = 16;

const DAMAGED: &str = "is no age file, or a damaged one";

impl SealedFile {
    /// The error reads after the file's name.
    pub fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.starts_with(ARMOR) {
            return Err("is in ASCII armor; kpki keeps binary age files");
        }
        let mut rest = bytes.strip_prefix(VERSION).ok_or(DAMAGED)?;
        let mut stanzas = Vec::new();
        loop {
            let next = line(&mut rest)?;
            let Some(words) = next.strip_prefix("-> ") else {
                // The header's end and its authentication code.
                next.strip_prefix("--- ").ok_or(DAMAGED)?;
                break;
            };
            stanzas.extend(stanza(words)?);
            while line(&mut rest)?.len() >= COLUMNS {}
        }
        stanzas.sort();
        Ok(SealedFile {
            digest: Digest::of(bytes),
            size: size_inside(rest.len() as u64).ok_or("is cut short")?,
            stanzas,
        })
    }

    /// It may have been sealed to these: the number of each kind and the tags of ssh keys agree.
    pub fn fits(&self, recipients: &Recipients) -> bool {
        let mut expected: Vec<Stanza> = recipients
            .iter()
            .map(|recipient| match recipient.tag() {
                Some(tag) => Stanza::Ssh(recipient.kind(), tag),
                None => Stanza::X25519,
            })
            .collect();
        expected.sort();
        expected == self.stanzas
    }

    /// `2 recipients (X25519, ssh-ed25519)`
    pub fn in_words(&self) -> String {
        let kinds: Vec<&str> = self.stanzas.iter().map(Stanza::kind).collect();
        let noun = if kinds.len() == 1 { "recipient" } else { "recipients" };
        format!("{} {noun} ({})", kinds.len(), kinds.join(", "))
    }
}

fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a str, &'static str> {
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or(DAMAGED)?;
    let (line, after) = rest.split_at_checked(end).ok_or(DAMAGED)?;
    *rest = after.get(1..).unwrap_or_default();
    match std::str::from_utf8(line) {
        Ok(line) if line.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => Ok(line),
        _ => Err(DAMAGED),
    }
}

/// `None`: grease, which means nobody (it keeps readers from relying on what they know).
fn stanza(words: &str) -> Result<Option<Stanza>, &'static str> {
    let mut words = words.split(' ');
    let kind = words.next().filter(|kind| !kind.is_empty()).ok_or(DAMAGED)?;
    let mut tag = || words.next().map(str::to_owned).ok_or(DAMAGED);
    Ok(match kind {
        "X25519" => Some(Stanza::X25519),
        "ssh-ed25519" => Some(Stanza::Ssh(RecipientKind::SshEd25519, tag()?)),
        "ssh-rsa" => Some(Stanza::Ssh(RecipientKind::SshRsa, tag()?)),
        grease if grease.ends_with("-grease") => None,
        other => Some(Stanza::Other(other.to_owned())),
    })
}

/// What a payload of this size holds.
fn size_inside(payload: u64) -> Option<u64> {
    let sealed = payload.checked_sub(NONCE)?;
    let chunks = sealed.div_ceil(CHUNK + TAG).max(1);
    sealed.checked_sub(chunks * TAG)
}
