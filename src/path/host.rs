//! Whether a certificate is for the host that was dialled (`VerifyHostname` of crypto/x509).
//!
//! A common name is no name of a host. An address is sought among the IP SANs alone. A wildcard stands for
//! the one leftmost label. A name that is no name of a host matches itself alone.

use std::net::IpAddr;

use super::reason::Reason;
use crate::facts::CertificateFacts;

pub fn check(facts: &CertificateFacts, dialled: &str) -> Result<(), Reason> {
    let names = &facts.alternative_names;
    if let Some(address) = address(dialled) {
        if names.addresses.contains(&address) {
            return Ok(());
        }
        return Err(other_names(facts, dialled, names.addresses.iter().map(ToString::to_string)));
    }
    let wanted = dialled.to_ascii_lowercase();
    if names.dns.iter().any(|name| matches(&name.to_ascii_lowercase(), &wanted)) {
        return Ok(());
    }
    Err(other_names(facts, dialled, names.dns.iter().cloned()))
}

fn other_names(
    facts: &CertificateFacts,
    dialled: &str,
    names: impl Iterator<Item = String>,
) -> Reason {
    let common_name = facts.subject.common_name();
    let has_common_name = common_name
        .is_some_and(|name| matches(&name.to_ascii_lowercase(), &dialled.to_ascii_lowercase()));
    Reason::OtherNames { dialled: dialled.to_owned(), names: names.collect(), has_common_name }
}

/// With or without brackets; of one with a zone the address is sought.
fn address(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let text = inner.filter(|inner| !inner.is_empty()).unwrap_or(text);
    let bare = match text.split_once('%') {
        Some((bare, zone)) if !zone.is_empty() && bare.contains(':') => bare,
        Some(_) => return None,
        None => text,
    };
    let address: IpAddr = bare.parse().ok()?;
    Some(match address {
        // The same address in its other form.
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    })
}

/// Both in small letters.
fn matches(pattern: &str, wanted: &str) -> bool {
    let bare = wanted.strip_suffix('.').unwrap_or(wanted);
    if !is_host(bare, false) || !is_host(pattern, true) {
        return pattern == wanted && !matches!(wanted, "" | ".");
    }
    let (mut own, mut others) = (pattern.split('.'), bare.split('.'));
    let (first, other) = (own.next(), others.next());
    (first == Some("*") || first == other) && own.eq(others)
}

/// A pattern may have a whole wildcard as its first label.
fn is_host(text: &str, is_pattern: bool) -> bool {
    text != "*"
        && text.split('.').enumerate().all(|(position, label)| {
            let is_wildcard = is_pattern && position == 0 && label == "*";
            let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            is_wildcard
                || !label.is_empty() && !label.starts_with('-') && label.chars().all(is_known)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::made::Made;

    /// The first ones are from Go's own description of VerifyHostname, the rest from RFC 6125.
    #[test]
    fn names_match_as_in_go() {
        for (sans, dialled, is_one) in [
            (&["DNS:kubernetes"][..], "kubernetes", true),
            (&["DNS:Kubernetes"], "kUBERNETES", true),
            (&["DNS:kubernetes"], "kubernetes.", true),
            (&["DNS:kubernetes."], "kubernetes", false),
            (&["DNS:*.lab"], "api.lab", true),
            (&["DNS:*.lab"], "a.api.lab", false),
            (&["DNS:*.lab"], "lab", false),
            (&["DNS:a*.lab"], "api.lab", false),
            (&["DNS:*"], "lab", false),
            (&["DNS:api.*"], "api.lab", false),
            (&["DNS:a_b.lab"], "a_b.lab", true),
            (&["DNS:a b"], "a b", true),
            (&["DNS:-a.lab"], "-a.lab", true),
            (&["DNS:10.0.0.1"], "10.0.0.1", false),
            (&["IP:10.0.0.1"], "10.0.0.1", true),
            (&["IP:10.0.0.1"], "::ffff:10.0.0.1", true),
            (&["IP:10.0.0.1"], "10.0.0.2", false),
            (&["IP:::1"], "[::1]", true),
            (&["IP:fe80::1"], "fe80::1%eth0", true),
            (&["DNS:lab"], "", false),
            (&[], "common", false),
        ] {
            let sans = sans.iter().map(ToString::to_string).collect();
            let facts = facts(&Made { sans, ..Made::leaf("common") });
            assert_eq!(check(&facts, dialled).is_ok(), is_one, "{facts:?} for {dialled:?}");
        }
    }

    fn facts(made: &Made) -> CertificateFacts {
        CertificateFacts::from_der(&made.self_signed()).unwrap()
    }

    #[test]
    fn a_common_name_is_told_and_does_not_count() {
        let reason = check(&facts(&Made::leaf("api.lab")), "api.lab").unwrap_err();
        assert!(reason.to_string().contains("common name"), "{reason}");
    }
}
