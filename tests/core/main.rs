//! The library in memory: no folder, no process of kpki, and a clock that stands.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::semicolon_if_nothing_returned,
    reason = "a test stops at what it did not expect"
)]

mod architecture;
mod bad_descriptions;
mod certificates;
mod engine;
mod good_descriptions;
mod live;
mod machine;
mod manifests;
mod paths;
mod private_keys;
mod static_pods;
mod store_crash;
#[path = "../testkit/mod.rs"]
mod testkit;
mod words;
mod written_descriptions;
mod x509_properties;
