//! Certificates of clients who have no right at all, made to see who is let in.

use std::collections::BTreeSet;

use crate::algorithm::KeyAlgorithm;
use crate::build::certificate::{Issuer, Purpose, Template, issue};
use crate::facts::DistinguishedName;
use crate::facts::ExtendedKeyUsage;
use crate::holdings::Certificate;
use crate::keys::{Entropy, PrivateKey, Signer};
use crate::path::{Reader, validate};
use crate::secret::Secret;
use crate::spec::Usage;
use crate::time::{Span, Timestamp};

/// Nobody binds a role to it, and there is no organization, so no group either.
pub const PROBE_NAME: &str = "kpki-verify-live";
const STRANGER: &str = "kpki-verify-live: a CA that nobody trusts";

/// What a client shows, and the key for it: never written.
pub struct Client {
    pub certificate: Vec<u8>,
    /// PKCS#8 in DER.
    pub key: Secret,
}

/// Clocks of nodes differ by seconds.
const EARLIER: Span = Span::minutes(5);
const LATER: Span = Span::minutes(5);

/// How long such a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Life {
    /// For a run that begins now.
    pub fn of(now: Timestamp, limit: Span) -> Life {
        Life { from: now.minus(EARLIER), until: now.plus(limit).plus(LATER) }
    }
}

/// By a CA of the cluster.
///
/// # Errors
///
/// Why servers could not take it, whatever they trust.
pub fn client(
    ca: &Certificate,
    key: &dyn Signer,
    life: Life,
    entropy: &Entropy,
) -> Result<Client, String> {
    let issuer = Issuer { subject: &ca.facts.subject, key, key_id: &ca.facts.key_id() };
    let client = issued(&issuer, life, entropy)?;
    let certificate = Certificate::from_der(&client.certificate).map_err(|why| why.to_string())?;
    let reader = Reader {
        anchors: &[ca],
        intermediates: &[],
        usage: Some(&ExtendedKeyUsage::Client),
        name: None,
        at: life.from.plus(EARLIER),
    };
    match validate(&certificate, &reader) {
        Ok(_) => Ok(client),
        Err(refusal) => Err(format!("no server takes a client of it: {refusal}")),
    }
}

/// By a CA that was made for this and is thrown away: whoever takes this one takes anybody.
pub fn stranger(life: Life, entropy: &Entropy) -> Result<Client, String> {
    let key = new_key(entropy)?;
    let subject = DistinguishedName::new([], Some(STRANGER));
    let key_id = key.public_key().key_identifier();
    issued(&Issuer { subject: &subject, key: &key, key_id: &key_id }, life, entropy)
}

fn issued(issuer: &Issuer<'_>, life: Life, entropy: &Entropy) -> Result<Client, String> {
    let key = new_key(entropy)?;
    let template = Template {
        subject: &DistinguishedName::new([], Some(PROBE_NAME)),
        public_key: key.public_key(),
        not_before: life.from,
        not_after: life.until,
        purpose: Purpose::Leaf(Usage::Client),
        // None: etcd holds those of a peer against the address that it comes from.
        sans: &BTreeSet::new(),
    };
    let serial = entropy.serial().map_err(|why| why.to_string())?;
    let certificate = issue(&template, issuer, &serial).map_err(|why| why.to_string())?;
    Ok(Client { certificate, key: key.to_pkcs8() })
}

fn new_key(entropy: &Entropy) -> Result<PrivateKey, String> {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256, entropy).map_err(|why| why.to_string())
}
