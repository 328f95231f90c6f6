//! Issues certificates.
//!
//! rcgen writes everything but the names (see `splice.rs`) and the signature. The form is kubeadm's, but
//! for keyEncipherment, which only RSA keys get, and the order of extensions, which means nothing.

use std::cell::RefCell;
use std::collections::BTreeSet;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyIdMethod, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm,
    SigningKey,
};

use super::{BuildError, splice};
use crate::facts::der;
use crate::facts::distinguished_name::DistinguishedName;
use crate::facts::key_usage::KeyUsage;
use crate::facts::{KeyKind, PublicKey};
use crate::keys::{Seed, Signer};
use crate::name::San;
use crate::spec::Usage;
use crate::time::Timestamp;

/// What a certificate shall say.
#[derive(Clone, Copy)]
pub struct Template<'a> {
    pub subject: &'a DistinguishedName,
    pub public_key: &'a PublicKey,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub purpose: Purpose,
    pub sans: &'a BTreeSet<San>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A CA. Its common name, where it is a DNS name, becomes a SAN, as in kubeadm.
    Authority,
    Leaf(Usage),
}

/// Who signs: the issuer's subject and key, never its certificate, so that a renewed CA changes no leaf.
#[derive(Clone, Copy)]
pub struct Issuer<'a> {
    pub subject: &'a DistinguishedName,
    pub key: &'a dyn Signer,
    /// Its subject key identifier. A brought CA's may be of any making, so it is never computed here.
    pub key_id: &'a [u8],
}

/// The certificate in DER. `serial` comes from [`crate::keys::Entropy::serial`].
pub fn issue(
    template: &Template<'_>,
    issuer: &Issuer<'_>,
    serial: &[u8; 16],
) -> Result<Vec<u8>, BuildError> {
    let unsigned = unsigned(template, issuer, serial)?;
    let signature = issuer.key.sign(&unsigned.tbs)?;
    Ok(signed(&unsigned.tbs, &unsigned.algorithm, &signature))
}

/// The same bytes for the same inputs, by a signer whose signatures are the same: the serial number follows
/// from the seed and the rest of the certificate.
pub fn issue_from_seed(
    template: &Template<'_>,
    issuer: &Issuer<'_>,
    seed: &Seed,
) -> Result<Vec<u8>, BuildError> {
    // Of the same length and sign as any other.
    const DRAFT: [u8; 16] = [0x40; 16];
    let draft = unsigned(template, issuer, &DRAFT)?;
    let serial = seed.serial(issuer.key.public_key(), &draft.tbs);
    let unsigned = unsigned(template, issuer, &serial)?;
    let signature = issuer.key.sign(&unsigned.tbs)?;
    Ok(signed(&unsigned.tbs, &unsigned.algorithm, &signature))
}

fn unsigned(
    template: &Template<'_>,
    issuer: &Issuer<'_>,
    serial: &[u8; 16],
) -> Result<splice::Spliced, BuildError> {
    if template.not_after < template.not_before {
        return Err(BuildError::issue("it would end before it begins"));
    }
    let subject_key = RcgenKey::of(template.public_key)?;
    let recorder =
        Recorder { key: RcgenKey::of(issuer.key.public_key())?, tbs: RefCell::default() };
    let mut issuer_params = CertificateParams::default();
    issuer_params.key_identifier_method = KeyIdMethod::PreSpecified(issuer.key_id.to_vec());
    parameters(template, issuer, serial)?
        .signed_by(&subject_key, &rcgen::Issuer::from_params(&issuer_params, &recorder))
        .map_err(|error| BuildError::issue(error.to_string()))?;
    let tbs = recorder.tbs.into_inner();
    splice::with_names(&tbs, issuer.subject.der(), template.subject.der())
        .ok_or_else(|| BuildError::issue("rcgen's template is not understood"))
}

fn signed(content: &[u8], algorithm: &[u8], signature: &[u8]) -> Vec<u8> {
    let signature = der::element(der::BIT_STRING, &[&[0], signature]);
    der::element(der::SEQUENCE, &[content, algorithm, &signature])
}

/// A certification request in DER that asks for nothing but its subject (RFC 2986 4).
pub fn request(subject: &DistinguishedName, key: &dyn Signer) -> Result<Vec<u8>, BuildError> {
    let recorder = Recorder { key: RcgenKey::of(key.public_key())?, tbs: RefCell::default() };
    let whole = CertificateParams::default()
        .serialize_request(&recorder)
        .map_err(|error| BuildError::issue(error.to_string()))?;
    let not_understood = || BuildError::issue("rcgen's request is not understood");
    let info = recorder.tbs.into_inner();
    let info = splice::with_subject(&info, subject.der()).ok_or_else(not_understood)?;
    let algorithm = splice::algorithm(whole.der()).ok_or_else(not_understood)?;
    Ok(signed(&info, algorithm, &key.sign(&info)?))
}

fn parameters(
    template: &Template<'_>,
    issuer: &Issuer<'_>,
    serial: &[u8; 16],
) -> Result<CertificateParams, BuildError> {
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(serial));
    params.not_before = template.not_before.to_offset_date_time();
    params.not_after = template.not_after.to_offset_date_time();
    // The name itself is spliced in. Here it only decides whether the SAN is critical, as it must be where it
    // alone names the subject (RFC 5280 4.2.1.6).
    params.distinguished_name = rcgen::DistinguishedName::new();
    if !template.subject.is_empty() {
        params.distinguished_name.push(DnType::CommonName, "-");
    }

    let is_ca = template.purpose == Purpose::Authority;
    let mut sans: BTreeSet<San> = template.sans.clone();
    if is_ca {
        sans.extend(template.subject.as_san());
    }
    // DNS names before addresses: the order of `San`.
    params.subject_alt_names = sans.iter().map(san).collect::<Result<_, _>>()?;

    let usage = KeyUsage::expected(is_ca, template.public_key.is_rsa());
    params.key_usages = [
        (KeyUsage::DIGITAL_SIGNATURE, KeyUsagePurpose::DigitalSignature),
        (KeyUsage::KEY_ENCIPHERMENT, KeyUsagePurpose::KeyEncipherment),
        (KeyUsage::KEY_CERT_SIGN, KeyUsagePurpose::KeyCertSign),
    ]
    .into_iter()
    .filter_map(|(flag, purpose)| usage.contains(flag).then_some(purpose))
    .collect();

    let is_root = is_ca
        && issuer.subject == template.subject
        && issuer.key.public_key() == template.public_key;
    params.use_authority_key_identifier_extension = !is_root;
    match template.purpose {
        Purpose::Authority => {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_identifier_method = KeyIdMethod::PreSpecified(if is_root {
                issuer.key_id.to_vec() // a renewed root keeps the one that its leaves point to
            } else {
                template.public_key.key_identifier().to_vec()
            });
        }
        Purpose::Leaf(usage) => {
            params.extended_key_usages = [
                (usage.server(), ExtendedKeyUsagePurpose::ServerAuth),
                (usage.client(), ExtendedKeyUsagePurpose::ClientAuth),
            ]
            .into_iter()
            .filter_map(|(wanted, purpose)| wanted.then_some(purpose))
            .collect();
            // rcgen's `ExplicitNoCa` would add a subject key identifier, which kubeadm's leaves do not have.
            let content = der::element(der::SEQUENCE, &[]);
            let mut not_a_ca = CustomExtension::from_oid_content(&[2, 5, 29, 19], content);
            not_a_ca.set_criticality(true);
            params.custom_extensions.push(not_a_ca);
        }
    }
    Ok(params)
}

fn san(san: &San) -> Result<SanType, BuildError> {
    Ok(match san {
        San::Dns(name) => SanType::DnsName(
            name.as_ref().try_into().map_err(|_| BuildError::issue("a DNS name is not ASCII"))?,
        ),
        San::Ip(address) => SanType::IpAddress(*address),
    })
}

/// A public key as rcgen sees it.
struct RcgenKey<'a> {
    bits: &'a [u8],
    algorithm: &'static SignatureAlgorithm,
}

impl<'a> RcgenKey<'a> {
    fn of(key: &'a PublicKey) -> Result<Self, BuildError> {
        let algorithm = match key.kind() {
            KeyKind::Rsa { .. } => &rcgen::PKCS_RSA_SHA256,
            KeyKind::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyKind::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyKind::Ed25519 => &rcgen::PKCS_ED25519,
            KeyKind::Other(_) => {
                return Err(BuildError::issue(
                    "its key is of an unsupported kind; use RSA, ECDSA on P-256 or P-384, or Ed25519",
                ));
            }
        };
        Ok(RcgenKey { bits: key.bits(), algorithm })
    }
}

impl PublicKeyData for RcgenKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

/// Stands in for the issuer's key: records what rcgen wants signed and signs nothing.
struct Recorder<'a> {
    key: RcgenKey<'a>,
    tbs: RefCell<Vec<u8>>,
}

impl PublicKeyData for Recorder<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.key.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.key.algorithm
    }
}

impl SigningKey for Recorder<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        *self.tbs.borrow_mut() = message.to_vec();
        Ok(Vec::new())
    }
}
