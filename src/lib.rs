//! kpki: a Kubernetes cluster's PKI from one description.

pub mod algorithm;
pub mod error;
pub mod hash;
pub mod name;
pub mod secret;
pub mod spec;
pub mod time;
pub mod version;
