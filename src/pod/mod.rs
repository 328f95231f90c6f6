//! Static-pod manifests that belong to somebody else: read, and changed in the few places that a wish names.
//!
//! ```text
//! bytes -> tree (nodes with spans) -> plan (wish against facts) -> changes -> edits -> bytes
//!                                                                     \-> expected value
//! ```
//!
//! A change is interpreted twice: by `write` as edits of the text, by `value` as a step of the model. The
//! new text is parsed again and must say exactly what the model says, with the same comments; if it does
//! not, nothing is given back but an error with the lines to write by hand. So a mistake of the writer, or
//! a YAML that it never met, costs a refusal and never a control plane.

mod annotations;
mod argv;
mod block;
mod check;
mod extend;
mod facts;
mod flags;
mod flow;
mod layout;
mod locate;
mod mounts;
mod parse;
mod scalar;
mod text;
mod tree;
mod value;
mod write;

use std::fmt;

pub use self::argv::{Flag, Form, List};
pub use self::facts::{OnHost, PodFacts, process_of, read};
pub use self::mounts::{HostPath, Mount};
pub use crate::profile::{Business, Process};

/// Carries the digest of everything that a process reads only when it starts: a new value makes the
/// kubelet start the pod again.
pub const DIGEST_ANNOTATION: &str = "kpki.dev/restart-digest";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagWish {
    /// Without the dashes.
    pub name: String,
    pub value: String,
    pub business: Business,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    Folder,
    File,
}

/// A path of the host that the process must see under the same path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountWish {
    pub path: String,
    pub kind: PathKind,
}

/// What a manifest must say. Several wishes for `service-account-key-file` are a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodWish {
    pub process: Process,
    pub flags: Vec<FlagWish>,
    pub mounts: Vec<MountWish>,
    pub annotations: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    pub bytes: Vec<u8>,
    pub findings: Vec<Finding>,
}

/// A flag that had another value than the wished one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// In the manifest as it was.
    pub line: usize,
    pub flag: String,
    pub found: String,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    ChangedTo(String),
    /// The operator's value stays, although kpki would choose this one.
    Kept {
        wished: String,
    },
    /// One more value of a flag that may be given several times; nobody wished it, it stays.
    Extra,
}

impl Finding {
    /// What there is to say, without the line.
    pub fn message(&self) -> String {
        let Finding { flag, found, .. } = self;
        match &self.outcome {
            Outcome::ChangedTo(new) => format!("--{flag} changed from {found} to {new}"),
            Outcome::Kept { wished } => {
                format!("--{flag} stays {found}, kpki would choose {wished}")
            }
            Outcome::Extra => format!("--{flag} has {found} as well, which stays"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message())
    }
}

/// Why a manifest cannot be read or patched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodError {
    /// `None`: about the whole file.
    pub line: Option<usize>,
    pub message: String,
    pub help: Option<String>,
}

impl PodError {
    fn at(line: usize, message: impl Into<String>) -> Self {
        PodError { line: Some(line), message: message.into(), help: None }
    }

    fn whole(message: impl Into<String>) -> Self {
        PodError { line: None, message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for PodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for PodError {}

/// What a patch would find and make.
#[derive(Debug)]
pub struct Trial {
    pub findings: Vec<Finding>,
    pub before: PodFacts,
    pub after: PodFacts,
}

/// Makes the manifest say what the wish wants and keeps every other byte.
pub fn patch(source: &[u8], wish: &PodWish) -> Result<Patched, PodError> {
    let old = parse::parse(source)?;
    let (changes, findings) = plan(&old, wish)?;
    let new = changed(&old, &changes, wish)?;
    let bytes = new.map_or_else(|| source.to_vec(), |(text, _)| text.into_bytes());
    Ok(Patched { bytes, findings })
}

/// As [`patch`], for whoever wants to know what the manifest says before and after.
pub fn try_patch(source: &[u8], wish: &PodWish) -> Result<Trial, PodError> {
    let old = parse::parse(source)?;
    let (changes, findings) = plan(&old, wish)?;
    let before = facts::facts(&old, wish.process)?;
    let after = match changed(&old, &changes, wish)? {
        Some((_, new)) => facts::facts(&new, wish.process)?,
        None => before.clone(),
    };
    Ok(Trial { findings, before, after })
}

/// The new text and what it says; `None` where nothing has to change.
fn changed(
    old: &tree::Tree,
    changes: &[value::Change],
    wish: &PodWish,
) -> Result<Option<(String, tree::Tree)>, PodError> {
    if changes.is_empty() {
        return Ok(None);
    }
    let by_hand = |error: PodError| match error.help {
        Some(_) => error,
        None => error.help(check::by_hand(changes)),
    };
    let edits = write::edits(old, changes).map_err(by_hand)?;
    let text = crate::edit::apply(&old.text, &edits)
        .map_err(|error| by_hand(check::failed(&error.to_string())))?;
    let new = check::same(old, &text, changes, wish).map_err(by_hand)?;
    Ok(Some((text, new)))
}

/// Whether two manifests are one Pod to the kubelet: comments, quotes, blanks and the order of keys do not
/// count.
pub fn is_same_pod(one: &[u8], other: &[u8]) -> bool {
    match (parse::parse(one), parse::parse(other)) {
        (Ok(one), Ok(other)) => {
            value::Value::of(&one.root).means_the_same(&value::Value::of(&other.root))
        }
        _ => false,
    }
}

/// What has to change, and what was found on the way.
fn plan(tree: &tree::Tree, wish: &PodWish) -> Result<(Vec<value::Change>, Vec<Finding>), PodError> {
    let pod = locate::pod(tree, wish.process)?;
    let mut changes = Vec::new();
    let findings = flags::plan(tree, &pod, wish, &mut changes)?;
    mounts::plan(tree, &pod, &wish.mounts, &mut changes)?;
    annotations::plan(tree, &wish.annotations, &mut changes)?;
    Ok((changes, findings))
}
