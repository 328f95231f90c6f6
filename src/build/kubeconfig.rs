//! Writes kubeconfigs in kubeadm's shape: keys in alphabetical order, every datum embedded.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::secret::Secret;

#[derive(Clone, Copy)]
pub struct KubeconfigContents<'a> {
    /// The name that contexts use for the cluster.
    pub cluster: &'a str,
    pub server: &'a str,
    /// A PEM bundle.
    pub certificate_authority: &'a [u8],
    /// The common name of the certificate.
    pub user: &'a str,
    pub namespace: Option<&'a str>,
    /// In PEM, leaf first.
    pub client_certificate: &'a [u8],
    pub client_key: ClientKey<'a>,
}

#[derive(Clone, Copy)]
pub enum ClientKey<'a> {
    /// In PEM.
    Embedded(&'a Secret),
    /// A path relative to the kubeconfig: the key is its owner's own.
    File(&'a str),
}

pub fn render(contents: &KubeconfigContents<'_>) -> Secret {
    let cluster = scalar(contents.cluster);
    let user = scalar(contents.user);
    let context = scalar(&format!("{}@{}", contents.user, contents.cluster));
    let (field, key) = match contents.client_key {
        ClientKey::Embedded(key) => ("client-key-data", STANDARD.encode(key.expose())),
        ClientKey::File(path) => ("client-key", scalar(path)),
    };
    let key = Zeroizing::new(key);
    let authority = STANDARD.encode(contents.certificate_authority);
    let certificate = STANDARD.encode(contents.client_certificate);
    let namespace = contents
        .namespace
        .map_or_else(String::new, |name| format!("    namespace: {}\n", scalar(name)));
    let head = format!(
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {authority}
    server: {server}
  name: {cluster}
contexts:
- context:
    cluster: {cluster}
{namespace}    user: {user}
  name: {context}
current-context: {context}
kind: Config
users:
- name: {user}
  user:
    client-certificate-data: {certificate}
    {field}: ",
        server = scalar(contents.server),
    );
    // In its final size: an outgrown buffer would keep a part of the key.
    let mut text = Vec::with_capacity(head.len() + key.len() + 1);
    text.extend_from_slice(head.as_bytes());
    text.extend_from_slice(key.as_bytes());
    text.push(b'\n');
    Secret::new(text)
}

/// A YAML scalar that every reader takes as this text: plain where nothing about it is in doubt, else in
/// double quotes with every character escaped that some version of YAML treats in its own way.
fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            _ => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c)); // a String takes everything
            }
        }
    }
    quoted.push('"');
    quoted
}

/// Starts with a letter and holds only what is never syntax: a colon must not end it or stand before a space.
/// What YAML 1.1 or 1.2 reads as a boolean or null is not plain.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(':')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@:/".contains(&b))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}
