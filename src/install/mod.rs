//! One node's tree against what lies on the node: what is written, in which order, what is removed and what
//! restarts. Pure: values in, an [`Installation`] out.
//!
//! A file on the node is kpki's if the node's [`Record`] knows it as it is now. Only such a file is removed;
//! and a private key that is nobody's copy is never overwritten unless that is allowed.
//!
//! `out/nodes/NODE/` is what should lie on a node. It is moved into place layer after layer, so that no
//! manifest is seen before the files that it names, and so that each process may start at any moment. What
//! was put there is recorded on the node itself, by public fingerprints.
//!
//! May import `plan` and what lies below. Never here: files, the project's lock, a secret in the clear
//! beyond the file that is being placed.

mod archive;
mod fingerprint;
mod handover;
mod installation;
mod layer;
mod objection;
mod older;
mod permission;
mod reach;
mod record;
mod restart;
mod still_read;
mod wanted;

pub use archive::{archive, is_archive};
pub use fingerprint::{Fingerprint, Holds};
pub use handover::{Handover, manager_manifest};
pub use installation::{Installation, install};
pub use layer::{Layer, Slot, is_signing_file, slots};
pub use objection::{Objection, objections};
pub use older::{NodesOwn, Older, named_pair};
pub use permission::Permission;
pub use reach::strangers;
pub use record::{Record, RecordDocument, Recorded};
pub use restart::{Effect, Restarting, restarts};
pub use wanted::{Reason, Wanted, Write};
