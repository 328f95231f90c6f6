//! Why Go's crypto/x509, and so every component of Kubernetes, refuses to read a certificate that others can
//! read.
//!
//! The rules are those of `parser.go` in Go 1.27. Older versions read a little more (a negative serial number
//! up to 1.22, say); whoever upgrades Kubernetes meets the rule.

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    NotDer(&'static str),
    /// RFC 5280 4.1.2.2: a serial number is positive.
    NegativeSerial,
    /// RFC 5280 4.1.2.1. To Go an older certificate has no extensions, whatever stands there.
    ExtensionsInOldVersion,
    /// RFC 5280 4.1.1.2.
    TwoSignatureAlgorithms,
    /// RFC 5280 4.2. Which of two counts is undefined, so readers could disagree about a name.
    ExtensionTwice {
        extension: String,
    },
    /// RFC 5280 says of these that they are not critical.
    MarkedCritical {
        extension: String,
    },
    MalformedExtension {
        extension: String,
        /// Reads after a colon; empty where nothing more can be said.
        why: String,
    },
    /// Reads after `a public key`.
    Key(&'static str),
}

impl fmt::Display for Refused {
    /// Reads after `a certificate `.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let so = ", so Kubernetes does not read it";
        match self {
            Refused::NotDer(why) => write!(f, "that is not DER{so}: {why}"),
            Refused::NegativeSerial => write!(f, "with a negative serial number{so}"),
            Refused::ExtensionsInOldVersion => {
                write!(f, "with extensions that is not of version 3{so}")
            }
            Refused::TwoSignatureAlgorithms => {
                write!(f, "that names two signature algorithms{so}")
            }
            Refused::ExtensionTwice { extension } => {
                write!(f, "with one extension twice{so}: {extension}")
            }
            Refused::MarkedCritical { extension } => {
                write!(f, "with the extension {extension} marked critical{so}")
            }
            Refused::MalformedExtension { extension, why } => {
                write!(f, "with a malformed extension {extension}{so}")?;
                if why.is_empty() { Ok(()) } else { write!(f, ": {why}") }
            }
            Refused::Key(why) => write!(f, "with a public key {why}{so}"),
        }
    }
}
