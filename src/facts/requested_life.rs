//! For how long a CertificateSigningRequest object asks.

use serde::Deserialize;

use crate::time::Span;

#[derive(Deserialize)]
struct Object {
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    expiration_seconds: u32,
}

/// `None`: it says nothing that can be read.
pub fn requested_life(yaml: &[u8]) -> Option<Span> {
    let text = std::str::from_utf8(yaml).ok()?;
    let object: Object = serde_saphyr::from_str(text).ok()?;
    Some(Span::seconds(object.spec.expiration_seconds.into()))
}
