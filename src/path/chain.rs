//! A path from a leaf to an anchor.

use crate::holdings::Certificate;

/// The leaf first, the anchor last; one certificate where the leaf is an anchor itself.
pub struct Chain<'a>(pub(super) Vec<&'a Certificate>);

impl<'a> Chain<'a> {
    pub fn certificates(&self) -> &[&'a Certificate] {
        &self.0
    }

    pub fn anchor(&self) -> Option<&'a Certificate> {
        self.0.last().copied()
    }
}
