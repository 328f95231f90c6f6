//! Taking over a cluster that runs: from copies of its nodes to a description, the files of `out/` and the
//! lines of a lock, so that nothing on any node changes.
//!
//! ```text
//! Machines -> Node (what each says) -> draft of a Spec -> found (each certificate with its place)
//!                                              \-> as_found: the Spec that says so -> take: files and lock
//! ```
//!
//! Nothing is made here and nothing repaired: what does not fit is a [`Refusal`] with node, file and reason.
//! Whether all of it fits is then asked of an ordinary plan, which must be empty.
//!
//! May import `machine`, `graph`, `content` and what lies below. Never here: a file that was not handed over,
//! a clock but the one that is given, a new key or certificate.

mod as_found;
mod authorities;
mod certificates_dir;
mod cluster;
mod draft;
mod embedded;
mod etcd;
mod found;
mod kubelet_file;
mod left;
mod node;
mod nodes;
mod notes;
mod refusal;
mod release;
mod take;

pub use as_found::as_found;
pub use certificates_dir::files_elsewhere;
pub use draft::{Draft, MANIFESTS, draft};
pub use found::{Found, FoundLeaf, found};
pub use left::{Left, left};
pub use node::Node;
pub use nodes::nodes;
pub use notes::Notes;
pub use refusal::{Refusal, Refusals};
pub use release::release;
pub use take::{Taken, TakenFile, public_half, take};
