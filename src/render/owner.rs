//! Whose a certificate or key is, where a project is at hand that can tell.

use crate::hash::Digest;

/// Whose a certificate or key is.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    pub of_certificate: &'a dyn Fn(Digest) -> Option<String>,
    pub of_key: &'a dyn Fn(Digest) -> Option<String>,
}
