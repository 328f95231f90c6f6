//! PEM (RFC 7468): blocks of base64 between labels.

use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{Engine as _, alphabet};
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

/// As Go's: padded, and whatever the bits are that the last character has too many.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Every block of a file as Go's encoding/pem reads it, line for line. Text between blocks is allowed, as in
/// what `openssl x509 -text` writes. What Go passes over without a word (a block that is indented, damaged or
/// not ended) is an error here, since a bundle that silently lost a member locks clients out.
pub(crate) fn blocks(input: &[u8]) -> Result<Vec<Block>, FactsError> {
    if input.len() > MAX_PEM {
        return Err(FactsError::new("is larger than 1 MiB"));
    }
    let mut blocks = Vec::new();
    let mut open: Option<Open<'_>> = None;
    // One buffer for all, in its final size: an outgrown one would keep a part of a key.
    let mut base64 = Zeroizing::new(Vec::with_capacity(input.len()));
    for (number, whole) in (1..).zip(input.split_inclusive(|byte| *byte == b'\n')) {
        let line = without_end(whole);
        let damaged = || FactsError::new(format!("holds a damaged PEM block (line {number})"));
        let Some(block) = &mut open else {
            open = label(line, BEGIN).map(|label| Open { label, headers: 0, in_headers: true });
            if open.is_none() && is_in(line, BEGIN) {
                return Err(if is_indented(line, BEGIN) { indented(number) } else { damaged() });
            }
            continue;
        };
        // The headers of RFC 1421, which OpenSSL's old encrypted keys have: `Proc-Type: 4,ENCRYPTED`.
        block.in_headers &= line.contains(&b':');
        if block.in_headers {
            block.headers += 1;
        } else if line.starts_with(END.as_bytes()) {
            if label(line, END) != Some(block.label) {
                return Err(if whole.ends_with(b"\n") { damaged() } else { cut() });
            }
            let der = BASE64.decode(base64.as_slice()).map_err(|_| damaged())?;
            let der = Zeroizing::new(der);
            let encrypted = block.headers > 0;
            blocks.push(Block { label: block.label.to_owned(), der, encrypted });
            open = None;
            base64.clear();
        } else if is_indented(line, END) {
            return Err(indented(number));
        } else {
            let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r');
            // Most lines have none, and are taken as a whole.
            match line.iter().filter(is_blank).count() {
                0 => base64.extend_from_slice(line),
                _ => base64.extend(line.iter().filter(|byte| !is_blank(byte))),
            }
        }
    }
    if open.is_some() {
        return Err(cut());
    }
    Ok(blocks)
}

struct Open<'a> {
    label: &'a str,
    headers: usize,
    in_headers: bool,
}

/// Without the line's break and the blanks before it, of which Go takes two.
fn without_end(line: &[u8]) -> &[u8] {
    let line =
        line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
    let blanks = line.iter().rev().take_while(|byte| b" \t".contains(byte)).count();
    line.get(..line.len() - blanks).unwrap_or(line)
}

fn label<'a>(line: &'a [u8], edge: &str) -> Option<&'a str> {
    str::from_utf8(line).ok()?.strip_prefix(edge)?.strip_suffix(DASHES)
}

fn is_in(line: &[u8], edge: &str) -> bool {
    line.windows(edge.len()).any(|at| at == edge.as_bytes())
}

fn is_indented(line: &[u8], edge: &str) -> bool {
    line.trim_ascii_start().starts_with(edge.as_bytes())
}

fn cut() -> FactsError {
    FactsError::new("ends inside a PEM block")
}

fn indented(line: usize) -> FactsError {
    let why = "which Kubernetes does not read: a block begins and ends at the start of a line";
    FactsError::new(format!("holds an indented PEM block (line {line}), {why}"))
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
