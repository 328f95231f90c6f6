//! A recipients file, as `age -R` reads it: a recipient a line, with empty lines and comments.

use super::recipient::Recipient;
use crate::name::NameError;
use crate::visible::is_hidden;

/// Of one recipients file.
pub const LIST_LIMIT: usize = 64 * 1024;

/// An identity's line and an ssh key's block: what must never be quoted.
const IDENTITIES: [&str; 2] = ["AGE-SECRET-KEY-", "PRIVATE KEY-----"];

/// Reads after the file's name and quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAList {
    #[error("is not UTF-8 text")]
    NotText,
    /// Counted from 1, in characters.
    #[error("has the character U+{:04X} in line {line}, column {column}, which can hide what the line says", u32::from(*.character))]
    Hidden { line: usize, column: usize, character: char },
    #[error("holds a secret key")]
    SecretKey,
    #[error("holds no recipient")]
    Empty,
}

impl NotAList {
    pub fn help(self) -> &'static str {
        match self {
            NotAList::NotText | NotAList::Empty => "a recipients file has a public key a line",
            NotAList::Hidden { .. } => "delete it",
            NotAList::SecretKey => {
                "only public keys belong there; a key that was committed or shared must be replaced"
            }
        }
    }
}

/// A line's number and what it says.
pub type ListLine = (usize, Result<Recipient, NameError>);

/// Each line that is meant to be a recipient.
pub fn listed(bytes: &[u8]) -> Result<Vec<ListLine>, NotAList> {
    let text = std::str::from_utf8(bytes).map_err(|_| NotAList::NotText)?;
    if is_secret(text) {
        return Err(NotAList::SecretKey);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, content) in (1..).zip(text.lines()) {
        let mut characters = (1..).zip(content.chars());
        if let Some((column, character)) = characters.find(|(_, c)| is_hidden(*c) && *c != '\t') {
            return Err(NotAList::Hidden { line, column, character });
        }
    }
    let lines = (1..).zip(text.lines().map(str::trim));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let all: Vec<_> = lines.map(|(number, line)| (number, line.parse())).collect();
    if all.is_empty() {
        return Err(NotAList::Empty);
    }
    Ok(all)
}

/// A secret key where a public one belongs.
pub fn is_secret(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    IDENTITIES.iter().any(|secret| upper.contains(secret))
}
