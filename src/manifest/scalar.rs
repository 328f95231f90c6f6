//! One string as a YAML scalar.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Plain where every reader of YAML 1.1 and 1.2 takes it for this very string, else in double quotes.
pub(super) fn scalar(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            ' '..='~' => quoted.push(character),
            // Writing to a String cannot fail.
            _ => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(character));
            }
        }
    }
    quoted.push('"');
    Cow::Owned(quoted)
}

/// Conservative: a flag, a path, a name, a dotted address.
fn is_plain(text: &str) -> bool {
    let safe =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=,*+@%".contains(&byte));
    let first = text.bytes().next();
    let starts_like_a_string = first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'/')
        || (text.starts_with("--") && !text.starts_with("---"))
        // With two dots it is neither a number nor a date, whatever else it is.
        || (first.is_some_and(|byte| byte.is_ascii_digit()) && text.matches('.').count() >= 2);
    safe && starts_like_a_string && !text.ends_with(':') && !is_keyword(text)
}

/// What YAML 1.1 or 1.2 reads as a boolean or null.
fn is_keyword(text: &str) -> bool {
    ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_only_where_no_reader_can_mistake_it() {
        for plain in [
            "--controllers=*,bootstrapsigner",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            "/etc/kubernetes/pki",
            "192.168.5.11",
            "192.168.5.11:6443",
            "registry.k8s.io/etcd:3.6.8-0",
            "--etcd-servers=https://[::1]:2379".replace(['[', ']'], "").as_str(),
        ] {
            assert_eq!(scalar(plain), plain);
        }
        for quoted in [
            "",
            "true",
            "NO",
            "null",
            "1",
            "1.5",
            "12:30:45",
            "2026-01-01",
            "0x1f",
            "1e3",
            "::1",
            "a b",
            "a: b",
            "a #b",
            "a:",
            "-",
            "---",
            "- a",
            "&a",
            "*a",
            "!a",
            "%a",
            "@a",
            "`a",
            "{}",
            "[]",
            "~",
            "a\nb",
            "é",
            "'a'",
            "say \"hi\"",
            "back\\slash",
            "--x=[::1]",
            "--x=a: b",
            "--x=a #b",
        ] {
            assert!(scalar(quoted).starts_with('"'), "{quoted}");
            let back: String = serde_saphyr::from_str(&scalar(quoted)).unwrap();
            assert_eq!(back, quoted);
        }
    }

    proptest::proptest! {
        #[test]
        fn every_string_comes_back(text in ".*") {
            let document = format!("a:\n- {}\n", scalar(&text));
            let back: std::collections::BTreeMap<String, Vec<String>> =
                serde_saphyr::from_str(&document).unwrap();
            proptest::prop_assert_eq!(&back["a"][0], &text);
        }
    }
}
