//! Where kubeadm puts the files of a PKI, told by paths alone.

use crate::profile::{PkiFile, pki_files};

/// A component loads what lies here.
pub(super) fn is_place(path: &str) -> bool {
    pki_file_at(path).is_some()
}

/// What must lie at a path, by its end: `NODE/etc/kubernetes/pki/ca.crt`.
pub(super) fn pki_file_at(path: &str) -> Option<PkiFile> {
    // Every place ends so, and most files that are none do not.
    if ![".crt", ".key", ".pub", ".conf"].iter().any(|end| path.ends_with(end)) {
        return None;
    }
    let ends_in = |place: &str| start_of(path, place).is_some();
    pki_files().find(|(place, _)| ends_in(place)).map(|(_, holds)| holds)
}

/// What stands in front of a place, with a slash at its end, or nothing.
pub(super) fn start_of<'p>(path: &'p str, place: &str) -> Option<&'p str> {
    path.strip_suffix(place).filter(|start| start.is_empty() || start.ends_with('/'))
}
