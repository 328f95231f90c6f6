//! What this machine knows of the secrets in the clear that it has opened: which file each was, and what it
//! belonged to. `plan` opens no secret; by this it notices one that was exchanged.
//!
//! The index lies in kpki's state folder and not in the project, where a pull request could bring one that
//! vouches for what it exchanges. It holds nothing of a secret's content. It may be deleted at any time: the
//! next apply opens every secret and writes it anew. A key of this machine authenticates it, and it names its
//! project: a damaged or foreign one is as none.
//!
//! # Format, version 1
//!
//! A magic number, 32 bytes of keyed BLAKE3 over all that follows, then in little endian: length (u16) and
//! bytes of the project's path, inode of `out/` (u64), number of entries (u32); of each entry length (u16)
//! and bytes of its path below `out/`, size and inode (u64), modified and changed (i64, u32), digest of what
//! it belongs to (16 bytes).

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::machine_key::MachineKey;
use crate::hash::Digest;
use crate::state::{Moment, Stamp};
use crate::visible;

const MAGIC: &[u8] = b"kpki index 1\n";
const CONTEXT: &str = "kpki index of verified secrets v1";
const FOLDER: &str = "index";
const MAC: usize = 32;
/// Of a hundred times ten thousand nodes.
const LIMIT: u64 = 512 << 20;

/// One secret in the clear, when it was last held against its public part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    pub stamp: Stamp,
    /// Digest of its public half; of a kubeconfig, of what it says.
    pub belongs_to: Digest,
}

/// By the path below `out/`.
pub type Index = HashMap<String, Known>;

/// The place of one project's index.
pub struct IndexFile {
    path: PathBuf,
    key: Zeroizing<[u8; 32]>,
    /// What it is of: authenticated with it.
    head: Vec<u8>,
}

impl IndexFile {
    /// `state` is kpki's state folder, `project` an absolute path without links, `inode` that of its `out/`.
    pub fn new(state: &Path, key: &MachineKey, project: &Path, inode: u64) -> IndexFile {
        let project = project.as_os_str().as_bytes();
        let mut head = Vec::new();
        put_text(&mut head, project);
        head.extend(inode.to_le_bytes());
        IndexFile {
            path: state.join(FOLDER).join(Digest::of(project).to_string()),
            key: key.derive(CONTEXT),
            head,
        }
    }

    /// `None`: there is none that counts.
    pub fn read(&self) -> Option<Index> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let flags = i32::try_from(flags.bits()).unwrap_or(0);
        let file = File::options().read(true).custom_flags(flags).open(&self.path).ok()?;
        let facts = file.metadata().ok()?;
        if !facts.is_file() || facts.len() > LIMIT {
            return None;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(facts.len()).unwrap_or(0) + 1);
        file.take(LIMIT).read_to_end(&mut bytes).ok()?;
        self.parse(&bytes)
    }

    /// Replaces the index. One that cannot be replaced is deleted, if that is possible: it would call changed
    /// what an apply has just written.
    pub fn write(&self, index: &Index) -> Result<(), String> {
        let failed = |error: io::Error| format!("{}: {error}", visible::path(&self.path));
        self.replace(index).map_err(|error| {
            let _ = fs::remove_file(&self.path);
            failed(error)
        })
    }

    fn replace(&self, index: &Index) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        // The project's lock may be another's already.
        let new = self.path.with_extension(std::process::id().to_string());
        let written = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            // Not synced: one that a crash tears does not authenticate.
            .and_then(|mut file| file.write_all(&self.render(index)))
            .and_then(|()| fs::rename(&new, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written
    }

    fn render(&self, index: &Index) -> Vec<u8> {
        let mut body = self.head.clone();
        // A path is a TreePath: far shorter than 64 KiB; and there are fewer than 4 thousand million.
        body.extend(u32::try_from(index.len()).unwrap_or(u32::MAX).to_le_bytes());
        for (path, Known { stamp, belongs_to }) in index {
            put_text(&mut body, path.as_bytes());
            body.extend(stamp.size.to_le_bytes());
            body.extend(stamp.inode.to_le_bytes());
            for moment in [stamp.modified, stamp.changed] {
                body.extend(moment.seconds.to_le_bytes());
                body.extend(moment.nanoseconds.to_le_bytes());
            }
            body.extend(belongs_to.bytes());
        }
        let mac = blake3::keyed_hash(&self.key, &body);
        [MAGIC, mac.as_bytes(), &body].concat()
    }

    fn parse(&self, bytes: &[u8]) -> Option<Index> {
        let bytes = bytes.strip_prefix(MAGIC)?;
        let (mac, body) = bytes.split_first_chunk::<MAC>()?;
        // Compared in constant time.
        if blake3::keyed_hash(&self.key, body) != *mac {
            return None;
        }
        let mut rest = body.strip_prefix(self.head.as_slice())?;
        let count = u32::from_le_bytes(take(&mut rest)?);
        let mut index = Index::with_capacity(usize::try_from(count).ok()?.min(body.len()));
        for _ in 0..count {
            let length = usize::from(u16::from_le_bytes(take(&mut rest)?));
            let (path, after) = rest.split_at_checked(length)?;
            rest = after;
            let known = Known {
                stamp: Stamp {
                    size: u64::from_le_bytes(take(&mut rest)?),
                    inode: u64::from_le_bytes(take(&mut rest)?),
                    modified: moment(&mut rest)?,
                    changed: moment(&mut rest)?,
                },
                belongs_to: Digest::from_bytes(take(&mut rest)?),
            };
            index.insert(str::from_utf8(path).ok()?.to_owned(), known);
        }
        rest.is_empty().then_some(index)
    }
}

fn put_text(to: &mut Vec<u8>, text: &[u8]) {
    to.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
    to.extend(text);
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*taken)
}

fn moment(from: &mut &[u8]) -> Option<Moment> {
    Some(Moment {
        seconds: i64::from_le_bytes(take(from)?),
        nanoseconds: u32::from_le_bytes(take(from)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Entropy;

    fn key(home: &Path) -> MachineKey {
        MachineKey::read_or_make(home, &Entropy::system()).unwrap()
    }

    fn index() -> Index {
        let known = |number: u64| Known {
            stamp: Stamp {
                size: 227 + number,
                inode: u64::MAX - number,
                modified: Moment { seconds: -1, nanoseconds: 999_999_999 },
                changed: Moment { seconds: i64::MAX, nanoseconds: 7 },
            },
            belongs_to: Digest::of(&number.to_le_bytes()),
        };
        (0..50).map(|number| (format!("nodes/n{number}/é.key"), known(number))).collect()
    }

    #[test]
    fn an_index_is_read_as_it_was_written_by_its_own_project_alone() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("kpki");
        let key = key(&state);
        let own = IndexFile::new(&state, &key, Path::new("/srv/one"), 7);
        assert_eq!(own.read(), None);
        own.write(&index()).unwrap();
        assert_eq!(own.read(), Some(index()));
        own.write(&Index::new()).unwrap();
        assert_eq!(own.read(), Some(Index::new()));
        own.write(&index()).unwrap();
        // Another out/ at the same path, and another project with this one's file.
        assert_eq!(IndexFile::new(&state, &key, Path::new("/srv/one"), 8).read(), None);
        let other = IndexFile::new(&state, &key, Path::new("/srv/two"), 7);
        assert_eq!(other.read(), None);
        fs::copy(&own.path, &other.path).unwrap();
        assert_eq!(other.read(), None);
        // Another machine's.
        let there = home.path().join("other/kpki");
        let foreign = IndexFile::new(&there, &self::key(&there), Path::new("/srv/one"), 7);
        foreign.write(&index()).unwrap();
        fs::copy(&foreign.path, &own.path).unwrap();
        assert_eq!(own.read(), None);
    }

    #[test]
    fn a_damaged_index_is_as_none() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("kpki");
        let file = IndexFile::new(&state, &key(&state), Path::new("/srv/one"), 7);
        file.write(&index()).unwrap();
        let good = fs::read(&file.path).unwrap();
        for at in (0..good.len()).step_by(13) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(file.parse(&bad), None, "byte {at}");
            assert_eq!(file.parse(&good[..at]), None, "cut at {at}");
        }
        assert_eq!(file.parse(&[good.as_slice(), &[0]].concat()), None);
    }
}
