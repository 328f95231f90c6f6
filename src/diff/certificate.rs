//! What a certificate says, as a thing to compare.

use std::sync::Arc;

use super::item::Item;
use crate::facts::extension::{
    ALTERNATIVE_NAMES, AUTHORITY_KEY_ID, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, KEY_USAGE,
    SUBJECT_KEY_ID,
};
use crate::facts::{CertificateFacts, Extension};
use crate::hash::{Digest, hexadecimal};

/// A certificate by what it means.
pub(super) fn of_certificate(facts: &CertificateFacts) -> Item {
    let ca = match (facts.is_ca, facts.path_len) {
        (false, _) => String::new(),
        (true, None) => "yes".to_owned(),
        (true, Some(length)) => format!("yes, path length {length}"),
    };
    let sans = facts.sans.iter().map(ToString::to_string);
    let usages = facts.extended_key_usage.iter().map(ToString::to_string);
    let item = Item {
        certificate: Some(Arc::new(facts.clone())),
        ..Item::new("certificate").labelled(facts.subject.to_string())
    };
    let key_id = facts.authority_key_id.as_deref().unwrap_or_default();
    let critical = facts.extensions.iter().filter(|extension| extension.is_critical);
    let others = facts.extensions.iter().filter(|extension| !has_field(extension));
    item.text("subject", facts.subject.to_string())
        .text("issuer", facts.issuer.to_string())
        .text("ca", ca)
        .set("sans", sans.chain(facts.other_sans.iter().cloned()))
        .set("usages", usages)
        .text("key-usage", facts.key_usage.to_string())
        .set("critical", critical.map(name_of))
        .set("extensions", others.map(in_words))
        .text("not-before", facts.not_before.to_string())
        .text("not-after", facts.not_after.to_string())
        .public_key(&facts.public_key)
        .digest("issuer-key", &hexadecimal(key_id))
        .text("signature", facts.signature_algorithm.clone())
        .echo("key-id", &hexadecimal(facts.subject_key_id.as_deref().unwrap_or_default()))
        .echo("serial", &hexadecimal(&facts.serial))
        .echo("digest", &facts.digest)
}

/// Whether what it says is told under another name, all of it.
fn has_field(extension: &Extension) -> bool {
    [
        BASIC_CONSTRAINTS,
        KEY_USAGE,
        EXTENDED_KEY_USAGE,
        ALTERNATIVE_NAMES,
        SUBJECT_KEY_ID,
        AUTHORITY_KEY_ID,
    ]
    .contains(&extension.oid.as_str())
        && extension.values().is_empty()
}

fn name_of(extension: &Extension) -> String {
    extension.name().map_or_else(|| extension.oid.clone(), str::to_owned)
}

/// Bytes of a value that nobody here can read.
const SHOWN: usize = 16;

/// `name constraints: only DNS:acme.internal`; of bytes as much as tells them apart.
fn in_words(extension: &Extension) -> String {
    let values = extension.values();
    let name = name_of(extension);
    match values.as_slice() {
        [] if extension.value.len() <= SHOWN => {
            format!("{name}: {}", hexadecimal(&extension.value))
        }
        [] => format!("{name}: {}", Digest::of(&extension.value)),
        some => format!("{name}: {}", some.join(", ")),
    }
}
