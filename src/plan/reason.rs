//! Why a step is planned, as data.

use std::fmt;

use crate::facts::DistinguishedName;
use crate::name::{ArtifactName, TreePath};
use crate::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Nothing of it is on record or on disk.
    New,
    /// The description (or the profile) asks for something else than the bytes say.
    InputChanged {
        field: &'static str,
        old: String,
        new: String,
    },
    /// Something that it embeds or is issued by is built again.
    DependencyRebuilt {
        name: ArtifactName,
    },
    OutputMissing {
        path: TreePath,
    },
    OutputModified {
        path: TreePath,
    },
    OutputUnreadable {
        path: TreePath,
        why: String,
    },
    /// A secret that cannot be told from one that was exchanged.
    SecretChanged {
        path: TreePath,
        what: &'static str,
    },
    Expiring {
        not_after: Timestamp,
    },
    Expired {
        not_after: Timestamp,
    },
    /// Issued by a clock that ran ahead.
    NotYetValid {
        not_before: Timestamp,
    },
    /// A secret that others than its owner can read.
    Exposed {
        path: TreePath,
        mode: u32,
    },
    /// `--renew`
    RenewRequested,
    /// `--rejoin`
    RejoinRequested,
    /// `--rekey`
    RekeyRequested,
    /// `--allow replace:` or `--allow lost-key:`
    ReplacementAllowed,
    /// The lock has no line for it; the files are here.
    NotInLock,
    /// The lock's line is older than the files or the recipe; the files are right.
    LockOutdated,
}

impl Reason {
    /// What the bytes say and what is wished: never the same text twice, which would explain nothing.
    pub(super) fn changed(
        field: &'static str,
        old: impl Into<String>,
        new: impl Into<String>,
    ) -> Reason {
        let (old, new) = (old.into(), new.into());
        debug_assert_ne!(old, new, "{field}");
        Reason::InputChanged { field, old, new }
    }

    /// Two issuers that differ. Where they read alike the form does: Go finds an issuer by its bytes.
    pub fn another_issuer(old: &DistinguishedName, new: &DistinguishedName) -> Reason {
        let differs = if old == new {
            " by another key"
        } else if old.says_the_same(new) {
            " in other string types"
        } else {
            ""
        };
        Reason::changed("issuer", old.to_string(), format!("{new}{differs}"))
    }

    /// All in one line.
    pub fn joined(reasons: &[Reason]) -> String {
        reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// The word that JSON uses.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::New => "new",
            Reason::InputChanged { .. } => "input-changed",
            Reason::DependencyRebuilt { .. } => "dependency-rebuilt",
            Reason::OutputMissing { .. } => "output-missing",
            Reason::OutputModified { .. } => "output-modified",
            Reason::OutputUnreadable { .. } => "output-unreadable",
            Reason::SecretChanged { .. } => "secret-changed",
            Reason::Expiring { .. } => "expiring",
            Reason::Expired { .. } => "expired",
            Reason::NotYetValid { .. } => "not-yet-valid",
            Reason::Exposed { .. } => "exposed",
            Reason::RenewRequested => "renew-requested",
            Reason::RejoinRequested => "rejoin-requested",
            Reason::RekeyRequested => "rekey-requested",
            Reason::ReplacementAllowed => "replacement-allowed",
            Reason::NotInLock => "not-in-lock",
            Reason::LockOutdated => "lock-outdated",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::New => f.write_str("new"),
            Reason::InputChanged { field, old, new } => match (old.as_str(), new.as_str()) {
                // With dashes of its own.
                ("", new) if *field == "flag" => write!(f, "flag: with {new}"),
                (old, "") if *field == "flag" => write!(f, "flag: without {old}"),
                ("", new) => write!(f, "{field}: +{new}"),
                (old, "") => write!(f, "{field}: -{old}"),
                (old, new) if old == new => write!(f, "{field}: {old}, but not to the letter"),
                (old, new) => write!(f, "{field}: {old} -> {new}"),
            },
            Reason::DependencyRebuilt { name } => write!(f, "follows {name}"),
            Reason::OutputMissing { path } => write!(f, "out/{path} is missing"),
            Reason::OutputModified { path } => write!(f, "out/{path} was modified"),
            Reason::OutputUnreadable { path, why } => write!(f, "out/{path} {why}"),
            Reason::SecretChanged { path, what } => write!(f, "out/{path} {what}"),
            Reason::Expiring { not_after } => write!(f, "expires {}", not_after.date()),
            Reason::Expired { not_after } => write!(f, "expired {}", not_after.date()),
            Reason::NotYetValid { not_before } => {
                write!(f, "not valid before {}", not_before.date())
            }
            Reason::Exposed { path, mode } => {
                write!(f, "out/{path} is readable by others (mode {mode:04o})")
            }
            Reason::RenewRequested => f.write_str("renewal requested"),
            Reason::RejoinRequested => f.write_str("it joins etcd again"),
            Reason::RekeyRequested => f.write_str("new key requested"),
            Reason::ReplacementAllowed => f.write_str("replacement allowed"),
            Reason::NotInLock => f.write_str("not in the lock yet"),
            Reason::LockOutdated => f.write_str("the lock's line is out of date"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reason_says_the_same_twice() {
        // CN=ca as a PrintableString and as a UTF8String.
        let printable = DistinguishedName::new([], Some("ca"));
        let utf8 = printable.der().iter().map(|byte| match byte {
            0x13 => 0x0c,
            byte => *byte,
        });
        let utf8 = DistinguishedName::from_der(&utf8.collect::<Vec<_>>()).unwrap();
        for (old, new, says) in [
            (&printable, &utf8, "issuer: CN=ca -> CN=ca in other string types"),
            (&printable, &printable, "issuer: CN=ca -> CN=ca by another key"),
        ] {
            assert_eq!(Reason::another_issuer(old, new).to_string(), says);
        }
        let flag = |old: &str, new: &str| {
            let (old, new) = (old.into(), new.into());
            Reason::InputChanged { field: "flag", old, new }.to_string()
        };
        assert_eq!(flag("--v=2", ""), "flag: without --v=2");
        assert_eq!(flag("", "--v=2"), "flag: with --v=2");
        assert_eq!(flag("--v=2", "--v=4"), "flag: --v=2 -> --v=4");
        let same = Reason::InputChanged { field: "validity", old: "1y".into(), new: "1y".into() };
        assert_eq!(same.to_string(), "validity: 1y, but not to the letter");
    }
}
