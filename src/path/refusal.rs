//! A refused certificate: which one of the path broke it, and why.

use std::fmt;

use super::reason::Reason;
use crate::holdings::Certificate;

/// Of several paths that fail, the one that got furthest.
pub struct Refusal<'a> {
    pub reason: Reason,
    /// The one that `reason` speaks of: the leaf, or one above it.
    pub certificate: &'a Certificate,
    /// From the leaf up to the last certificate that was tried.
    pub path: Vec<&'a Certificate>,
}

impl fmt::Display for Refusal<'_> {
    /// `CN=company: its name constraints do not permit …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = &self.certificate.facts.subject;
        if subject.is_empty() {
            write!(f, "(no subject): {}", self.reason)
        } else {
            write!(f, "{subject}: {}", self.reason)
        }
    }
}

impl fmt::Debug for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusal({self})")
    }
}
