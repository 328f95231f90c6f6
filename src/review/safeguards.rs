//! What keeps others out besides certificates and bindings: to lose one of these is a gain for somebody.

use std::collections::{BTreeMap, BTreeSet};

use super::access_change::AccessChange;
use super::principal::Principal;
use crate::content::pod_content;
use crate::graph::{Artifact, DerivationId, Graph, PodSource, Recipe, Scope, StaticPod, tree_of};
use crate::hash::Digest;
use crate::name::{ArtifactName, NodeName};
use crate::plan::{Orphan, Plan, World};
use crate::pod;
use crate::profile::{KUBELET_CONFIG, Process};
use crate::spec::{Component, Spec};
use crate::version::KubernetesVersion;

const KUBELET_SERVER: &str = "kubelet-server";
/// With it an API server checks who answers as a kubelet.
const KUBELET_CA: &str = "kubelet-certificate-authority";

#[derive(Debug, Default)]
pub(super) struct Safeguards {
    kubernetes: Option<KubernetesVersion>,
    /// That API servers' images are of.
    images: BTreeMap<NodeName, KubernetesVersion>,
    /// kpki writes the kubelets' configuration.
    kubelet_config: bool,
    /// Nodes whose API server checks kubelets, and those of which that is known.
    checks_kubelets: BTreeMap<NodeName, bool>,
    /// Of keys: an earlier one may be of a key that was given up.
    revisions: BTreeMap<ArtifactName, Revision>,
    /// Roots of trust besides the CA, and whether they stand in its own file.
    other_roots: BTreeMap<(ArtifactName, String), bool>,
}

/// Of the artifact itself, and of its node.
type Revision = (u32, u32);

/// Whose safeguard, the artifact that has it, and what becomes of it.
pub(super) type Loss = (Principal, ArtifactName, AccessChange);

impl Safeguards {
    /// What a description asks for, of these artifacts.
    pub fn asked(spec: &Spec, graph: &Graph, artifacts: &BTreeSet<DerivationId>) -> Self {
        let pods = artifacts.iter().filter_map(|id| match &graph.get(*id).recipe {
            Recipe::StaticPod(pod) if pod.process == Process::Apiserver => Some(pod),
            _ => None,
        });
        let images = pods.clone().filter_map(|pod| Some((pod.node.clone(), wished_version(pod)?)));
        let pods = pods.filter_map(|pod| Some((pod.node.clone(), is_told_to_check(pod)?)));
        let revisions = artifacts.iter().filter_map(|id| {
            let derivation = graph.get(*id);
            let revision = derivation.recipe.revision()?;
            Some((derivation.name.clone(), parsed(&revision)?))
        });
        Safeguards {
            kubernetes: Some(spec.cluster.kubernetes.value),
            images: images.collect(),
            kubelet_config: spec.kubelet_config,
            checks_kubelets: pods.collect(),
            revisions: revisions.collect(),
            other_roots: BTreeMap::new(),
        }
    }

    /// What there was of what a plan touches.
    pub fn here(world: World<'_>, plan: &Plan, asked: &Safeguards) -> Self {
        let manifests = asked.checks_kubelets.keys().map(|node| (node, manifest(world, node)));
        let manifests: Vec<_> = manifests.collect();
        let names = world.lock.entries.keys();
        let had_serving = names.filter_map(|name| name.as_str().parse().ok()).any(
            |artifact| matches!(artifact, Artifact::Leaf(Some(_), row) if row == KUBELET_SERVER),
        );
        let checks = manifests.iter().map(|(node, manifest)| {
            let known = manifest.as_ref().filter(|manifest| manifest.is_on_record);
            let checks = known.and_then(|manifest| checks_kubelets(manifest.bytes));
            ((*node).clone(), checks.unwrap_or(had_serving))
        });
        // Without the lock's word the newest of what is here counts.
        let kubernetes = world.lock.kubernetes.or_else(|| {
            let here = manifests.iter().filter_map(|(_, manifest)| manifest.as_ref());
            here.filter_map(|manifest| version_of(manifest.bytes)).max()
        });
        let images = manifests.iter().filter_map(|(node, manifest)| {
            Some(((*node).clone(), version_of(manifest.as_ref()?.bytes)?))
        });
        let revisions = asked.revisions.keys().filter_map(|name| {
            let revision = world.lock.entries.get(name)?.revision.as_ref()?;
            Some((name.clone(), parsed(revision)?))
        });
        Safeguards {
            kubernetes,
            // The lock's head is anybody's to write, too.
            images: images.collect(),
            kubelet_config: has_kubelet_config(world, plan),
            checks_kubelets: checks.collect(),
            revisions: revisions.collect(),
            other_roots: super::roots::others(world, plan),
        }
    }

    /// What is lost with `after`.
    pub fn lost(&self, after: &Safeguards) -> Vec<Loss> {
        let kubelet = || Principal::new("components", Component::Kubelet.as_str());
        let mut lost = Vec::new();
        let older = self.kubernetes.zip(after.kubernetes).filter(|(old, new)| new < old);
        let images = self.images.iter().filter_map(|(node, old)| {
            let new = after.images.get(node)?;
            (new < old).then_some((*old, *new))
        });
        let older: BTreeSet<_> = images.chain(older).collect();
        for (old, new) in older {
            let principal = Principal::cluster("cluster");
            let artifact = ArtifactName::of(principal.name());
            lost.push((principal, artifact, AccessChange::OlderKubernetes { old, new }));
        }
        if self.kubelet_config && !after.kubelet_config {
            lost.push((
                kubelet(),
                Artifact::KubeletConfig.name(),
                AccessChange::KubeletUnconfigured,
            ));
        }
        let unchecked = after
            .checks_kubelets
            .iter()
            .filter(|(node, checks)| !**checks && self.checks_kubelets.get(*node) == Some(&true));
        for (node, _) in unchecked {
            let artifact = Artifact::StaticPod(node.clone(), Process::Apiserver).name();
            lost.push((kubelet(), artifact, AccessChange::KubeletUnchecked));
        }
        for (name, new) in &after.revisions {
            let Some(old) = self.revisions.get(name) else {
                continue;
            };
            let access = |old, new| AccessChange::LowerRevision { old, new };
            if new.0 < old.0 {
                lost.push((Principal::of(name), name.clone(), access(old.0, new.0)));
            }
            if let Some(node) = Scope::of(name).node()
                && new.1 < old.1
            {
                lost.push((Principal::node(node), name.clone(), access(old.1, new.1)));
            }
        }
        for ((ca, root), in_own_file) in &self.other_roots {
            let access =
                AccessChange::RootDropped { root: root.clone(), in_own_file: *in_own_file };
            lost.push((Principal::of(ca), ca.clone(), access));
        }
        lost
    }
}

/// `None`: it cannot be made.
fn is_told_to_check(pod: &StaticPod) -> Option<bool> {
    match &pod.source {
        PodSource::Own { flags, .. } => Some(flags.contains_key(KUBELET_CA)),
        PodSource::Patched { .. } => checks_kubelets(&pod_content(pod, None, None).ok()?),
    }
}

fn wished_version(pod: &StaticPod) -> Option<KubernetesVersion> {
    match &pod.source {
        PodSource::Own { image, .. } => version_in(image),
        PodSource::Patched { .. } => version_of(&pod_content(pod, None, None).ok()?),
    }
}

/// By the lock's line, by what is described, or by a file that no description places any more.
pub(super) fn has_kubelet_config(world: World<'_>, plan: &Plan) -> bool {
    let is_one = |path: &str| tree_of(path).is_some_and(|(_, file)| file == KUBELET_CONFIG);
    let name = Artifact::KubeletConfig.name();
    let is_placed = |id| {
        let mut places = world.graph.placements(id).iter();
        places.any(|place| world.inventory.get(place.path.as_str()).is_some())
    };
    let orphaned = plan.orphans.iter().any(|orphan| match orphan {
        Orphan::File { path, .. } => is_one(path.as_str()),
        Orphan::Line(_) => false,
    });
    orphaned
        || plan.foreign.iter().any(|path| is_one(path))
        || world.lock.entries.get(&name).is_some_and(|line| !line.left)
        || world.graph.find(&name).is_some_and(is_placed)
}

/// An API server's, as it is here.
struct Manifest<'a> {
    bytes: &'a [u8],
    /// The lock says the same.
    is_on_record: bool,
}

fn manifest<'a>(world: World<'a>, node: &NodeName) -> Option<Manifest<'a>> {
    let name = Artifact::StaticPod(node.clone(), Process::Apiserver).name();
    let place = world.graph.placements(world.graph.find(&name)?).first()?;
    let bytes = world.inventory.public(place.path.as_str())?;
    let on_record = world.lock.entries.get(&name).and_then(|entry| entry.content);
    Some(Manifest { bytes, is_on_record: on_record == Some(Digest::of(bytes)) })
}

/// `1.36.2` of `registry.k8s.io/kube-apiserver:v1.36.2`
fn version_of(manifest: &[u8]) -> Option<KubernetesVersion> {
    let images = pod::read(manifest, Process::Apiserver).ok()?.images;
    images.iter().filter_map(|image| version_in(image)).max()
}

/// Of whichever registry.
fn version_in(image: &str) -> Option<KubernetesVersion> {
    let (_, tag) = image.split_once(&format!("{}:v", Process::Apiserver.name()))?;
    tag.split('@').next()?.parse().ok()
}

fn checks_kubelets(manifest: &[u8]) -> Option<bool> {
    let facts = pod::read(manifest, Process::Apiserver).ok()?;
    Some(facts.values(KUBELET_CA).any(|value| !value.is_empty()))
}

/// `2`, or `2.3` where the node has one of its own.
fn parsed(revision: &str) -> Option<Revision> {
    match revision.split_once('.') {
        Some((own, node)) => Some((own.parse().ok()?, node.parse().ok()?)),
        None => Some((revision.parse().ok()?, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(before: &Safeguards, after: &Safeguards) -> Vec<String> {
        let lost = before.lost(after).into_iter();
        lost.map(|(principal, _, access)| format!("{principal} {access}")).collect()
    }

    #[test]
    fn only_what_gets_weaker_is_lost() {
        let version = |text: &str| Safeguards {
            kubernetes: Some(text.parse().unwrap()),
            ..Safeguards::default()
        };
        for (old, new, lost) in [
            ("1.36.2", "1.36.2", false),
            ("1.33.12", "1.36.2", false),
            ("1.36.2", "1.36.1", true),
            ("1.36.2", "1.33.12", true),
        ] {
            assert_eq!(lines(&version(old), &version(new)).len(), usize::from(lost), "{old} {new}");
        }
        let revision = |name: &str, text: &str| Safeguards {
            revisions: [(name.parse().unwrap(), parsed(text).unwrap())].into(),
            ..Safeguards::default()
        };
        for (name, old, new, expected) in [
            ("users/jane", "1", "2", None),
            ("users/jane", "2", "1", Some("jane")),
            ("nodes/w1/kubelet", "1.3", "1.2", Some("w1")),
            ("nodes/w1/kubelet", "3.1", "2.4", Some("kubelet")),
            ("nodes/w1/kubelet", "2", "2.2", None),
        ] {
            let found = lines(&revision(name, old), &revision(name, new));
            let found = found.first().map(|line| line.split(' ').next().unwrap().to_owned());
            assert_eq!(found.as_deref(), expected, "{name} {old} {new}");
        }
    }
}
