//! What the operating system says of the secrets below `out/`, and what time it is there.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, Mode, Stat, fchmod, fstat, statat};

use super::OUT;
use super::folders::Folders;
use crate::error::Result;
use crate::state::{Moment, Stamp};

/// A file system's clock may advance every ten milliseconds only; with some it is seconds, for which nobody
/// waits.
const TICKS: usize = 20;
const TICK: Duration = Duration::from_millis(2);

/// The folder `out/`, for looking at files in it.
pub struct Stamps {
    out: Arc<OwnedFd>,
}

impl Stamps {
    /// `None` where there is no `out/`.
    pub fn below(project: &Path) -> Result<Option<Stamps>> {
        let out = Folders::below(project)?.find(OUT)?;
        Ok(out.map(|out| Stamps { out }))
    }

    /// Tells this `out/` from another one that lay or will lie at the same path.
    pub fn inode(&self) -> Option<u64> {
        Some(fstat(&*self.out).ok()?.st_ino)
    }

    /// Of a regular file; links are not followed.
    pub fn of(&self, path: &str) -> Option<Stamp> {
        let stat = statat(&*self.out, path, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        is_file.then(|| stamp(&stat))
    }

    /// The file system's time, if possible later than `moment`: what is written from now on does not carry
    /// that one any more. Giving the folder the mode that it has moves its time of change, and nothing else;
    /// the clock of this machine may be another one than the file system's.
    pub fn time_after(&self, moment: Moment) -> Option<Moment> {
        let mode = Mode::from_raw_mode(fstat(&*self.out).ok()?.st_mode & 0o7777);
        let mut now = None;
        for _ in 0..TICKS {
            fchmod(&*self.out, mode).ok()?;
            now = Some(changed(&fstat(&*self.out).ok()?));
            if now > Some(moment) {
                break;
            }
            std::thread::sleep(TICK);
        }
        now
    }
}

pub(super) fn stamp(stat: &Stat) -> Stamp {
    Stamp {
        size: u64::try_from(stat.st_size).unwrap_or(0),
        inode: stat.st_ino,
        modified: moment(stat.st_mtime, stat.st_mtime_nsec),
        changed: changed(stat),
    }
}

fn changed(stat: &Stat) -> Moment {
    moment(stat.st_ctime, stat.st_ctime_nsec)
}

/// The types of a `stat` differ between architectures.
fn moment(seconds: impl TryInto<i64>, nanoseconds: impl TryInto<u32>) -> Moment {
    Moment {
        seconds: seconds.try_into().unwrap_or(i64::MAX),
        nanoseconds: nanoseconds.try_into().unwrap_or(u32::MAX),
    }
}
