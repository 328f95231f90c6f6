//! Where the project is when nobody says: here, or in the nearest folder above.
//!
//! A description decides what is written and whom the cluster trusts, so no stranger may put one in the way.
//! Where the user stands is their choice; what lies above is not. It counts only where its folder and the
//! file belong to whoever runs kpki, or to the owner of the folder that the user stands in, and not every
//! user may write to the folder: a `cluster.kdl` in `/tmp` is nobody's project. The search ends at a folder
//! that is none of these and at the end of a file system, as Git's does.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::folder::DESCRIPTION;
use super::terminal;
use crate::visible;

/// What a folder may be written by, besides its owner and its group.
const OTHERS_WRITE: u32 = 0o002;

/// The project folder from where the user stands: `.`, `..`, `../..`.
pub(super) fn find() -> PathBuf {
    let here = PathBuf::from(".");
    match search(&here) {
        Search::Here => here,
        Search::Above(folder) => {
            let shown = visible::path(&folder);
            terminal::note(&format!("note: the project is in {shown}; its paths start there"));
            folder
        }
        Search::Refused(folder, why) => {
            let (shown, file) = (visible::path(&folder), visible::path(&folder.join(DESCRIPTION)));
            terminal::note(&format!("note: {file} is passed over: {why}; -C {shown} takes it"));
            here
        }
    }
}

enum Search {
    /// There is a description, or none anywhere.
    Here,
    Above(PathBuf),
    /// There is one, and it may be a stranger's.
    Refused(PathBuf, &'static str),
}

fn search(here: &Path) -> Search {
    let (Ok(start), Ok(whole)) = (here.metadata(), std::env::current_dir()) else {
        return Search::Here;
    };
    if has_description(here).is_some() {
        return Search::Here;
    }
    let own = [start.uid(), geteuid().as_raw()];
    let is_own = |facts: &Metadata| own.contains(&facts.uid());
    let mut folder = PathBuf::new();
    for above in whole.ancestors().skip(1) {
        folder.push("..");
        let Ok(facts) = above.metadata() else { break };
        if facts.dev() != start.dev() {
            break;
        }
        let stranger = if !is_own(&facts) {
            Some("its folder belongs to somebody else")
        } else if facts.mode() & OTHERS_WRITE != 0 {
            Some("everybody may write to its folder")
        } else {
            None
        };
        match (has_description(above), stranger) {
            (None, None) => {}
            (None, Some(_)) => break,
            (Some(_), Some(why)) => return Search::Refused(folder, why),
            (Some(file), None) if is_own(&file) => return Search::Above(folder),
            (Some(_), None) => return Search::Refused(folder, "it belongs to somebody else"),
        }
    }
    Search::Here
}

/// Not what a link leads to: reading it says what is wrong with it.
fn has_description(folder: &Path) -> Option<Metadata> {
    folder.join(DESCRIPTION).symlink_metadata().ok()
}
