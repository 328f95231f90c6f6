//! The engine as a whole, in memory: description in, files out, again and again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::semicolon_if_nothing_returned,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    reason = "a test stops at what it did not expect"
)]

mod convergence;
mod damage;
mod hashes;
mod judgement;
mod kubelet_config;
mod operators_manifests;
mod project;
mod reissue;
mod reproducible;
mod restarts;
#[path = "../signer/mod.rs"]
mod signer;
mod trust_roots;
mod users;
