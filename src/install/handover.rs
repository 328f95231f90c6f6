//! The controller-manager is handed over to a signing file of its own before ca.crt holds two certificates.
//!
//! `--cluster-signing-cert-file` takes one certificate: with two the process exits at each start (k/k
//! pkg/controller/certificates/signer/ca_provider.go), and it may start at any moment, such as when its API
//! server does. kubeadm's layout names ca.crt there. So the signing pair and a manifest that names it come
//! first, then the new process, and only then the rest.
//!
//! That process read ca.crt for `--root-ca-file` as it was, and reads it once: the manifest in the end has
//! another digest than the one in between, so that the kubelet replaces the pod once more.

use std::collections::BTreeSet;

use super::still_read::named;
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
    /// Put in place after these, until what the tree has takes their places.
    pub between: Vec<Between>,
    /// The manifest that is there then; `None`: there is none that can be read.
    manifest: Option<PodFacts>,
    /// There is one, the operator's alone, that cannot be read.
    is_unread: bool,
}

pub struct Between {
    pub path: TreePath,
    pub bytes: Secret,
    layer: Layer,
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
        let own = wanted.iter().find(|file| file.path == manifest).map(|file| &file.bytes);
        let there = node.files.get(&manifest).map(|file| &file.bytes);
        if own.is_some() && there.is_none() {
            // The kubelet has nothing to start it by, before all is in place.
            return None;
        }
        let facts = |bytes: &Secret| read(bytes.expose(), PROCESS).ok();
        let (new, old) = (own.or(there).and_then(facts), there.and_then(facts));
        if let (Some(new), Some(old)) = (&new, &old)
            && [new, old].iter().all(|facts| signing_files(facts).next().is_none())
        {
            return None;
        }
        let key = signing_key(wanted, signing);
        let exchanges = key.is_some_and(|key| {
            writes.iter().any(|write| write.file.path == *key && write.reason != Reason::New)
        });
        let named: BTreeSet<String> = new.iter().flat_map(named).collect();
        let is_first = |write: &&Write<'_>| {
            let path = &write.file.path;
            let signs = *path == signing.path || key == Some(path);
            let is_named = write.reason == Reason::New && named.contains(&format!("/{path}"));
            *path != manifest && if signs { !exchanges } else { is_named }
        };
        let mut between = Vec::new();
        if exchanges && let Some(old) = node.files.get(bundle) {
            // With the key that is there still: both change together when nobody signs with ca.crt any more.
            let bytes = old.bytes.clone();
            between.push(Between { path: signing.path.clone(), bytes, layer: Layer::Pki });
        }
        if let (Some(own), Some(new)) = (own, &new)
            && old.as_ref().is_none_or(|old| signs_with(old, bundle))
            && let Some(bytes) = with_another_digest(own, new, old.as_ref())
        {
            between.push(Between { path: manifest.clone(), bytes, layer: Layer::Manifest });
        }
        Some(Handover {
            signing: signing.path.clone(),
            bundle: bundle.clone(),
            first: writes.iter().filter(is_first).map(|write| write.file.path.clone()).collect(),
            between,
            is_unread: own.is_none() && there.is_some() && new.is_none(),
            manifest: new,
        })
    }

    /// The manifest that will be there makes the process sign with the file that gets several certificates,
    /// or cannot be read: it is the operator's alone, and kpki does not change it.
    pub fn is_left_to_operator(&self) -> bool {
        self.is_unread
            || self.manifest.as_ref().is_some_and(|facts| signs_with(facts, &self.bundle))
    }

    /// The kubelet keeps a process running.
    pub fn expects_process(&self) -> bool {
        self.manifest.is_some()
    }

    /// What is there in between, as the record knows it.
    pub(super) fn recorded(&self) -> impl Iterator<Item = Recorded> {
        self.between.iter().filter_map(|between| {
            let print = Holds::of(&between.bytes).fingerprint()?;
            Some(Recorded { path: between.path.clone(), layer: between.layer, print })
        })
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
        let path =
            self.manifest.as_ref().map_or_else(|| path.to_owned(), |facts| on_host(facts, path));
        path.strip_prefix('/') == Some(self.bundle.as_str())
    }
}

fn signs_with(facts: &PodFacts, bundle: &TreePath) -> bool {
    signing_files(facts).any(|file| on_host(facts, file).strip_prefix('/') == Some(bundle.as_str()))
}

fn signing_files(facts: &PodFacts) -> impl Iterator<Item = &str> {
    signing_flags().flat_map(|flag| facts.values(flag))
}

/// What no mount shows is taken for what lies there on the node.
fn on_host(facts: &PodFacts, path: &str) -> String {
    match facts.on_host(path) {
        OnHost::At(path) => path,
        OnHost::Elsewhere | OnHost::Hidden => path.to_owned(),
    }
}

/// The tree's manifest with the digest that the node's has.
fn with_another_digest(own: &Secret, new: &PodFacts, old: Option<&PodFacts>) -> Option<Secret> {
    let digest = digest_of(new)?;
    // Put into a text as it is, so nothing but what kpki itself writes there.
    let is_one = |other: &&str| {
        *other != digest
            && other.len() == digest.len()
            && other.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let other = old.and_then(digest_of).filter(is_one);
    let other = other.map_or_else(|| "0".repeat(digest.len()), str::to_owned);
    let text = std::str::from_utf8(own.expose()).ok()?.replacen(digest, &other, 1);
    Some(Secret::new(text.into_bytes()))
}

/// The certificate and the key that the controller-manager signs with, where both change: a start between the
/// two finds a pair that does not fit.
pub(super) fn exchanged_pair(
    wanted: &[Wanted],
    writes: &[Write<'_>],
    node: &NodeState,
    handover: Option<&Handover>,
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
        let mut between = handover.iter().flat_map(|handover| &handover.between);
        let was_there = between.any(|between| between.path == write.file.path)
            || matches!(write.reason, Reason::Outdated | Reason::Foreign);
        was_there.then_some(write.file)
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

fn digest_of(facts: &PodFacts) -> Option<&str> {
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
