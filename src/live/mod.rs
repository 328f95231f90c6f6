//! What answers at the addresses that the description names: which certificate, by which keypair of which CA,
//! and whose clients are accepted.
//!
//! What to dial is a table over the description, what to think of an answer a function of it; `socket` alone
//! dials. A server is judged by what it shows, as Go's clients do ([`crate::path`]), and by what it does with
//! a client's certificate: one by each keypair that it should trust, and one by a CA that nobody knows. Where
//! the latter is taken too, nothing is proven by the former. What a process that dials believes in itself
//! shows at no port.
//!
//! Nothing that is sent is a secret: a request without a login, and certificates without rights that live for
//! some minutes, whose keys never leave the memory.
//!
//! May import `build` (it issues a certificate), `graph`, `path` and what lies below. Never here: a file, the
//! description's text, a clock other than the one that ends a dial.

mod accepted;
mod answer;
mod client;
mod http;
mod served;
mod service;
mod socket;
mod target;
mod token_keys;
mod trust;
mod verdict;
mod visit;

pub use accepted::{Acceptance, ClientsOf};
pub use answer::{Answer, Call, Dialler, End, Visit};
pub use client::{Client, Life, PROBE_NAME, client, stranger};
pub use service::Service;
pub use socket::Sockets;
pub use target::{Target, targets};
pub use trust::{Known, Leaf, Trust, TrustedKeypair};
pub use verdict::{Fault, FaultKind, Held, Served, Verdict};
pub use visit::visit;
