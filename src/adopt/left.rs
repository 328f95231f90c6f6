//! What on the nodes is not taken over, and why: it stays as it is.

use super::node::Node;
use crate::graph::Graph;
use crate::name::NodeName;
use crate::profile::KUBERNETES_FOLDER;

/// One file that stays the operator's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    pub node: NodeName,
    /// Below the node's root.
    pub path: String,
    pub why: &'static str,
}

/// How a name below Kubernetes' folder begins or ends, and what such a file is.
const KINDS: &[(Part, &str)] = &[
    (Part::Begins("manifests/"), "a static pod of the operator's own"),
    (Part::Begins("tmp/"), "a copy that kubeadm left behind: it may hold keys"),
    (Part::Is("super-admin.conf"), "on a second node: one is kpki's, this one stays"),
    (Part::Is("bootstrap-kubelet.conf"), "for the kubelet's first start"),
    (Part::Is("kubelet.conf"), "of a kubelet that this cluster does not have"),
    (Part::Ends(".bak"), "a copy: it may hold keys"),
    (Part::Ends(".old"), "a copy: it may hold keys"),
    (Part::Ends(".key"), "a private key that nothing described uses"),
    (Part::Ends(".crt"), "a certificate that nothing described uses"),
    (Part::Ends(".conf"), "a kubeconfig of the operator's own"),
];

enum Part {
    Is(&'static str),
    Begins(&'static str),
    Ends(&'static str),
}

impl Part {
    fn fits(&self, path: &str) -> bool {
        match self {
            Part::Is(text) => path == *text,
            Part::Begins(text) => path.starts_with(text),
            Part::Ends(text) => path.ends_with(text),
        }
    }
}

/// Every file of the nodes that the graph places nowhere.
pub fn left(graph: &Graph, nodes: &[Node<'_>]) -> Vec<Left> {
    let mut all = Vec::new();
    for node in nodes {
        for (path, _) in node.machine.files() {
            if graph.is_placed(&format!("nodes/{}/{path}", node.name)) {
                continue;
            }
            all.push(Left { node: node.name.clone(), path: path.to_owned(), why: why(path) });
        }
    }
    all
}

fn why(path: &str) -> &'static str {
    let own = path.strip_prefix(KUBERNETES_FOLDER).and_then(|rest| rest.strip_prefix('/'));
    let Some(own) = own else {
        return match path {
            path if path.starts_with("var/lib/kubelet/pki/") => {
                "the kubelet's own, which it renews"
            }
            path if path.starts_with("var/lib/kubelet/") => {
                "the kubelet's configuration, which kubeadm writes"
            }
            path if path.starts_with("etc/kubernetes") => "a copy: it may hold keys",
            path if path.ends_with(".kube/config") => "a person's kubeconfig: it is not renewed",
            _ => "not kpki's",
        };
    };
    let kind = KINDS.iter().find(|(part, _)| part.fits(own));
    kind.map_or("the operator's own", |(_, why)| why)
}
