//! Which parts of a root file system say something of a node's part in a cluster. Nothing else of it is read
//! unless it is asked for by its path.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One file.
    File(&'static str),
    /// A folder, and everything in it.
    Below(&'static str),
    /// Every name in a folder that starts so, and everything in it: the copies that people make beside it.
    Starting { folder: &'static str, name: &'static str },
}

use Place::{Below, File, Starting};

impl Place {
    /// Where it has one alone.
    pub fn path(&self) -> Option<&'static str> {
        match self {
            File(path) | Below(path) => Some(path),
            Starting { .. } => None,
        }
    }
}

pub const PLACES: &[Place] = &[
    Starting { folder: "etc", name: "kubernetes" },
    // What kubeadm writes for the kubelet (kubeadm's `constants.go`), and its own pairs.
    File("var/lib/kubelet/config.yaml"),
    File("var/lib/kubelet/instance-config.yaml"),
    File("var/lib/kubelet/kubeadm-flags.env"),
    Below("var/lib/kubelet/pki"),
    // KUBELET_EXTRA_ARGS, of the packages for Debian and for Red Hat.
    File("etc/default/kubelet"),
    File("etc/sysconfig/kubelet"),
    // systemd.unit(5): its unit, and drop-ins.
    File("etc/systemd/system/kubelet.service"),
    Below("etc/systemd/system/kubelet.service.d"),
    File("run/systemd/system/kubelet.service"),
    Below("run/systemd/system/kubelet.service.d"),
    File("usr/local/lib/systemd/system/kubelet.service"),
    Below("usr/local/lib/systemd/system/kubelet.service.d"),
    File("usr/lib/systemd/system/kubelet.service"),
    Below("usr/lib/systemd/system/kubelet.service.d"),
    File("lib/systemd/system/kubelet.service"),
    Below("lib/systemd/system/kubelet.service.d"),
    File("root/.kube/config"),
];

/// Whether a path lies in one of the places.
pub fn is_wanted(path: &str) -> bool {
    PLACES.iter().any(|place| match place {
        File(file) => path == *file,
        Below(folder) => rest_below(path, folder).is_some(),
        Starting { folder, name } => {
            rest_below(path, folder).is_some_and(|rest| rest.starts_with(name))
        }
    })
}

/// Whether a path is a folder around one of the places: a link there leads to it.
pub fn is_above_a_place(path: &str) -> bool {
    path.is_empty()
        || PLACES.iter().any(|place| match place {
            File(place) | Below(place) => {
                place.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
            }
            Starting { folder, .. } => *folder == path,
        })
}

/// Empty for the folder itself.
fn rest_below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_of_a_root() {
        for path in [
            "etc/kubernetes",
            "etc/kubernetes/pki/etcd/ca.key",
            "etc/kubernetes.bak/admin.conf",
            "etc/kubernetes-2024/pki/ca.key",
            "var/lib/kubelet/pki",
            "var/lib/kubelet/pki/kubelet-client-current.pem",
            "etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
        ] {
            assert!(is_wanted(path), "{path}");
        }
        for path in [
            "",
            "etc",
            "etc/shadow",
            "etc/xkubernetes",
            "var/lib/kubelet/pods/x/token",
            "var/lib/kubelet/pki2",
            "var/lib/kubelet/config.yaml.orig",
            "etc/systemd/system/kubelet.service.dx",
            "kubernetes/pki",
        ] {
            assert!(!is_wanted(path), "{path}");
        }
        for path in ["", "etc", "var", "var/lib", "var/lib/kubelet", "lib/systemd"] {
            assert!(is_above_a_place(path), "{path}");
        }
        for path in ["et", "etc/kubernetes", "etc/kubernetes/pki", "home"] {
            assert!(!is_above_a_place(path), "{path}");
        }
    }
}
