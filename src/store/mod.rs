//! The only writer: `out/` and `cluster.lock`, all or nothing.
//!
//! # How a change becomes durable
//!
//! 1. [`begin`] takes the writer's lock (flock on `out/` itself). Once plan, consent and policy have judged,
//!    [`Transaction::settle`] finishes or undoes what a crash left; until then only readers run.
//! 2. [`Transaction::stage`] writes each output below `out/.pending/tree/`, from any thread.
//! 3. [`Transaction::commit`] checks that every target can be taken, syncs the staged files, then writes
//!    `out/.pending/journal`. That file, once durable, is the commit point: before it the next run undoes,
//!    after it the next run finishes, if it is of this machine ([`Doubt`]) or if a person consents.
//! 4. What is replaced or removed gets a second name in `out/.pending/old/`; the staged files are renamed
//!    into place and their folders synced; then `cluster.lock` is replaced.
//! 5. Only with the lock durable are `old/`, the journal and `out/.pending/` deleted, in this order.
//!
//! Every step after the journal may be repeated, so a crash in the middle of finishing is finished again.
//!
//! # What lies in the project folder proves nothing
//!
//! Description, lock, `out/` and what an interrupted apply left there may have come with a pull request.
//! What was written here is told by [`MachineKey`], which lies in the user's state folder and nowhere else:
//! it seals the journal of a commit. One without that seal is a proposal: plan shows what finishing it
//! would do, and apply asks for consent to exactly that. One that Git tracks, of another owner, beside
//! another lock or with changed files is never finished; `kpki discard` sets it aside.
//!
//! The `index` of that folder says which secret in the clear apply has last held against its public half,
//! by what no writer leaves as it was. Machine key and index may be deleted at any time.
//!
//! Besides `out/` and `cluster.lock` the program writes only by `init`, by `adopt --write`, by `rotate` to
//! the description, by `setup git`, by `install` below the root that it is given, and by `export`, `report`,
//! `plan --out` and Git's merge driver to the file that each is given.
//!
//! May import `state`, `sources` and what lies below. Never here: what the bytes mean, a plan, a consent.

pub mod disk;
mod finish;
mod folders;
pub mod index;
mod inputs;
mod interrupted;
mod journal;
mod machine_key;
mod place;
pub mod real_disk;
mod replace;
pub mod scan;
mod stamp;
mod survey;
mod transaction;
pub mod walk;

pub use disk::{Disk, EntryKind};
pub use finish::{Effect, Failed, Pending, pending};
pub use index::{Index, IndexFile, Known};
pub use inputs::{replace_input, write_inputs};
pub use interrupted::{Doubt, Interrupted, Touch, interrupted};
pub use journal::JournalKey;
pub use machine_key::{MachineKey, NoMachineKey};
pub use place::{
    Change, Placing, Put, RECORD, begin_placing, left_behind, look_at_node, loose_ways, read_record,
};
pub use real_disk::RealDisk;
pub use scan::{
    Found, FoundKind, LooseFolders, ScannedFolders, scan, scan_staged, scan_with_folders,
};
pub use stamp::Stamps;
pub use transaction::{Settled, Transaction, begin};
pub use walk::{Seen, walk};

use crate::profile;
use crate::state::OUT;

const LOCK: &str = "cluster.lock";
/// A larger lock, and a larger journal, is of no cluster.
const LOCK_LIMIT: u64 = 64 << 20;
/// Beside the lock, since `out/` may be a file system of its own.
const NEW_LOCK: &str = "cluster.lock.new";

/// Where what an apply writes waits for its commit; relative to the project folder.
pub const PENDING: &str = "out/.pending";
const STAGED_TREE: &str = "out/.pending/tree";
const STAGED_LOCK: &str = "out/.pending/cluster.lock";
const NEW_JOURNAL: &str = "out/.pending/journal.new";
const JOURNAL: &str = "out/.pending/journal";
const OLD: &str = "out/.pending/old";
/// What was set aside instead of being finished. kpki never reads it again; a person deletes it.
const DISCARDED: &str = "out/.discarded";

/// Above this many files and folders one syncfs is cheaper than an fsync each; below it, syncfs would
/// also wait for everybody else's writes.
const FEW: usize = 64;

/// The mode of a folder below `out/`: private where it holds what is not yet placed, or what the kubelet runs
/// as root. As in kubeadm's `pki`, the CA keys are private by their own modes, and the certificates beside
/// them are for everybody.
fn folder_mode(path: &str) -> u32 {
    if path == ".pending" { 0o700 } else { profile::folder_mode(path) }
}

/// Of a path relative to `out/`: it lies in a folder of the store itself.
fn is_stores_own(path: &str) -> bool {
    let first = path.split('/').next();
    [PENDING, DISCARDED].into_iter().any(|folder| folder.rsplit('/').next() == first)
}

/// Where the file `path` of the tree lies, relative to the project folder.
fn in_out(path: &str) -> String {
    if path.is_empty() { OUT.to_owned() } else { format!("{OUT}/{path}") }
}

/// Where the file `path` of the tree is staged.
fn in_stage(path: &str) -> String {
    if path.is_empty() { STAGED_TREE.to_owned() } else { format!("{STAGED_TREE}/{path}") }
}

/// The folder that holds `path`; the top is the empty path.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
