//! What a kubeconfig says: one context, its cluster and its user, with the data embedded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::FactsError;
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
#[serde(rename_all = "kebab-case")]
struct Document {
    #[serde(default)]
    clusters: Vec<NamedCluster>,
    #[serde(default)]
    contexts: Vec<NamedContext>,
    current_context: Option<String>,
    #[serde(default)]
    users: Vec<NamedUser>,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    cluster: Cluster,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    server: Option<String>,
    certificate_authority_data: Option<String>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    cluster: String,
    user: String,
    namespace: Option<String>,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    user: User,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::struct_field_names, reason = "the names are the format's")]
struct User {
    client_certificate_data: Option<String>,
    client_key_data: Option<SecretText>,
    client_key: Option<String>,
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
    /// The context that `current-context` names.
    pub fn from_yaml(text: &[u8]) -> Result<Self, FactsError> {
        if text.len() > MAX_KUBECONFIG {
            return Err(FactsError::new("is larger than 1 MiB"));
        }
        // The parser's own message quotes the line, which may be the key.
        let document: Document = serde_saphyr::from_slice(text).map_err(|error| {
            let place = error.location().map_or_else(String::new, |location| {
                format!(" (line {}, column {})", location.line(), location.column())
            });
            FactsError::new(format!("is not a kubeconfig{place}"))
        })?;
        let current = filled("current-context", document.current_context)?;
        let context = document
            .contexts
            .into_iter()
            .find(|context| context.name == current)
            .ok_or_else(|| FactsError::new("has a current-context that is not in contexts"))?
            .context;
        let cluster = document
            .clusters
            .into_iter()
            .find(|cluster| cluster.name == context.cluster)
            .ok_or_else(|| FactsError::new("has a context whose cluster is not in clusters"))?
            .cluster;
        let user = document
            .users
            .into_iter()
            .find(|user| user.name == context.user)
            .ok_or_else(|| FactsError::new("has a context whose user is not in users"))?
            .user;
        let client_key = if let Some(key) = user.client_key_data {
            Some(Secret::new(decoded("client-key-data", &key.0)?))
        } else {
            // What it names is not looked at.
            filled("client-key-data", user.client_key)?;
            None
        };
        Ok(KubeconfigFacts {
            context: current,
            cluster: context.cluster,
            server: filled("server", cluster.server)?,
            certificate_authority: decoded(
                "certificate-authority-data",
                &filled(
                    "certificate-authority-data",
                    cluster.certificate_authority_data,
                )?,
            )?,
            user: context.user,
            namespace: context.namespace.filter(|name| !name.is_empty()),
            client_certificate: decoded(
                "client-certificate-data",
                &filled("client-certificate-data", user.client_certificate_data)?,
            )?,
            client_key,
        })
    }
}

fn filled(field: &str, value: Option<String>) -> Result<String, FactsError> {
    value
        .filter(|text| !text.is_empty())
        .ok_or_else(|| FactsError::new(format!("has no {field}")))
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
