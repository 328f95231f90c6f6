//! What kpki knows of Kubernetes' releases: one row for each minor.
//!
//! A new patch changes the number in its row (and adds `etcd` or `changes` where it brings any), with a
//! folder of what its kubeadm writes below `tests/kubeadm/`.

use super::number::KubernetesVersion;

/// One minor: its newest patch, and what came with which of its patches.
#[derive(Debug)]
pub(super) struct Release {
    pub minor: u16,
    /// The newest patch that the tables were checked against.
    pub newest: u16,
    /// From which patch on kubeadm deploys which etcd, each until the next.
    pub etcd: &'static [(u16, &'static str)],
    /// From which patch on this minor has what [`Change`] names.
    pub changes: &'static [(u16, Change)],
}

/// A difference between versions that rows of the tables depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// kubeadm:cluster-admins and super-admin.conf (k/k#121305).
    ClusterAdmins,
    /// apiserver-kubelet-client without an organization (k/k#138957, and its backports).
    KubeletClientWithoutGroup,
    /// kubeadm's etcd is 3.6 or newer, whose flags lost their `experimental-` (k/k#132838).
    Etcd36,
    /// kubeadm's etcd is 3.7 or newer, which does not know `--experimental-` flags (etcd#19959).
    Etcd37,
    /// kubeadm probes etcd at /livez and /readyz instead of /health (k/k#124465).
    EtcdLivezReadyz,
    /// kubeadm probes the scheduler at /livez and /readyz instead of /healthz (k/k#126945).
    SchedulerLivezReadyz,
    /// kubeadm gives the port of a pod's probes a name, instead of its number in each probe (k/k#132776).
    NamedProbePort,
    /// kubeadm does not mount the folder of flexvolume plugins into the controller-manager (k/k#136423).
    NoFlexvolumeMount,
    /// The API server does not know `--cloud-provider` and `--cloud-config` (k/k#130162).
    NoCloudProviderFlags,
    /// The controller-manager does not know `--concurrent-service-syncs` (k/k#138002).
    NoServiceSyncsFlag,
    /// The kubelet notices a changed `tlsCertFile` (k/k#124574).
    KubeletReloadsServing,
    /// The kubelet notices a changed `clientCAFile` (k/k#136762).
    KubeletReloadsClientCa,
    /// The API server's limit for service networks is gone: DisableAllocatorDualWrite is on and stays so
    /// (KEP-1880).
    LargeServiceNetworks,
    /// kubelet.conf of a control-plane node names that node's own API server: ControlPlaneKubeletLocalMode is
    /// on (k/k#129956).
    KubeletDialsOwnApiserver,
    /// client-go notices a changed CA file (k/k#132922); 1.36 is the first version seen to have it.
    ClientsReloadCa,
}

use Change::{
    ClientsReloadCa, ClusterAdmins, Etcd36, Etcd37, EtcdLivezReadyz, KubeletClientWithoutGroup,
    KubeletDialsOwnApiserver, KubeletReloadsClientCa, KubeletReloadsServing, LargeServiceNetworks,
    NamedProbePort, NoCloudProviderFlags, NoFlexvolumeMount, NoServiceSyncsFlag,
    SchedulerLivezReadyz,
};

const fn release(
    minor: u16,
    newest: u16,
    etcd: &'static [(u16, &'static str)],
    changes: &'static [(u16, Change)],
) -> Release {
    Release { minor, newest, etcd, changes }
}

/// Oldest first.
///
/// The evidence for etcd: kubeadm's `SupportedEtcdVersion`, as `kubeadm config images list` of a patch prints
/// it (minikube keeps these lists), and the pull requests (k/k) that changed it. Read patch by patch: 1.28,
/// 1.29 until .10, 1.30 until .6. From then on patches between two that were seen, and the newest ones
/// after the last that was, are inferred to have what the one before them has.
pub(super) const RELEASES: &[Release] = &[
    release(28, 15, &[(0, "3.5.9-0"), (6, "3.5.10-0"), (8, "3.5.12-0"), (14, "3.5.15-0")], &[]),
    // k/k#126397.
    release(29, 15, &[(0, "3.5.10-0"), (3, "3.5.12-0"), (9, "3.5.15-0")], &[(0, ClusterAdmins)]),
    // k/k#126395.
    release(30, 14, &[(0, "3.5.12-0"), (5, "3.5.15-0")], &[]),
    // k/k#126395 names the map of 1.31; k/k#131959 (3.5.21) was closed, k/k#135020 came with 1.31.14.
    release(
        31,
        14,
        &[(0, "3.5.15-0"), (14, "3.5.24-0")],
        &[(0, EtcdLivezReadyz), (0, KubeletReloadsServing)],
    ),
    // k/k#135019, merged between 1.32.9 and 1.32.10.
    release(32, 13, &[(0, "3.5.16-0"), (10, "3.5.24-0")], &[(0, SchedulerLivezReadyz)]),
    // The changelog of 1.33.6 (k/k#135018).
    release(
        33,
        13,
        &[(0, "3.5.21-0"), (6, "3.5.24-0")],
        &[
            (0, KubeletDialsOwnApiserver),
            (0, NoCloudProviderFlags),
            (12, KubeletClientWithoutGroup),
        ],
    ),
    release(
        34,
        10,
        &[(0, "3.6.4-0"), (2, "3.6.5-0")],
        &[
            (0, Etcd36),
            (0, LargeServiceNetworks),
            (0, NamedProbePort),
            (8, KubeletClientWithoutGroup),
        ],
    ),
    // k/k#135271.
    release(35, 8, &[(0, "3.6.6-0")], &[(5, KubeletClientWithoutGroup)]),
    // k/k#138392 (3.6.10) waited for the release branch of 1.36.
    release(
        36,
        4,
        &[(0, "3.6.8-0")],
        &[
            (0, ClientsReloadCa),
            (0, KubeletReloadsClientCa),
            (0, NoFlexvolumeMount),
            (1, KubeletClientWithoutGroup),
        ],
    ),
    // etcd 3.7 takes every flag that kubeadm's manifest has; etcd#19959 removed those that 3.6 replaced.
    release(37, 2, &[(0, "3.7.0-0")], &[(0, Etcd37), (0, NoServiceSyncsFlag)]),
];

impl Release {
    pub(super) fn of(minor: u16) -> Option<&'static Release> {
        RELEASES.iter().find(|release| release.minor == minor)
    }

    pub(super) fn newest_patch(&self) -> KubernetesVersion {
        KubernetesVersion::new(self.minor, self.newest)
    }

    /// The first patch of this minor that has a change, if this minor is where it came.
    fn first_with(&self, change: Change) -> Option<u16> {
        let (first, _) = self.changes.iter().find(|(_, other)| *other == change)?;
        Some(*first)
    }
}

impl KubernetesVersion {
    /// The newest that kpki knows.
    pub fn newest() -> KubernetesVersion {
        RELEASES.last().map_or(KubernetesVersion::DEFAULT, Release::newest_patch)
    }

    /// The tables were checked against this patch, or a newer one of its minor.
    pub fn has_evidence(self) -> bool {
        Release::of(self.minor).is_some_and(|release| self.patch <= release.newest)
    }

    /// The tag of the etcd image that kubeadm of this version deploys; `None` without evidence.
    pub fn etcd_tag(self) -> Option<&'static str> {
        let release = Release::of(self.minor).filter(|_| self.has_evidence())?;
        let (_, tag) = release.etcd.iter().rfind(|(first, _)| *first <= self.patch)?;
        Some(tag)
    }

    /// Those of it and of all versions before it.
    pub fn etcd_tags_until(self) -> impl Iterator<Item = &'static str> {
        let of_release = |release: &'static Release| {
            release.etcd.iter().map(|(first, tag)| (Self::new(release.minor, *first), *tag))
        };
        let tags = RELEASES.iter().flat_map(of_release);
        tags.filter(move |(first, _)| *first <= self).map(|(_, tag)| tag)
    }

    /// A change counts from its first patch in every minor that got it, and in all minors after the last of
    /// them.
    pub fn has(self, change: Change) -> bool {
        let came = RELEASES.iter().rev().filter_map(|release| {
            let first = release.first_with(change)?;
            Some((release.minor, first))
        });
        let mut came = came.peekable();
        came.peek().is_some_and(|(last, _)| *last < self.minor)
            || came.any(|(minor, first)| minor == self.minor && first <= self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_order() {
        for pair in RELEASES.windows(2) {
            assert_eq!(pair[0].minor + 1, pair[1].minor);
        }
        for release in RELEASES {
            for list in [
                release.etcd.iter().map(|(first, _)| *first).collect::<Vec<_>>(),
                release.changes.iter().map(|(first, _)| *first).collect(),
            ] {
                assert!(list.is_sorted(), "{release:?}");
                assert!(list.iter().all(|first| *first <= release.newest), "{release:?}");
            }
        }
    }

    /// Every patch has an etcd, and the flags of etcd 3.6 are given to exactly the versions with it or a
    /// newer one.
    #[test]
    fn etcd_by_version() {
        for release in RELEASES {
            assert_eq!(release.etcd[0].0, 0, "{release:?}");
            for (first, tag) in release.etcd {
                let version = KubernetesVersion::new(release.minor, *first);
                assert_eq!(version.etcd_tag(), Some(*tag), "{version}");
                assert_eq!(version.has(Etcd36), !tag.starts_with("3.5."), "{version}");
                assert_eq!(version.has(Etcd37), tag.starts_with("3.7."), "{version}");
            }
        }
        for (minor, patch, tag) in [
            (28, 5, Some("3.5.9-0")),
            (28, 6, Some("3.5.10-0")),
            (28, 8, Some("3.5.12-0")),
            (28, 15, Some("3.5.15-0")),
            (29, 2, Some("3.5.10-0")),
            (29, 8, Some("3.5.12-0")),
            (29, 9, Some("3.5.15-0")),
            (30, 4, Some("3.5.12-0")),
            (30, 5, Some("3.5.15-0")),
            (31, 13, Some("3.5.15-0")),
            (34, 1, Some("3.6.4-0")),
            (34, 2, Some("3.6.5-0")),
            (36, 4, Some("3.6.8-0")),
            (36, 99, None),
            (37, 2, Some("3.7.0-0")),
            (99, 0, None),
        ] {
            assert_eq!(KubernetesVersion::new(minor, patch).etcd_tag(), tag, "1.{minor}.{patch}");
        }
    }

    /// From the Kubernetes changelogs, by hand.
    #[test]
    fn backports_count_within_their_minor_only() {
        for (minor, patch, expected) in [
            (28, 15, false),
            (32, 99, false),
            (33, 11, false),
            (33, 12, true),
            (34, 7, false),
            (34, 8, true),
            (35, 4, false),
            (35, 5, true),
            (36, 0, false),
            (36, 1, true),
            (36, 2, true),
            (37, 0, true),
        ] {
            let version = KubernetesVersion::new(minor, patch);
            assert_eq!(version.has(KubeletClientWithoutGroup), expected, "{version}");
        }
        for (change, first) in [
            (ClusterAdmins, 29),
            (EtcdLivezReadyz, 31),
            (KubeletReloadsServing, 31),
            (SchedulerLivezReadyz, 32),
            (KubeletDialsOwnApiserver, 33),
            (NoCloudProviderFlags, 33),
            (Etcd36, 34),
            (NamedProbePort, 34),
            (KubeletReloadsClientCa, 36),
            (ClientsReloadCa, 36),
            (NoFlexvolumeMount, 36),
            (Etcd37, 37),
            (NoServiceSyncsFlag, 37),
        ] {
            assert!(!KubernetesVersion::new(first - 1, 99).has(change), "{change:?}");
            assert!(KubernetesVersion::new(first, 0).has(change), "{change:?}");
            assert!(KubernetesVersion::new(first + 1, 0).has(change), "{change:?}");
        }
    }
}
