//! The use cases, as the command line and the tests call them: values in, values out.
//!
//! Nothing here opens a file of its own, reads a clock, asks or prints. What is read and written goes through
//! [`Files`](crate::build::execute::Files) and [`Disk`](crate::store::Disk); the time, the randomness and the
//! consent of a person are arguments.
//!
//! May import every room but `render`, `cli` and `command`. Never here: words for people beyond those of
//! errors.

mod accept;
mod adopt;
mod apply;
mod check;
mod consequences;
mod install;
mod live;
mod project;
mod rotate;

pub use accept::{Acceptance, Accepting, accept};
pub use adopt::{Adoption, Described, NotAdopted, OutFile, adopt};
pub use apply::{Applying, Undecided, undecided};
pub use check::{Checked, Difference, check};
pub use consequences::{Consequences, consequences, lacking};
pub use install::{AbsentPair, Installed, Looked, NodeTree, Orders, install, look};
pub use live::{Live, verify_live};
pub use project::{Project, public_kubeconfigs};
pub use rotate::{next_stage, stage_before};
