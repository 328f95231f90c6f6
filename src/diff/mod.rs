//! Two states of a PKI compared by what they mean: who a certificate names, for what, until when, whose key,
//! and never by its bytes. Pure: descriptions, files and locks come in as values.
//!
//! Two states are compared as [`Item`]s: named fields, of which some only echo that something else changed.
//! A lock is no state that is believed: of two revisions descriptions and certificates are compared, each
//! for itself.
//!
//! May import `graph`, `holdings` and what lies below. Never here: files, a clock, a verdict.

mod certificate;
mod compare;
mod files;
mod graph;
mod item;
mod kubeconfig;
mod lock;
mod proposal;

pub use compare::{CertificatePair, Change, Changed, Comparison, Follows, Named, Side, plain};
pub use files::items;
pub use graph::of_graph;
pub use item::{Field, Item, PUBLIC_KEY, Value};
pub use lock::of_lock;
pub use proposal::{Touch, Touched, touched, undescribed};
