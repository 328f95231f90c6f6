//! Static-pod manifests that belong to somebody else, and kubelet.conf of kubelets that renew their own
//! certificates: read, and changed in the few places that a wish names.
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
//!
//! May import `profile` for the names of processes and files, `facts` for certificates, and `edit`. Never
//! here: kpki's own pods, a graph, files.

mod annotations;
mod argv;
mod block;
mod changes;
mod check;
mod document;
mod error;
mod execs;
mod extend;
mod facts;
mod field_path;
mod fields;
mod finding;
mod flags;
mod flow;
mod kubelet_conf;
mod layout;
mod locate;
mod mounts;
mod parse;
mod scalar;
mod text;
mod tree;
mod user;
mod value;
mod variables;
mod wish;
mod write;

pub use self::argv::{Flag, Form, List};
pub use self::document::{Document, Lines, Setting, documents};
pub use self::error::PodError;
pub use self::execs::ExecWord;
pub use self::facts::{OnHost, PodFacts, process_of, read};
pub use self::field_path::{FieldPath, FieldStep};
pub use self::fields::{PodFields, fields};
pub use self::finding::{Finding, Outcome};
pub use self::kubelet_conf::{KubeletConfWish, patch_kubelet_conf, refused_in_kubelet_conf};
pub use self::mounts::{HostPath, Mount};
pub use self::user::RunsAs;
pub use self::wish::{FlagWish, MountWish, PathKind, PodWish};
pub use crate::profile::{Business, Process};

/// Carries the digest of everything that a process reads only when it starts: a new value makes the
/// kubelet start the pod again.
pub const DIGEST_ANNOTATION: &str = "kpki.dev/restart-digest";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    pub bytes: Vec<u8>,
    pub findings: Vec<Finding>,
}

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
    let (changes, findings) = changes::changes(&old, wish)?;
    let new = changed(&old, &changes, &|new| more(new, wish))?;
    let bytes = new.map_or_else(|| source.to_vec(), |(text, _)| text.into_bytes());
    Ok(Patched { bytes, findings })
}

/// As [`patch`], for whoever wants to know what the manifest says before and after, and that Kubernetes reads
/// all of it as kpki does.
pub fn try_patch(source: &[u8], wish: &PodWish) -> Result<Trial, PodError> {
    let old = parse::parse(source)?;
    fields::of_tree(&old, wish.process)?;
    let (changes, findings) = changes::changes(&old, wish)?;
    let before = facts::facts(&old, wish.process)?;
    let after = match changed(&old, &changes, &|new| more(new, wish))? {
        Some((_, new)) => facts::facts(&new, wish.process)?,
        None => before.clone(),
    };
    Ok(Trial { findings, before, after })
}

fn more(new: &tree::Tree, wish: &PodWish) -> Result<Vec<value::Change>, PodError> {
    changes::changes(new, wish).map(|(changes, _)| changes)
}

/// The new text and what it says; `None` where nothing has to change. `more`: what that would still need.
fn changed(
    old: &tree::Tree,
    changes: &[value::Change],
    more: &dyn Fn(&tree::Tree) -> Result<Vec<value::Change>, PodError>,
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
        .map_err(|error| by_hand(PodError::failed(&error.to_string())))?;
    let new = check::same(old, &text, changes, more).map_err(by_hand)?;
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
