//! What follows from a recipe and from public inputs alone: the bytes of rendered files, digests of what
//! secrets say in public, and lines of the lock. Plan compares with it, build writes it.
//!
//! A static pod is rendered from the description and from the public bytes of what its process reads only
//! when it starts: their digest is an annotation, and a changed one makes the kubelet replace the pod. A
//! manifest that runs already has none until something else changes it: the lock keeps the digest so long.
//!
//! May import `graph` and what lies below. Never here: the state, a secret, a decision.

mod entry;
mod etcd_start;
mod kubeconfig;
mod pod;
mod rendered;

pub use entry::{
    certificate_entry, cluster_signed_entry, kubeconfig_entry, pod_entry, public_key_entry,
    rendered_entry, request_entry,
};
pub use etcd_start::EtcdStart;
pub use kubeconfig::kubeconfig_content;
pub use pod::{pod_content, pod_without_annotation, restart_digest, set_digest};
pub use rendered::{Input, NotRendered, bundle_content, rendered_content, signing_request};
