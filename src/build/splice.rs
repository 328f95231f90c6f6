//! Puts our own names into what rcgen wrote: a TBSCertificate, a CertificationRequestInfo.
//!
//! rcgen's names keep one value per attribute type: `O=dev, O=ops` would become `O=ops`, and a brought CA
//! named `DC=com, DC=example` would sign leaves whose issuer is `DC=example`, a chain broken without any
//! error. So names never pass through rcgen.

use crate::facts::der;

/// The TBSCertificate with these names, and its AlgorithmIdentifier, which the certificate repeats after it
/// (RFC 5280 4.1.1.2).
pub(super) struct Spliced {
    pub tbs: Vec<u8>,
    pub algorithm: Vec<u8>,
}

/// `None` if `tbs` is not a version 3 TBSCertificate (RFC 5280 4.1).
pub(super) fn with_names(tbs: &[u8], issuer: &[u8], subject: &[u8]) -> Option<Spliced> {
    let rest = der::only(der::SEQUENCE, tbs)?;
    let (version, rest) = der::split(rest)?;
    let (serial, rest) = der::split(rest)?;
    let (algorithm, rest) = der::split(rest)?;
    let (_issuer, rest) = der::split(rest)?;
    let (validity, rest) = der::split(rest)?;
    let (_subject, key_and_extensions) = der::split(rest)?;
    Some(Spliced {
        tbs: der::element(
            der::SEQUENCE,
            &[
                version.whole,
                serial.whole,
                algorithm.whole,
                issuer,
                validity.whole,
                subject,
                key_and_extensions,
            ],
        ),
        algorithm: algorithm.whole.to_vec(),
    })
}

/// The CertificationRequestInfo with this subject; `None` if `info` is not one (RFC 2986 4.1).
pub(super) fn with_subject(info: &[u8], subject: &[u8]) -> Option<Vec<u8>> {
    let (version, rest) = der::split(der::only(der::SEQUENCE, info)?)?;
    let (_subject, key_and_attributes) = der::split(rest)?;
    let parts = [version.whole, subject, key_and_attributes];
    Some(der::element(der::SEQUENCE, &parts))
}

/// The AlgorithmIdentifier of a signed structure.
pub(super) fn algorithm(signed: &[u8]) -> Option<&[u8]> {
    let (_signed, rest) = der::split(der::only(der::SEQUENCE, signed)?)?;
    let (algorithm, _signature) = der::split(rest)?;
    Some(algorithm.whole)
}
