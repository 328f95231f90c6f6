//! What takes long or needs the machine for itself: kills, traces of system calls, servers of Kubernetes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at what it did not expect"
)]

mod etcd;
mod kill;
mod kubeadm_equality;
mod kubectl;
#[cfg(target_os = "linux")]
mod system_calls;
#[path = "../testkit/mod.rs"]
mod testkit;
mod two_machines;
