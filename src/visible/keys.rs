//! What looks like a secret key in a text that is about to be shown. In doubt it is one: a reader still has
//! the file.

/// Stands in the place of what may be a key.
pub const HINT: &str = "(not shown: it may be a key)";

/// An Ed25519 key in base64 has 43 characters, a seed in hexadecimal 64; no name in Kubernetes that holds so
/// many digits and capitals is as long as this.
const LONG: usize = 40;
/// Beside a key, shorter pieces may belong to it.
const PIECE: usize = 12;
/// Bytes as `openssl -text` writes them: `3a:4f:…`. An IPv6 address has eight groups, a MAC address six.
const PAIRS: usize = 15;

/// Whether a line may hold a secret key: a long run of base64 or hexadecimal digits, an age identity, a
/// token.
pub fn holds_key(line: &str) -> bool {
    !runs(line).is_empty()
}

/// Whether a line may be the short last one of a key whose line before it is `before`.
pub fn is_end_of_key(line: &str, before: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && line.bytes().all(is_digit) && holds_key(before)
}

/// A line with as many asterisks as there are characters that may belong to a key; of a whole key all.
pub fn masked(line: &str, is_whole: bool) -> String {
    let mut out = String::with_capacity(line.len());
    for (piece, is_word) in pieces(line, |byte| is_digit(byte) || b":.".contains(&byte)) {
        if is_word && (is_whole || piece.len() >= PIECE) || !runs(piece).is_empty() {
            out.extend(std::iter::repeat_n('*', piece.chars().count()));
        } else {
            out.push_str(piece);
        }
    }
    out
}

/// A text with a hint in the place of each word that may be a key.
pub fn without_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last = 0;
    for (start, end) in runs(text) {
        if start < last {
            continue;
        }
        out.push_str(text.get(last..start).unwrap_or(""));
        out.push_str(HINT);
        last = end;
    }
    out.push_str(text.get(last..).unwrap_or(""));
    out
}

/// Of base64 in both alphabets (RFC 4648, sections 4 and 5).
fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte)
}

/// A text in turns of what belongs to a word and what does not, with where the bytes are ASCII.
fn pieces(text: &str, belongs: impl Fn(u8) -> bool) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let is_word = belongs(*rest.as_bytes().first()?);
        let differs = |c: char| u8::try_from(c).is_ok_and(&belongs) != is_word;
        let (piece, behind) = rest.split_at(rest.find(differs).unwrap_or(rest.len()));
        rest = behind;
        Some((piece, is_word))
    })
}

/// The ranges that may be keys, from left to right.
fn runs(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    for (piece, is_word) in pieces(text, is_digit) {
        let end = start + piece.len();
        let before = text.get(..start).unwrap_or("");
        if is_word && is_key(piece, before) {
            found.push((start, end));
        }
        start = end;
    }
    let mut start = 0;
    for (piece, is_word) in pieces(text, |byte| byte.is_ascii_hexdigit() || byte == b':') {
        let end = start + piece.len();
        let pairs = piece.split(':').filter(|pair| pair.len() == 2).count();
        if is_word && pairs >= PAIRS {
            found.push((start, end));
        }
        start = end;
    }
    // The parts of a token (RFC 7519, section 3) are one: its head begins with `{"` in base64.
    let mut start = 0;
    for (piece, is_word) in pieces(text, |byte| is_digit(byte) || byte == b'.') {
        let end = start + piece.len();
        if let Some(at) = piece.find("eyJ").filter(|_| is_word && piece.contains('.')) {
            found.push((start + at, end));
        }
        start = end;
    }
    found.sort_unstable();
    found
}

fn is_key(word: &str, before: &str) -> bool {
    let upper = word.to_ascii_uppercase();
    // age's own, and those of its plugins (AGE-PLUGIN-NAME-1…).
    if upper.contains("AGE-SECRET-KEY-") || upper.contains("AGE-PLUGIN-") {
        return true;
    }
    let telling = word.bytes().filter(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    // Of random base64 more than half, of a path or a name in words hardly any.
    if word.len() < LONG || telling.count() * 6 < word.len() {
        return false;
    }
    !is_spoken(word) && !is_public(word, before)
}

/// `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`, or a name with a UUID: short parts, each in one case.
fn is_spoken(word: &str) -> bool {
    word.split(['+', '/', '-', '_', '=']).all(|part| {
        let has = |of: fn(&u8) -> bool| part.as_bytes().iter().any(of);
        part.len() <= PIECE && !(has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase))
    })
}

/// A digest of an image, an age recipient, the key in a line of ssh: what others may read.
fn is_public(word: &str, before: &str) -> bool {
    let is_hex = word.bytes().all(|b| b.is_ascii_hexdigit());
    let digest = is_hex && word.len() == 64 && before.ends_with("sha256:");
    // Cut or of a plugin, too; a secret one has another beginning.
    let recipient = word.starts_with("age1")
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let kind = before.trim_end().rsplit(['"', ' ', '\t']).next();
    let ssh = word.starts_with("AAAA")
        && kind.is_some_and(|kind| kind.starts_with("ssh-") || kind.starts_with("ecdsa-sha2-"));
    digest || recipient || ssh
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together here: no key is kept in a repository, not even the shape of one.
    fn made(alphabet: &str, length: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        let mut state = 7usize;
        let mut next = || {
            state = (state * 1_103_515_245 + 12_345) % (1 << 31);
            alphabet[(state >> 8) % alphabet.len()]
        };
        (0..length).map(|_| next()).collect()
    }

    const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    #[test]
    fn what_may_be_a_key() {
        let hex = made("0123456789abcdef", 64);
        let pairs: Vec<String> = (0..32).map(|at| format!("{:02x}", at * 7)).collect();
        let bech32 = made("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58);
        let keys = [
            made(BASE64, 64),
            made(BASE64, 43) + "=",
            made(URL, 43),
            hex.clone(),
            hex.to_uppercase(),
            made("0123456789abcdefghijklmnopqrstuvwxyz", 48),
            made("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 56),
            pairs.join(":"),
            format!("AGE-SECRET-KEY-1{bech32}"),
            format!("age-secret-key-1{}", bech32.to_lowercase()),
            format!("AGE-PLUGIN-YUBIKEY-1{}", made("QPZRY9X8", 12)),
            format!("eyJhbGciOiJFUzI1NiJ9.{}.{}", made(URL, 30), made(URL, 86)),
            format!("eyJ{}.eyJ{}.{}", made(URL, 9), made(URL, 9), made(URL, 9)),
        ];
        for key in keys {
            for line in
                [key.clone(), format!("user \"{key}\" // {key}"), format!("é--token={key};")]
            {
                assert!(holds_key(&line), "{line}");
                let shown = without_keys(&line);
                assert!(shown.contains(HINT), "{shown}");
                for text in [shown, masked(&line, false)] {
                    let pieces = key.as_bytes().windows(PIECE);
                    let mut pieces = pieces.map(|piece| std::str::from_utf8(piece).unwrap());
                    assert!(!pieces.any(|piece| text.contains(piece)), "{text}");
                }
                assert_eq!(masked(&line, false).chars().count(), line.chars().count());
            }
        }
        let tail = made(BASE64, 20);
        assert!(is_end_of_key(&tail, &made(BASE64, 64)));
        assert_eq!(masked(&format!("  {tail}\n"), true), format!("  {}\n", "*".repeat(20)));
        assert!(!is_end_of_key(&tail, "cluster \"lab\""));
        assert!(!is_end_of_key("}", &made(BASE64, 64)));
    }

    #[test]
    fn what_is_none() {
        let hex = made("0123456789abcdef", 64);
        let harmless = [
            "component \"kube-apiserver\" { extra-args \"tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\" }".to_owned(),
            "node \"worker-9f86d081-884c-4d63-a1b2-0c15b0f00a08\"".to_owned(),
            "folder \"/etc/kubernetes/pki/etcd/healthcheck-client/of/the/first/node\"".to_owned(),
            "san \"a-very-long-name-of-a-load-balancer-in-eu-central-1.elb.example.com\"".to_owned(),
            format!("image \"registry.k8s.io/kube-apiserver@sha256:{hex}\""),
            format!("recipient \"age1{}\"", made("qpzry9x8gf2tvdw0s3jn54khce6mua7l", 58)),
            format!("recipient \"ssh-ed25519 AAAA{}\"", made(BASE64, 64)),
            "address \"2001:0db8:85a3:0000:0000:8a2e:0370:7334\" // 00:1a:2b:3c:4d:5e".to_owned(),
            made("0123456789abcdef", 32),
            "x".repeat(1000),
            "-".repeat(80),
        ];
        for line in harmless {
            assert!(!holds_key(&line), "{line}");
            assert_eq!(without_keys(&line), line);
        }
    }
}
