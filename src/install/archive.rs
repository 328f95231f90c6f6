//! A node's tree as a tar archive: the same bytes for the same tree.
//!
//! In the POSIX format (ustar), which every tar reads and which has no room for anything but what is written
//! here. Root owns everything but what a process of another user reads, and time is 1970: neither users nor
//! clocks of this machine are in it. Folders stand first, but only Kubernetes' own: unpacking must not change
//! the mode of /etc. Then the record, so that a later install knows the files; then the files in the order in
//! which they may be seen.

use std::collections::BTreeSet;

use tar::{Builder, EntryType, Header};

use super::{Record, Wanted};
use crate::profile::{KUBERNETES_FOLDER, folder_mode};
use crate::secret::Secret;

const ROOT: (u32, u32) = (0, 0);

type SetName = fn(&mut Header, &str) -> std::io::Result<()>;

const BLOCK: usize = 512;
/// Two empty blocks end an archive.
const END: usize = 2 * BLOCK;

/// `record_path` is where the record lies on a node. The error is a sentence.
pub fn archive(files: &[Wanted], record: &Record, record_path: &str) -> Result<Secret, String> {
    let record = record.json();
    let folders: BTreeSet<&str> = files
        .iter()
        .flat_map(|file| above(file.path.as_str()))
        .filter(|folder| folder.starts_with(KUBERNETES_FOLDER))
        .collect();
    let contents = files.iter().map(|file| file.bytes.expose().len());
    let size: usize =
        contents.chain([record.len()]).map(|size| BLOCK + size.next_multiple_of(BLOCK)).sum();
    // In its final size: an outgrown buffer would keep keys.
    let size = size + folders.len() * BLOCK + END;
    let mut tar = Builder::new(Vec::with_capacity(size));
    for folder in folders {
        let path = format!("{folder}/");
        add(&mut tar, EntryType::Directory, &path, folder_mode(folder), ROOT, &[])?;
    }
    add(&mut tar, EntryType::Regular, record_path, 0o644, ROOT, record.as_bytes())?;
    for file in files {
        let path = file.path.as_str();
        let owner = file.owner.unwrap_or(ROOT);
        add(&mut tar, EntryType::Regular, path, file.mode, owner, file.bytes.expose())?;
    }
    tar.into_inner().map(Secret::new).map_err(|error| error.to_string())
}

/// Whether a file begins as an archive of kpki's: Kubernetes' folders, then the record. What is sealed cannot
/// be told from anybody's.
pub fn is_archive(begins: &[u8], record_path: &str) -> bool {
    let mut archive = tar::Archive::new(begins);
    let Ok(entries) = archive.entries() else {
        return false;
    };
    for entry in entries {
        let Ok(entry) = entry else { return false };
        let Ok(path) = entry.path() else { return false };
        if entry.header().entry_type() != EntryType::Directory {
            return path.as_os_str() == record_path;
        }
        if !path.starts_with(KUBERNETES_FOLDER) {
            return false;
        }
    }
    false
}

fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(end, _)| path.get(..end))
}

fn add(
    tar: &mut Builder<Vec<u8>>,
    kind: EntryType,
    path: &str,
    mode: u32,
    owner: (u32, u32),
    bytes: &[u8],
) -> Result<(), String> {
    let mut header = Header::new_ustar();
    header
        .set_path(path)
        .map_err(|_| format!("/{path} is too long for a tar archive in the POSIX format"))?;
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    let (user, group) = owner;
    header.set_uid(user.into());
    header.set_gid(group.into());
    header.set_mtime(0);
    // Of others the numbers count: names are each machine's own.
    for (id, set) in [(user, Header::set_username as SetName), (group, Header::set_groupname)] {
        if id == 0 {
            set(&mut header, "root").map_err(|error| error.to_string())?;
        }
    }
    header.set_cksum();
    tar.append(&header, bytes).map_err(|error| error.to_string())
}
