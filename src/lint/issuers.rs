//! Which certificate of the tree signed which.
//!
//! A signature is checked only where names agree, and against the key that an identifier names first: a
//! thousand clusters side by side have a thousand CAs of one name.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::holds::Certificate;
use crate::facts::{DistinguishedName, PublicKey, SignatureCheck, check_signature};
use crate::hash::Digest;

/// Keys of one name that are tried for any certificate: a rotation leaves two or three.
const TRIES: usize = 32;
/// Further tries, for all certificates of a tree together: less than a second.
const FURTHER_TRIES: usize = 4_000;

/// Who signed a certificate.
#[derive(Clone, Copy)]
pub(super) enum Signer<'a> {
    Found(&'a Certificate),
    /// Certificates of that name are here, and none of their keys signed it.
    OtherKey,
    NotHere,
    /// So many have that name that not every key was tried.
    NotSearched,
}

pub(super) struct Issuers<'a> {
    namesakes: BTreeMap<&'a DistinguishedName, Namesakes<'a>>,
    signers: BTreeMap<Digest, Signer<'a>>,
}

/// The certificates with one subject.
#[derive(Default)]
struct Namesakes<'a> {
    keys: Vec<Key<'a>>,
    /// In `keys`.
    positions: BTreeMap<&'a PublicKey, usize>,
    by_identifier: BTreeMap<Vec<u8>, Vec<usize>>,
}

/// The certificates with one subject and one key.
struct Key<'a> {
    /// Of the first one.
    path: &'a str,
    certificates: Vec<&'a Certificate>,
}

impl<'a> Issuers<'a> {
    /// `known` are found already: of a certificate the one that signed it.
    pub fn of(
        certificates: &[(&'a str, &'a Certificate)],
        known: BTreeMap<Digest, &'a Certificate>,
    ) -> Self {
        let mut issuers = Issuers {
            namesakes: namesakes(certificates),
            signers: known.into_iter().map(|(of, issuer)| (of, Signer::Found(issuer))).collect(),
        };
        let mut further = FURTHER_TRIES;
        for (path, certificate) in certificates {
            if !issuers.signers.contains_key(&certificate.facts.digest) {
                let signer = issuers.search(path, certificate, &mut further);
                issuers.signers.insert(certificate.facts.digest, signer);
            }
        }
        issuers
    }

    pub fn signer(&self, certificate: &Certificate) -> Signer<'a> {
        self.signers.get(&certificate.facts.digest).copied().unwrap_or(Signer::NotHere)
    }

    fn search(&self, path: &str, certificate: &Certificate, further: &mut usize) -> Signer<'a> {
        let facts = &certificate.facts;
        let Some(namesakes) = self.namesakes.get(&facts.issuer) else {
            return Signer::NotHere;
        };
        let signed_by = |position: &usize| namesakes.keys.get(*position)?.signer_of(certificate);
        let itself = (facts.is_self_issued())
            .then(|| namesakes.positions.get(&facts.public_key).copied())
            .flatten();
        let named = (facts.authority_key_id.as_ref())
            .and_then(|id| namesakes.by_identifier.get(id))
            .map_or(&[][..], Vec::as_slice);
        if let Some(signer) = itself.iter().chain(named).find_map(signed_by) {
            return Signer::Found(signer);
        }
        // CAs first, the nearest in the tree before others.
        let mut others: Vec<usize> = (0..namesakes.keys.len())
            .filter(|position| itself != Some(*position) && !named.contains(position))
            .collect();
        others.sort_by_cached_key(|position| {
            namesakes.keys.get(*position).map(|key| {
                let is_ca = key.certificates.iter().any(|one| one.facts.is_ca);
                Reverse((is_ca, shared(path, key.path)))
            })
        });
        for (tried, position) in others.iter().enumerate() {
            if tried >= TRIES {
                if *further == 0 {
                    return Signer::NotSearched;
                }
                *further -= 1;
            }
            if let Some(signer) = signed_by(position) {
                return Signer::Found(signer);
            }
        }
        Signer::OtherKey
    }
}

impl<'a> Key<'a> {
    /// Of several with one key a CA, and the one that ends last, is what a client would find.
    fn signer_of(&self, certificate: &Certificate) -> Option<&'a Certificate> {
        let first = self.certificates.first()?;
        let (is_signed, untold) = match check_signature(&certificate.der, &first.facts.public_key) {
            SignatureCheck::Fits => (true, false),
            SignatureCheck::DoesNotFit | SignatureCheck::OtherKindOfKey => (false, false),
            // That it is weak, say, is another finding.
            SignatureCheck::Weak
            | SignatureCheck::UnknownAlgorithm
            | SignatureCheck::UnusableKey
            | SignatureCheck::Unchecked => (false, true),
        };
        (self.certificates.iter().copied())
            .filter(|one| is_signed || untold && identifiers_agree(certificate, one))
            .max_by_key(|one| {
                let itself = one.facts.digest == certificate.facts.digest;
                (itself, one.facts.is_ca, one.facts.not_after)
            })
    }
}

fn namesakes<'a>(
    certificates: &[(&'a str, &'a Certificate)],
) -> BTreeMap<&'a DistinguishedName, Namesakes<'a>> {
    let mut all: BTreeMap<&DistinguishedName, Namesakes<'_>> = BTreeMap::new();
    for (path, certificate) in certificates {
        let facts = &certificate.facts;
        let namesakes = all.entry(&facts.subject).or_default();
        let position = *namesakes.positions.entry(&facts.public_key).or_insert_with(|| {
            namesakes.keys.push(Key { path, certificates: Vec::new() });
            namesakes.keys.len() - 1
        });
        if let Some(key) = namesakes.keys.get_mut(position) {
            key.certificates.push(certificate);
        }
        let named = namesakes.by_identifier.entry(facts.key_id()).or_default();
        if !named.contains(&position) {
            named.push(position);
        }
    }
    all
}

/// How far two paths go together.
fn shared(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
}

/// A signature that cannot be checked here counts where names and identifiers agree.
fn identifiers_agree(certificate: &Certificate, issuer: &Certificate) -> bool {
    let id = &certificate.facts.authority_key_id;
    id.as_ref().is_none_or(|id| *id == issuer.facts.key_id())
}

/// SHA-1 and MD5; RFC 3279 2.2 has the numbers.
pub(super) fn is_weak(signature_algorithm: &str) -> bool {
    matches!(
        signature_algorithm,
        "sha1WithRSAEncryption"
            | "1.2.840.113549.1.1.2"
            | "1.2.840.113549.1.1.4"
            | "1.2.840.10045.4.1"
            | "1.2.840.10040.4.3"
    )
}
