//! The extensions of a certificate, each by its name, the critical ones first.

use schemars::JsonSchema;
use serde::Serialize;

use super::style::{CHANGE, DANGER, PLAIN};
use super::text::Cell;
use crate::facts::extension::{
    ALTERNATIVE_NAMES, AUTHORITY_KEY_ID, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, KEY_USAGE,
    SUBJECT_KEY_ID,
};
use crate::facts::{CertificateFacts, Extension};
use crate::hash::hexadecimal;

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ExtensionReport {
    /// In dots.
    pub oid: String,
    /// Absent where it has none here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whoever does not know it refuses the certificate.
    pub critical: bool,
    /// Whether Kubernetes (Go) acts upon it. With a critical one that it does not act upon it refuses every
    /// chain.
    pub handled: bool,
    /// In words. Empty where the certificate has a field of its own for it, and where nothing can be told.
    pub values: Vec<String>,
    /// The bytes in hexadecimal of one that cannot be read here; of a long one the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<String>,
}

/// What a certificate has fields for.
const TOLD: [&str; 6] = [
    BASIC_CONSTRAINTS,
    KEY_USAGE,
    EXTENDED_KEY_USAGE,
    ALTERNATIVE_NAMES,
    SUBJECT_KEY_ID,
    AUTHORITY_KEY_ID,
];
/// A value of nothing: it is there or not.
const EMPTY: [&str; 2] = ["1.3.6.1.5.5.7.48.1.5", "1.3.6.1.4.1.11129.2.4.3"];
/// Bytes that are shown of what cannot be read.
const SHOWN: usize = 32;

pub(super) fn extension_reports(facts: &CertificateFacts) -> Vec<ExtensionReport> {
    let mut all: Vec<&Extension> = facts.extensions.iter().collect();
    all.sort_by_key(|extension| !extension.is_critical);
    all.into_iter().map(report).collect()
}

fn report(extension: &Extension) -> ExtensionReport {
    let values = extension.values();
    let is_told = [&TOLD[..], &EMPTY].concat().contains(&extension.oid.as_str());
    let bytes = (values.is_empty() && !is_told).then(|| {
        let shown = extension.value.get(..SHOWN).unwrap_or(&extension.value);
        let dots = if extension.value.len() > SHOWN { "..." } else { "" };
        format!("{}{dots}", hexadecimal(shown))
    });
    ExtensionReport {
        oid: extension.oid.clone(),
        name: extension.name().map(str::to_owned),
        critical: extension.is_critical,
        handled: extension.is_handled,
        values,
        bytes,
    }
}

pub(super) struct Row {
    pub label: &'static str,
    pub text: Cell,
}

/// One for the names of those critical ones that have rows of their own, and one for each of the others.
pub(super) fn rows_of(all: &[ExtensionReport]) -> Vec<Row> {
    let is_plain = |extension: &&ExtensionReport| {
        let is_told = TOLD.contains(&extension.oid.as_str());
        is_told && extension.values.is_empty() && (extension.handled || !extension.critical)
    };
    let plain: Vec<&str> = all
        .iter()
        .filter(is_plain)
        .filter(|extension| extension.critical)
        .map(ExtensionReport::shown_name)
        .collect();
    let mut rows = Vec::new();
    if !plain.is_empty() {
        rows.push(Row { label: "critical", text: plain.join(", ").into() });
    }
    rows.extend(all.iter().filter(|extension| !is_plain(extension)).map(ExtensionReport::row));
    rows
}

impl ExtensionReport {
    fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.oid)
    }

    fn row(&self) -> Row {
        let mut text = self.shown_name().to_owned();
        let values = self.values.join(", ");
        for part in [values.as_str(), self.bytes.as_deref().unwrap_or_default()] {
            if !part.is_empty() {
                text.push_str(": ");
                text.push_str(part);
            }
        }
        let (label, style) = match (self.critical, self.handled) {
            (true, false) => {
                text.push_str(
                    " (Kubernetes does not handle it, so it refuses every chain with it)",
                );
                ("critical", DANGER)
            }
            (true, true) => ("critical", CHANGE),
            (false, _) => ("extension", PLAIN),
        };
        Row { label, text: Cell::new(style, text) }
    }
}
