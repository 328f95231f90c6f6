//! Folders of a node that a certificate may be put into without a word.

use std::fmt;
use std::str::FromStr;

use crate::name::{NameError, TreePath};

/// Where nothing runs, trusts or includes a file because it lies there: folders of certificates, and those of
/// programs that read only the files that their configuration names. What is not here a policy adds.
const HARMLESS: [&str; 14] = [
    "etc/kubernetes/pki",
    "etc/kubernetes/ssl",
    "etc/kubernetes/tls",
    "etc/ssl",
    "etc/pki/tls/private",
    "etc/tls",
    "etc/certs",
    "etc/etcd",
    "etc/backup",
    "etc/haproxy",
    "etc/nginx",
    "etc/envoy",
    "etc/prometheus",
    "etc/konnectivity",
];
/// Go programs trust every file in here as a root (crypto/x509, `certDirectories` on Linux).
const TRUSTED: &str = "etc/ssl/certs";

/// `/srv/app`: this folder and those below.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FolderPrefix(Box<str>);

impl FolderPrefix {
    pub fn holds(&self, folder: &TreePath) -> bool {
        is_below(folder.as_str(), &self.0)
    }
}

/// A certificate may be put there without a policy.
pub fn is_harmless(folder: &TreePath) -> bool {
    let folder = folder.as_str();
    let hidden = folder.split('/').any(|name| name.starts_with('.'));
    let listed = HARMLESS.iter().any(|harmless| is_below(folder, harmless));
    listed && !hidden && !is_below(folder, TRUSTED)
}

fn is_below(folder: &str, above: &str) -> bool {
    folder.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl FromStr for FolderPrefix {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let Some(path) = text.strip_prefix('/') else {
            return Err(NameError("is not absolute; write /srv/app".into()));
        };
        let path: TreePath = path.parse()?;
        Ok(FolderPrefix(path.as_str().into()))
    }
}

impl fmt::Display for FolderPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_harmless_is_listed() {
        for (folder, harmless) in [
            ("etc/kubernetes/pki", true),
            ("etc/kubernetes/pki/metrics-server", true),
            ("etc/ssl/private", true),
            ("etc/ssl/app/tls", true),
            ("etc/backup", true),
            ("etc/kubernetes", false),
            ("etc/kubernetes/manifests", false),
            ("etc/kubernetes/pki-evil", false),
            ("etc/ssl/certs", false),
            ("etc/ssl/certs/java", false),
            ("etc/ssl/.hidden", false),
            ("etc", false),
            ("etc/cron.d", false),
            ("etc/cron.daily", false),
            ("etc/systemd/system", false),
            ("etc/ssh", false),
            ("etc/sudoers.d", false),
            ("etc/pam.d", false),
            ("etc/profile.d", false),
            ("etc/ld.so.conf.d", false),
            ("etc/udev/rules.d", false),
            ("etc/apt/trusted.gpg.d", false),
            ("etc/pki/ca-trust/source/anchors", false),
            ("etc/sslx", false),
            ("root/.ssh", false),
            ("root", false),
            ("home/jane", false),
            ("usr/local/bin", false),
            ("usr/local/share/ca-certificates", false),
            ("bin", false),
            ("boot", false),
            ("dev/shm", false),
            ("proc/self", false),
            ("sys", false),
            ("run", false),
            ("tmp", false),
            ("var/lib/kpki", false),
            ("var/lib/kubelet", false),
            ("var/lib/etcd", false),
            ("opt/cni/bin", false),
            ("srv/app", false),
        ] {
            let path: TreePath = folder.parse().unwrap();
            assert_eq!(is_harmless(&path), harmless, "{folder}");
        }
        let srv: FolderPrefix = "/srv/app".parse().unwrap();
        for (folder, held) in [("srv/app", true), ("srv/app/tls", true), ("srv/apps", false)] {
            assert_eq!(srv.holds(&folder.parse().unwrap()), held, "{folder}");
        }
        for text in ["srv", "/", "", "/srv/../etc", "//srv", "/srv/"] {
            assert!(text.parse::<FolderPrefix>().is_err(), "{text}");
        }
    }
}
