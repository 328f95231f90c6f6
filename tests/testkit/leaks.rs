//! The search for secrets in what should have none.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The part of a secret that no two of them share, in the forms that it could be shown in: of a private key
/// in PEM (PKCS#8), a kubeconfig, an age identity or a seed.
pub fn pieces(secret: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(secret);
    if let Some((_, key)) = text.split_once("client-key-data: ") {
        let key = key.trim();
        let mut all = pieces(&STANDARD.decode(key).unwrap());
        // Its end in base64 twice.
        let middle = key.len() / 2;
        all.push(key.as_bytes()[middle..middle + 30].to_vec());
        return all;
    }
    let is_identity = |line: &&str| line.starts_with("AGE-SECRET-KEY-");
    if let Some(line) = text.lines().find(is_identity) {
        return vec![line.as_bytes()[20..50].to_vec()];
    }
    if !text.contains("-----BEGIN") {
        // Of a seed its digits, and the bytes that they stand for.
        let digits = text.lines().find(|line| !line.starts_with('#')).unwrap();
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        return vec![digits.as_bytes()[..16].to_vec(), (0..32).step_by(2).map(byte).collect()];
    }
    // A kubelet keeps its certificate in front of its key.
    let blocks = ::pem::parse_many(text.as_bytes()).unwrap();
    let key = blocks.into_iter().find(|block| block.tag().ends_with("PRIVATE KEY"));
    let der = key.unwrap().into_contents();
    // Where PKCS#8's fixed bytes end (RFC 5958, RFC 5915, RFC 8410); an RSA key's second half is private.
    let start = match der.len() {
        48 => 16,
        // Without PKCS#8 around it, as kubeadm writes it (RFC 5915).
        121 => 7,
        138 => 36,
        185 => 35,
        long if long > 1000 => long / 2,
        other => panic!("a key of {other} bytes"),
    };
    let private = &der[start + 4..start + 20];
    let mut hexadecimal = String::new();
    let mut colons = String::new();
    for byte in private {
        write!(hexadecimal, "{byte:02x}").unwrap();
        write!(colons, "{byte:02x}:").unwrap();
    }
    colons.truncate(30);
    // Base64 of the same bytes, from where a group of three begins.
    let body = STANDARD.encode(&der);
    let at = (start + 6) / 3 * 4;
    let mut all = vec![
        private.to_vec(),
        hexadecimal.to_uppercase().into_bytes(),
        hexadecimal.into_bytes(),
        colons.to_uppercase().into_bytes(),
        colons.into_bytes(),
    ];
    // In PEM it may be cut by a line's end.
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('-')).collect();
    all.extend(
        lines
            .iter()
            .filter_map(|line| {
                let start = body.find(line)?;
                let from = at.max(start) - start;
                line.as_bytes().get(from..from + 12)
            })
            .take(1)
            .map(<[u8]>::to_vec),
    );
    all.push(body.as_bytes()[at..at + 16].to_vec());
    all
}

/// Pieces of many secrets, by their first two bytes: texts are long, and pieces are many.
pub struct Search(Vec<Vec<Vec<u8>>>);

impl Search {
    pub fn of<'s>(secrets: impl IntoIterator<Item = &'s Vec<u8>>) -> Self {
        let mut by_start = vec![Vec::new(); 1 << 16];
        for piece in secrets.into_iter().flat_map(|secret| pieces(secret)) {
            by_start[start(&piece)].push(piece);
        }
        Search(by_start)
    }

    pub fn finds_in(&self, bytes: &[u8]) -> bool {
        (0..bytes.len().saturating_sub(1)).any(|at| {
            let rest = &bytes[at..];
            let here = &self.0[start(rest)];
            here.iter().any(|piece| rest.starts_with(piece))
        })
    }
}

fn start(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

pub fn holds(bytes: &[u8], piece: &[u8]) -> bool {
    bytes.windows(piece.len()).any(|window| window == piece)
}
