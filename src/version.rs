//! Kubernetes versions and the newest patch that kpki knows of each minor.

use std::fmt;
use std::str::FromStr;

use crate::name::NameError;

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

    /// Between the oldest and the newest version that the tables were checked against.
    pub fn has_evidence(self) -> bool {
        NEWEST_PATCHES
            .iter()
            .any(|newest| newest.minor == self.minor && self.patch <= newest.patch)
    }
}

/// The newest patch of each minor that kpki's tables know.
pub const NEWEST_PATCHES: [KubernetesVersion; 9] = [
    KubernetesVersion::new(28, 15),
    KubernetesVersion::new(29, 15),
    KubernetesVersion::new(30, 14),
    KubernetesVersion::new(31, 14),
    KubernetesVersion::new(32, 13),
    KubernetesVersion::new(33, 12),
    KubernetesVersion::new(34, 9),
    KubernetesVersion::new(35, 5),
    KubernetesVersion::new(36, 2),
];

impl FromStr for KubernetesVersion {
    type Err = NameError;
    /// `1.36.2`, `v1.36.2`, or `1.36` for the newest patch that the table knows.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let form = || NameError("is not a Kubernetes version; write 1.36.2 or 1.36".into());
        let number = |part: &str| {
            if part.len() > 1 && part.starts_with('0') {
                return Err(form());
            }
            if !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(form());
            }
            part.parse::<u16>().map_err(|_| form())
        };
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
        let (Some("1"), Some(minor), patch, None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(form());
        };
        let minor = number(minor)?;
        if minor < 28 {
            return Err(NameError(
                "is older than 1.28, the oldest that kpki knows".into(),
            ));
        }
        let patch = match patch {
            Some(patch) => number(patch)?,
            None => NEWEST_PATCHES
                .iter()
                .find(|newest| newest.minor == minor)
                .map(|newest| newest.patch)
                .ok_or_else(|| {
                    NameError(
                        "is a minor that kpki has no patch list for; write the full version".into(),
                    )
                })?,
        };
        Ok(KubernetesVersion { minor, patch })
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}.{}", self.minor, self.patch)
    }
}
