//! Certificates in one file: a CA, and those above it, each of which issued the one before.

use std::collections::BTreeSet;

use crate::facts::{CertificateFacts, is_signed_by};

/// What is wrong, and what to do.
pub type Refusal = (String, String);

/// A certificate of the file.
pub struct Link {
    pub der: Vec<u8>,
    pub facts: CertificateFacts,
    /// `chain.crt:14: certificate 2, CN=ACME Root,`
    pub place: String,
}

/// Every mistake in a file that holds more than one certificate.
pub fn mistakes(path: &str, links: &[Link]) -> Vec<Refusal> {
    let each = links.iter().enumerate().filter_map(|(index, link)| of_one(links, index, link));
    let each: Vec<Refusal> = each.collect();
    if each.is_empty() { order(path, links) } else { each }
}

/// What is wrong with a certificate above the first, whatever its neighbours are.
fn of_one(links: &[Link], index: usize, link: &Link) -> Option<Refusal> {
    let (facts, place) = (&link.facts, &link.place);
    let mut earlier = links.iter().take(index);
    if let Some(twin) = earlier.position(|other| other.facts.digest == facts.digest) {
        let twin = twin + 1;
        return Some((format!("{place} is certificate {twin} again"), "delete one of them".into()));
    }
    if index == 0 {
        return None;
    }
    if !facts.is_ca {
        return Some((
            format!("{place} is not a CA certificate"),
            "the CA that signs stands first, then those above it, the root last; nothing else belongs there"
                .into(),
        ));
    }
    // Where the extension is absent nothing is forbidden (RFC 5280 6.1.4 (n)).
    if !facts.allows_cert_sign() {
        return Some((
            format!("{place} may not sign certificates"),
            "its keyUsage must hold keyCertSign (RFC 5280 4.2.1.3); take the one that signs".into(),
        ));
    }
    None
}

fn order(path: &str, links: &[Link]) -> Vec<Refusal> {
    let parents: Vec<Option<usize>> = (0..links.len()).map(|index| parent(links, index)).collect();
    let above = |first: usize| {
        let mut order = vec![first];
        while let Some(next) = order.last().and_then(|last| *parents.get(*last)?)
            && !order.contains(&next)
        {
            order.push(next);
        }
        order
    };
    let own = above(0);
    if own.len() == links.len() && own.is_sorted() {
        return path_lengths(links);
    }
    if let Some(right) = (0..links.len()).map(above).find(|order| order.len() == links.len()) {
        let places = right.iter().filter_map(|index| {
            Some(format!("certificate {} ({})", index + 1, links.get(*index)?.facts.subject))
        });
        let places: Vec<String> = places.collect();
        return vec![(
            format!("{path} holds its certificates in another order than the chain's"),
            format!("the CA that signs stands first, the root last: {}", places.join(", then ")),
        )];
    }
    let own: BTreeSet<usize> = own.into_iter().collect();
    let strangers = links.iter().enumerate().filter(|(index, _)| !own.contains(index));
    let last = own.last().and_then(|last| links.get(*last));
    strangers.map(|(_, stranger)| unrelated(links, last, stranger)).collect()
}

fn issued(upper: &Link, lower: &Link) -> bool {
    lower.facts.issuer == upper.facts.subject && is_signed_by(&lower.der, &upper.facts.public_key)
}

/// Which of the others issued it; nobody issued a root.
fn parent(links: &[Link], index: usize) -> Option<usize> {
    let own = links.get(index)?;
    let is_root = own.facts.is_self_issued() && issued(own, own);
    let mut others = links.iter().enumerate();
    others.find(|(other, link)| !is_root && *other != index && issued(link, own)).map(|(at, _)| at)
}

/// A certificate that is not above the first one, and why, as far as that is seen.
fn unrelated(links: &[Link], last: Option<&Link>, stranger: &Link) -> Refusal {
    let place = &stranger.place;
    let claimed = links.iter().find(|link| {
        link.facts.issuer == stranger.facts.subject && link.facts.digest != stranger.facts.digest
    });
    match (claimed, last) {
        (Some(lower), _) => (
            format!(
                "{place} has the name of the issuer of {}, whose signature is not of its key",
                lower.facts.subject
            ),
            "it may have been renewed with another key: take the certificate that issued it".into(),
        ),
        (None, Some(last)) if !last.facts.is_self_issued() => (
            format!(
                "{place} did not issue {}, and the certificate that did is missing",
                last.facts.subject
            ),
            format!("put the certificate of {} behind {}", last.facts.issuer, last.facts.subject),
        ),
        _ => (
            format!("{place} does not belong to the chain of the first certificate"),
            "delete it; each certificate must have issued the one before it".into(),
        ),
    }
}

/// Who may have how many CAs below it (RFC 5280 4.2.1.9).
fn path_lengths(links: &[Link]) -> Vec<Refusal> {
    let short = links.iter().enumerate().filter_map(|(below, link)| {
        let most =
            link.facts.path_len.filter(|most| usize::try_from(*most).unwrap_or(0) < below)?;
        Some((
            format!("{} allows {most} CAs below it (pathlen), the file has {below}", link.place),
            "its owner must issue it again with a larger pathlen, or without one".to_owned(),
        ))
    });
    short.collect()
}
