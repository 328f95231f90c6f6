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

#[path = "../common/age.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod age;
mod clock;
mod convergence;
mod damage;
mod hashes;
mod judgement;
mod kubelet_config;
mod operators_manifests;
mod orphans;
mod privileges;
mod project;
mod reissue;
mod reproducible;
mod restarts;
mod sealing;

#[path = "../signer/mod.rs"]
mod signer;
mod smuggled_privileges;
#[path = "../common/project.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod tools;
mod trust_roots;
mod unreadable;
mod users;
