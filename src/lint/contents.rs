//! Whether a file holds what it is loaded for: by its place, by the flag or the kubeconfig that names it.

use std::collections::BTreeSet;

use super::finding::Findings;
use super::holds::{Form, Holds};
use super::kubernetes_folder::KubernetesFolder;
use super::places::{is_place, pki_file_at};
use super::rules::{KUBECONFIG_MISSING_FILE, UNREADABLE_KUBECONFIG, WRONG_CONTENT};
use super::tree::{Tree, Where};
use super::world::World;
use crate::facts::plaintext_in;
use crate::profile::{Content, PkiFile};
use crate::visible::printable;

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    let mut loads = Loads { tree: world.tree, findings, done: BTreeSet::new() };
    for path in world.tree.files.keys() {
        if let Some(wanted) = pki_file_at(path).or_else(|| by_end(path)) {
            loads.judge(path, wanted);
        }
    }
    for path in world.folders.iter().flat_map(KubernetesFolder::certificates) {
        loads.judge(&path, PkiFile::Certificate);
    }
    for named in world.folders.iter().flat_map(|folder| &folder.flags) {
        if let (Where::At(path), Content::Pki(Some(wanted))) = (&named.file, named.holds) {
            loads.judge(path, wanted);
        }
    }
    for client in &world.clients {
        for named in &client.files {
            if let (Where::At(path), Some(wanted)) = (&named.file, named.holds) {
                loads.judge(path, wanted);
            }
        }
    }
    for client in &world.clients {
        for named in &client.files {
            if let Where::Missing(_) = named.file {
                let detail = format!("{}: {}", named.field, shown(named.name));
                findings.add(&KUBECONFIG_MISSING_FILE, client.path, detail);
            }
        }
        if !client.config.has_context && is_place(client.path) {
            findings.add(&UNREADABLE_KUBECONFIG, client.path, "has no current-context");
        }
    }
}

/// A file's name; what was meant for the field with `-data` may be a key, and is not shown.
fn shown(name: &str) -> String {
    // `-----` in base64.
    if name.starts_with("LS0tLS") || !plaintext_in(name.as_bytes()).is_empty() {
        "no file, but data".to_owned()
    } else {
        printable(name)
    }
}

/// Whoever named a file so meant it; what ends in `.pem` may be anything.
fn by_end(path: &str) -> Option<PkiFile> {
    match path.rsplit_once('.')?.1 {
        "crt" => Some(PkiFile::Certificate),
        "key" => Some(PkiFile::PrivateKey),
        _ => None,
    }
}

struct Loads<'a, 'f> {
    tree: &'a Tree,
    findings: &'f mut Findings,
    /// A file is judged once for each use.
    done: BTreeSet<(String, PkiFile)>,
}

impl Loads<'_, '_> {
    fn judge(&mut self, path: &str, wanted: PkiFile) {
        // What is not read, or not to be read, is a finding of its own.
        let Some(file) = self.tree.file(path).filter(|file| file.holds.damage.is_empty()) else {
            return;
        };
        let holds = &file.holds;
        if holds.form == Form::Der {
            self.findings.add(&WRONG_CONTENT, path, "is DER, and Kubernetes reads PEM alone");
            return;
        }
        let (has, what) = match wanted {
            PkiFile::Certificate => (!holds.certificates.is_empty(), "no certificate"),
            PkiFile::SigningKey if holds.is_mislabelled => {
                let detail =
                    "is a key of another form than its label names: openssl pkey -in OLD -out NEW";
                self.findings.add(&WRONG_CONTENT, path, detail);
                return;
            }
            PkiFile::PrivateKey | PkiFile::SigningKey => {
                (!holds.private_keys.is_empty(), "no private key")
            }
            // kube-apiserver takes it from any of the three.
            PkiFile::PublicKey => (
                !holds.public_keys.is_empty()
                    || !holds.private_keys.is_empty()
                    || !holds.certificates.is_empty(),
                "no public key",
            ),
            PkiFile::Kubeconfig => (holds.kubeconfig.is_some(), "no kubeconfig"),
        };
        if !has && holds.form != Form::Sealed && self.done.insert((path.to_owned(), wanted)) {
            let detail = format!("holds {what}, but {}", inventory(holds));
            self.findings.add(&WRONG_CONTENT, path, detail);
        }
    }
}

/// What is there instead.
fn inventory(holds: &Holds) -> String {
    let mut all: Vec<String> = Vec::new();
    let mut say = |is_there: bool, what: &str| {
        if is_there {
            all.push(what.to_owned());
        }
    };
    say(!holds.certificates.is_empty(), "a certificate");
    say(!holds.private_keys.is_empty(), "a private key");
    say(!holds.public_keys.is_empty(), "a public key");
    say(holds.kubeconfig.is_some(), "a kubeconfig");
    all.extend(holds.others.iter().map(|label| format!("a block {}", printable(label))));
    all.extend(holds.broken.iter().map(|why| format!("PEM that {why}")));
    if all.is_empty() { "nothing of a PKI".to_owned() } else { all.join(", ") }
}
