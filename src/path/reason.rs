//! Why a reader refuses a certificate; each has the values that decided it.

use std::fmt;

use super::unknown::UnknownAuthority;
use crate::facts::{DistinguishedName, ExtendedKeyUsage, Extension, KeyKind};
use crate::time::Timestamp;
use crate::visible::printable;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    Expired {
        until: Timestamp,
    },
    NotYetValid {
        from: Timestamp,
    },
    /// RFC 5280 4.2: what is critical and not understood makes a certificate useless.
    CriticalExtension {
        extension: String,
    },
    /// The name that the reader dialled, and those that the certificate has.
    OtherNames {
        dialled: String,
        names: Vec<String>,
        has_common_name: bool,
    },
    /// Nobody that the reader trusts signed it.
    UnknownAuthority(UnknownAuthority),
    /// RFC 5280 4.2.1.9.
    NotACa {
        states_constraints: bool,
    },
    /// RFC 5280 4.2.1.3: it states a key usage, and that one is not in it.
    NoCertSign,
    WeakSignature {
        algorithm: String,
    },
    UnknownSignature {
        algorithm: String,
        key: KeyKind,
    },
    UnusableKey {
        key: KeyKind,
    },
    /// kpki cannot check such a signature; it may fit.
    UncheckedSignature {
        algorithm: String,
        key: KeyKind,
    },
    /// RFC 5280 4.2.1.9: CAs that may stand below it, and those that do.
    PathTooLong {
        limit: u32,
        below: usize,
    },
    /// `leaf` does not have this usage, or a CA above it does not pass it on.
    Usage {
        wanted: ExtendedKeyUsage,
        has: Vec<ExtendedKeyUsage>,
        is_leaf: bool,
    },
    /// A name of `bearer` breaks what this CA allows.
    Name {
        bearer: DistinguishedName,
        name: String,
        breach: NameBreach,
    },
    /// RFC 5280 6.1: a CA asks for policies that the chain does not have.
    Policies,
    /// Go gives up after 100 signatures.
    TooMuchWork,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameBreach {
    /// By none of the constraints of its kind.
    NotPermitted,
    Excluded {
        constraint: String,
    },
    /// Go cannot hold it against any constraint, and so refuses it.
    CannotBeMatched,
}

impl Reason {
    pub(super) fn critical(extension: &Extension) -> Self {
        Reason::CriticalExtension { extension: extension.to_string() }
    }
}

impl fmt::Display for Reason {
    /// Reads after the certificate's name and a colon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Expired { until } => write!(f, "it expired on {}", in_seconds(*until)),
            Reason::NotYetValid { from } => write!(f, "it is not valid before {}", in_seconds(*from)),
            Reason::CriticalExtension { extension } => write!(
                f,
                "its critical extension {extension} is one that Kubernetes does not act upon, so no chain with \
                 it is accepted"
            ),
            Reason::OtherNames { dialled, names, has_common_name } => {
                write!(f, "it is not for {}", printable(dialled))?;
                match (names.as_slice(), has_common_name) {
                    ([], true) => f.write_str(
                        " but by its common name, which is not looked at: it has no such name among its SANs",
                    ),
                    ([], false) => f.write_str(": it has no SAN of that kind"),
                    (names, _) => write!(f, ", only for {}", list(names)),
                }
            }
            Reason::UnknownAuthority(unknown) => unknown.fmt(f),
            Reason::NotACa { states_constraints: true } => {
                f.write_str("it is no CA (basicConstraints without CA:TRUE), so what it signed is refused")
            }
            Reason::NotACa { states_constraints: false } => f.write_str(
                "it has no basicConstraints, so it is no CA, and what it signed is refused",
            ),
            Reason::NoCertSign => f.write_str(
                "its key usage is without keyCertSign, so what it signed is refused",
            ),
            Reason::WeakSignature { algorithm } => {
                write!(f, "it is signed with {algorithm}, which Kubernetes refuses")
            }
            Reason::UnknownSignature { algorithm, key } => write!(
                f,
                "it is signed with {algorithm} by a key of the kind {key}, which Kubernetes does not take"
            ),
            Reason::UnusableKey { key } => {
                write!(f, "it is signed by a key that Kubernetes does not take: {key}")
            }
            Reason::UncheckedSignature { algorithm, key } => write!(
                f,
                "it is signed with {algorithm} by a key of the kind {key}, which kpki cannot check; Kubernetes may \
                 take it"
            ),
            Reason::PathTooLong { limit, below } => {
                write!(f, "it allows {limit} CAs below it (path length), and there are {below}")
            }
            Reason::Usage { wanted, has, is_leaf } => {
                let has: Vec<String> = has.iter().map(ToString::to_string).collect();
                let has = has.join(", ");
                if *is_leaf {
                    write!(f, "its extended key usage is {has} alone, and it is shown as a {wanted}")
                } else {
                    write!(
                        f,
                        "its extended key usage is {has} alone, so what is below it cannot be a {wanted}"
                    )
                }
            }
            Reason::Name { bearer, name, breach } => {
                let name = printable(name);
                match breach {
                    NameBreach::NotPermitted => write!(
                        f,
                        "its name constraints do not permit {name}, which {bearer} has"
                    ),
                    NameBreach::Excluded { constraint } => write!(
                        f,
                        "its name constraints exclude {constraint}, and {bearer} has {name}"
                    ),
                    NameBreach::CannotBeMatched => write!(
                        f,
                        "it has name constraints, and {name} of {bearer} cannot be held against any"
                    ),
                }
            }
            Reason::Policies => f.write_str(
                "a CA above it asks for certificate policies that this chain does not have",
            ),
            Reason::TooMuchWork => f.write_str(
                "more than 100 signatures would have to be checked: too many CAs here have one name",
            ),
        }
    }
}

/// Dates alone would not tell two of one day apart.
fn in_seconds(time: Timestamp) -> String {
    time.to_string()
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| printable(name)).collect();
    let more = names.len().saturating_sub(SHOWN);
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
