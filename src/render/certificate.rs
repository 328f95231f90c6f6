//! A certificate in words, and how much of its life is left.

use schemars::JsonSchema;
use serde::Serialize;

use super::style::{CHANGE, DANGER, PLAIN};
use super::text::{Cell, Table};
use crate::facts::{CertificateFacts, ExtendedKeyUsage};
use crate::hash::hexadecimal;
use crate::time::{Span, Timestamp};

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CertificateReport {
    pub subject: String,
    pub issuer: String,
    /// In hexadecimal.
    pub serial: String,
    pub not_before: String,
    pub not_after: String,
    /// `29 days`, `expired 3 days ago`.
    pub left: String,
    /// The public key's algorithm.
    pub key: String,
    /// Digest of the SubjectPublicKeyInfo, as in cluster.lock.
    pub public_key: String,
    pub is_ca: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_length: Option<u32>,
    pub key_usage: String,
    /// server, client, or an OID.
    pub usages: Vec<String>,
    pub sans: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority_key_id: Option<String>,
    pub signature: String,
    /// Digest of the DER, as in cluster.lock.
    pub digest: String,
}

pub fn certificate_report(facts: &CertificateFacts, now: Timestamp) -> CertificateReport {
    let known = facts.sans.iter().map(ToString::to_string);
    CertificateReport {
        subject: facts.subject.to_string(),
        issuer: facts.issuer.to_string(),
        serial: hexadecimal(&facts.serial),
        not_before: facts.not_before.to_string(),
        not_after: facts.not_after.to_string(),
        left: left(facts, now),
        key: facts.public_key.kind().to_string(),
        public_key: facts.public_key.digest().to_string(),
        is_ca: facts.is_ca,
        path_length: facts.path_len,
        key_usage: facts.key_usage.to_string(),
        usages: facts.extended_key_usage.iter().map(ExtendedKeyUsage::to_string).collect(),
        sans: known.chain(facts.other_sans.iter().cloned()).collect(),
        subject_key_id: facts.subject_key_id.as_deref().map(hexadecimal),
        authority_key_id: facts.authority_key_id.as_deref().map(hexadecimal),
        signature: facts.signature_algorithm.clone(),
        digest: facts.digest.to_string(),
    }
}

impl CertificateReport {
    pub(super) fn rows(&self, table: &mut Table) {
        let style = match self.left.as_str() {
            left if left.starts_with("expired") => DANGER,
            left if left.starts_with("not before") => CHANGE,
            _ => PLAIN,
        };
        let mut row = |name: &str, value: Cell| {
            if !value.is_empty() {
                table.row([name.into(), value]);
            }
        };
        row("subject", or(&self.subject, "(empty)").into());
        row("issuer", or(&self.issuer, "(empty)").into());
        row("valid", format!("{} to {}", self.not_before, self.not_after).into());
        row("left", Cell::new(style, self.left.as_str()));
        let ca = match (self.is_ca, self.path_length) {
            (false, _) => String::new(),
            (true, None) => "yes".to_owned(),
            (true, Some(length)) => format!("yes, path length {length}"),
        };
        row("ca", ca.into());
        row("usages", self.usages.join(", ").into());
        row("key usage", self.key_usage.as_str().into());
        row("sans", self.sans.join(", ").into());
        row("key", self.key.as_str().into());
        row("public key", self.public_key.as_str().into());
        row("key id", self.subject_key_id.as_deref().unwrap_or_default().into());
        row("issuer key id", self.authority_key_id.as_deref().unwrap_or_default().into());
        row("signature", self.signature.as_str().into());
        row("serial", self.serial.as_str().into());
        row("digest", self.digest.as_str().into());
    }
}

/// What is left of a certificate's life, for people.
pub fn left(facts: &CertificateFacts, now: Timestamp) -> String {
    if now >= facts.not_after {
        format!("expired {} ago", in_words(now.since(facts.not_after)))
    } else if now < facts.not_before {
        format!("not before {}", facts.not_before.date())
    } else {
        in_words(facts.not_after.since(now))
    }
}

/// Years, rounded, once days stop to mean something.
pub(super) fn in_words(span: Span) -> String {
    const YEAR: u64 = 365 * 86_400;
    match (span.as_seconds() + YEAR / 2) / YEAR {
        years if span.as_seconds() >= 2 * YEAR => format!("{years} years"),
        _ => span.in_words(),
    }
}

fn or(text: &str, otherwise: &str) -> String {
    if text.is_empty() { otherwise } else { text }.to_owned()
}
