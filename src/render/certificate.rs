//! A certificate in words, and how much of its life is left.

use schemars::JsonSchema;
use serde::Serialize;

use std::fmt;

use super::extension::{ExtensionReport, extension_reports, rows_of};
use super::style::{CHANGE, DANGER, PLAIN};
use super::text::{Cell, Table};
use crate::facts::extension::NAME_CONSTRAINTS;
use crate::facts::{CertificateFacts, ExtendedKeyUsage};
use crate::hash::Digest;
use crate::hash::hexadecimal;
use crate::time::{Span, Timestamp};

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CertificateReport {
    /// Why Kubernetes does not read it, where it does not: `holds a certificate with …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    pub subject: String,
    pub issuer: String,
    /// In hexadecimal.
    pub serial: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// `29 days`, `expired 3 days ago`.
    #[schemars(with = "String")]
    pub left: Left,
    /// The public key's algorithm.
    pub key: String,
    /// Digest of the SubjectPublicKeyInfo, as in cluster.lock.
    pub public_key: Digest,
    pub is_ca: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_length: Option<u32>,
    /// Empty where it states none: then the key may be used for anything.
    pub key_usage: String,
    /// server, client, another one by its name, or an OID.
    pub usages: Vec<String>,
    pub sans: Vec<String>,
    /// Which names the certificates below it may carry: `only DNS:acme.internal; not IP:10.0.0.0/8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_constraints: Option<String>,
    /// Every one, the critical ones first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<ExtensionReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority_key_id: Option<String>,
    pub signature: String,
    /// Digest of the DER, as in cluster.lock.
    pub digest: Digest,
}

pub fn certificate_report(facts: &CertificateFacts, now: Timestamp) -> CertificateReport {
    let known = facts.sans.iter().map(ToString::to_string);
    let constraints = &facts.name_constraints;
    CertificateReport {
        refused: None,
        subject: facts.subject.to_string(),
        issuer: facts.issuer.to_string(),
        serial: hexadecimal(&facts.serial),
        not_before: facts.not_before,
        not_after: facts.not_after,
        left: left(facts, now),
        key: facts.public_key.kind().to_string(),
        public_key: facts.public_key.digest(),
        is_ca: facts.is_ca,
        path_length: facts.path_len,
        key_usage: facts.key_usage.to_string(),
        usages: facts.extended_key_usage.iter().map(ExtendedKeyUsage::to_string).collect(),
        sans: known.chain(facts.other_sans.iter().cloned()).collect(),
        name_constraints: facts.extension(NAME_CONSTRAINTS).map(|_| constraints.to_string()),
        extensions: extension_reports(facts),
        subject_key_id: facts.subject_key_id.as_deref().map(hexadecimal),
        authority_key_id: facts.authority_key_id.as_deref().map(hexadecimal),
        signature: facts.signature_algorithm.clone(),
        digest: facts.digest,
    }
}

impl CertificateReport {
    pub(super) fn rows(&self, table: &mut Table) {
        let style = match self.left {
            Left::ExpiredFor(_) => DANGER,
            Left::NotBefore(_) => CHANGE,
            Left::For(_) => PLAIN,
        };
        let mut row = |name: &str, value: Cell| {
            if !value.is_empty() {
                table.row([name.into(), value]);
            }
        };
        row("refused", Cell::new(DANGER, self.refused.as_deref().unwrap_or_default()));
        row("subject", or(&self.subject, "(empty)").into());
        row("issuer", or(&self.issuer, "(empty)").into());
        row("valid", format!("{} to {}", self.not_before, self.not_after).into());
        row("left", Cell::new(style, self.left.to_string()));
        let ca = match (self.is_ca, self.path_length) {
            (false, _) => String::new(),
            (true, None) => "yes".to_owned(),
            (true, Some(length)) => format!("yes, path length {length}"),
        };
        row("ca", ca.into());
        row("usages", self.usages.join(", ").into());
        // RFC 5280 4.2.1.3: a CA says what its key is for, and many do not.
        let is_silent = self.is_ca && self.key_usage.is_empty();
        let usage = if is_silent { "not stated, so any" } else { self.key_usage.as_str() };
        row("key usage", usage.into());
        row("sans", self.sans.join(", ").into());
        for extension in rows_of(&self.extensions) {
            row(extension.label, extension.text);
        }
        row("key", self.key.as_str().into());
        row("public key", self.public_key.to_string().into());
        row("key id", self.subject_key_id.as_deref().unwrap_or_default().into());
        row("issuer key id", self.authority_key_id.as_deref().unwrap_or_default().into());
        row("signature", self.signature.as_str().into());
        row("serial", self.serial.as_str().into());
        row("digest", self.digest.to_string().into());
    }
}

/// What is left of a certificate's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    ExpiredFor(Span),
    NotBefore(Timestamp),
    For(Span),
}

pub fn left(facts: &CertificateFacts, now: Timestamp) -> Left {
    if now >= facts.not_after {
        Left::ExpiredFor(now.since(facts.not_after))
    } else if now < facts.not_before {
        Left::NotBefore(facts.not_before)
    } else {
        Left::For(facts.not_after.since(now))
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Left::ExpiredFor(span) => write!(f, "expired {} ago", in_words(*span)),
            Left::NotBefore(time) => write!(f, "not before {}", time.date()),
            Left::For(span) => f.write_str(&in_words(*span)),
        }
    }
}

impl Serialize for Left {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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
