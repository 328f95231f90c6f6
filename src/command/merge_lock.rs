//! `kpki merge-lock`: what Git runs to merge two locks.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};

use super::{Outcome, terminal};
use crate::cli::MergeLockArgs;
use crate::error::{Error, Result};
use crate::lock::{self, Marks, merge};
use crate::render::printable;
use crate::sources::read_regular;
use crate::visible;

/// Names that a message has room for.
const SHOWN: usize = 10;

pub(super) fn run(args: &MergeLockArgs) -> Result<Outcome> {
    let read = |path: &Path| {
        let refuse = |why: &str| {
            let path = visible::path(path);
            Error::refused(format!("cannot merge {}: {path}: {why}", printable(&args.path)))
        };
        let bytes = read_regular(path, lock::LIMIT).map_err(|why| refuse(&why))?;
        if bytes.len() > lock::LIMIT {
            return Err(refuse("larger than a lock may be"));
        }
        Ok(bytes)
    };
    let (base, ours, theirs) = (read(&args.base)?, read(&args.ours)?, read(&args.theirs)?);
    let marks = Marks { size: args.marker_size.min(LONGEST), ours: "ours", theirs: "theirs" };
    let merged = merge(&base, &ours, &theirs, marks);
    write(&args.ours, merged.text.as_bytes())
        .map_err(|error| Error::io("write", &args.ours, &error))?;
    if merged.conflicts.is_empty() {
        return Ok(Outcome::Done);
    }
    terminal::talk(&format!(
        "{}: both sides changed {}\n{}",
        printable(&args.path),
        visible::at_most(SHOWN, merged.conflicts).join(", "),
        lock::TAKE_ONE_SIDE
    ));
    Ok(Outcome::Refused)
}

/// Into the file that Git made for it, and never through a link.
fn write(ours: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(open(ours, flags, Mode::empty())?);
    file.set_len(0)?;
    file.write_all(bytes)
}

/// Git's own limit is far below.
const LONGEST: usize = 200;
