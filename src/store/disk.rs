//! The few operations of a file system that the store needs, so that a test can fail each in turn.

use crate::error::Result;
use crate::state::Loose;

/// A project folder. Paths are relative to it, in slashes; the empty path is the folder itself.
///
/// An implementation follows no symbolic link below the project folder. An error names what was being
/// done and the path.
pub trait Disk: Sync {
    /// [`EntryKind::Missing`] also where a folder on the way is missing.
    fn kind(&self, path: &str) -> Result<EntryKind>;
    /// Whether a file or folder belongs to the user that kpki runs as.
    fn is_own(&self, path: &str) -> Result<bool>;
    /// User and group of a file; `None`: the file system has no such thing.
    fn owner(&self, path: &str) -> Result<Option<(u32, u32)>>;
    /// Whether a file can be given to this user and group.
    fn may_give_to(&self, owner: (u32, u32)) -> bool;
    fn set_owner(&self, path: &str, owner: (u32, u32)) -> Result<()>;
    /// Who else could write to a folder; nobody where a file system has no users.
    fn loose(&self, path: &str) -> Result<Option<Loose>> {
        let _ = path;
        Ok(None)
    }
    /// Names in a folder, in no order.
    fn list(&self, path: &str) -> Result<Vec<String>>;
    fn read(&self, path: &str) -> Result<Vec<u8>>;
    /// Fails if there is something already. The file has `mode`, whatever the umask, and never a wider one.
    fn write_new(&self, path: &str, bytes: &[u8], mode: u32) -> Result<()>;
    /// Makes sure of a folder: one that is there already is left as it is.
    fn mkdir(&self, path: &str, mode: u32) -> Result<()>;
    /// Of a file, over a file that may be there; or of a folder to where there is nothing.
    fn rename(&self, from: &str, to: &str) -> Result<()>;
    /// Gives a file a second name `to`. A file system without hard links moves it there.
    fn keep(&self, from: &str, to: &str) -> Result<()>;
    /// Of a file or a folder.
    fn set_mode(&self, path: &str, mode: u32) -> Result<()>;
    /// Whatever is no folder; a symbolic link itself, not what it names.
    fn remove_file(&self, path: &str) -> Result<()>;
    fn remove_dir(&self, path: &str) -> Result<()>;
    fn sync_file(&self, path: &str) -> Result<()>;
    /// Makes a folder's entries durable, not what they hold.
    fn sync_dir(&self, path: &str) -> Result<()>;
    /// Makes everything below `out/` durable.
    fn sync_all(&self) -> Result<()>;
    /// Takes the writer's lock or fails at once with [`crate::error::Kind::Busy`].
    fn lock(&self) -> Result<()>;
    fn unlock(&self);
}

/// What a path is, itself: links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    Missing,
    File {
        mode: u32,
        size: u64,
    },
    Folder {
        mode: u32,
    },
    Symlink,
    /// A FIFO, a socket or a device.
    Special,
}
