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

/// The same without a word: a shell asks.
pub(super) fn around() -> PathBuf {
    match search(Path::new(".")) {
        Search::Above(folder) => folder,
        Search::Here | Search::Refused(..) => PathBuf::from("."),
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
    let mut folder = PathBuf::new();
    for above in whole.ancestors().skip(1) {
        folder.push("..");
        let Ok(facts) = above.metadata() else { break };
        if facts.dev() != start.dev() {
            break;
        }
        let file = has_description(above).map(|file| file.uid());
        match judge(own, (facts.uid(), facts.mode()), file) {
            Found::Nothing => {}
            Found::End => break,
            Found::Project => return Search::Above(folder),
            Found::Doubtful(why) => return Search::Refused(folder, why),
        }
    }
    Search::Here
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// The search goes on above.
    Nothing,
    End,
    Project,
    Doubtful(&'static str),
}

/// A folder above, by its owner and mode, and the owner of the description in it. `own`: who may be believed.
fn judge(own: [u32; 2], (owner, mode): (u32, u32), description: Option<u32>) -> Found {
    let stranger = if !own.contains(&owner) {
        Some("its folder belongs to somebody else")
    } else if mode & OTHERS_WRITE != 0 {
        Some("everybody may write to its folder")
    } else {
        None
    };
    match (description, stranger) {
        (None, None) => Found::Nothing,
        (None, Some(_)) => Found::End,
        (Some(_), Some(why)) => Found::Doubtful(why),
        (Some(owner), None) if own.contains(&owner) => Found::Project,
        (Some(_), None) => Found::Doubtful("it belongs to somebody else"),
    }
}

/// Not what a link leads to: reading it says what is wrong with it.
fn has_description(folder: &Path) -> Option<Metadata> {
    folder.join(DESCRIPTION).symlink_metadata().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Git's safe.directory: root in a user's folder, or a user in their own.
    #[test]
    fn a_project_of_somebody_else_is_none() {
        let (alice, bob, root) = (1000, 1001, 0);
        for (own, folder, file, found) in [
            ([alice, alice], (alice, 0o755), None, Found::Nothing),
            ([alice, alice], (alice, 0o755), Some(alice), Found::Project),
            ([alice, alice], (alice, 0o775), Some(alice), Found::Project),
            // sudo: root in a folder of alice.
            ([alice, root], (alice, 0o755), Some(alice), Found::Project),
            ([alice, root], (root, 0o755), Some(alice), Found::Project),
            ([alice, root], (bob, 0o755), None, Found::End),
            (
                [root, root],
                (alice, 0o755),
                Some(alice),
                Found::Doubtful("its folder belongs to somebody else"),
            ),
            ([alice, alice], (root, 0o755), None, Found::End),
            (
                [alice, alice],
                (alice, 0o755),
                Some(bob),
                Found::Doubtful("it belongs to somebody else"),
            ),
            // /tmp
            ([root, root], (root, 0o1777), None, Found::End),
            (
                [root, root],
                (root, 0o1777),
                Some(root),
                Found::Doubtful("everybody may write to its folder"),
            ),
        ] {
            assert_eq!(judge(own, folder, file), found, "{own:?} {folder:?} {file:?}");
        }
    }
}
