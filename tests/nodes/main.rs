//! From `out/` to the nodes: install, export, and what must not get into Git.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "a test stops at what it did not expect"
)]

mod check;
#[path = "../common/mod.rs"]
mod common;
mod crash;
mod decide;
mod exchanged;
mod export;
mod history;
mod install;
mod kill;
#[path = "../memory_disk/mod.rs"]
mod memory_disk;
mod node;
mod refusals;
mod ways;
