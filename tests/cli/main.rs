//! The binary in a folder, as a user, a reviewer and CI run it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::case_sensitive_file_extension_comparisons,
    clippy::format_collect,
    clippy::semicolon_if_nothing_returned,
    reason = "a test stops at what it did not expect"
)]

mod adopt;
mod bad_input;
mod brought_cas;
mod ci;
mod commands;
mod completion;
mod consent;
mod examples;
mod examples_policy;
mod gitops;
mod lab_up;
mod leavers;
mod live;
mod manners;
mod manual;
mod names;
mod nodes;
mod pages;
mod pictures;
mod reference;
mod reproducible;
mod review;
mod revisions;
mod rotate;
mod rotate_command;
mod saved_plans;
mod schemas;
mod sealed;
mod show;
#[path = "../testkit/mod.rs"]
mod testkit;
mod turns;
mod users;
mod verify;
