//! Kubernetes manifests that kpki renders, as text: pure functions of the profile tables and their inputs.

mod bindings;
mod scalar;
mod user;

pub use bindings::cluster_role_bindings;
pub use user::{SigningRequest, kustomization, role_bindings};
