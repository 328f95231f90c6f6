//! Nodes against a project that is here: what is not taken from them.

use crate::adopt::{self, Node, Refusal, Refusals, Taken};
use crate::engine::Project;
use crate::facts::PublicKey;

/// Manifests that a node has and neither the description's folder nor `out/`: which of the two is the newer
/// one, no file tells.
pub(super) fn other_manifests(project: &Project, nodes: &[Node<'_>]) -> Refusals {
    let mut refusals = Refusals::new();
    for node in nodes {
        for (component, path, bytes) in node.manifests() {
            let Some(known) = project.spec.manifest_of(&node.name, component) else { continue };
            let out = project.inventory.public(&format!("nodes/{}/{path}", node.name));
            if *known.bytes == *bytes || out == Some(bytes) {
                continue;
            }
            let why = format!("is another one than {} and than that of out/", known.path);
            let help = format!(
                "where the node's is the newer one (kubeadm upgrade), copy it over {}; else kpki install {} first",
                known.path, node.name
            );
            refusals.push(Refusal::of_file(&node.name, &path, why).help(help));
        }
    }
    refusals
}

/// A node of another cluster, or of another CA: no key of a CA and no service-account key that is here is
/// ever written over.
pub(super) fn other_anchors(project: &Project, taken: &Taken) -> Refusals {
    let graph = &project.graph;
    let anchors = graph.ids().filter(|id| graph.get(*id).recipe.is_anchor());
    let other = anchors.filter_map(|id| {
        let name = &graph.get(id).name;
        let here = project.survey.public_part(id).public_key().map(PublicKey::digest);
        // Where its certificate is lost, the lock still knows the key.
        let recorded = || project.lock.entries.get(name)?.public_key;
        let known = here.or_else(recorded)?;
        let (node, path, key) = taken.anchors.get(&id)?;
        (key.digest() != known).then(|| {
            let why =
                format!("is not the {name} of this project: its key is {}", key.fingerprint());
            let help = "take the files of this cluster's node, or another project folder";
            Refusal::of_file(node, path, why).help(help)
        })
    });
    other.collect()
}

/// What `out/` has newer than the node stays: it waits to be installed.
pub(super) fn leave_older(project: &Project, taken: &mut Taken) -> Vec<String> {
    let graph = &project.graph;
    let mut remarks = Vec::new();
    for (id, facts) in &taken.leaves {
        let Some(known) = project.survey.public_part(*id).certificate() else { continue };
        if known.digest == facts.digest || known.not_before < facts.not_before {
            continue;
        }
        let config = graph.kubeconfig_of(*id);
        for id in [Some(*id), config].into_iter().flatten() {
            for place in graph.placements(id) {
                taken.files.remove(&place.path);
            }
            taken.entries.remove(&graph.get(id).name);
        }
        let name = &graph.get(*id).name;
        remarks.push(format!(
            "{name}: out/ has a newer one than the node, which kpki install puts there"
        ));
    }
    remarks
}

/// The description's word for the version is a person's to change.
pub(super) fn another_release(project: &Project, nodes: &[Node<'_>]) -> Vec<String> {
    let described = project.spec.cluster.kubernetes.value;
    let Ok((found, _)) = adopt::release(nodes, None) else { return Vec::new() };
    let remark = format!(
        "the nodes run {found}, the description says {described}: write kubernetes \"{found}\", then kpki plan tells what follows"
    );
    if found == described { Vec::new() } else { vec![remark] }
}
