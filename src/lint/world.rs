//! What the checks ask: every certificate once, who signed it, and the Kubernetes folders.

use std::collections::{BTreeMap, BTreeSet};

use super::client::{Client, Given};
use super::holds::Certificate;
use super::kubernetes_folder::{KubernetesFolder, folders};
use super::tree::Tree;
use crate::facts::{DistinguishedName, KeyKind, is_signed_by};
use crate::hash::Digest;
use crate::time::Timestamp;

/// CAs of one name that are tried: a rotation leaves two or three, and each try is a signature to check.
const NAMESAKES: usize = 32;

pub(super) struct World<'a> {
    pub tree: &'a Tree,
    pub now: Timestamp,
    pub folders: Vec<KubernetesFolder<'a>>,
    /// Each with the first path that it was found at; those of kubeconfigs last.
    pub certificates: Vec<(&'a str, &'a Certificate)>,
    /// Every kubeconfig, by path.
    pub clients: Vec<Client<'a>>,
    by_subject: BTreeMap<&'a DistinguishedName, Vec<&'a Certificate>>,
    issuers: BTreeMap<Digest, &'a Certificate>,
}

impl<'a> World<'a> {
    pub fn new(tree: &'a Tree, now: Timestamp) -> Self {
        let mut certificates = Vec::new();
        let mut known = BTreeSet::new();
        let mut take = |path: &'a str, all: &'a [Certificate]| {
            for certificate in all {
                if known.insert(certificate.facts.digest) {
                    certificates.push((path, certificate));
                }
            }
        };
        let history = tree.history();
        for (path, file) in &tree.files {
            if !history.contains(path.as_str()) {
                take(path, &file.holds.certificates);
            }
        }
        let clients: Vec<Client<'a>> = Client::all(tree).collect();
        for client in &clients {
            for given in [&client.certificates, &client.authorities] {
                if let Given::Here(path, all) = given {
                    take(path, all);
                }
            }
        }
        let mut by_subject: BTreeMap<_, Vec<&Certificate>> = BTreeMap::new();
        for (_, certificate) in &certificates {
            by_subject.entry(&certificate.facts.subject).or_default().push(certificate);
        }
        for candidates in by_subject.values_mut() {
            candidates.sort_by_key(|candidate| !candidate.facts.is_ca);
            candidates.truncate(NAMESAKES);
        }
        let mut world = World {
            tree,
            now,
            folders: folders(tree),
            certificates,
            clients,
            by_subject,
            issuers: BTreeMap::new(),
        };
        world.issuers = (world.certificates.iter())
            .filter_map(|(_, certificate)| {
                Some((certificate.facts.digest, world.find_issuer(certificate)?))
            })
            .collect();
        world
    }

    /// The certificate of this tree that signed it, itself where it is a root.
    pub fn issuer(&self, certificate: &Certificate) -> Option<&'a Certificate> {
        self.issuers.get(&certificate.facts.digest).copied()
    }

    /// The kubeconfig at a path, or where links lead from there.
    pub fn client(&self, path: &str) -> Option<&Client<'a>> {
        let (path, _) = self.tree.entry(path)?;
        let at = self.clients.binary_search_by_key(&path, |client| client.path).ok()?;
        self.clients.get(at)
    }

    fn find_issuer(&self, certificate: &Certificate) -> Option<&'a Certificate> {
        let candidates = self.by_subject.get(&certificate.facts.issuer)?;
        // Of several with one key a CA, and the one that ends last, is what a client would find.
        (candidates.iter().copied()).filter(|candidate| signed(certificate, candidate)).max_by_key(
            |candidate| {
                let itself = candidate.facts.digest == certificate.facts.digest;
                (itself, candidate.facts.is_ca, candidate.facts.not_after)
            },
        )
    }
}

/// Whether a CA signed it. Signatures that cannot be checked here (a key of an unusual kind, SHA-1) count
/// where names and identifiers agree: that they are weak is another finding.
fn signed(certificate: &Certificate, issuer: &Certificate) -> bool {
    let key = &issuer.facts.public_key;
    if is_signed_by(&certificate.der, key) {
        return true;
    }
    let algorithm = certificate.facts.signature_algorithm.as_str();
    let is_checked = CHECKED.contains(&algorithm);
    let is_of_rsa = algorithm.ends_with("WithRSAEncryption");
    let could_be_checked = match key.kind() {
        KeyKind::Rsa { bits, .. } if is_of_rsa => is_checked && (2048..=8192).contains(&bits),
        KeyKind::Rsa { .. } | KeyKind::EcdsaP256 | KeyKind::EcdsaP384 => is_checked || is_of_rsa,
        KeyKind::Ed25519 => true,
        KeyKind::Other(_) => false,
    };
    let id = &certificate.facts.authority_key_id;
    !could_be_checked && id.as_ref().is_none_or(|id| *id == issuer.facts.key_id())
}

/// Those that can be checked here.
const CHECKED: [&str; 6] = [
    "sha256WithRSAEncryption",
    "sha384WithRSAEncryption",
    "sha512WithRSAEncryption",
    "ecdsa-with-SHA256",
    "ecdsa-with-SHA384",
    "ED25519",
];

/// SHA-1 and the MDs.
pub(super) fn is_weak(signature_algorithm: &str) -> bool {
    matches!(
        signature_algorithm,
        "md2WithRSAEncryption"
            | "md4WithRSAEncryption"
            | "md5WithRSAEncryption"
            | "sha1WithRSAEncryption"
            | "sha1WithRSA"
            | "ecdsa-with-SHA1"
            | "dsaWithSHA1"
    )
}
