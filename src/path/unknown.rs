//! Why nobody that a reader trusts signed a certificate: the nearest miss.

use std::fmt;

use crate::facts::{DistinguishedName, SignatureCheck, check_signature};
use crate::holdings::Certificate;

/// From the furthest to the nearest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownAuthority {
    /// The reader has no certificate of the issuer's name.
    NoSuchName { issuer: DistinguishedName },
    /// It has one that reads alike and is other bytes: to Go another name. `is_its_key`: only the name is
    /// in the way.
    OtherBytes { issuer: DistinguishedName, written: String, known: String, is_its_key: bool },
    /// It has one of that name with another key: another CA, or the same one before or after it was replaced.
    OtherKey { issuer: DistinguishedName },
    /// It has the one that is named, down to its key identifier, and the signature is not of its key.
    SignatureDoesNotFit { issuer: DistinguishedName },
}

/// `known` are all that the reader has but those of the path; none of them signed `child` under its issuer's
/// name.
pub(super) fn nearest<'a>(
    child: &Certificate,
    known: impl Iterator<Item = &'a Certificate>,
) -> UnknownAuthority {
    let issuer = child.facts.issuer.clone();
    let mut other_bytes: Option<(&DistinguishedName, bool)> = None;
    let mut other_key = false;
    for one in known {
        let subject = &one.facts.subject;
        let signature = check_signature(&child.der, &one.facts.public_key);
        if subject.der() == issuer.der() {
            let is_named = match &child.facts.authority_key_id {
                Some(id) => *id == one.facts.key_id(),
                None => signature != SignatureCheck::OtherKindOfKey,
            };
            if is_named {
                return UnknownAuthority::SignatureDoesNotFit { issuer };
            }
            other_key = true;
        } else if subject.says_the_same(&issuer) {
            let is_its_key = signature == SignatureCheck::Fits;
            if other_bytes.is_none_or(|(_, was_its_key)| is_its_key && !was_its_key) {
                other_bytes = Some((subject, is_its_key));
            }
        }
    }
    match other_bytes {
        // The key says that it is this CA; another one of the right name is beside it by chance.
        Some((subject, is_its_key)) if is_its_key || !other_key => {
            let (written, known) = issuer.forms_that_differ(subject);
            UnknownAuthority::OtherBytes { issuer, written, known, is_its_key }
        }
        _ if other_key => UnknownAuthority::OtherKey { issuer },
        _ => UnknownAuthority::NoSuchName { issuer },
    }
}

impl fmt::Display for UnknownAuthority {
    /// Reads after the certificate's name and a colon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnknownAuthority::NoSuchName { issuer } => {
                write!(
                    f,
                    "it was issued by {}, and no CA of that name is trusted or comes with it",
                    Named(issuer)
                )
            }
            UnknownAuthority::OtherBytes { issuer, written, known, is_its_key } => {
                let key = if *is_its_key { ", over the same key" } else { "" };
                write!(
                    f,
                    "it names its issuer {} as {written}, the CA of that name that is known here{key} as {known}: to Kubernetes \
                     these are two names, since it compares bytes",
                    Named(issuer)
                )
            }
            UnknownAuthority::OtherKey { issuer } => write!(
                f,
                "it was issued by {}, and the CA of that name that is known here has another key",
                Named(issuer)
            ),
            UnknownAuthority::SignatureDoesNotFit { issuer } => write!(
                f,
                "it was issued by {}, and its signature is not of that CA's key",
                Named(issuer)
            ),
        }
    }
}

struct Named<'a>(&'a DistinguishedName);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("(an empty name)") } else { self.0.fmt(f) }
    }
}
