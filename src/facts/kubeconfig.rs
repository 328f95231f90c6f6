//! What a kubeconfig says: one context, its cluster and its user, with the data embedded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::FactsError;
use super::kubeconfig_parts::{KubeconfigParts, Part};
use crate::secret::Secret;

/// The largest kubeconfig that is read; a bundle of a hundred CAs fits.
pub const MAX_KUBECONFIG: usize = 1024 * 1024;

/// The current context. It holds a key, so it has neither Debug nor Serialize.
pub struct KubeconfigFacts {
    pub context: String,
    pub cluster: String,
    pub server: String,
    /// A PEM bundle.
    pub certificate_authority: Vec<u8>,
    pub user: String,
    pub namespace: Option<String>,
    /// A PEM certificate, perhaps with its intermediates.
    pub client_certificate: Vec<u8>,
    /// `None`: it is a file of its own, which `client-key` names.
    pub client_key: Option<Secret>,
}

#[derive(Deserialize)]
#[serde(from = "String")]
pub(super) struct SecretText(pub(super) Zeroizing<String>);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        SecretText(Zeroizing::new(text))
    }
}

impl KubeconfigFacts {
    /// The context that `current-context` names; everything but the key is in the file itself.
    pub fn from_yaml(text: &[u8]) -> Result<Self, FactsError> {
        let parts = KubeconfigParts::from_yaml(text)?;
        let missing = |field: &str| FactsError::new(format!("has no {field}"));
        let embedded = |field: &str, part: Part| match part {
            Part::Embedded(data) => Ok(data),
            Part::Damaged(why) => Err(FactsError::new(why)),
            Part::Absent | Part::File(_) => Err(missing(field)),
        };
        let public = |field: &str, part: Part| {
            let data = embedded(field, part)?;
            Ok(data.expose().to_vec())
        };
        let client_key = match parts.client_key {
            // What it names is not looked at.
            Part::File(_) => None,
            part => Some(embedded("client-key-data", part)?),
        };
        Ok(KubeconfigFacts {
            context: parts.context,
            cluster: parts.cluster,
            server: parts.server.ok_or_else(|| missing("server"))?,
            certificate_authority: public(
                "certificate-authority-data",
                parts.certificate_authority,
            )?,
            user: parts.user.ok_or_else(|| missing("user for its context"))?,
            namespace: parts.namespace,
            client_certificate: public("client-certificate-data", parts.client_certificate)?,
            client_key,
        })
    }
}

/// Base64 in one line or, as YAML folds it, with white space.
pub(super) fn decoded(field: &str, text: &str) -> Result<Vec<u8>, FactsError> {
    let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
    compact.extend(text.bytes().filter(|b| !b.is_ascii_whitespace()));
    match STANDARD.decode(compact.as_slice()) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(FactsError::new(format!("has a {field} that is not base64"))),
    }
}
