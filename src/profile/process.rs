//! The four processes that run as static pods, and what their pods look like.
//!
//! Sources: kubeadm's real manifests, v1.33.4 to v1.36.2; for older ones the pull requests that [`Change`]
//! names.

use super::Hosts;
use crate::name::CertificatesDir;
use crate::spec::Component;
use crate::version::{Change, KubernetesVersion};

/// A process of the control plane. In the order in which they must be restarted: each needs the one
/// before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Process {
    Etcd,
    Apiserver,
    ControllerManager,
    Scheduler,
}

impl Process {
    pub const ALL: [Process; 4] =
        [Process::Etcd, Process::Apiserver, Process::ControllerManager, Process::Scheduler];

    /// The name of its binary, container, pod and image, and of its manifest without `.yaml`.
    pub const fn name(self) -> &'static str {
        match self {
            Process::Etcd => "etcd",
            Process::Apiserver => "kube-apiserver",
            Process::ControllerManager => "kube-controller-manager",
            Process::Scheduler => "kube-scheduler",
        }
    }

    /// The nodes that run it.
    pub fn hosts(self) -> Hosts {
        match self {
            Process::Etcd => Hosts::EtcdMembers,
            _ => Hosts::ControlPlane,
        }
    }

    /// Whose `component` block speaks of it.
    pub fn component(self) -> Component {
        match self {
            Process::Etcd => Component::Etcd,
            Process::Apiserver => Component::Apiserver,
            Process::ControllerManager => Component::ControllerManager,
            Process::Scheduler => Component::Scheduler,
        }
    }

    pub fn row(self) -> &'static PodRow {
        match self {
            Process::Etcd => &ETCD,
            Process::Apiserver => &APISERVER,
            Process::ControllerManager => &CONTROLLER_MANAGER,
            Process::Scheduler => &SCHEDULER,
        }
    }
}

/// What a process's pod says besides its command.
#[derive(Debug)]
pub struct PodRow {
    /// Resource requests, sorted.
    pub requests: &'static [(&'static str, &'static str)],
    probes: Probes,
    /// Of versions before a change.
    earlier_probes: Option<(Change, Probes)>,
    /// In kubeadm's order.
    mounts: &'static [MountRow],
}

/// The paths that the kubelet asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probes {
    pub liveness: &'static str,
    pub readiness: Option<&'static str>,
    pub startup: &'static str,
}

impl PodRow {
    pub fn probes(&self, version: KubernetesVersion) -> Probes {
        match self.earlier_probes {
            Some((change, earlier)) if !version.has(change) => earlier,
            _ => self.probes,
        }
    }

    pub fn mounts(&self, version: KubernetesVersion) -> impl Iterator<Item = &'static MountRow> {
        let is_there = move |row: &&MountRow| row.before.is_none_or(|change| !version.has(change));
        self.mounts.iter().filter(is_there)
    }
}

/// A host path that the container sees at the same path; see [`MountRow::path_in`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MountRow {
    pub name: &'static str,
    pub path: &'static str,
    pub file: bool,
    pub read_only: bool,
    /// Of versions before this change alone.
    pub before: Option<Change>,
}

impl MountRow {
    /// With the folder of certificates where the description has it (kubeadm mounts `certificatesDir` and
    /// its `etcd` under their own paths).
    pub fn path_in(&self, dir: &CertificatesDir) -> String {
        match self
            .path
            .strip_prefix('/')
            .and_then(|path| path.strip_prefix(CertificatesDir::KUBEADMS))
        {
            Some(rest) => format!("{dir}{rest}"),
            None => self.path.to_owned(),
        }
    }
}

const fn folder(name: &'static str, path: &'static str) -> MountRow {
    MountRow { name, path, file: false, read_only: true, before: None }
}

const fn kubeconfig(path: &'static str) -> MountRow {
    MountRow { name: "kubeconfig", path, file: true, read_only: true, before: None }
}

const fn writable(name: &'static str, path: &'static str) -> MountRow {
    MountRow { name, path, file: false, read_only: false, before: None }
}

const LIVEZ_READYZ: Probes =
    Probes { liveness: "/livez", readiness: Some("/readyz"), startup: "/livez" };

const HEALTHZ: Probes = Probes { liveness: "/healthz", readiness: None, startup: "/healthz" };

const ETCD: PodRow = PodRow {
    requests: &[("cpu", "100m"), ("memory", "100Mi")],
    probes: Probes { liveness: "/livez", readiness: Some("/readyz"), startup: "/readyz" },
    earlier_probes: Some((
        Change::EtcdLivezReadyz,
        Probes {
            liveness: "/health?exclude=NOSPACE&serializable=true",
            readiness: None,
            startup: "/health?serializable=false",
        },
    )),
    // Writable, both, as kubeadm has them.
    mounts: &[
        writable("etcd-data", "/var/lib/etcd"),
        writable("etcd-certs", "/etc/kubernetes/pki/etcd"),
    ],
};

// The system's trust roots are for what an API server or a controller dials outside of the cluster.
const APISERVER: PodRow = PodRow {
    requests: &[("cpu", "250m")],
    probes: LIVEZ_READYZ,
    earlier_probes: None,
    mounts: &[
        folder("ca-certs", "/etc/ssl/certs"),
        folder("etc-ca-certificates", "/etc/ca-certificates"),
        folder("k8s-certs", "/etc/kubernetes/pki"),
        folder("usr-local-share-ca-certificates", "/usr/local/share/ca-certificates"),
        folder("usr-share-ca-certificates", "/usr/share/ca-certificates"),
    ],
};

const CONTROLLER_MANAGER: PodRow = PodRow {
    requests: &[("cpu", "200m")],
    probes: HEALTHZ,
    earlier_probes: None,
    mounts: &[
        folder("ca-certs", "/etc/ssl/certs"),
        folder("etc-ca-certificates", "/etc/ca-certificates"),
        MountRow {
            before: Some(Change::NoFlexvolumeMount),
            ..writable("flexvolume-dir", "/usr/libexec/kubernetes/kubelet-plugins/volume/exec")
        },
        folder("k8s-certs", "/etc/kubernetes/pki"),
        kubeconfig("/etc/kubernetes/controller-manager.conf"),
        folder("usr-local-share-ca-certificates", "/usr/local/share/ca-certificates"),
        folder("usr-share-ca-certificates", "/usr/share/ca-certificates"),
    ],
};

const SCHEDULER: PodRow = PodRow {
    requests: &[("cpu", "100m")],
    probes: LIVEZ_READYZ,
    earlier_probes: Some((Change::SchedulerLivezReadyz, HEALTHZ)),
    mounts: &[kubeconfig("/etc/kubernetes/scheduler.conf")],
};
