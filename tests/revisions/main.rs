//! A project in Git: `kpki diff`, and what `kpki setup git` installs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests may panic"
)]

mod authority;
#[path = "../common/mod.rs"]
mod common;
mod diff;
mod files;
mod repository;
mod setup_git;
