//! Container images of the control plane.

use super::Process;
use crate::version::KubernetesVersion;

const REGISTRY: &str = "registry.k8s.io";

/// From the first to the last patch of a minor, kubeadm deploys this etcd.
struct EtcdRow {
    minor: u16,
    patches: std::ops::RangeInclusive<u16>,
    tag: &'static str,
}

const fn etcd(minor: u16, first: u16, last: u16, tag: &'static str) -> EtcdRow {
    EtcdRow { minor, patches: first..=last, tag }
}

/// Evidence: kubeadm's own `SupportedEtcdVersion`, as `kubeadm config images list` of the named patches
/// prints it, and the pull requests (k/k) that changed it. What lies outside these ranges was not seen:
/// kpki then writes no etcd pod of its own. Before 1.30.11 the evidence has gaps, and etcd before 3.5.11
/// has no `/livez`.
const ETCD_IMAGES: &[EtcdRow] = &[
    // Seen: 1.30.11, 1.30.14 (k/k#126395).
    etcd(30, 11, 14, "3.5.15-0"),
    // k/k#126395 names the map of 1.31; k/k#131959 (3.5.21) was closed, k/k#135020 came with 1.31.14.
    etcd(31, 0, 13, "3.5.15-0"),
    // Seen: 1.31.14.
    etcd(31, 14, 14, "3.5.24-0"),
    // Seen: 1.32.9.
    etcd(32, 0, 9, "3.5.16-0"),
    // k/k#135019, merged between 1.32.9 and 1.32.10; the map of release-1.32 after it.
    etcd(32, 10, 13, "3.5.24-0"),
    // Seen: 1.33.5.
    etcd(33, 0, 5, "3.5.21-0"),
    // The changelog of 1.33.6 (k/k#135018). Seen: 1.33.7, 1.33.9.
    etcd(33, 6, 12, "3.5.24-0"),
    // Seen: 1.34.0, 1.34.1.
    etcd(34, 0, 1, "3.6.4-0"),
    // Seen: 1.34.2, 1.34.3, 1.34.4, 1.34.6, 1.34.10.
    etcd(34, 2, 10, "3.6.5-0"),
    // k/k#135271. Seen: 1.35.0, 1.35.1, 1.35.3, 1.35.6, 1.35.8.
    etcd(35, 0, 8, "3.6.6-0"),
    // Seen: 1.36.2's real manifest; k/k#138392 (3.6.10) waited for the release branch of 1.36.
    etcd(36, 0, 2, "3.6.8-0"),
];

impl Process {
    /// Where Kubernetes publishes its images.
    pub fn repository(self) -> String {
        format!("{REGISTRY}/{}", self.name())
    }

    /// The image that kubeadm of this version deploys; `None` without evidence.
    pub fn image(self, version: KubernetesVersion) -> Option<String> {
        match self {
            Process::Etcd => ETCD_IMAGES
                .iter()
                .find(|row| row.minor == version.minor && row.patches.contains(&version.patch))
                .map(|row| format!("{REGISTRY}/etcd:{}", row.tag)),
            _ => version.has_evidence().then(|| format!("{REGISTRY}/{}:v{version}", self.name())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Since;
    use crate::version::NEWEST_PATCHES;

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
        let old = KubernetesVersion::new(29, 15);
        assert_eq!(Process::Etcd.image(old), None);
        assert!(Process::Scheduler.image(old).is_some());
    }

    /// The newest six minors have an etcd, and no patch has two.
    #[test]
    fn etcd_rows_are_sorted_and_do_not_overlap() {
        for pair in ETCD_IMAGES.windows(2) {
            let (before, after) = (&pair[0], &pair[1]);
            let last = (before.minor, *before.patches.end());
            assert!(last < (after.minor, *after.patches.start()), "{last:?}");
        }
        for version in NEWEST_PATCHES.into_iter().filter(|newest| newest.minor >= 30) {
            assert!(Process::Etcd.image(version).is_some(), "{version}");
        }
    }

    /// The flags of etcd 3.6 are given to exactly the versions with an etcd 3.6.
    #[test]
    fn etcd_3_6_comes_where_the_flags_say() {
        for row in ETCD_IMAGES {
            let version = KubernetesVersion::new(row.minor, *row.patches.start());
            assert_eq!(
                Since::ETCD_3_6.holds_for(version),
                row.tag.starts_with("3.6."),
                "{version}"
            );
        }
    }
}
