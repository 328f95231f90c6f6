//! What a copy may hold, how much of it is kept, and how messages say so.

use crate::error::Error;
use crate::machine::{LAYOUTS, PLACES, Place};
use crate::profile::KUBERNETES_FOLDER;
use crate::sources::size_in_words;

/// A larger file is no certificate, key, kubeconfig, manifest or configuration.
pub(super) const FILE_LIMIT: usize = 1 << 20;
/// Of all files together; a node has about 200 KiB.
const BYTES_LIMIT: usize = 64 << 20;
/// Files, folders and links that are kept; a node has about fifty.
pub(super) const ENTRIES_LIMIT: usize = 20_000;

/// What lies in kubeadm's folder, and nowhere at the root of a machine.
pub(super) const KUBEADMS: [&str; 9] = [
    "pki",
    "manifests",
    "admin.conf",
    "super-admin.conf",
    "controller-manager.conf",
    "scheduler.conf",
    "kubelet.conf",
    "bootstrap-kubelet.conf",
    "ssl",
];

/// What of a node's root stands in front of the copy's paths: nothing, or a folder with a slash at its end.
/// `None`: it holds nothing of a node.
pub(super) fn start_of(there: &dyn Fn(&str) -> bool) -> Option<&'static str> {
    let kubeadms = |folder: &str| KUBEADMS.iter().any(|name| there(&format!("{folder}{name}")));
    let signs = || LAYOUTS.iter().flat_map(|layout| layout.signs).copied();
    if there(KUBERNETES_FOLDER) {
        Some("")
    } else if kubeadms("") {
        Some("etc/kubernetes/")
    } else if kubeadms("kubernetes/") {
        Some("etc/")
    } else if signs().chain(PLACES.iter().filter_map(Place::path)).any(there) {
        Some("")
    } else {
        None
    }
}

/// What is kept so far, against the limits.
#[derive(Default)]
pub(super) struct Kept {
    entries: usize,
    bytes: usize,
}

impl Kept {
    /// Counts one more; whether it is within the limits.
    pub fn fits(&mut self, bytes: usize) -> bool {
        self.entries += 1;
        self.bytes += bytes;
        self.entries <= ENTRIES_LIMIT && self.bytes <= BYTES_LIMIT
    }
}

pub(super) const NOT_UTF8: &str = "its name is not UTF-8";
pub(super) const SPECIAL: &str = "a device, a named pipe or a socket";
pub(super) const CHANGED: &str = "it changed while it was read";

pub(super) fn too_large() -> String {
    format!("larger than {}", size_in_words(FILE_LIMIT))
}

pub(super) fn nothing(shown: &str) -> Error {
    Error::refused(format!("{shown} holds nothing of a node")).help(
        "hand over a copy of its root (with etc/kubernetes in it), or of its folder /etc/kubernetes",
    )
}

pub(super) fn too_much() -> String {
    format!(
        "holds more than {ENTRIES_LIMIT} files, or {}, of Kubernetes' own",
        size_in_words(BYTES_LIMIT)
    )
}
