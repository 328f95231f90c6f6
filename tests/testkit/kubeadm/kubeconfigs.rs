//! Kubeconfigs in the bytes of client-go's `clientcmd.Write`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a kubeconfig says of its one user.
pub enum Client<'a> {
    /// Certificate and key, in PEM.
    Embedded(&'a str, &'a str),
    /// A file that the kubelet renews.
    File(&'a str),
}

pub struct Names<'a> {
    pub cluster: &'a str,
    pub user: &'a str,
    pub context: &'a str,
    pub namespace: Option<&'a str>,
}

/// `omits_preferences`: client-go from 0.34 on does not write `preferences: {}`.
pub fn kubeconfig(
    names: &Names,
    authority: &str,
    server: &str,
    client: &Client,
    omits_preferences: bool,
) -> String {
    let Names { cluster, user, context, namespace } = names;
    let data = |text: &str| STANDARD.encode(text);
    let namespace =
        namespace.map_or(String::new(), |namespace| format!("    namespace: {namespace}\n"));
    let preferences = if omits_preferences { "" } else { "preferences: {}\n" };
    let client = match client {
        Client::Embedded(certificate, key) => format!(
            "    client-certificate-data: {}\n    client-key-data: {}\n",
            data(certificate),
            data(key)
        ),
        Client::File(path) => format!("    client-certificate: {path}\n    client-key: {path}\n"),
    };
    format!(
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {}
    server: {server}
  name: {cluster}
contexts:
- context:
    cluster: {cluster}
{namespace}    user: {user}
  name: {context}
current-context: {context}
kind: Config
{preferences}users:
- name: {user}
  user:
{client}",
        data(authority)
    )
}
