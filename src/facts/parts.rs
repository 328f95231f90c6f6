//! The parts of a certificate (RFC 5280 4.1), as Go's crypto/x509 takes it apart (`parseCertificate`).

use time::{Date, Month, PrimitiveDateTime, Time};

use super::der;
use crate::time::Timestamp;

pub struct Parts<'a> {
    /// One more than the number that stands there.
    pub version: u32,
    pub serial: &'a [u8],
    /// The content of each: inside of what is signed, and beside it.
    pub algorithms: (&'a [u8], &'a [u8]),
    /// Names and key with tag and length.
    pub issuer: &'a [u8],
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub subject: &'a [u8],
    pub public_key: &'a [u8],
    pub extensions: Vec<Part<'a>>,
    /// They stand in a certificate that is not of version 3.
    pub has_misplaced_extensions: bool,
}

/// An extension.
pub struct Part<'a> {
    pub oid: &'a [u8],
    pub is_critical: bool,
    pub value: &'a [u8],
}

const EXTENSIONS: u8 = der::context(3);

impl<'a> Parts<'a> {
    /// The error is the part that is malformed.
    pub fn of(certificate: &'a [u8]) -> Result<Self, &'static str> {
        let all = der::only(der::SEQUENCE, certificate).ok_or("its frame")?;
        let (signed, rest) = der::expect(der::SEQUENCE, all).ok_or("its signed part")?;
        let (outer, rest) = der::expect(der::SEQUENCE, rest).ok_or("its signature algorithm")?;
        let signature = der::expect(der::BIT_STRING, rest);
        let is_whole = signature.is_some_and(|(signature, _)| signature.first() == Some(&0));
        is_whole.then_some(()).ok_or("its signature")?;
        let (version, rest) = match der::expect(der::context(0), signed) {
            Some((version, rest)) => {
                let number = der::only(der::INTEGER, version).and_then(der::unsigned);
                (number.ok_or("its version")?.saturating_add(1), rest)
            }
            None => (1, signed),
        };
        let (serial, rest) = der::expect(der::INTEGER, rest).ok_or("its serial number")?;
        let (inner, rest) = der::expect(der::SEQUENCE, rest).ok_or("its signature algorithm")?;
        let (issuer, rest) = whole(rest).ok_or("its issuer")?;
        let (validity, rest) = der::expect(der::SEQUENCE, rest).ok_or("its validity")?;
        let (not_before, until) = time(validity).ok_or("its validity")?;
        let (not_after, _) = time(until).ok_or("its validity")?;
        let (subject, rest) = whole(rest).ok_or("its subject")?;
        let (public_key, rest) = whole(rest).ok_or("its public key")?;
        let found = extensions(rest)?;
        Ok(Parts {
            version,
            serial,
            algorithms: (inner, outer),
            issuer,
            not_before,
            not_after,
            subject,
            public_key,
            has_misplaced_extensions: version != 3 && !found.is_empty(),
            extensions: found,
        })
    }
}

/// A SEQUENCE with its tag and length, and what follows it.
fn whole(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (element, rest) = der::split(input)?;
    (element.tag == der::SEQUENCE).then_some((element.whole, rest))
}

/// Those behind the two identifiers that nobody uses (RFC 5280 4.1.2.8). What follows them, nobody reads.
fn extensions(mut rest: &[u8]) -> Result<Vec<Part<'_>>, &'static str> {
    for tag in [0x81, 0x82] {
        if let Some((_, after)) = der::expect(tag, rest) {
            rest = after;
        }
    }
    let Some((inside, _)) = der::expect(EXTENSIONS, rest) else {
        return match rest.first() {
            Some(&EXTENSIONS) => Err("its extensions"),
            _ => Ok(Vec::new()),
        };
    };
    let all = der::expect(der::SEQUENCE, inside).and_then(|(all, _)| der::elements(all));
    let all = all.ok_or("its extensions")?;
    let parts = all.into_iter().map(|one| extension(one).ok_or("one of its extensions"));
    parts.collect()
}

fn extension(one: der::Element<'_>) -> Option<Part<'_>> {
    let body = (one.tag == der::SEQUENCE).then_some(one.body)?;
    let (oid, rest) = der::expect(der::OID, body)?;
    let (is_critical, rest) = match der::expect(der::BOOLEAN, rest) {
        Some(([0], rest)) => (false, rest),
        Some(([0xff], rest)) => (true, rest),
        Some(_) => return None,
        None => (false, rest),
    };
    let (value, _) = der::expect(der::OCTET_STRING, rest)?;
    Some(Part { oid, is_critical, value })
}

/// UTCTime is for the years 1950 to 2049 (RFC 5280 4.1.2.5.1).
fn time(input: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (element, rest) = der::split(input)?;
    let digits = element.body.strip_suffix(b"Z")?;
    let digits: Vec<u32> =
        digits.iter().map(|digit| char::from(*digit).to_digit(10)).collect::<Option<_>>()?;
    let pairs: Vec<u32> =
        digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |sum, one| sum * 10 + one)).collect();
    let (year, parts) = match (element.tag, digits.len(), pairs.as_slice()) {
        (0x17, 12, [year, parts @ ..]) if *year >= 50 => (1900 + year, parts),
        (0x17, 12, [year, parts @ ..]) => (2000 + year, parts),
        (0x18, 14, [century, year, parts @ ..]) => (century * 100 + year, parts),
        _ => return None,
    };
    let parts: Vec<u8> =
        parts.iter().map(|part| u8::try_from(*part)).collect::<Result<_, _>>().ok()?;
    let &[month, day, hour, minute, second] = parts.as_slice() else { return None };
    let month = Month::try_from(month).ok()?;
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, month, day).ok()?;
    let time = Time::from_hms(hour, minute, second).ok()?;
    let seconds = PrimitiveDateTime::new(date, time).assume_utc().unix_timestamp();
    Some((Timestamp::from_unix(seconds), rest))
}
