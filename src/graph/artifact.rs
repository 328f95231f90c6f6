//! What artifacts there are, and their names: spelled here and read back here, nowhere else.

use std::fmt;
use std::str::FromStr;

use crate::name::{ArtifactName, Label, NameError, NodeName, Server};
use crate::profile::{Home, Input, LEAVES, LeafRow, Process};
use crate::spec::{CaName, Keypair, Root, Setting, Spec};

/// One thing that kpki makes or checks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Artifact {
    /// `ca/kubernetes`, and `ca/kubernetes/2` of a later key pair.
    Ca(CaName, Keypair),
    /// `bundle/kubernetes`
    Bundle(CaName),
    /// `chain/kubernetes`: a brought CA with those above it.
    Chain(CaName),
    /// `serving/kubernetes`: what clients believe of servers where that is more than the bundle.
    Serving(CaName),
    /// `signing/kubernetes`: the certificate of the CA that signs, alone.
    Signing(CaName),
    /// `service-account`, and `service-account/2`.
    ServiceAccount(Keypair),
    /// `bundle/service-account`: several public keys.
    ServiceAccountKeys,
    ClusterRoleBindings,
    KubeletConfig,
    /// `nodes/cp1/apiserver`, or `operator/super-admin` where no node has it: a row's name in the profile.
    Leaf(Option<NodeName>, &'static str),
    /// `nodes/cp1/kubelet.conf`: the file's name in a row of the profile.
    Kubeconfig(Option<NodeName>, &'static str),
    /// `nodes/cp1/manifests/etcd`
    StaticPod(NodeName, Process),
    /// `users/jane`, and what belongs to it.
    User(Label, UserPart),
    /// `certificates/web`
    Certificate(Label),
}

/// What a user has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserPart {
    /// The certificate, whoever signs it.
    Identity,
    Kubeconfig,
    Request,
    /// The CertificateSigningRequest object around the request.
    SigningRequest,
    Bindings,
    Kustomization,
}

impl UserPart {
    pub(super) const ALL: [UserPart; 6] = [
        UserPart::Identity,
        UserPart::Request,
        UserPart::Kubeconfig,
        UserPart::SigningRequest,
        UserPart::Bindings,
        UserPart::Kustomization,
    ];

    /// The last part of its name; the identity has the user's own.
    fn word(self) -> Option<&'static str> {
        Some(match self {
            UserPart::Identity => return None,
            UserPart::Kubeconfig => "kubeconfig",
            UserPart::Request => "request",
            UserPart::SigningRequest => "csr.yaml",
            UserPart::Bindings => "rbac.yaml",
            UserPart::Kustomization => "kustomization.yaml",
        })
    }
}

impl Artifact {
    pub fn name(&self) -> ArtifactName {
        ArtifactName::of(&self.to_string())
    }

    /// The node whose alone it is.
    pub fn node(&self) -> Option<&NodeName> {
        match self {
            Artifact::Leaf(node, _) | Artifact::Kubeconfig(node, _) => node.as_ref(),
            Artifact::StaticPod(node, _) => Some(node),
            _ => None,
        }
    }

    /// The row of the profile that a leaf follows.
    pub fn row(&self) -> Option<&'static LeafRow> {
        match self {
            Artifact::Leaf(_, name) => LEAVES.iter().find(|row| row.name == *name),
            _ => None,
        }
    }

    /// The row of the profile whose certificate a kubeconfig embeds.
    pub fn kubeconfig_row(&self) -> Option<&'static LeafRow> {
        match self {
            Artifact::Kubeconfig(_, file) => LEAVES.iter().find(|row| row.home.file() == *file),
            _ => None,
        }
    }

    /// What is written for the server of a kubeconfig.
    pub fn written_server<'s>(&self, spec: &'s Spec) -> Option<&'s Setting<Server>> {
        match self {
            Artifact::Kubeconfig(..) => {
                let row = self.kubeconfig_row()?;
                let node = self.node().and_then(|name| spec.node(name.as_str()));
                let nearest = node.and_then(|node| node.leaves.get(row.name)?.server.as_ref());
                nearest.or_else(|| spec.components.get(&row.component)?.server.as_ref())
            }
            Artifact::User(name, UserPart::Kubeconfig) => spec.user(name.as_str())?.server.as_ref(),
            _ => None,
        }
    }

    /// The root of trust that it is a key pair of.
    pub fn root(&self) -> Option<(Root, Keypair)> {
        match self {
            Artifact::Ca(ca, keypair) => Some((Root::Ca(*ca), *keypair)),
            Artifact::ServiceAccount(keypair) => Some((Root::ServiceAccount, *keypair)),
            _ => None,
        }
    }

    pub fn of_root(root: Root, keypair: Keypair) -> Artifact {
        match root {
            Root::Ca(ca) => Artifact::Ca(ca, keypair),
            Root::ServiceAccount => Artifact::ServiceAccount(keypair),
        }
    }

    /// What a process on this node must be restarted for.
    pub(super) fn of_input(input: Input, node: &NodeName, spec: &Spec) -> Artifact {
        match input {
            Input::ServiceAccount => Artifact::ServiceAccount(spec.service_account.signer),
            Input::ServiceAccountKeys => Artifact::ServiceAccountKeys,
            Input::Serving(ca) => Artifact::Serving(ca),
            Input::Bundle(ca) => Artifact::Bundle(ca),
            Input::Chain(ca) => Artifact::Chain(ca),
            Input::KubeletConfig => Artifact::KubeletConfig,
            Input::Leaf(name) => Artifact::Leaf(Some(node.clone()), name),
            Input::Kubeconfig(file) => Artifact::Kubeconfig(Some(node.clone()), file),
        }
    }

    /// A leaf or a kubeconfig of Kubernetes' own.
    fn of_component(node: Option<&NodeName>, part: &str) -> Option<Artifact> {
        LEAVES.iter().find_map(|row| match row.home {
            _ if row.name == part => Some(Artifact::Leaf(node.cloned(), row.name)),
            Home::Kubeconfig { file, .. } if file == part => {
                Some(Artifact::Kubeconfig(node.cloned(), file))
            }
            _ => None,
        })
    }

    fn parse(text: &str) -> Option<Artifact> {
        let ca = |text| CaName::ALL.into_iter().find(|ca| ca.as_str() == text);
        let (first, rest) = match text.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (text, None),
        };
        match (first, rest) {
            (SERVICE_ACCOUNT, None) => Some(Artifact::ServiceAccount(Keypair::FIRST)),
            (SERVICE_ACCOUNT, Some(number)) => later(number).map(Artifact::ServiceAccount),
            (KUBELET_CONFIG, None) => Some(Artifact::KubeletConfig),
            ("cluster", Some("cluster-role-bindings")) => Some(Artifact::ClusterRoleBindings),
            ("ca", Some(name)) => match name.split_once('/') {
                None => Some(Artifact::Ca(ca(name)?, Keypair::FIRST)),
                Some((name, number)) => Some(Artifact::Ca(ca(name)?, later(number)?)),
            },
            ("bundle", Some(SERVICE_ACCOUNT)) => Some(Artifact::ServiceAccountKeys),
            ("bundle", Some(name)) => ca(name).map(Artifact::Bundle),
            ("serving", Some(name)) => ca(name).map(Artifact::Serving),
            ("signing", Some(name)) => ca(name).map(Artifact::Signing),
            ("chain", Some(name)) => ca(name).map(Artifact::Chain),
            ("certificates", Some(name)) => name.parse().ok().map(Artifact::Certificate),
            ("operator", Some(part)) => Artifact::of_component(None, part),
            ("nodes", Some(rest)) => {
                let (node, part) = rest.split_once('/')?;
                let node = node.parse::<NodeName>().ok()?;
                match part.strip_prefix("manifests/") {
                    Some(pod) => {
                        let process = Process::ALL.into_iter().find(|one| one.name() == pod)?;
                        Some(Artifact::StaticPod(node, process))
                    }
                    None => Artifact::of_component(Some(&node), part),
                }
            }
            ("users", Some(rest)) => {
                let mut words = rest.splitn(2, '/');
                let (user, word) = (words.next()?.parse().ok()?, words.next());
                let part = UserPart::ALL.into_iter().find(|part| part.word() == word)?;
                Some(Artifact::User(user, part))
            }
            _ => None,
        }
    }
}

/// The first key pair has no number in its name.
fn later(number: &str) -> Option<Keypair> {
    Keypair::parse(number).filter(|keypair| *keypair != Keypair::FIRST)
}

const SERVICE_ACCOUNT: &str = "service-account";
const KUBELET_CONFIG: &str = "kubelet-config";

impl fmt::Display for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Artifact::Ca(ca, Keypair::FIRST) => write!(f, "ca/{ca}"),
            Artifact::Ca(ca, keypair) => write!(f, "ca/{ca}/{keypair}"),
            Artifact::Bundle(ca) => write!(f, "bundle/{ca}"),
            Artifact::Chain(ca) => write!(f, "chain/{ca}"),
            Artifact::Serving(ca) => write!(f, "serving/{ca}"),
            Artifact::Signing(ca) => write!(f, "signing/{ca}"),
            Artifact::ServiceAccount(Keypair::FIRST) => f.write_str(SERVICE_ACCOUNT),
            Artifact::ServiceAccount(keypair) => write!(f, "{SERVICE_ACCOUNT}/{keypair}"),
            Artifact::ServiceAccountKeys => write!(f, "bundle/{SERVICE_ACCOUNT}"),
            Artifact::ClusterRoleBindings => f.write_str("cluster/cluster-role-bindings"),
            Artifact::KubeletConfig => f.write_str(KUBELET_CONFIG),
            Artifact::Leaf(Some(node), part) | Artifact::Kubeconfig(Some(node), part) => {
                write!(f, "nodes/{node}/{part}")
            }
            Artifact::Leaf(None, part) | Artifact::Kubeconfig(None, part) => {
                write!(f, "operator/{part}")
            }
            Artifact::StaticPod(node, process) => {
                write!(f, "nodes/{node}/manifests/{}", process.name())
            }
            Artifact::User(user, part) => match part.word() {
                None => write!(f, "users/{user}"),
                Some(word) => write!(f, "users/{user}/{word}"),
            },
            Artifact::Certificate(name) => write!(f, "certificates/{name}"),
        }
    }
}

/// A lock may name what this kpki does not know: that is no artifact of ours.
impl FromStr for Artifact {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let unknown = || NameError("is not the name of an artifact that this kpki knows".into());
        Artifact::parse(text).ok_or_else(unknown)
    }
}

/// Whose an artifact is, as its name says. The lock's names may be those of another kpki: this much can be
/// said of them all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    Ca(&'a str),
    User(&'a str),
    Certificate(&'a str),
    /// Of Kubernetes' own, on a node or with the operator.
    Component {
        node: Option<&'a str>,
        part: &'a str,
    },
    /// The cluster's: the last part of the name.
    Cluster(&'a str),
}

impl<'a> Scope<'a> {
    pub fn of(name: &'a ArtifactName) -> Scope<'a> {
        let mut segments = name.as_str().split('/');
        match (segments.next(), segments.next(), segments.next()) {
            (Some("users"), Some(name), _) => Scope::User(name),
            (Some("certificates"), Some(name), _) => Scope::Certificate(name),
            (Some("ca"), Some(name), _) => Scope::Ca(name),
            (Some("operator"), Some(part), None) => Scope::Component { node: None, part },
            (Some("nodes"), Some(node), Some(part)) => Scope::Component { node: Some(node), part },
            _ => Scope::Cluster(name.as_str().rsplit('/').next().unwrap_or_default()),
        }
    }

    /// The node, where the artifact is a node's.
    pub fn node(self) -> Option<&'a str> {
        match self {
            Scope::Component { node, .. } => node,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names as the lock has them: none of these may ever change.
    #[test]
    fn names_are_read_as_they_are_spelled() {
        let node: NodeName = "cp1".parse().unwrap();
        let jane: Label = "jane".parse().unwrap();
        for (artifact, name) in [
            (Artifact::Ca(CaName::FrontProxy, Keypair::FIRST), "ca/front-proxy"),
            (Artifact::Ca(CaName::Etcd, Keypair::new(2).unwrap()), "ca/etcd/2"),
            (Artifact::Serving(CaName::Kubernetes), "serving/kubernetes"),
            (Artifact::Signing(CaName::Kubernetes), "signing/kubernetes"),
            (Artifact::ServiceAccount(Keypair::new(12).unwrap()), "service-account/12"),
            (Artifact::ServiceAccountKeys, "bundle/service-account"),
            (Artifact::Bundle(CaName::Etcd), "bundle/etcd"),
            (Artifact::Chain(CaName::Kubernetes), "chain/kubernetes"),
            (Artifact::ServiceAccount(Keypair::FIRST), "service-account"),
            (Artifact::ClusterRoleBindings, "cluster/cluster-role-bindings"),
            (Artifact::KubeletConfig, "kubelet-config"),
            (Artifact::Leaf(Some(node.clone()), "etcd-server"), "nodes/cp1/etcd-server"),
            (Artifact::Leaf(None, "super-admin"), "operator/super-admin"),
            (Artifact::Kubeconfig(Some(node.clone()), "kubelet.conf"), "nodes/cp1/kubelet.conf"),
            (Artifact::Kubeconfig(None, "super-admin.conf"), "operator/super-admin.conf"),
            (Artifact::StaticPod(node, Process::Etcd), "nodes/cp1/manifests/etcd"),
            (Artifact::User(jane.clone(), UserPart::Identity), "users/jane"),
            (Artifact::User(jane.clone(), UserPart::Kubeconfig), "users/jane/kubeconfig"),
            (Artifact::User(jane.clone(), UserPart::Request), "users/jane/request"),
            (Artifact::User(jane.clone(), UserPart::SigningRequest), "users/jane/csr.yaml"),
            (Artifact::User(jane.clone(), UserPart::Bindings), "users/jane/rbac.yaml"),
            (Artifact::User(jane, UserPart::Kustomization), "users/jane/kustomization.yaml"),
            (Artifact::Certificate("request".parse().unwrap()), "certificates/request"),
        ] {
            assert_eq!(artifact.to_string(), name);
            assert_eq!(name.parse(), Ok(artifact));
        }
    }

    #[test]
    fn what_this_kpki_does_not_make_has_a_scope_and_is_no_artifact() {
        for (name, scope) in [
            (
                "nodes/cp1/konnectivity",
                Scope::Component { node: Some("cp1"), part: "konnectivity" },
            ),
            ("nodes/cp1/manifests/dns", Scope::Component { node: Some("cp1"), part: "manifests" }),
            ("operator/auditor", Scope::Component { node: None, part: "auditor" }),
            ("users/jane/token", Scope::User("jane")),
            ("certificates/a/b", Scope::Certificate("a")),
            ("ca/aggregation", Scope::Ca("aggregation")),
            ("cluster/webhook", Scope::Cluster("webhook")),
            ("nodes/cp1", Scope::Cluster("cp1")),
            ("service-account/1", Scope::Cluster("1")),
            ("service-account/02", Scope::Cluster("02")),
            ("ca/etcd/1", Scope::Ca("etcd")),
        ] {
            assert!(name.parse::<Artifact>().is_err(), "{name}");
            assert_eq!(Scope::of(&name.parse().unwrap()), scope);
        }
    }
}
