//! Which Kubernetes the control plane runs.

use std::collections::{BTreeMap, BTreeSet};

use super::node::Node;
use super::refusal::{Refusal, Refusals};
use crate::machine::kubeadm_config::KubeadmConfig;
use crate::profile::Process;
use crate::spec::Role;
use crate::version::KubernetesVersion;

/// By the tags of the images: they are what the kubelet runs. kubeadm's configuration says it where the
/// images are named by digest.
pub fn release(
    nodes: &[Node<'_>],
    witness: Option<&KubeadmConfig>,
) -> Result<(KubernetesVersion, String), Refusals> {
    let mut seen: BTreeMap<KubernetesVersion, Vec<(String, String)>> = BTreeMap::new();
    for node in nodes.iter().filter(|node| node.role == Role::ControlPlane) {
        for (process, pod) in &node.pods {
            let image = pod.facts.image.as_deref().filter(|_| *process != Process::Etcd);
            if let Some(version) = image.and_then(of_image) {
                let place = (node.name.to_string(), process.name().to_owned());
                seen.entry(version).or_default().push(place);
            }
        }
    }
    match (seen.len(), seen.keys().next()) {
        (1, Some(version)) => Ok((*version, "the images of the static pods".to_owned())),
        (0, _) => {
            let written = witness.and_then(|config| config.text("kubernetesVersion"));
            let version = written.and_then(|found| of_tag(&found.value).map(|it| (it, found)));
            version.map(|(version, found)| (version, found.at.to_string())).ok_or_else(|| {
                let why = "the images of the static pods do not say which Kubernetes they are";
                vec![Refusal::of_cluster(why).help(
                    "kubeadm's configuration does: kubectl -n kube-system get cm kubeadm-config -o yaml > \
                     kubeadm.yaml; kpki adopt --kubeadm-config kubeadm.yaml …",
                )]
            })
        }
        _ => {
            let told: Vec<String> = seen
                .iter()
                .map(|(version, places)| {
                    let nodes: BTreeSet<&str> =
                        places.iter().map(|(node, _)| node.as_str()).collect();
                    format!("{version} on {}", nodes.into_iter().collect::<Vec<_>>().join(", "))
                })
                .collect();
            let why = format!("the control plane runs two versions at once: {}", told.join("; "));
            Err(vec![
                Refusal::of_cluster(why).help("finish the upgrade, then run kpki adopt again"),
            ])
        }
    }
}

/// `registry.k8s.io/kube-apiserver:v1.36.2-mirror@sha256:…`
fn of_image(image: &str) -> Option<KubernetesVersion> {
    let named = image.split('@').next()?;
    let (_, tag) = named.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
    of_tag(tag)
}

/// What follows the patch is the registry's own matter.
fn of_tag(tag: &str) -> Option<KubernetesVersion> {
    let mut parts = tag.strip_prefix('v').unwrap_or(tag).splitn(3, '.');
    let (major, minor, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (patch, suffix) = rest.split_at(end);
    let is_suffix = suffix.is_empty() || suffix.starts_with(['-', '_', '+']);
    (major == "1" && is_suffix)
        .then(|| Some(KubernetesVersion::new(minor.parse().ok()?, patch.parse().ok()?)))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_images() {
        for (image, version) in [
            ("registry.k8s.io/kube-apiserver:v1.36.2", Some((36, 2))),
            ("mirror.corp:5000/k8s/kube-apiserver:v1.36.2-rancher1", Some((36, 2))),
            ("kube-apiserver:v1.30.11@sha256:0123", Some((30, 11))),
            ("registry.k8s.io/kube-apiserver@sha256:0123", None),
            ("mirror.corp:5000/kube-apiserver", None),
            ("kube-apiserver:latest", None),
            ("kube-apiserver:v1.36", None),
            ("kube-apiserver:v1.36.2rc1", None),
            ("kube-apiserver:v2.0.0", None),
        ] {
            let expected = version.map(|(minor, patch)| KubernetesVersion::new(minor, patch));
            assert_eq!(of_image(image), expected, "{image}");
        }
    }
}
