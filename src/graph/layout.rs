//! Where the files of artifacts lie below `out/`, read in both directions: the graph places files by it, and
//! what a lock still names when nothing describes it any more is found by it.

use super::FilePart;
use super::artifact::{Artifact, UserPart};
use crate::name::{CertificatesDir, Label, NodeName, TreePath};
use crate::profile::{
    AUTHORITY_FILES, AuthorityFile, Home, KUBELET_CONFIG, KUBERNETES_FOLDER, LEAVES, Process,
    SERVICE_ACCOUNT_FILES, below_root, certificates_dir_of, own_files,
};
use crate::spec::{Keypair, Spec};

/// A file of an artifact in its first place; copies on nodes come besides.
pub(super) struct Master<'a> {
    pub content: FilePart,
    /// In whose tree it lies.
    pub node: Option<&'a NodeName>,
    pub path: TreePath,
}

impl Master<'_> {
    pub fn name(&self) -> &str {
        self.path.as_str().rsplit('/').next().unwrap_or_default()
    }
}

/// A file in the tree of a node.
pub(super) fn in_tree(node: &NodeName, file: &str) -> TreePath {
    TreePath::of(&format!("nodes/{node}/{file}"))
}

/// A file of the tables on a node.
pub(super) fn on_node(spec: &Spec, node: &NodeName, file: &str) -> TreePath {
    in_tree(node, &below_root(&spec.cluster.certificates_dir.value, file))
}

/// The node of a path in a node's tree, and the path in that tree.
pub fn tree_of(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("nodes/")?.split_once('/')
}

/// `NAME.crt` and `NAME.key`
fn pair(stem: &str) -> [(FilePart, String); 2] {
    [(FilePart::Certificate, format!("{stem}.crt")), (FilePart::PrivateKey, format!("{stem}.key"))]
}

/// The files of a later key pair lie beside those of the first one.
fn numbered(stem: &str, keypair: Keypair) -> String {
    if keypair == Keypair::FIRST { stem.to_owned() } else { format!("{stem}-{keypair}") }
}

/// The certificate or the private key of a pair of this name.
fn stem(file: &str) -> Option<(&str, FilePart)> {
    let certificate = file.strip_suffix(".crt").map(|stem| (stem, FilePart::Certificate));
    certificate.or_else(|| file.strip_suffix(".key").map(|stem| (stem, FilePart::PrivateKey)))
}

/// Where a root of trust lies first of all; copies on nodes come besides.
pub fn first_places(root: &Artifact) -> Vec<(FilePart, TreePath)> {
    // It is on no node, so any of their folders will do.
    let files = masters(root, &CertificatesDir::kubeadms()).into_iter();
    files.map(|master| (master.content, master.path)).collect()
}

/// An identity's private key is among them, whoever holds it.
pub(super) fn masters<'a>(artifact: &'a Artifact, dir: &CertificatesDir) -> Vec<Master<'a>> {
    let one = |content, file: String| vec![(content, file)];
    let mut tree = None;
    let files: Vec<(FilePart, String)> = match artifact {
        Artifact::Ca(ca, keypair) => pair(&numbered(&format!("ca/{ca}"), *keypair)).into(),
        Artifact::ServiceAccount(keypair) => {
            let stem = numbered("ca/sa", *keypair);
            vec![
                (FilePart::PublicKey, format!("{stem}.pub")),
                (FilePart::PrivateKey, format!("{stem}.key")),
            ]
        }
        Artifact::ClusterRoleBindings => {
            one(FilePart::Rendered, "cluster/cluster-role-bindings.yaml".to_owned())
        }
        Artifact::Bundle(_)
        | Artifact::Chain(_)
        | Artifact::Serving(_)
        | Artifact::Signing(_)
        | Artifact::ServiceAccountKeys
        | Artifact::KubeletConfig => Vec::new(),
        Artifact::Leaf(node, _) => match (artifact.row().map(|row| row.home), node) {
            (Some(Home::Pair { certificate, key }), Some(node)) => {
                tree = Some(node);
                let file = |file| format!("nodes/{node}/{}", below_root(dir, file));
                vec![(FilePart::Certificate, file(certificate)), (FilePart::PrivateKey, file(key))]
            }
            // The copy of a certificate that only a kubeconfig embeds.
            (Some(Home::Kubeconfig { .. }), _) => {
                one(FilePart::Certificate, format!("identities/{artifact}.crt"))
            }
            _ => Vec::new(),
        },
        Artifact::Kubeconfig(None, file) => one(FilePart::Kubeconfig, format!("ca/{file}")),
        Artifact::Kubeconfig(Some(node), file) => {
            tree = Some(node);
            one(FilePart::Kubeconfig, format!("nodes/{node}/{KUBERNETES_FOLDER}/{file}"))
        }
        Artifact::StaticPod(node, process) => {
            tree = Some(node);
            let name = process.name();
            let file = format!("nodes/{node}/{KUBERNETES_FOLDER}/manifests/{name}.yaml");
            one(FilePart::Rendered, file)
        }
        Artifact::User(user, part) => {
            let folder = format!("users/{user}");
            match part {
                UserPart::Identity => pair(&format!("{folder}/{user}")).into(),
                // In a folder of its own: what a GitOps controller syncs is beside it.
                UserPart::Request => vec![
                    (FilePart::Request, format!("{folder}/request/{user}.csr")),
                    (FilePart::PrivateKey, format!("{folder}/{user}.key")),
                ],
                UserPart::SigningRequest => {
                    one(FilePart::Rendered, format!("{folder}/request/csr.yaml"))
                }
                UserPart::Kubeconfig => {
                    one(FilePart::Kubeconfig, format!("{folder}/{user}.kubeconfig"))
                }
                UserPart::Bindings => one(FilePart::Rendered, format!("{folder}/rbac.yaml")),
                UserPart::Kustomization => {
                    one(FilePart::Rendered, format!("{folder}/kustomization.yaml"))
                }
            }
        }
        Artifact::Certificate(name) => pair(&format!("certificates/{name}/{name}")).into(),
    };
    let master =
        |(content, file): (_, String)| Master { content, node: tree, path: TreePath::of(&file) };
    files.into_iter().map(master).collect()
}

/// One artifact that could have been placed at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub artifact: Artifact,
    pub content: FilePart,
    /// Of the description that places it there.
    certificates_dir: CertificatesDir,
}

impl Origin {
    /// Whose private key the file holds, where it holds one.
    pub fn identity(&self) -> Artifact {
        match &self.artifact {
            Artifact::User(user, UserPart::Kubeconfig) => {
                Artifact::User(user.clone(), UserPart::Identity)
            }
            Artifact::Kubeconfig(node, file) => {
                let of = |home| matches!(home, Home::Kubeconfig { file: own, .. } if own == *file);
                let row = LEAVES.iter().find(|row| of(row.home));
                row.map_or_else(
                    || self.artifact.clone(),
                    |row| Artifact::Leaf(node.clone(), row.name),
                )
            }
            artifact => artifact.clone(),
        }
    }

    /// Where its certificate lies that only a kubeconfig embeds, or that a user has beside the key.
    pub fn public_part(&self) -> Option<TreePath> {
        let identity = match self.identity() {
            Artifact::User(user, _) => Artifact::User(user, UserPart::Identity),
            leaf @ Artifact::Leaf(..) => leaf,
            _ => return None,
        };
        let mut files = masters(&identity, &self.certificates_dir).into_iter();
        files.find(|file| file.content == FilePart::Certificate).map(|file| file.path)
    }
}

/// Every artifact that some description places at this path below `out/`; of a sealed file the name in the
/// clear. The anchors' own files are never anybody's orphans, and have none.
pub fn origins(path: &str) -> Vec<Origin> {
    let Some((folder, rest)) = path.split_once('/') else {
        return Vec::new();
    };
    let first = rest.split('/').next().unwrap_or(rest);
    let mut found = Vec::new();
    let mut certificates_dir = CertificatesDir::kubeadms();
    let possible = match (folder, first.parse::<Label>()) {
        ("nodes", _) => match (first.parse(), tree_of(path)) {
            (Ok(node), Some((_, file))) => {
                let own = in_tables(file);
                if let Some((_, dir)) = &own {
                    certificates_dir.clone_from(dir);
                }
                let own = own.map(|(own, _)| own);
                found = copies(file, own, &certificates_dir);
                own.map_or_else(Vec::new, |own| of_node(&node, own))
            }
            _ => Vec::new(),
        },
        ("identities", _) => {
            rest.strip_suffix(".crt").and_then(|name| name.parse().ok()).into_iter().collect()
        }
        ("ca", _) => of_components(None, rest),
        ("cluster", _) => vec![Artifact::ClusterRoleBindings],
        ("users", Ok(user)) => UserPart::ALL.map(|part| Artifact::User(user.clone(), part)).into(),
        ("certificates", Ok(name)) => vec![Artifact::Certificate(name)],
        _ => Vec::new(),
    };
    for artifact in possible {
        let files = masters(&artifact, &certificates_dir).into_iter();
        let here = files.filter(|file| file.path.as_str() == path).map(|file| file.content);
        found.extend(here.map(|content| Origin {
            artifact: artifact.clone(),
            content,
            certificates_dir: certificates_dir.clone(),
        }));
    }
    found
}

/// Artifacts that could have their first place in a node's tree at a file of the tables.
fn of_node(node: &NodeName, file: &str) -> Vec<Artifact> {
    if file.starts_with("manifests/") {
        return Process::ALL.map(|process| Artifact::StaticPod(node.clone(), process)).into();
    }
    of_components(Some(node), file)
}

fn of_components(node: Option<&NodeName>, file: &str) -> Vec<Artifact> {
    let possible = LEAVES.iter().filter_map(|row| match row.home {
        Home::Pair { certificate, key } if file == certificate || file == key => {
            Some(Artifact::Leaf(node.cloned(), row.name))
        }
        Home::Kubeconfig { file: own, .. } if file == own => {
            Some(Artifact::Kubeconfig(node.cloned(), own))
        }
        _ => None,
    });
    possible.collect()
}

/// What nodes share, at a path in any node's tree.
fn copies(file: &str, own: Option<&str>, dir: &CertificatesDir) -> Vec<Origin> {
    let mut found = Vec::new();
    let mut add = |artifact, content| {
        found.push(Origin { artifact, content, certificates_dir: dir.clone() });
    };
    if file == KUBELET_CONFIG {
        add(Artifact::KubeletConfig, FilePart::Rendered);
    }
    // A certificate of the description's own, in whichever folder.
    let name = file.rsplit('/').next().unwrap_or(file);
    if let Some((stem, content)) = stem(name)
        && let Ok(name) = stem.parse()
    {
        add(Artifact::Certificate(name), content);
    }
    let Some(file) = own else {
        return found;
    };
    for row in AUTHORITY_FILES.iter().filter(|row| row.path == file) {
        match row.file {
            AuthorityFile::Bundle => add(Artifact::Bundle(row.ca), FilePart::Rendered),
            AuthorityFile::Chain => {
                add(Artifact::Chain(row.ca), FilePart::Rendered);
                add(Artifact::Serving(row.ca), FilePart::Rendered);
            }
            AuthorityFile::Signing => add(Artifact::Signing(row.ca), FilePart::Rendered),
            AuthorityFile::PrivateKey => {
                add(Artifact::Ca(row.ca, Keypair::FIRST), FilePart::PrivateKey);
            }
        }
    }
    let (private, public) = SERVICE_ACCOUNT_FILES;
    if file == private {
        add(Artifact::ServiceAccount(Keypair::FIRST), FilePart::PrivateKey);
    } else if file == public {
        add(Artifact::ServiceAccount(Keypair::FIRST), FilePart::PublicKey);
        add(Artifact::ServiceAccountKeys, FilePart::PublicKey);
    }
    found
}

/// A path below a node's root as the tables name it, and the folder of certificates that it speaks of: any
/// one may have been described before. Of `X/etcd/ca.crt` that is X, since none ends in `etcd`.
fn in_tables(file: &str) -> Option<(&str, CertificatesDir)> {
    let mut named = own_files().filter_map(|own| Some((own, certificates_dir_of(file, own)?)));
    named.next().or_else(|| {
        let rest = file.strip_prefix(KUBERNETES_FOLDER)?.strip_prefix('/')?;
        Some((rest, CertificatesDir::kubeadms()))
    })
}
