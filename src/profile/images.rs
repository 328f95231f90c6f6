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

    /// Of this version or an earlier one.
    pub fn is_image_until(self, image: &str, version: KubernetesVersion) -> bool {
        let Some(tag) = image.strip_prefix(&format!("{}:", self.repository())) else {
            return false;
        };
        if self == Process::Etcd {
            return version.etcd_tags_until().any(|known| known == tag);
        }
        let found = tag.strip_prefix('v').and_then(|text| text.parse::<KubernetesVersion>().ok());
        found.is_some_and(|found| found <= version && tag == format!("v{found}"))
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
        assert_eq!(Process::Etcd.image(old).as_deref(), Some("registry.k8s.io/etcd:3.5.15-0"));
        assert!(Process::Scheduler.image(old).is_some());
    }

    #[test]
    fn earlier_images() {
        let version = KubernetesVersion::new(34, 2);
        for (process, image, is_one) in [
            (Process::Etcd, "registry.k8s.io/etcd:3.6.5-0", true),
            (Process::Etcd, "registry.k8s.io/etcd:3.5.24-0", true),
            (Process::Etcd, "registry.k8s.io/etcd:3.6.6-0", false),
            (Process::Etcd, "registry.k8s.io/etcd:3.4.13-0", false),
            (Process::Etcd, "mirror.lab/etcd:3.6.5-0", false),
            (Process::Scheduler, "registry.k8s.io/kube-scheduler:v1.34.2", true),
            (Process::Scheduler, "registry.k8s.io/kube-scheduler:v1.33.12", true),
            (Process::Scheduler, "registry.k8s.io/kube-scheduler:v1.34.3", false),
            (Process::Scheduler, "registry.k8s.io/kube-scheduler:v1.34", false),
            (Process::Scheduler, "registry.k8s.io/kube-scheduler:1.34.2", false),
            (Process::Scheduler, "registry.k8s.io/kube-scheduler:v1.34.2@sha256:00", false),
        ] {
            assert_eq!(process.is_image_until(image, version), is_one, "{image}");
        }
    }
}
