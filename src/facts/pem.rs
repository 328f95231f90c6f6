//! PEM (RFC 7468): blocks of base64 between labels.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::FactsError;

/// The largest PEM file that is read.
pub const MAX_PEM: usize = 1024 * 1024;
/// The largest certificate or request in DER.
pub const MAX_CERTIFICATE: usize = 64 * 1024;

/// One block. Whether it is secret is not known here, so it is wiped in any case.
pub(crate) struct Block {
    pub label: String,
    pub der: Zeroizing<Vec<u8>>,
    /// Has headers, so what it holds is encrypted.
    pub encrypted: bool,
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Every block of a file. Text between blocks is allowed, as in what `openssl x509 -text` writes; a broken
/// block is an error, since a bundle that silently lost a member locks clients out.
pub(crate) fn blocks(input: &[u8]) -> Result<Vec<Block>, FactsError> {
    if input.len() > MAX_PEM {
        return Err(FactsError::new("is larger than 1 MiB"));
    }
    let broken = || FactsError::new("holds a damaged PEM block");
    let mut blocks = Vec::new();
    let mut open: Option<&str> = None;
    // One buffer for all, in its final size: an outgrown one would keep a part of a key.
    let mut base64 = Zeroizing::new(Vec::with_capacity(input.len()));
    let mut encrypted = false;
    for line in input.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        let label = |edge: &str| {
            let line = str::from_utf8(line).ok()?;
            line.strip_prefix(edge)?.strip_suffix(DASHES)
        };
        match open {
            None => {
                open = label(BEGIN);
                // After a byte order mark, say: a block that half of all readers would skip.
                if open.is_none() && line.windows(BEGIN.len()).any(|at| at == BEGIN.as_bytes()) {
                    return Err(broken());
                }
            }
            // The headers of RFC 1421, which OpenSSL's old encrypted keys have: `Proc-Type: 4,ENCRYPTED`.
            Some(_) if line.contains(&b':') => encrypted = true,
            Some(name) => match label(END) {
                None => base64.extend_from_slice(line),
                Some(end) => {
                    if end != name {
                        return Err(broken());
                    }
                    let der = STANDARD.decode(base64.as_slice()).map_err(|_| broken())?;
                    blocks.push(Block {
                        label: name.to_owned(),
                        der: Zeroizing::new(der),
                        encrypted,
                    });
                    (open, encrypted) = (None, false);
                    base64.clear();
                }
            },
        }
    }
    if open.is_some() {
        return Err(FactsError::new("ends inside a PEM block"));
    }
    Ok(blocks)
}

/// The certificates of a file or bundle, in their order, not parsed yet.
pub fn certificates_in_pem(input: &[u8]) -> Result<Vec<Vec<u8>>, FactsError> {
    let mut certificates = Vec::new();
    for mut block in blocks(input)? {
        match block.label.as_str() {
            "CERTIFICATE" if block.encrypted => {
                return Err(FactsError::new(
                    "holds a certificate under PEM headers, which Kubernetes skips",
                ));
            }
            "CERTIFICATE" => certificates.push(std::mem::take(&mut *block.der)),
            label if label.ends_with("PRIVATE KEY") => {
                return Err(FactsError::new("holds a private key where only certificates belong"));
            }
            _ => {
                return Err(FactsError::new("holds a PEM block that is not a certificate"));
            }
        }
    }
    if certificates.is_empty() {
        return Err(FactsError::new("holds no certificate"));
    }
    Ok(certificates)
}

pub fn certificate_pem(der: &[u8]) -> String {
    encode("CERTIFICATE", der)
}

/// Lines of 64 characters between the labels.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    // In its final size from the start: an outgrown buffer would keep a part of a key.
    let mut out = String::with_capacity(base64.len() + base64.len() / 64 + 2 * label.len() + 40);
    let edge = |out: &mut String, start| {
        out.push_str(start);
        out.push_str(label);
        out.push_str(DASHES);
        out.push('\n');
    };
    edge(&mut out, BEGIN);
    let mut rest = base64.as_str();
    while let Some((line, after)) = rest.split_at_checked(64) {
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    if !rest.is_empty() {
        out.push_str(rest);
        out.push('\n');
    }
    edge(&mut out, END);
    out
}
