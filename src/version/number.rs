//! A version, as a number.

use std::fmt;

/// A full Kubernetes version, `1.36.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KubernetesVersion {
    /// The minor: 36 in 1.36.2. The major is always 1.
    pub minor: u16,
    pub patch: u16,
}

impl KubernetesVersion {
    pub const fn new(minor: u16, patch: u16) -> Self {
        KubernetesVersion { minor, patch }
    }

    /// What a description without `kubernetes` means, for ever: changing it would reissue certificates.
    pub const DEFAULT: KubernetesVersion = KubernetesVersion::new(36, 2);
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}.{}", self.minor, self.patch)
    }
}
