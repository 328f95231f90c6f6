//! Files beside `out/` that did not exist before: what an adoption describes.

use super::disk::{Disk, EntryKind};
use super::folders::{is_symlink, not_a_folder};
use super::parent;
use super::replace::replace;
use crate::error::Result;

/// What the umask of most people leaves of a file.
const MODE: u32 = 0o644;
const FOLDER: u32 = 0o755;

/// Replaces a file beside `out/` in one step; it keeps its mode.
pub fn replace_input(disk: &impl Disk, path: &str, bytes: &[u8]) -> Result<()> {
    let mode = match disk.kind(path)? {
        EntryKind::File { mode, .. } => mode,
        _ => MODE,
    };
    replace(disk, path, bytes, mode)
}

/// Writes each, relative to the project folder, with the folders above it. A link on the way is refused.
pub fn write_inputs(disk: &impl Disk, files: &[(&String, &Vec<u8>)]) -> Result<()> {
    for (path, bytes) in files {
        for (end, _) in path.match_indices('/') {
            let folder = path.get(..end).unwrap_or_default();
            match disk.kind(folder)? {
                EntryKind::Folder { .. } => {}
                EntryKind::Missing => {
                    disk.mkdir(folder, FOLDER)?;
                    disk.sync_dir(parent(folder))?;
                }
                EntryKind::Symlink => return Err(is_symlink(folder)),
                EntryKind::File { .. } | EntryKind::Special => return Err(not_a_folder(folder)),
            }
        }
        replace(disk, path, bytes, MODE)?;
    }
    Ok(())
}
