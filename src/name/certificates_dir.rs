//! Where a node keeps its certificates: kubeadm's `certificatesDir`.

use std::fmt;
use std::str::FromStr;

use super::error::refuse;
use super::{NameError, TreePath};

/// The folder of `ca.crt` and the others on every node. kubeadm's kubeconfigs and manifests stay in
/// /etc/kubernetes whatever it is (cmd/kubeadm/app/constants).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificatesDir(TreePath);

/// Folders with other owners: neither these nor what is below or above them. Of those that pods mount, a
/// second mount would hide the first, or be refused (a mount path must be unique in a container).
const OTHERS: [&str; 11] = [
    "etc/ca-certificates",
    "etc/kubernetes/manifests",
    "etc/kubernetes/tmp",
    "etc/ssl/certs",
    "usr/libexec/kubernetes",
    "usr/local/share/ca-certificates",
    "usr/share/ca-certificates",
    "var/lib/etcd",
    "var/lib/kpki",
    "var/lib/kubelet",
    "var/log",
];

impl CertificatesDir {
    /// Below a node's root.
    pub const KUBEADMS: &str = "etc/kubernetes/pki";

    pub fn kubeadms() -> Self {
        CertificatesDir(TreePath::of(Self::KUBEADMS))
    }

    pub fn is_kubeadms(&self) -> bool {
        self.below_root() == Self::KUBEADMS
    }

    /// Without the slash in front.
    pub fn below_root(&self) -> &str {
        self.0.as_str()
    }

    pub fn tree_path(&self) -> &TreePath {
        &self.0
    }

    /// As a hash has it: kubeadm's is no field.
    pub fn hashed(&self) -> String {
        if self.is_kubeadms() { String::new() } else { self.to_string() }
    }
}

impl FromStr for CertificatesDir {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let Some(rest) = text.strip_prefix('/') else {
            return refuse("is not absolute; write a folder on the nodes: /etc/kubernetes/pki");
        };
        if rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return refuse("is not a plain path; write it without `.`, `..`, `//` and a last `/`");
        }
        let path: TreePath = rest.parse()?;
        // The path of each file must fit an archive's header (POSIX, ustar).
        if text.len() > 128 {
            return refuse("is longer than 128 bytes; shorten it");
        }
        let is_in = |folder: &str, other: &str| {
            folder.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if let Some(other) = OTHERS.iter().find(|other| is_in(rest, other) || is_in(other, rest)) {
            return refuse(format!(
                "shares files with /{other}; write a folder of its own, such as /etc/kubernetes/ssl"
            ));
        }
        if rest.split('/').any(|part| part == "manifests") {
            return refuse(
                "is in a manifests folder, where the kubelet takes every file for a pod; write another one",
            );
        }
        if is_in(rest, "etc/kubernetes")
            && rest.split('/').any(|part| part.strip_suffix(".conf").is_some())
        {
            return refuse("is the name of a kubeconfig; write another one");
        }
        if rest.ends_with("/etcd") || rest == "etcd" {
            return refuse(
                "ends in etcd, the folder of etcd's own files in it; write the one above",
            );
        }
        Ok(CertificatesDir(path))
    }
}

/// Absolute, as kubeadm has it.
impl fmt::Display for CertificatesDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_its_own_is_taken_and_any_other_refused() {
        for good in
            ["/etc/kubernetes/pki", "/etc/kubernetes/ssl", "/srv/pki", "/pki", "/etc/ssl/k8s"]
        {
            assert_eq!(good.parse::<CertificatesDir>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "/",
            "pki",
            "./pki",
            "/etc//pki",
            "/etc/pki/",
            "/etc/kubernetes/../pki",
            "/etc/./pki",
            "/etc",
            "/etc/kubernetes",
            "/etc/kubernetes/manifests",
            "/etc/kubernetes/manifests/pki",
            "/srv/manifests/pki",
            "/etc/kubernetes/admin.conf",
            "/etc/kubernetes/pki/etcd",
            "/etcd",
            "/var",
            "/var/lib",
            "/var/lib/kubelet/pki",
            "/var/lib/etcd",
            "/etc/ssl",
            "/etc/ssl/certs",
            "/etc/ssl/certs/k8s",
            "/usr",
            "/etc/kubernetes/p ki",
            "/etc/kubernetes/pkí",
        ] {
            assert!(bad.parse::<CertificatesDir>().is_err(), "{bad}");
        }
        assert!(format!("/{}", "a".repeat(128)).parse::<CertificatesDir>().is_err());
    }
}
