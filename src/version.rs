//! Kubernetes versions, and what kpki knows of them.

mod number;
mod releases;

use std::fmt;
use std::str::FromStr;

pub use self::number::KubernetesVersion;
pub use self::releases::Change;
use self::releases::{RELEASES, Release};
use crate::name::NameError;

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
        if let Some(oldest) = RELEASES.first().filter(|oldest| minor < oldest.minor) {
            return Err(NameError(format!(
                "is older than 1.{}, the oldest that kpki knows; upgrade the cluster first",
                oldest.minor
            )));
        }
        let newest = match patch {
            Some(patch) => KubernetesVersion::new(minor, number(patch)?),
            None => Release::of(minor).map(Release::newest_patch).ok_or_else(|| {
                NameError(
                    "is a minor that kpki has no patch list for; write the full version".into(),
                )
            })?,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_keeps_the_patch_that_the_lock_has() {
        let newest = |minor| Release::of(minor).unwrap().newest_patch();
        let request: VersionRequest = "1.35".parse().unwrap();
        assert_eq!(request.resolve(None), newest(35));
        let locked = KubernetesVersion::new(35, 4);
        assert_eq!(request.resolve(Some(locked)), locked);
        assert_eq!(request.resolve(Some(newest(34))), newest(35));
        let full: VersionRequest = "1.35.3".parse().unwrap();
        assert_eq!(full.resolve(Some(locked)), KubernetesVersion::new(35, 3));
    }
}
