//! How to tell the machines of other distributions and guides, and what kpki would need to take one in.

use super::{Look, Machine};

/// A way of laying out a machine that is not kubeadm's.
#[derive(Debug, PartialEq, Eq)]
pub struct MachineLayout {
    /// Reads after "this is": `a k3s server`.
    pub name: &'static str,
    /// Any of these is there, from the root.
    pub signs: &'static [&'static str],
    /// What of it stands where kpki's descriptions have no word for it.
    pub missing: &'static str,
}

/// The first that fits counts: those that stand on another's files come before it.
pub const LAYOUTS: &[MachineLayout] = &[
    MachineLayout {
        name: "an RKE2 server",
        signs: &["var/lib/rancher/rke2/server/tls"],
        missing: "a CA of servers beside the CA of clients, and certificates that the server renews itself",
    },
    MachineLayout {
        name: "an RKE2 agent",
        signs: &["var/lib/rancher/rke2/agent/client-kubelet.crt"],
        missing: "certificates that the server hands out at each start",
    },
    MachineLayout {
        name: "a k3s server",
        signs: &["var/lib/rancher/k3s/server/tls"],
        missing: "a CA of servers beside the CA of clients, processes without manifests, and certificates \
                  that the server renews itself",
    },
    MachineLayout {
        name: "a k3s agent",
        signs: &["var/lib/rancher/k3s/agent/client-kubelet.crt"],
        missing: "certificates that the server hands out at each start",
    },
    MachineLayout {
        name: "a k0s controller",
        signs: &["var/lib/k0s/pki"],
        missing: "processes without manifests, and other paths than /etc/kubernetes",
    },
    MachineLayout {
        name: "a Talos machine",
        signs: &["system/secrets/kubernetes", "system/state/config.yaml"],
        missing: "secrets that come from the machine's configuration and lie on no disk",
    },
    MachineLayout {
        name: "a kops machine",
        signs: &["srv/kubernetes"],
        missing: "keysets in an object store, from which nodeup writes all files anew",
    },
    MachineLayout {
        name: "a MicroK8s machine",
        signs: &["var/snap/microk8s/current"],
        missing: "processes without manifests, and other paths than /etc/kubernetes",
    },
    MachineLayout {
        name: "a minikube machine",
        signs: &["var/lib/minikube/certs"],
        missing: "certificates in /var/lib/minikube/certs, which minikube writes anew at each start",
    },
    MachineLayout {
        name: "a node of RKE",
        signs: &["etc/kubernetes/ssl/kube-ca.pem"],
        missing: "processes without manifests, and one certificate for all kubelets",
    },
    MachineLayout {
        name: "a node of Typhoon",
        signs: &["etc/kubernetes/pki/aggregation-ca.crt"],
        missing: "one certificate that the API server shows to everybody, and etcd outside of a manifest",
    },
    MachineLayout {
        name: "a machine set up by hand (\"Kubernetes the hard way\")",
        signs: &[
            "var/lib/kubernetes/kube-api-server.crt",
            "var/lib/kubernetes/kubernetes.pem",
            "var/lib/kubernetes/kube-apiserver.pem",
            "var/lib/kubernetes/ca.crt",
            "var/lib/kubernetes/ca.pem",
        ],
        missing: "processes without manifests, and one certificate for several jobs",
    },
];

/// The layout of a machine that is not kubeadm's.
pub fn layout_of(machine: &Machine) -> Option<&'static MachineLayout> {
    let is_there = |sign: &str| match machine.look(sign) {
        Look::Absent => false,
        // In a folder that a link leads to, and that is here, it is not.
        Look::LeadsAway { link, .. } if link != sign => {
            !matches!(machine.look(link), Look::Folder(_))
        }
        _ => true,
    };
    LAYOUTS.iter().find(|layout| layout.signs.iter().any(|sign| is_there(sign)))
}
