//! What a kubeconfig says: one context, its cluster and its user.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::FactsError;
use crate::secret::Secret;

/// The largest kubeconfig that is read; a bundle of a hundred CAs fits.
pub const MAX_KUBECONFIG: usize = 1024 * 1024;

/// One of a kubeconfig's data. Of a key it is secret, so there is no Debug.
pub enum Part {
    Absent,
    Embedded(Secret),
    /// The path as it is written: absolute, or from the kubeconfig's folder.
    File(String),
    /// Why it cannot be read.
    Damaged(String),
}

/// The current context of a kubeconfig of any origin: its data may be embedded, be files of their own, or not
/// be there.
pub struct Kubeconfig {
    pub context: String,
    pub cluster: String,
    /// `None`: nobody, as of a file that only says where the cluster is.
    pub user: Option<String>,
    pub namespace: Option<String>,
    pub server: Option<String>,
    pub certificate_authority: Part,
    pub client_certificate: Part,
    pub client_key: Part,
    /// Of the current user or of another one: a key, a password or a token in this file.
    pub holds_secret: bool,
}

/// A [`Kubeconfig`] in which everything but the key is embedded, as kpki writes it. It holds a key, so it has
/// neither Debug nor Serialize.
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
    clusters: Option<Vec<NamedCluster>>,
    #[serde(default)]
    contexts: Option<Vec<NamedContext>>,
    current_context: Option<String>,
    #[serde(default)]
    users: Option<Vec<NamedUser>>,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    #[serde(default)]
    cluster: Cluster,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    server: Option<String>,
    certificate_authority: Option<String>,
    certificate_authority_data: Option<SecretText>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    cluster: String,
    user: Option<String>,
    namespace: Option<String>,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    user: Option<User>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
struct User {
    client_certificate: Option<String>,
    client_certificate_data: Option<SecretText>,
    client_key: Option<String>,
    client_key_data: Option<SecretText>,
    token: Option<SecretText>,
    password: Option<SecretText>,
}

#[derive(Deserialize)]
#[serde(from = "String")]
struct SecretText(Zeroizing<String>);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        SecretText(Zeroizing::new(text))
    }
}

impl User {
    fn holds_secret(&self) -> bool {
        [&self.client_key_data, &self.token, &self.password]
            .into_iter()
            .flatten()
            .any(|text| !text.0.is_empty())
    }
}

impl Kubeconfig {
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
        let named = |name: &String| !name.is_empty();
        let current = document.current_context.filter(named);
        let current = current.ok_or_else(|| FactsError::new("has no current-context"))?;
        let missing =
            |what: &str| FactsError::new(format!("has a context whose {what} is not in {what}s"));
        let context = (document.contexts.unwrap_or_default().into_iter())
            .find(|context| context.name == current)
            .ok_or_else(|| FactsError::new("has a current-context that is not in contexts"))?
            .context;
        let cluster = (document.clusters.unwrap_or_default().into_iter())
            .find(|cluster| cluster.name == context.cluster)
            .ok_or_else(|| missing("cluster"))?
            .cluster;
        let users = document.users.unwrap_or_default();
        let holds_secret =
            (users.iter().filter_map(|user| user.user.as_ref())).any(User::holds_secret);
        let user_name = context.user.filter(named);
        let user = match &user_name {
            None => User::default(),
            Some(name) => (users.into_iter().find(|user| user.name == *name))
                .ok_or_else(|| missing("user"))?
                .user
                .unwrap_or_default(),
        };
        let part = |field: &str, data: Option<SecretText>, file: Option<String>| {
            // Embedded data wins over a file, as in client-go.
            match (data.filter(|data| !data.0.is_empty()), file) {
                (Some(data), _) => match decoded(field, &data.0) {
                    Ok(bytes) => Part::Embedded(Secret::new(bytes)),
                    Err(error) => Part::Damaged(error.0),
                },
                (None, Some(file)) if !file.is_empty() => Part::File(file),
                _ => Part::Absent,
            }
        };
        Ok(Kubeconfig {
            context: current,
            cluster: context.cluster,
            user: user_name,
            namespace: context.namespace.filter(named),
            server: cluster.server.filter(named),
            certificate_authority: part(
                "certificate-authority-data",
                cluster.certificate_authority_data,
                cluster.certificate_authority,
            ),
            client_certificate: part(
                "client-certificate-data",
                user.client_certificate_data,
                user.client_certificate,
            ),
            client_key: part("client-key-data", user.client_key_data, user.client_key),
            holds_secret,
        })
    }
}

impl KubeconfigFacts {
    /// The context that `current-context` names; everything but the key is in the file itself.
    pub fn from_yaml(text: &[u8]) -> Result<Self, FactsError> {
        Kubeconfig::from_yaml(text)?.complete()
    }
}

impl Kubeconfig {
    /// Refuses one in which something is missing.
    pub fn complete(self) -> Result<KubeconfigFacts, FactsError> {
        let parts = self;
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
fn decoded(field: &str, text: &str) -> Result<Vec<u8>, FactsError> {
    let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
    compact.extend(text.bytes().filter(|b| !b.is_ascii_whitespace()));
    match STANDARD.decode(compact.as_slice()) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(FactsError::new(format!("has a {field} that is not base64"))),
    }
}
