//! Kubernetes manifests that kpki renders, as text: pure functions of the profile tables and their inputs.
//!
//! May import `profile` and what lies below. Never here: another's manifest, which is [`crate::pod`]'s, and
//! state.

mod agreement;
mod bindings;
mod flags;
mod kubelet;
mod kubelet_conf;
mod mounts;
mod named_files;
mod probes;
mod runs_as;
mod scalar;
mod static_pod;
mod user;

pub use agreement::{Disagreement, disagreements, excluder};
pub use bindings::cluster_role_bindings;
pub use flags::{EtcdMember, EtcdServers, FlagInputs, merged, own_flags, pki_flags};
pub use kubelet::KubeletConfiguration;
pub use kubelet_conf::kubelet_conf;
pub use mounts::Mount;
pub use named_files::{NamedPath, named_paths};
pub use probes::{ProbeTarget, probe_target};
pub use runs_as::RunsAs;
pub use static_pod::StaticPod;
pub use user::{SigningRequest, kustomization, role_bindings};
