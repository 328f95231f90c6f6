//! Where kpki ever puts a file on a node: a record that names another place was not written by kpki.

use super::{Layer, Record};
use crate::name::TreePath;
use crate::profile::{KUBELET_CONFIG, KUBERNETES_FOLDER, Process};
use crate::review::is_harmless;
use crate::spec::{Delivery, Spec};

/// Takes the lines out that name other places, and hands over their paths.
pub fn strangers(record: &mut Record, spec: &Spec) -> Vec<TreePath> {
    let is_stranger = |path: &TreePath, layer| !is_ever_placed(path.as_str(), layer, spec);
    let lines = record.files.iter();
    let strange: Vec<TreePath> = lines
        .filter(|line| is_stranger(&line.path, line.layer))
        .map(|line| line.path.clone())
        .collect();
    record.files.retain(|line| !is_stranger(&line.path, line.layer));
    strange
}

fn is_ever_placed(path: &str, layer: Layer, spec: &Spec) -> bool {
    let Some((folder, name)) = path.rsplit_once('/') else {
        return false;
    };
    match layer {
        Layer::KubeletConfig => path == KUBELET_CONFIG,
        Layer::Kubeconfig => folder == KUBERNETES_FOLDER && has_end(name, "conf"),
        Layer::Manifest => {
            let manifests = folder.strip_prefix(KUBERNETES_FOLDER) == Some("/manifests");
            let pods = Process::ALL.map(|process| format!("{}.yaml", process.name()));
            manifests && pods.iter().any(|pod| pod == name)
        }
        Layer::Pki => {
            let folder = TreePath::of(folder);
            let described = spec.certificates.iter().any(|certificate| {
                matches!(&certificate.delivery, Delivery::Nodes { folder: own, .. } if *own == folder)
            });
            let end = ["crt", "key", "pub"].iter().any(|end| has_end(name, end));
            // etcd's own lie in a folder below.
            let dir = spec.cluster.certificates_dir.value.tree_path();
            let is_own = folder == *dir || folder == dir.join("etcd");
            end && (described || is_own || is_harmless(&folder))
        }
    }
}

fn has_end(name: &str, end: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| found == end)
}
