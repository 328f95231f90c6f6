//! What each reader of each Kubernetes folder says of what it is shown.

use super::client::{Client, Given};
use super::holds::Certificate;
use super::judge::{Anchors, Answer, Judge};
use super::kubernetes_folder::{KubernetesFolder, Named};
use super::readers::{READERS, ReaderRow};
use super::tree::{Tree, Where};
use crate::pod::Process;
use crate::profile::{KUBELET_SERVER, LEAVES, LeafRow};
use crate::time::Timestamp;

/// A reader and the file that it loads its CAs from.
#[derive(Clone)]
pub(super) struct Loaded<'a> {
    pub reader: &'static ReaderRow,
    pub path: String,
    pub anchors: Anchors<'a>,
    /// The position in the folder's flags of the one that names the file.
    pub flag: Option<usize>,
}

pub(super) struct Verdict<'a> {
    /// Its position.
    pub folder: usize,
    pub loaded: Loaded<'a>,
    /// Of the file or kubeconfig that shows it.
    pub path: String,
    pub leaf: &'a Certificate,
    pub answer: Answer<'a>,
    /// Where a flag names other CAs than kubeadm's place has: what those would say.
    pub otherwise: Option<Answer<'a>>,
}

pub(super) fn verdicts<'a>(
    tree: &'a Tree,
    folders: &[KubernetesFolder<'a>],
    clients: &[Client<'a>],
    now: Timestamp,
) -> Vec<Verdict<'a>> {
    let mut judge = Judge::new(now);
    let mut verdicts = Vec::new();
    for (position, folder) in folders.iter().enumerate() {
        for reader in READERS {
            let Some(loaded) = Loaded::of(tree, folder, reader) else { continue };
            let usual = loaded.flag.and_then(|_| usual(tree, folder, reader));
            for (name, way) in reader.meets {
                let Some(row) = LEAVES.iter().find(|row| row.name == *name) else { continue };
                for (path, shown) in shown(tree, folder, clients, row) {
                    let Some(leaf) = shown.first().copied() else { continue };
                    if is_own_business(row, leaf, &loaded) {
                        continue;
                    }
                    let answer = judge.ask(&shown, &loaded.anchors, *way, None);
                    let otherwise = (!answer.is_taken())
                        .then(|| Some(judge.ask(&shown, usual.as_ref()?, *way, None)))
                        .flatten();
                    let loaded = loaded.clone();
                    let folder = position;
                    verdicts.push(Verdict { folder, loaded, path, leaf, answer, otherwise });
                }
            }
        }
    }
    verdicts
}

/// The kubelet signs its serving certificate itself where nobody is told to check it.
fn is_own_business(row: &LeafRow, leaf: &Certificate, loaded: &Loaded<'_>) -> bool {
    row.name == KUBELET_SERVER.name && loaded.flag.is_none() && leaf.facts.is_self_issued()
}

/// What is shown: each with the path of the file or kubeconfig.
fn shown<'a>(
    tree: &'a Tree,
    folder: &KubernetesFolder<'a>,
    clients: &[Client<'a>],
    row: &LeafRow,
) -> Vec<(String, Vec<&'a Certificate>)> {
    let mut all = Vec::new();
    for (path, holds) in folder.files(row.home.file()) {
        let certificates = match &holds.kubeconfig {
            None => holds.certificates.as_slice(),
            Some(_) => match Client::at(tree, clients, path).map(|client| &client.certificates) {
                // Shown already, by its own place.
                Some(Given::Here(file, _)) if folder.has(row.home.file(), file) => continue,
                Some(given) => given.here().unwrap_or_default(),
                None => continue,
            },
        };
        if !certificates.is_empty() {
            all.push((path.to_owned(), certificates.iter().collect()));
        }
    }
    all
}

impl<'a> Loaded<'a> {
    /// `None`: nothing is known of what it loads.
    pub fn of(
        tree: &'a Tree,
        folder: &KubernetesFolder<'a>,
        reader: &'static ReaderRow,
    ) -> Option<Self> {
        // The last value counts, as for the processes.
        let is_it = |named: &Named<'_>| reader.flag == Some((named.process, &named.flag.name));
        let flag = folder.flags.iter().rposition(is_it);
        let path = match flag.and_then(|flag| folder.flags.get(flag)) {
            Some(Named { file: Where::At(path), .. }) => path.clone(),
            Some(_) => return None,
            None if is_told(folder, reader) => return None,
            None => folder.bundle(reader)?,
        };
        let anchors = load(tree, &path)?;
        Some(Loaded { reader, path, anchors, flag })
    }
}

/// Whether the flag's absence says that nobody is checked.
fn is_told(folder: &KubernetesFolder<'_>, reader: &ReaderRow) -> bool {
    reader.flag == Some((Process::Apiserver, "kubelet-certificate-authority"))
        && folder.pods.iter().any(|pod| pod.process == Process::Apiserver)
}

/// What lies in the reader's own place.
fn usual<'a>(
    tree: &'a Tree,
    folder: &KubernetesFolder<'a>,
    reader: &ReaderRow,
) -> Option<Anchors<'a>> {
    load(tree, &folder.bundle(reader)?)
}

fn load<'a>(tree: &'a Tree, path: &str) -> Option<Anchors<'a>> {
    let certificates = &tree.file(path)?.holds.certificates;
    (!certificates.is_empty()).then(|| Anchors::new(certificates.iter().collect()))
}
