//! One file, replaced in one step.

use super::disk::{Disk, EntryKind};
use super::folders::{is_symlink, not_a_file};
use super::parent;
use crate::error::Result;

/// Where a file is written before it takes its place: in the same folder, so that it can be renamed, and
/// under a name that starts with a dot, since the kubelet runs every other file in its folder of manifests.
pub(super) fn beside(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let beside = format!(".{name}.kpki-new");
    match parent(path) {
        "" => beside,
        folder => format!("{folder}/{beside}"),
    }
}

/// Writes a file: readers see the old one or the new one, and so does a crash. Anything but a file in its
/// place is refused.
pub(super) fn replace(disk: &impl Disk, path: &str, bytes: &[u8], mode: u32) -> Result<()> {
    match disk.kind(path)? {
        EntryKind::Missing | EntryKind::File { .. } => {}
        EntryKind::Symlink => return Err(is_symlink(path)),
        EntryKind::Folder { .. } | EntryKind::Special => return Err(not_a_file(path)),
    }
    replace_by(disk, &beside(path), path, bytes, mode)
}

pub(super) fn replace_by(
    disk: &impl Disk,
    temporary: &str,
    path: &str,
    bytes: &[u8],
    mode: u32,
) -> Result<()> {
    // What a crash left.
    if disk.kind(temporary)? != EntryKind::Missing {
        disk.remove_file(temporary)?;
    }
    let renamed = disk
        .write_new(temporary, bytes, mode)
        .and_then(|()| disk.sync_file(temporary))
        .and_then(|()| disk.rename(temporary, path));
    if renamed.is_err() {
        let _ = disk.remove_file(temporary); // the error to tell is the first one
    }
    renamed?;
    disk.sync_dir(parent(path))
}
