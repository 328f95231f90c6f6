//! The controller-manager's CSR signer, as far as a client sees it: it writes the subject anew (all
//! organizations sorted in one RDN), copies the key, and cuts the life to `--cluster-signing-duration`
//! (pkg/controller/certificates/authority).

use std::collections::BTreeSet;

use kpki::build::certificate::{Issuer, Purpose, Template, issue};
use kpki::facts::{
    AskedExtensions, CertificateFacts, DistinguishedName, PublicKey, RequestFacts, certificate_pem,
    certificates_in_pem, request_in_pem,
};
use kpki::keys::Entropy;
use kpki::keys::PrivateKey;
use kpki::spec::Usage;
use kpki::time::{Span, Timestamp};

pub struct Signer {
    subject: DistinguishedName,
    key: PrivateKey,
    key_id: Vec<u8>,
}

impl Signer {
    /// With the files of `--cluster-signing-cert-file` and `--cluster-signing-key-file`.
    pub fn new(certificate: &[u8], key: &[u8]) -> Self {
        let der = certificates_in_pem(certificate).unwrap().remove(0);
        let facts = CertificateFacts::from_der(&der).unwrap();
        Signer {
            key_id: facts.key_id(),
            subject: facts.subject,
            key: PrivateKey::from_pem(key).unwrap(),
        }
    }

    /// Signs a request in PEM.
    pub fn sign(&self, request: &[u8], now: Timestamp, life: Span) -> String {
        let facts = RequestFacts::from_der(&request_in_pem(request).unwrap()).unwrap();
        assert!(facts.is_signature_valid && facts.extensions == AskedExtensions::None);
        let common_name = facts.subject.common_name().unwrap();
        self.issue(&facts.public_key, &common_name, &facts.subject.organizations(), now, life)
    }

    pub fn issue(
        &self,
        public_key: &PublicKey,
        common_name: &str,
        organizations: &BTreeSet<String>,
        now: Timestamp,
        life: Span,
    ) -> String {
        let der = issue(
            &Template {
                subject: &rewritten(common_name, organizations),
                public_key,
                not_before: now.minus(Span::minutes(5)),
                not_after: now.minus(Span::minutes(5)).plus(life),
                purpose: Purpose::Leaf(Usage::Client),
                sans: &BTreeSet::new(),
            },
            &Issuer { subject: &self.subject, key: &self.key, key_id: &self.key_id },
            &Entropy::system().serial().unwrap(),
        )
        .unwrap();
        certificate_pem(&der)
    }
}

/// `SET { O=a, O=b }, CN`: one RDN for all organizations.
fn rewritten(common_name: &str, organizations: &BTreeSet<String>) -> DistinguishedName {
    let texts: Vec<&str> = organizations.iter().map(String::as_str).collect();
    let own = DistinguishedName::new(texts.iter().copied(), Some(common_name));
    if texts.len() < 2 {
        return own;
    }
    // Each RDN is a SET of one pair: 31 LEN pair. All lengths here are short.
    let mut pairs: Vec<Vec<u8>> = Vec::new();
    let mut rest = &own.der()[2..];
    while !rest.is_empty() {
        let length = usize::from(rest[1]);
        pairs.push(rest[2..2 + length].to_vec());
        rest = &rest[2 + length..];
    }
    let name = pairs.pop().unwrap();
    let element = |tag: u8, body: &[u8]| [&[tag, u8::try_from(body.len()).unwrap()], body].concat();
    pairs.sort();
    let organizations = element(0x31, &pairs.concat());
    let whole = [organizations, element(0x31, &name)].concat();
    DistinguishedName::from_der(&element(0x30, &whole)).unwrap()
}
