//! What a kubeconfig says: one context, its cluster and its user.

use base64::Engine as _;
use serde::Deserialize;
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::FactsError;
use super::pem::BASE64;
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
    /// Empty: none, as in kubeadm's discovery file; `kubectl --context` names one. There is no cluster then
    /// and nobody.
    pub context: String,
    pub cluster: String,
    /// `None`: nobody, as of a file that only says where the cluster is.
    pub user: Option<String>,
    pub namespace: Option<String>,
    pub server: Option<String>,
    pub dialling: Dialling,
    pub certificate_authority: Part,
    pub client_certificate: Part,
    pub client_key: Part,
    pub login: Login,
    /// Of the current user or of another one: a key, a password or a token in this file.
    pub holds_secret: bool,
}

/// How the cluster is dialled, beside its address and its CA.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dialling {
    /// The name that the server's certificate must have, instead of the address's host.
    pub tls_server_name: Option<String>,
    /// Any server is believed.
    pub skips_verification: bool,
    pub proxy: Option<String>,
}

/// How the user says who it is, beside a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    pub has_token: bool,
    /// The path as it is written.
    pub token_file: Option<String>,
    pub has_password: bool,
    /// Asks a program, or one of the providers that client-go had before.
    pub asks_program: bool,
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
    tls_server_name: Option<String>,
    #[serde(default)]
    insecure_skip_tls_verify: Option<bool>,
    proxy_url: Option<String>,
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
    #[serde(rename = "tokenFile")]
    token_file: Option<String>,
    password: Option<SecretText>,
    exec: Option<IgnoredAny>,
    auth_provider: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(from = "String")]
struct SecretText(Zeroizing<String>);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        SecretText(Zeroizing::new(text))
    }
}

/// Of the document, by their first letters c and u. One that was cut off has the first of them, with a CA
/// below.
const KEYS: [&str; 4] = ["clusters", "contexts", "current-context", "users"];

/// What follows a key of YAML.
fn is_value(rest: &[u8]) -> bool {
    rest.first() == Some(&b':')
}

impl User {
    fn holds_secret(&self) -> bool {
        [&self.client_key_data, &self.token, &self.password].into_iter().flatten().any(is_given)
    }

    fn login(&self) -> Login {
        Login {
            has_token: self.token.as_ref().is_some_and(is_given),
            token_file: self.token_file.clone().filter(|file| !file.is_empty()),
            has_password: self.password.as_ref().is_some_and(is_given),
            asks_program: self.exec.is_some() || self.auth_provider.is_some(),
        }
    }
}

fn is_given(text: &SecretText) -> bool {
    !text.0.is_empty()
}

impl Kubeconfig {
    /// Whether a file is one by its content, readable or not: a YAML or JSON document of that form. A text or
    /// another object that quotes one is none.
    pub fn is_meant(text: &[u8]) -> bool {
        let start = text.trim_ascii_start();
        // A certificate or key, as most files are.
        if start.starts_with(b"-----BEGIN ") {
            return false;
        }
        let has = |word: &str| text.windows(word.len()).any(|part| part == word.as_bytes());
        if start.starts_with(b"{") {
            return KEYS.iter().filter(|key| has(&format!("\"{key}\""))).count() > 1;
        }
        let mut found = [false; KEYS.len()];
        for line in text.split(|byte| *byte == b'\n') {
            // Most lines are indented.
            if !matches!(line.first(), Some(b'c' | b'u')) {
                continue;
            }
            for (key, found) in KEYS.iter().zip(&mut found) {
                *found |= line.strip_prefix(key.as_bytes()).is_some_and(is_value);
            }
        }
        match found.into_iter().filter(|found| *found).count() {
            0 => false,
            1 => has("\nkind: Config\n") || has("certificate-authority"),
            _ => true,
        }
    }

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
        let users = document.users.unwrap_or_default();
        let holds_secret =
            (users.iter().filter_map(|user| user.user.as_ref())).any(User::holds_secret);
        let Some(current) = document.current_context.filter(named) else {
            let says_something =
                !users.is_empty() || document.clusters.is_some_and(|all| !all.is_empty());
            return if says_something {
                Ok(Self::without_context(holds_secret))
            } else {
                Err(FactsError::new("has no current-context, cluster or user"))
            };
        };
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
            dialling: Dialling {
                tls_server_name: cluster.tls_server_name.filter(named),
                skips_verification: cluster.insecure_skip_tls_verify == Some(true),
                proxy: cluster.proxy_url.filter(named),
            },
            login: user.login(),
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

    fn without_context(holds_secret: bool) -> Self {
        Kubeconfig {
            context: String::new(),
            cluster: String::new(),
            user: None,
            namespace: None,
            server: None,
            dialling: Dialling::default(),
            certificate_authority: Part::Absent,
            client_certificate: Part::Absent,
            client_key: Part::Absent,
            login: Login::default(),
            holds_secret,
        }
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
        if parts.context.is_empty() {
            return Err(FactsError::new("has no current-context"));
        }
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

/// As client-go decodes it: line breaks are passed over, a blank (from YAML's folding, say) is refused.
fn decoded(field: &str, text: &str) -> Result<Vec<u8>, FactsError> {
    let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
    compact.extend(text.bytes().filter(|byte| !b"\r\n".contains(byte)));
    match BASE64.decode(compact.as_slice()) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ if text.contains("-----BEGIN ") => Err(FactsError::new(format!(
            "has a {field} that is not base64, but PEM: `base64 -w0 FILE` writes what belongs there"
        ))),
        _ => Err(FactsError::new(format!("has a {field} that is not base64"))),
    }
}
