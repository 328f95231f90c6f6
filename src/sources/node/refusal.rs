//! Why an archive is not taken, and what to do.

use super::limits::nothing;
use super::source::Source;
use crate::error::Error;

/// Why an archive is not taken.
pub(super) enum Refusal {
    Io(std::io::Error),
    Empty,
    /// Packed by a program; the command that unpacks it.
    Packed(&'static str),
    NoArchive,
    /// It ends too early, and where.
    CutOff(String),
    /// Reads after its name.
    Says(String),
    Nothing,
}

impl Refusal {
    pub fn told(self, source: &Source) -> Error {
        let shown = source.shown();
        let again = "copy it again, and look at what the command that makes it says";
        match self {
            Refusal::Io(error) => Error::refused(format!("cannot read {shown}: {error}")),
            Refusal::Empty => Error::refused(format!("{shown} is empty, not a tar archive"))
                .help("look at what the command that makes it says: ssh or sudo may have failed"),
            Refusal::Packed(unpack) => Error::refused(format!("{shown} is compressed"))
                .help(format!("unpack it first: {}", source.piped(unpack))),
            Refusal::NoArchive => Error::refused(format!("{shown} is not a tar archive"))
                .help("name a folder, or a tar archive of a node's root or of its /etc/kubernetes"),
            Refusal::CutOff(at) => {
                Error::refused(format!("{shown} ends too early, {at}")).help(again)
            }
            Refusal::Says(what) => Error::refused(format!("{shown} {what}")),
            Refusal::Nothing => nothing(&shown),
        }
    }
}

/// Of what an archive has and must not.
pub(super) fn says(what: &str) -> Refusal {
    Refusal::Says(format!("has {what}"))
}
