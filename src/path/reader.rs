//! Who reads a certificate: what it trusts, and what it wants of the one that it is shown.

use crate::facts::ExtendedKeyUsage;
use crate::holdings::Certificate;
use crate::time::Timestamp;

/// As a Go program calls `Verify`.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// Every certificate of the CA file that it loads.
    pub anchors: &'a [&'a Certificate],
    /// What comes with the leaf: the rest of its own file.
    pub intermediates: &'a [&'a Certificate],
    /// Servers ask for [`ExtendedKeyUsage::Client`], clients for [`ExtendedKeyUsage::Server`]; `None` takes
    /// any.
    pub usage: Option<&'a ExtendedKeyUsage>,
    /// The host that it dialled; a server asks for none.
    pub name: Option<&'a str>,
    pub at: Timestamp,
}
