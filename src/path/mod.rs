//! Whether a reader takes a certificate: one validation of a path from it to what the reader trusts, by the
//! rules of Go's crypto/x509, since every component of Kubernetes is a reader in Go.
//!
//! RFC 5280 6 leaves room, and implementations differ in it. Go's answers (`verify.go`, `constraints.go`, in
//! Go 1.27): an anchor is any certificate that the reader loads, self-signed or not, matched by the bytes of
//! its subject and by its key; its dates, usages and constraints count like those of any other; extended key
//! usages nest down the whole chain; a name is sought in the SANs alone. Nothing is asked about revocation.
//!
//! May import `facts`, `holdings` and times. Never here: a file, a clock, what a reader is and what it loads.

mod build;
mod candidate;
mod chain;
mod host;
mod name_constraints;
mod policies;
mod reader;
mod reason;
mod refusal;
mod unknown;
mod usages;
mod wished;

#[cfg(test)]
#[path = "../../tests/testkit/made.rs"]
pub(crate) mod made;

pub use build::validate;
pub use chain::Chain;
pub use host::check as check_name;
pub use reader::Reader;
pub use reason::{NameBreach, Reason};
pub use refusal::Refusal;
pub use unknown::UnknownAuthority;
pub use wished::{Wished, would_accept};
