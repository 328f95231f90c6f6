//! Secrets that are neither a key in PEM nor a kubeconfig, by what is in the file. Those that a flag or a
//! kubeconfig names need no such look.

use memchr::memmem;

use crate::facts::{Plaintext, key_store, plaintext_in};

/// What it is; the first thing that is found.
pub(super) fn other_secret(name: &str, bytes: &[u8]) -> Option<&'static str> {
    let plain = plaintext_in(bytes).into_iter().next().map(|plain| match plain {
        Plaintext::PrivateKey => "a private key",
        Plaintext::EncodedPrivateKey => "a private key in base64",
        Plaintext::Kubeconfig => "a kubeconfig with a key",
        Plaintext::AgeIdentity => "an age identity",
    });
    plain.or_else(|| key_store(bytes)).or_else(|| by_form(name, bytes))
}

fn by_form(name: &str, bytes: &[u8]) -> Option<&'static str> {
    let has = |line: &str| {
        // Most files are without.
        if memmem::find(bytes, line.as_bytes()).is_none() {
            return false;
        }
        let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        lines.any(|found| found.starts_with(line.as_bytes()))
    };
    if has("kind: EncryptionConfiguration") && (has("secret:") || has("- secret:")) {
        return Some("keys of encryption at rest");
    }
    // TOKEN,USER,UID: kube-apiserver's --token-auth-file.
    let is_list = name.contains("token") && name.rsplit('.').next() == Some("csv");
    let has_rows = || {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        lines.any(|line| line.split(|byte| *byte == b',').count() > 2)
    };
    (is_list && has_rows()).then_some("tokens")
}
