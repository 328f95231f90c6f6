//! What a certificate says, as a thing to compare.

use std::sync::Arc;

use super::item::Item;
use crate::facts::CertificateFacts;
use crate::hash::hexadecimal;

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
    item.text("subject", facts.subject.to_string())
        .text("issuer", facts.issuer.to_string())
        .text("ca", ca)
        .set("sans", sans.chain(facts.other_sans.iter().cloned()))
        .set("usages", usages)
        .text("key-usage", facts.key_usage.to_string())
        .text("not-before", facts.not_before.to_string())
        .text("not-after", facts.not_after.to_string())
        .public_key(&facts.public_key)
        .digest("issuer-key", &hexadecimal(key_id))
        .text("signature", facts.signature_algorithm.clone())
        .echo("serial", &hexadecimal(&facts.serial))
        .echo("digest", &facts.digest)
}
