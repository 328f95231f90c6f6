//! Why the operating system does not let us at a file: whose it is, in words.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;
use rustix::path::Arg;

/// Reads after "cannot be read: ". A file that another owns can be read as that user; the advice is never to
/// change what it holds.
pub fn why(folder: impl AsFd, name: impl Arg, errno: Errno) -> String {
    if !is_denied(errno) {
        return std::io::Error::from(errno).to_string();
    }
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => denied(stat.st_uid, stat.st_mode),
        Err(_) => std::io::Error::from(errno).to_string(),
    }
}

pub fn is_denied(errno: Errno) -> bool {
    matches!(errno, Errno::ACCESS | Errno::PERM)
}

const MODE: &str = "its mode is ";
const OWNER: &str = "it belongs to ";

/// Whether words are those of [`why`] for what is there and not for us.
pub(super) fn says_denied(why: &str) -> bool {
    why.starts_with(MODE) || why.starts_with(OWNER)
}

fn denied(owner: u32, mode: u32) -> String {
    let own = rustix::process::geteuid().as_raw();
    if owner == own {
        return format!("{MODE}{:04o} (chmod u+rX gives it back)", mode & 0o7777);
    }
    format!("{OWNER}{}, and you are {}", user(owner), user(own))
}

/// By number: names are a matter of directories and their caches.
fn user(id: u32) -> String {
    match id {
        0 => "root".to_owned(),
        id => format!("uid {id}"),
    }
}
