//! What the public files of one artifact say.

use crate::content::Input;
use crate::facts::{CertificateFacts, PublicKey, RequestFacts, certificate_pem};
use crate::name::TreePath;

/// The certificate, request or public key of a minted or imported artifact: the evidence of its key.
#[derive(Debug)]
pub enum PublicPart {
    /// No file of it is here.
    Missing,
    /// A file is here, but says nothing.
    Unreadable {
        path: TreePath,
        why: String,
    },
    Certificate {
        path: TreePath,
        der: Vec<u8>,
        facts: Box<CertificateFacts>,
    },
    PublicKey {
        path: TreePath,
        key: PublicKey,
    },
    Request {
        path: TreePath,
        der: Vec<u8>,
        facts: Box<RequestFacts>,
    },
}

impl PublicPart {
    pub fn certificate(&self) -> Option<&CertificateFacts> {
        match self {
            PublicPart::Certificate { facts, .. } => Some(facts),
            _ => None,
        }
    }

    /// DER of the certificate or request.
    pub fn der(&self) -> Option<&[u8]> {
        match self {
            PublicPart::Certificate { der, .. } | PublicPart::Request { der, .. } => Some(der),
            _ => None,
        }
    }

    /// As kpki writes it.
    pub(super) fn pem(&self) -> Option<String> {
        match self {
            PublicPart::Certificate { der, .. } => Some(certificate_pem(der)),
            PublicPart::PublicKey { key, .. } => Some(key.to_pem()),
            _ => None,
        }
    }

    pub fn public_key(&self) -> Option<&PublicKey> {
        match self {
            PublicPart::Certificate { facts, .. } => Some(&facts.public_key),
            PublicPart::PublicKey { key, .. } => Some(key),
            PublicPart::Request { facts, .. } => Some(&facts.public_key),
            _ => None,
        }
    }

    /// What a rendered file takes from it.
    pub fn input(&self) -> Option<Input<'_>> {
        Some(Input { der: self.der().unwrap_or_default(), public_key: self.public_key()? })
    }

    pub fn path(&self) -> Option<&TreePath> {
        match self {
            PublicPart::Missing => None,
            PublicPart::Unreadable { path, .. }
            | PublicPart::Certificate { path, .. }
            | PublicPart::PublicKey { path, .. }
            | PublicPart::Request { path, .. } => Some(path),
        }
    }
}
