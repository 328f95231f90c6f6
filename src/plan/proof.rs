//! Which certificates, keys and kubeconfigs below `out/` are proven to be this project's.
//!
//! A lock lies in a repository: a line of it can name anybody's file. Only a CA's signature, of one whose own
//! certificate lies in `out/ca`, proves that kpki had to do with a key. Where the CA was replaced since, what
//! the earlier one signed is not proven any more and stays.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use super::keypairs::keypairs_on_record;
use super::{PublicPart, World};
use crate::facts::{
    CertificateFacts, PublicKey, RequestFacts, certificate_pem, certificates_in_pem, is_signed_by,
};
use crate::graph::{Artifact, DerivationId, FilePart, first_places, origins};
use crate::hash::Digest;
use crate::spec::{CaName, Keypair, Root};
use crate::state::Entry;

/// The anchors' folder below `out/`.
const ANCHORS: &str = "ca/";

pub struct Proof<'w> {
    world: World<'w>,
    cas: Vec<CertificateFacts>,
    /// Certificates by their digests: each signature is checked once.
    known: RefCell<HashMap<Digest, bool>>,
}

impl<'w> Proof<'w> {
    pub fn of(world: World<'w>) -> Self {
        let described = (world.graph.ids())
            .filter(|id| world.graph.get(*id).recipe.is_ca())
            .map(|id| world.survey.public_part(id))
            .filter(|public_part| is_anchors_own(public_part))
            .filter_map(|public_part| public_part.certificate().cloned());
        let recorded = CaName::ALL.into_iter().flat_map(|ca| {
            let known = keypairs_on_record(world.lock, Root::Ca(ca));
            known.filter_map(move |(keypair, entry)| recorded(world, ca, keypair, entry))
        });
        Proof { world, cas: described.chain(recorded).collect(), known: RefCell::default() }
    }

    /// Whether the lock may be believed that a public file is kpki's: a certificate, public key or request
    /// needs proof. A manifest has none, and must look like one.
    pub(super) fn allows(&self, path: &str, bytes: &[u8]) -> bool {
        let contents: Vec<FilePart> = (origins(path).iter()).map(|origin| origin.content).collect();
        if path.strip_suffix(".yaml").is_some() {
            // The object that carries a request goes with it.
            let is_free = !path.ends_with("/csr.yaml") || !self.keys(path).is_empty();
            return contents.contains(&FilePart::Rendered) && is_free && is_manifest(path, bytes);
        }
        if path.strip_suffix(".pub").is_some() {
            let proven = self.keys(path);
            let all = public_keys(bytes);
            return all.is_some_and(|all| all.iter().all(|key| proven.contains(&key.digest())));
        }
        if path.strip_suffix(".csr").is_some() {
            return RequestFacts::from_pem(bytes)
                .is_ok_and(|facts| self.keys(path).contains(&facts.public_key.digest()));
        }
        let all = certificates_in_pem(bytes).unwrap_or_default();
        let text: String = all.iter().map(|der| certificate_pem(der)).collect();
        // What stands behind a brought CA issued it, which no key of this project vouches for.
        let is_above = |index: usize, der: &[u8]| {
            let lower = index.checked_sub(1).and_then(|below| all.get(below));
            lower.is_some_and(|lower| {
                CertificateFacts::from_der(der)
                    .is_ok_and(|facts| is_signed_by(lower, &facts.public_key))
            })
        };
        !all.is_empty()
            && text.as_bytes() == bytes
            && (all.iter().enumerate())
                .all(|(index, der)| self.key_of(der).is_some() || is_above(index, der))
    }

    /// Keys, by their public halves, that a proven certificate gives to the holder of the file at this path
    /// (the name in the clear): one beside it, the copy of what only a kubeconfig embeds, or that of the
    /// described artifact which it is a copy of.
    pub fn keys(&self, path: &str) -> BTreeSet<Digest> {
        let mut found = BTreeSet::new();
        let mut paths = BTreeSet::new();
        if let Some((stem, _)) = path.rsplit_once('.') {
            paths.insert(format!("{stem}.crt"));
        }
        for origin in origins(path) {
            paths.extend(origin.public_part().map(|path| path.to_string()));
            for id in self.described(&origin.identity()) {
                match self.world.survey.public_part(id) {
                    PublicPart::Certificate { der, .. } => found.extend(self.key_of(der)),
                    // The anchor's own public file; any other key has no signature.
                    public_part @ PublicPart::PublicKey { key, .. }
                        if is_anchors_own(public_part) =>
                    {
                        found.insert(key.digest());
                    }
                    _ => {}
                }
            }
        }
        for path in paths {
            let bytes = self.world.inventory.public(&path);
            let all = bytes.and_then(|bytes| certificates_in_pem(bytes).ok());
            if let Some(first) = all.as_ref().and_then(|all| all.first()) {
                found.extend(self.key_of(first));
            }
        }
        found
    }

    /// A path says which root's key is there, and not of which key pair.
    fn described(&self, identity: &Artifact) -> Vec<DerivationId> {
        let graph = self.world.graph;
        match identity.root() {
            Some((root, _)) => graph.keypairs(root).to_vec(),
            None => graph.find(&identity.name()).into_iter().collect(),
        }
    }

    /// The certificate's public key, where a CA signed it or it is a CA's own.
    fn key_of(&self, der: &[u8]) -> Option<Digest> {
        let facts = CertificateFacts::from_der(der).ok()?;
        let mut known = self.known.borrow_mut();
        let proven = *known.entry(facts.digest).or_insert_with(|| {
            let mut cas = self.cas.iter();
            cas.any(|ca| ca.digest == facts.digest || is_signed_by(der, &ca.public_key))
        });
        proven.then(|| facts.public_key.digest())
    }
}

/// One or several; `None`: some of it is none, or there is none at all.
fn public_keys(bytes: &[u8]) -> Option<Vec<PublicKey>> {
    const BEGIN: &str = "-----BEGIN ";
    let text = std::str::from_utf8(bytes).ok()?;
    let (before, blocks) = text.split_once(BEGIN)?;
    let block = |block: &str| PublicKey::from_pem(format!("{BEGIN}{block}").as_bytes()).ok();
    before.is_empty().then(|| blocks.split(BEGIN).map(block).collect())?
}

fn is_anchors_own(public_part: &PublicPart) -> bool {
    let path = public_part.path();
    path.is_some_and(|path| path.as_str().starts_with(ANCHORS))
}

/// A CA that the description has no more, as long as its certificate lies where it was, as the lock has it.
fn recorded(
    world: World<'_>,
    ca: CaName,
    keypair: Keypair,
    entry: &Entry,
) -> Option<CertificateFacts> {
    let artifact = Artifact::Ca(ca, keypair);
    if world.graph.find(&artifact.name()).is_some() {
        return None;
    }
    let place =
        first_places(&artifact).into_iter().find(|place| place.0 == FilePart::Certificate)?;
    let bytes = world.inventory.public(place.1.as_str())?;
    let all = certificates_in_pem(bytes).ok()?;
    let facts = CertificateFacts::from_der(all.first()?).ok()?;
    (entry.certificate == Some(facts.digest)).then_some(facts)
}

/// How kpki's own manifests begin, by the ends of their paths. Nothing that begins so is a key or a
/// kubeconfig.
const STARTS: [(&str, &[u8]); 6] = [
    ("/cluster-role-bindings.yaml", b"# Apply once, with super-admin.conf"),
    ("/rbac.yaml", b"# What "),
    ("/kustomization.yaml", b"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"),
    ("/csr.yaml", b"apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\n"),
    ("/kubelet/config.yaml", b"apiVersion: kubelet.config.k8s.io/v1beta1\n"),
    (".yaml", b"apiVersion: v1\nkind: Pod\nmetadata:\n"),
];

fn is_manifest(path: &str, bytes: &[u8]) -> bool {
    let row = STARTS.iter().find(|(end, _)| path.ends_with(end));
    row.is_some_and(|(_, start)| bytes.starts_with(start))
        && !bytes.windows(MARK.len()).any(|part| part == MARK)
}

/// Of PEM (RFC 7468 2), and of a file that age sealed in armour.
const MARK: &[u8] = b"-----BEGIN";
