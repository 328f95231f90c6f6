//! kpki: a Kubernetes cluster's PKI from one description.

pub mod algorithm;
pub mod build;
pub mod cli;
pub mod command;
pub mod config;
pub mod error;
pub mod facts;
pub mod graph;
pub mod hash;
pub mod lock;
pub mod manifest;
pub mod name;
pub mod plan;
pub mod profile;
pub mod render;
pub mod secret;
pub mod sources;
pub mod spec;
pub mod state;
pub mod store;
pub mod time;
pub mod version;
