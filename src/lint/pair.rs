//! Files of one name belong together: `apiserver.crt` and `apiserver.key`, `sa.key` and `sa.pub`.

use super::finding::Findings;
use super::holds::{Form, Source};
use super::rules::{KEY_MISMATCH, SERVICE_ACCOUNT_KEY_KIND, WEAK_KEY};
use super::world::World;
use crate::facts::{KeyKind, PublicKey};

/// Ends of a certificate's and of a key's name; cfssl writes `NAME.pem` and `NAME-key.pem`.
const PAIRS: [(&str, &str); 3] = [(".crt", ".key"), (".pem", "-key.pem"), (".pem", ".key")];

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    for (path, file) in &world.tree.files {
        let holds = &file.holds;
        // The first certificate is the leaf; in a bundle of CAs any may be the one whose key is here.
        let bundle = holds.certificates.iter().all(|one| one.facts.is_ca);
        let shown = if bundle { usize::MAX } else { 1 };
        let own: Vec<&PublicKey> = (holds.certificates.iter().take(shown))
            .map(|certificate| &certificate.facts.public_key)
            .collect();
        // Both in one file, as the kubelet keeps its own.
        if let Some(key) = holds.private_keys.first()
            && holds.form != Form::Encoded
            && !own.is_empty()
            && !own.contains(&key)
        {
            findings.add(&KEY_MISMATCH, path, "its key is not its certificate's");
        }
        for (certificate, key) in PAIRS {
            let beside = path.strip_suffix(certificate).map(|stem| format!("{stem}{key}"));
            if let Some(beside) = beside
                && !own.is_empty()
                && !is_of_another(world, path, key)
            {
                compare(world, findings, &own, &beside, path);
            }
        }
        if let Some(stem) = path.strip_suffix(".pub")
            && !holds.public_keys.is_empty()
        {
            // While the key is rotated the old one stands there as well, in any order.
            let own: Vec<&PublicKey> = holds.public_keys.iter().collect();
            compare(world, findings, &own, &format!("{stem}.key"), path);
        }
        // Keys without a certificate; those with one are judged there.
        for key in holds.private_keys.iter().chain(&holds.public_keys) {
            weak(findings, path, key);
        }
    }
    for client in &world.clients {
        let leaf = client.certificates.here().and_then(|all| all.first());
        if let (Some(leaf), Some(key)) = (leaf, client.key.here())
            && leaf.facts.public_key != *key
        {
            let field = |is_data| if is_data { "-data" } else { "" };
            let key = field(matches!(client.config.key, Source::Data(_)));
            let certificate = field(matches!(client.config.client, Source::Data(_)));
            let detail = format!("client-key{key} is not of client-certificate{certificate}");
            findings.add(&KEY_MISMATCH, client.path, detail);
        }
    }
    service_account(world, findings);
}

/// `ca.key` belongs to `ca.crt` where `ca.pem` is there as well: minikube has the CA of its machines beside.
fn is_of_another(world: &World<'_>, path: &str, key: &str) -> bool {
    let stem = path.strip_suffix(".pem").filter(|_| key == ".key");
    stem.is_some_and(|stem| world.tree.exists(&format!("{stem}.crt")))
}

fn compare(world: &World<'_>, findings: &mut Findings, own: &[&PublicKey], key: &str, path: &str) {
    let other = world.tree.file(key).and_then(|file| file.holds.private_keys.first());
    if other.is_some_and(|other| !own.contains(&other)) {
        let name = path.rsplit('/').next().unwrap_or(path);
        findings.add(&KEY_MISMATCH, key, format!("is not the key of {name}"));
    }
}

pub(super) fn weak(findings: &mut Findings, path: &str, key: &PublicKey) {
    match key.kind() {
        KeyKind::Rsa { bits, .. } if bits < 2048 => {
            findings.add(&WEAK_KEY, path, format!("RSA, {bits} bits"));
        }
        kind if kind.has_weak_exponent() => findings.add(&WEAK_KEY, path, kind.to_string()),
        _ => {}
    }
}

fn service_account(world: &World<'_>, findings: &mut Findings) {
    for folder in &world.folders {
        for (path, holds) in folder.service_account() {
            let mut keys = holds.private_keys.iter().chain(&holds.public_keys);
            if let Some(key) = keys.find(|key| !key.kind().can_sign_tokens()) {
                findings.add(&SERVICE_ACCOUNT_KEY_KIND, path, key.kind().to_string());
            }
        }
    }
}
