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
        NEWEST_PATCHES.iter().any(|newest| newest.minor == self.minor && self.patch <= newest.patch)
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

/// What a description asks for: a full version, or a minor whose newest known patch is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionRequest {
    newest: KubernetesVersion,
    /// Only the minor was written.
    any_patch: bool,
}

impl VersionRequest {
    /// The version meant. A minor keeps the patch that the lock resolved it to: a newer kpki, whose table
    /// knows newer patches, reissues nothing.
    pub fn resolve(self, locked: Option<KubernetesVersion>) -> KubernetesVersion {
        locked
            .filter(|locked| self.any_patch && locked.minor == self.newest.minor)
            .unwrap_or(self.newest)
    }

    /// It means the same to every kpki.
    pub fn is_exact(self) -> bool {
        !self.any_patch
    }
}

impl From<KubernetesVersion> for VersionRequest {
    fn from(version: KubernetesVersion) -> Self {
        VersionRequest { newest: version, any_patch: false }
    }
}

impl FromStr for VersionRequest {
    type Err = NameError;
    /// `1.36.2`, `v1.36.2`, or `1.36`.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let form = || NameError("is not a Kubernetes version; write 1.36.2 or 1.36".into());
        let number = |part: &str| {
            let plain = part.bytes().all(|byte| byte.is_ascii_digit());
            if !plain || (part.len() > 1 && part.starts_with('0')) {
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
                "is older than 1.28, the oldest that kpki knows; upgrade the cluster first".into(),
            ));
        }
        let newest = match patch {
            Some(patch) => KubernetesVersion::new(minor, number(patch)?),
            None => NEWEST_PATCHES.into_iter().find(|newest| newest.minor == minor).ok_or_else(
                || {
                    NameError(
                        "is a minor that kpki has no patch list for; write the full version".into(),
                    )
                },
            )?,
        };
        Ok(VersionRequest { newest, any_patch: patch.is_none() })
    }
}

/// As it was written.
impl fmt::Display for VersionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.any_patch { write!(f, "1.{}", self.newest.minor) } else { self.newest.fmt(f) }
    }
}

impl FromStr for KubernetesVersion {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse::<VersionRequest>().map(|request| request.resolve(None))
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}.{}", self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_keeps_the_patch_that_the_lock_has() {
        let request: VersionRequest = "1.35".parse().unwrap();
        assert_eq!(request.resolve(None), KubernetesVersion::new(35, 5));
        let locked = KubernetesVersion::new(35, 4);
        assert_eq!(request.resolve(Some(locked)), locked);
        let other = KubernetesVersion::new(34, 9);
        assert_eq!(request.resolve(Some(other)), KubernetesVersion::new(35, 5));
        let full: VersionRequest = "1.35.3".parse().unwrap();
        assert_eq!(full.resolve(Some(locked)), KubernetesVersion::new(35, 3));
    }
}
