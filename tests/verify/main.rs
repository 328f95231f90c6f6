//! `kpki verify` over trees that it did not make: kubeadm's form, public mistakes, and one mistake a rule.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at what it did not expect"
)]

mod any_bytes;
#[path = "../common/mod.rs"]
mod common;
mod mutations;
mod public_mistakes;
mod tree;
mod trees;
