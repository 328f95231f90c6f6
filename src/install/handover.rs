//! The controller-manager is handed over to a signing file of its own before ca.crt holds two certificates.
//!
//! `--cluster-signing-cert-file` takes one certificate: with two the process exits at each start (k/k
//! pkg/controller/certificates/signer/ca_provider.go), and it may start at any moment, such as when its API
//! server does. kubeadm's layout names ca.crt there. So the signing pair and a manifest that names it come
//! first, then the new process, and only then the rest.
//!
//! That process read ca.crt for `--root-ca-file` as it was, and reads it once: the manifest in the end has
//! another digest than the one in between, so that the kubelet replaces the pod once more.

use super::{Holds, Layer, Reason, Recorded, Wanted, Write};
use crate::facts::{CertificateFacts, certificates_in_pem};
use crate::name::TreePath;
use crate::pod::{DIGEST_ANNOTATION, OnHost, PodFacts, read};
use crate::profile::{Does, FILE_FLAGS, KUBERNETES_FOLDER, Process};
use crate::secret::Secret;
use crate::state::NodeState;

/// What must be in place and in use before everything else.
pub struct Handover {
    /// Holds one certificate.
    pub signing: TreePath,
    /// Will hold several, and holds one now.
    pub bundle: TreePath,
    /// Files of the tree, in this order before everything else.
    pub first: Vec<TreePath>,
    /// What is put in the manifest's place after these, and before all others.
    pub between: Option<Secret>,
    /// The manifest as it is then; `None`: there is none that can be read.
    manifest: Option<PodFacts>,
}

/// Where the kubelet finds the controller-manager's, whoever put it there.
pub fn manager_manifest() -> TreePath {
    TreePath::of(&format!("{KUBERNETES_FOLDER}/manifests/{}.yaml", PROCESS.name()))
}

const PROCESS: Process = Process::ControllerManager;

impl Handover {
    /// `None`: no file that a controller-manager may sign with gets a second certificate.
    pub(super) fn of(
        wanted: &[Wanted],
        writes: &[Write<'_>],
        node: &NodeState,
    ) -> Option<Handover> {
        let grows = |write: &&Write<'_>| {
            let before = node.files.get(&write.file.path).map(|old| certificates(&old.bytes).len());
            before.is_some_and(|count| count < 2) && certificates(&write.file.bytes).len() > 1
        };
        let (bundle, signing) = writes.iter().filter(grows).find_map(|write| {
            let signing = wanted.iter().find(|file| signs_for(file, write.file))?;
            Some((&write.file.path, signing))
        })?;
        let manifest = manager_manifest();
        let is_written = |path: &TreePath| writes.iter().any(|write| write.file.path == *path);
        let own = wanted.iter().find(|file| file.path == manifest).map(|file| &file.bytes);
        let there = node.files.get(&manifest).map(|file| &file.bytes);
        let facts = own.or(there).and_then(|bytes| read(bytes.expose(), PROCESS).ok());
        let first = [Some(&signing.path), signing_key(wanted, signing)].into_iter().flatten();
        let mut handover = Handover {
            signing: signing.path.clone(),
            bundle: bundle.clone(),
            first: first.filter(|path| is_written(path)).cloned().collect(),
            between: None,
            manifest: facts,
        };
        if let (Some(own), Some(there)) = (own, there) {
            handover.between = handover.between(own, there);
        }
        Some(handover)
    }

    /// The tree's manifest with the digest of the node's, where that one signs with what is to change.
    fn between(&self, own: &Secret, there: &Secret) -> Option<Secret> {
        let (new, old) = (self.manifest.as_ref()?, read(there.expose(), PROCESS).ok());
        // One that cannot be read may sign with anything.
        if old.as_ref().is_some_and(|old| !self.signs_with_bundle(old)) {
            return None;
        }
        let own_digest = digest(new)?;
        let others = old.as_ref().and_then(digest).filter(|other| *other != own_digest);
        let others = others.map_or_else(|| "0".repeat(own_digest.len()), str::to_owned);
        let text = std::str::from_utf8(own.expose()).ok()?.replacen(own_digest, &others, 1);
        Some(Secret::new(text.into_bytes()))
    }

    /// The manifest that will be there makes the process sign with the file that gets several certificates:
    /// it is the operator's alone, and kpki does not change it.
    pub fn is_left_to_operator(&self) -> bool {
        self.manifest.as_ref().is_some_and(|facts| self.signs_with_bundle(facts))
    }

    fn signs_with_bundle(&self, facts: &PodFacts) -> bool {
        signing_flags().any(|flag| facts.values(flag).any(|file| self.is_bundle(file)))
    }

    /// What is there in between, as the record knows it.
    pub(super) fn recorded(&self) -> Option<Recorded> {
        let print = Holds::of(self.between.as_ref()?).fingerprint()?;
        Some(Recorded { path: manager_manifest(), layer: Layer::Manifest, print })
    }

    /// Whether a process that was started so signs with the file that gets several certificates.
    pub fn is_old<'w>(&self, command_line: impl IntoIterator<Item = &'w str>) -> bool {
        let mut words = command_line.into_iter().peekable();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--") else { continue };
            let (name, joined) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (flag, None),
            };
            let name = name.replace('_', "-");
            if signing_flags().any(|flag| flag == name)
                && joined.or_else(|| words.peek().copied()).is_some_and(|file| self.is_bundle(file))
            {
                return true;
            }
        }
        false
    }

    /// A path as the process sees it.
    fn is_bundle(&self, path: &str) -> bool {
        let host = self.manifest.as_ref().map(|facts| facts.on_host(path));
        let on_host = match &host {
            Some(OnHost::At(path)) => path,
            // Not in a pod, or in one that cannot be read: it sees what lies on the node.
            Some(OnHost::Elsewhere | OnHost::Hidden) | None => path,
        };
        on_host.strip_prefix('/') == Some(self.bundle.as_str())
    }
}

/// The certificate and the key that the controller-manager signs with, where both change: a start between the
/// two finds a pair that does not fit.
pub(super) fn exchanged_pair(
    wanted: &[Wanted],
    writes: &[Write<'_>],
    node: &NodeState,
) -> Option<[TreePath; 2]> {
    let manifest = manager_manifest();
    let own = wanted.iter().find(|file| file.path == manifest).map(|file| &file.bytes);
    let there = node.files.get(&manifest).map(|file| &file.bytes);
    let facts = read(own.or(there)?.expose(), PROCESS).ok()?;
    let changed = |flag: &str| {
        let path = match facts.on_host(facts.values(flag).last()?) {
            OnHost::At(path) => path,
            OnHost::Elsewhere | OnHost::Hidden => return None,
        };
        let is_it = |write: &&Write<'_>| Some(write.file.path.as_str()) == path.strip_prefix('/');
        let write = writes.iter().find(is_it)?;
        matches!(write.reason, Reason::Outdated | Reason::Foreign).then_some(write.file)
    };
    let (certificate, key) = (changed(CERTIFICATE)?, changed(KEY)?);
    let old = node.files.get(&key.path).map(|old| Holds::of(&old.bytes));
    let is_same_key = matches!(
        (old, key.holds),
        (Some(Holds::Key { key: old, .. }), Holds::Key { key: new, .. }) if old == new
    );
    (!is_same_key).then(|| [certificate.path.clone(), key.path.clone()])
}

const CERTIFICATE: &str = "cluster-signing-cert-file";
const KEY: &str = "cluster-signing-key-file";

fn digest(facts: &PodFacts) -> Option<&str> {
    let mut annotations = facts.annotations.iter();
    annotations.find(|(key, _)| key == DIGEST_ANNOTATION).map(|(_, value)| value.as_str())
}

/// The flags of files that hold the one certificate to sign with.
fn signing_flags() -> impl Iterator<Item = &'static str> {
    FILE_FLAGS.iter().filter(|flag| flag.process == PROCESS && flag.does == Does::Reads).filter_map(
        |flag| {
            (flag.name.starts_with("cluster-signing-") && flag.name.ends_with("-cert-file"))
                .then_some(flag.name)
        },
    )
}

/// Whether a file beside a bundle is the certificate that signs, alone: in a bundle that one stands first.
fn signs_for(file: &Wanted, bundle: &Wanted) -> bool {
    if file.secret || folder(&file.path) != folder(&bundle.path) {
        return false;
    }
    let [one] = &certificates(&file.bytes)[..] else { return false };
    certificates(&bundle.bytes).first() == Some(one)
}

/// The key of a signing file, where it is in the same folder.
fn signing_key<'w>(wanted: &'w [Wanted], signing: &Wanted) -> Option<&'w TreePath> {
    let certificate = certificates(&signing.bytes).pop()?;
    let key = CertificateFacts::from_der(&certificate).ok()?.public_key.digest();
    let is_its = |file: &&Wanted| {
        folder(&file.path) == folder(&signing.path)
            && matches!(file.holds, Holds::Key { key: own, .. } if own == key)
    };
    wanted.iter().find(is_its).map(|file| &file.path)
}

fn folder(path: &TreePath) -> Option<&str> {
    path.as_str().rsplit_once('/').map(|(folder, _)| folder)
}

/// In DER; of what holds none, or cannot be read, none.
fn certificates(bytes: &Secret) -> Vec<Vec<u8>> {
    certificates_in_pem(bytes.expose()).unwrap_or_default()
}
