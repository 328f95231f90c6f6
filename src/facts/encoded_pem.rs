//! PEM in base64 in a document of YAML or JSON: a Secret's manifest, the secrets of Talos, the keysets of
//! kops.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use zeroize::Zeroizing;

use super::kubeconfig_file::Setting;
use super::pem::MAX_PEM;
use crate::secret::Secret;

/// What one mapping holds: a certificate, its CA's, its key.
pub struct EncodedPem {
    /// `certs.etcd`
    pub place: String,
    /// In the order of the names.
    pub texts: Vec<Secret>,
}

/// `-----BEGIN `, with what is the same of the character behind it.
const MARK: &[u8] = b"LS0tLS1CRUdJTi";
const BEGIN: &[u8] = b"-----BEGIN ";

/// `None`: there is none, or the text is no such document.
pub fn encoded_pem(text: &[u8]) -> Option<Vec<EncodedPem>> {
    if text.len() > MAX_PEM || memmem::find(text, MARK).is_none() {
        return None;
    }
    let documents: Vec<Setting> = serde_saphyr::from_multiple(str::from_utf8(text).ok()?).ok()?;
    let mut found = Vec::new();
    for document in &documents {
        walk(document, "", &mut found);
    }
    Some(found).filter(|found| !found.is_empty())
}

/// The parser has limited how deep it goes.
fn walk(setting: &Setting, place: &str, found: &mut Vec<EncodedPem>) {
    let below =
        |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match setting {
        Setting::Map(fields) => {
            let texts: Vec<Secret> = fields.values().filter_map(decoded).collect();
            if !texts.is_empty() {
                found.push(EncodedPem { place: place.to_owned(), texts });
            }
            for (name, field) in fields {
                walk(field, &below(name), found);
            }
        }
        Setting::List(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, &below(&at.to_string()), found);
            }
        }
        Setting::Nothing | Setting::Text(_) | Setting::Plain(_) => {}
    }
}

fn decoded(setting: &Setting) -> Option<Secret> {
    let Setting::Text(text) = setting else { return None };
    // In its final size: an outgrown buffer would keep a part of a key.
    let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
    compact.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    if !compact.starts_with(MARK) {
        return None;
    }
    let bytes = STANDARD.decode(compact.as_slice()).ok()?;
    let text = Secret::new(bytes);
    text.expose().starts_with(BEGIN).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<(String, Vec<String>)> {
        let text_of = |text: &Secret| String::from_utf8(text.expose().to_vec()).unwrap();
        (encoded_pem(text.as_bytes()).unwrap_or_default().into_iter())
            .map(|one| (one.place, one.texts.iter().map(text_of).collect()))
            .collect()
    }

    #[test]
    fn mappings_and_lists_of_every_document() {
        let a = STANDARD.encode("-----BEGIN A-----");
        let b = STANDARD.encode("-----BEGIN B-----");
        let text = format!(
            "x: 1\n---\ncerts:\n  etcd: {{key: {b}, crt: {a}}}\n  list:\n  - key: {b}\n  - other: text\n"
        );
        let (a, b) = ("-----BEGIN A-----".to_owned(), "-----BEGIN B-----".to_owned());
        let expected = [
            ("certs.etcd".to_owned(), vec![a.clone(), b.clone()]),
            ("certs.list.0".to_owned(), vec![b]),
        ];
        assert_eq!(places(&text), expected);
        let json = format!("{{\"data\": {{\"tls.crt\": \"{}\"}}}}", STANDARD.encode(&a));
        assert_eq!(places(&json), [("data".to_owned(), vec![a])]);
    }

    #[test]
    fn other_texts_hold_none() {
        let a = STANDARD.encode("-----BEGIN A-----");
        for text in ["", "x: y", "x: [", "LS0tLS1CRUdJTi", &format!("{{{a}"), &format!("a: {a}*")] {
            assert!(encoded_pem(text.as_bytes()).is_none(), "{text}");
        }
        let large = format!("a: {a}\nb: {}", " ".repeat(MAX_PEM));
        assert!(encoded_pem(large.as_bytes()).is_none());
    }
}
