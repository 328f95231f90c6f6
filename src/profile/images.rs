//! Container images of the control plane.

use super::Process;
use crate::version::KubernetesVersion;

const REGISTRY: &str = "registry.k8s.io";

impl Process {
    /// Where Kubernetes publishes its images.
    pub fn repository(self) -> String {
        format!("{REGISTRY}/{}", self.name())
    }

    /// The image that kubeadm of this version deploys; `None` without evidence.
    pub fn image(self, version: KubernetesVersion) -> Option<String> {
        match self {
            Process::Etcd => version.etcd_tag().map(|tag| format!("{REGISTRY}/etcd:{tag}")),
            _ => version.has_evidence().then(|| format!("{REGISTRY}/{}:v{version}", self.name())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_by_version() {
        let newest = KubernetesVersion::new(36, 2);
        for (process, image) in [
            (Process::Etcd, "registry.k8s.io/etcd:3.6.8-0"),
            (Process::Apiserver, "registry.k8s.io/kube-apiserver:v1.36.2"),
            (Process::ControllerManager, "registry.k8s.io/kube-controller-manager:v1.36.2"),
            (Process::Scheduler, "registry.k8s.io/kube-scheduler:v1.36.2"),
        ] {
            assert_eq!(process.image(newest).as_deref(), Some(image));
            assert_eq!(process.image(KubernetesVersion::new(36, 99)), None);
            assert_eq!(process.image(KubernetesVersion::new(99, 0)), None);
        }
        for (minor, patch) in [(33, 12), (34, 10), (35, 6), (35, 8)] {
            let version = KubernetesVersion::new(minor, patch);
            assert!(Process::ALL.iter().all(|process| process.image(version).is_some()));
        }
        let old = KubernetesVersion::new(29, 15);
        assert_eq!(Process::Etcd.image(old), None);
        assert!(Process::Scheduler.image(old).is_some());
    }
}
