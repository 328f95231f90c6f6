//! Name constraints down a chain (`checkChainConstraints` of crypto/x509): what a CA allows holds for every
//! certificate below it that has SANs, the CAs among them.
//!
//! A constraint of one kind of name says nothing about the others. In a DNS constraint a leading dot asks for
//! one label more (RFC 5280 has that for URIs alone). A name that cannot be held against any constraint is
//! refused as soon as there is one of any kind.

use std::net::IpAddr;

use super::reason::{NameBreach, Reason};
use crate::facts::alternative_names::Uri;
use crate::facts::extension::{ALTERNATIVE_NAMES, NAME_CONSTRAINTS};
use crate::facts::{AlternativeNames, Mailbox, NameConstraints, Subtrees, is_domain_name};
use crate::holdings::Certificate;

/// `chain` has the leaf first. The certificate of an error is the CA that has the constraint.
pub(super) fn check<'a>(chain: &[&'a Certificate]) -> Result<(), (Reason, &'a Certificate)> {
    for (position, bearer) in chain.iter().enumerate() {
        if bearer.facts.extension(ALTERNATIVE_NAMES).is_none() {
            continue;
        }
        let above = chain.iter().skip(position + 1);
        let constrained = above.filter(|one| one.facts.extension(NAME_CONSTRAINTS).is_some());
        for constraining in constrained {
            one(&bearer.facts.alternative_names, &constraining.facts.name_constraints).map_err(
                |(name, breach)| {
                    let bearer = bearer.facts.subject.clone();
                    (Reason::Name { bearer, name, breach }, *constraining)
                },
            )?;
        }
    }
    Ok(())
}

type Broken = (String, NameBreach);

fn one(names: &AlternativeNames, constraints: &NameConstraints) -> Result<(), Broken> {
    let cannot = |name: String| (name, NameBreach::CannotBeMatched);
    let mut hosts = Vec::new();
    for uri in &names.uris {
        let told = || format!("the URI {}", uri.text);
        hosts.push((told(), host_of(uri).ok_or_else(|| cannot(told()))?));
    }
    let mut mailboxes = Vec::new();
    for email in &names.emails {
        let told = || format!("the email address {email}");
        mailboxes.push((told(), Mailbox::read(email).ok_or_else(|| cannot(told()))?));
    }
    for address in &names.addresses {
        let told = || format!("the IP address {address}");
        let fits = |subtrees: &Subtrees| within(subtrees, *address);
        kind(constraints, |subtrees| subtrees.addresses.is_empty(), fits, told)?;
    }
    for name in &names.dns {
        let told = || format!("the DNS name {name:?}");
        if !is_domain_name(name, false) {
            return Err(cannot(told()));
        }
        let fits = |subtrees: &Subtrees, excluded| below(&subtrees.dns, name, excluded);
        directed(constraints, |subtrees| subtrees.dns.is_empty(), fits, told)?;
    }
    for (told, host) in hosts {
        let fits = |subtrees: &Subtrees, excluded| below(&subtrees.uris, &host, excluded);
        directed(constraints, |subtrees| subtrees.uris.is_empty(), fits, || told.clone())?;
    }
    for (told, mailbox) in mailboxes {
        let fits = |subtrees: &Subtrees, excluded| of_mailbox(&subtrees.emails, &mailbox, excluded);
        directed(constraints, |subtrees| subtrees.emails.is_empty(), fits, || told.clone())?;
    }
    Ok(())
}

fn kind(
    constraints: &NameConstraints,
    is_empty: impl Fn(&Subtrees) -> bool,
    fits: impl Fn(&Subtrees) -> Option<String>,
    told: impl Fn() -> String,
) -> Result<(), Broken> {
    directed(constraints, is_empty, |subtrees, _| fits(subtrees), told)
}

/// Permitted by one of the permitting constraints, if there are any of its kind, and excluded by none.
fn directed(
    constraints: &NameConstraints,
    is_empty: impl Fn(&Subtrees) -> bool,
    fits: impl Fn(&Subtrees, bool) -> Option<String>,
    told: impl Fn() -> String,
) -> Result<(), Broken> {
    let NameConstraints { permitted, excluded } = constraints;
    if !is_empty(permitted) && fits(permitted, false).is_none() {
        return Err((told(), NameBreach::NotPermitted));
    }
    match fits(excluded, true) {
        Some(constraint) => Err((told(), NameBreach::Excluded { constraint })),
        None => Ok(()),
    }
}

/// The first network that holds the address. One of IPv6 holds no address of IPv4.
fn within(subtrees: &Subtrees, address: IpAddr) -> Option<String> {
    subtrees.addresses.iter().find(|network| network.contains(&address)).map(ToString::to_string)
}

/// The first constraint that the name is at or below; an empty one is above every name.
fn below(constraints: &[String], name: &str, is_excluded: bool) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let holds = |constraint: &&String| {
        let constraint = constraint.to_ascii_lowercase();
        let is_below = name.strip_suffix(&constraint).is_some_and(|before| {
            before.is_empty() || before.ends_with('.') || constraint.starts_with('.')
        });
        // A wildcard stands for the name that is excluded, too.
        let is_wildcard_of = || {
            let parent = constraint.find('.').and_then(|at| constraint.get(at..));
            is_excluded
                && name.starts_with('*')
                && parent.is_some()
                && parent == name.find('.').and_then(|at| name.get(at..))
        };
        constraint.is_empty() || is_below || is_wildcard_of()
    };
    let found = constraints.iter().find(holds)?;
    Some(if found.is_empty() { "every name".into() } else { found.clone() })
}

/// A constraint with an `@` is one mailbox, any other one a domain.
fn of_mailbox(constraints: &[String], mailbox: &Mailbox, is_excluded: bool) -> Option<String> {
    let (mailboxes, domains): (Vec<_>, Vec<_>) =
        constraints.iter().cloned().partition(|constraint| constraint.contains('@'));
    let is_it = |constraint: &String| Mailbox::read(constraint).as_ref() == Some(mailbox);
    let exact = mailboxes.into_iter().find(is_it);
    exact.or_else(|| below(&domains, &mailbox.domain, is_excluded))
}

/// The host without its port. An address has no place in a tree of names.
fn host_of(uri: &Uri) -> Option<String> {
    let host = uri.host.to_ascii_lowercase();
    let host = match host.split_once(':') {
        _ if host.starts_with('[') => return None,
        Some((_, port)) if port.contains(':') => return None,
        Some((host, _)) => host.to_owned(),
        None => host,
    };
    let is_address = host.parse::<IpAddr>().is_ok();
    (!uri.host.is_empty() && !is_address).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(permitted: &[&str], excluded: &[&str], name: &str) -> bool {
        let subtrees = |all: &[&str]| {
            let mut subtrees = Subtrees::default();
            for one in all {
                match one.split_once(':').unwrap() {
                    ("DNS", text) => subtrees.dns.push(text.into()),
                    ("IP", text) => subtrees.addresses.push(text.parse().unwrap()),
                    ("email", text) => subtrees.emails.push(text.into()),
                    (_, text) => subtrees.uris.push(text.into()),
                }
            }
            subtrees
        };
        let mut names = AlternativeNames::default();
        match name.split_once(':').unwrap() {
            ("DNS", text) => names.dns.push(text.into()),
            ("IP", text) => names.addresses.push(text.parse().unwrap()),
            ("email", text) => names.emails.push(text.into()),
            (_, text) => {
                let host = text.split('/').nth(2).unwrap_or_default();
                names.uris.push(Uri { text: text.into(), host: host.into() });
            }
        }
        let constraints =
            NameConstraints { permitted: subtrees(permitted), excluded: subtrees(excluded) };
        one(&names, &constraints).is_ok()
    }

    /// RFC 5280 4.2.1.10, and Go's description of its differences at `Verify`.
    #[test]
    fn constraints_hold_for_their_own_kind_of_name() {
        for (permitted, excluded, name, allowed) in [
            (&["DNS:acme.internal"][..], &[][..], "DNS:kubernetes", false),
            (&["DNS:acme.internal"], &[], "DNS:a.acme.internal", true),
            (&["DNS:acme.internal"], &[], "DNS:ACME.internal", true),
            (&["DNS:acme.internal"], &[], "DNS:xacme.internal", false),
            (&["DNS:.acme.internal"], &[], "DNS:acme.internal", false),
            (&["DNS:.acme.internal"], &[], "DNS:a.b.acme.internal", true),
            (&["DNS:acme.internal"], &[], "IP:10.0.0.1", true),
            (&["DNS:"], &[], "DNS:any", true),
            (&[], &["DNS:"], "DNS:any", false),
            (&["DNS:a", "DNS:b"], &[], "DNS:b", true),
            (&["DNS:acme.internal"], &["DNS:x.acme.internal"], "DNS:y.x.acme.internal", false),
            (&["DNS:acme.internal"], &["DNS:x.acme.internal"], "DNS:*.acme.internal", false),
            (&["DNS:x.acme.internal"], &[], "DNS:*.acme.internal", false),
            (&["IP:10.0.0.0/8"], &[], "IP:10.96.0.1", true),
            (&["IP:10.0.0.0/8"], &[], "IP:192.168.0.1", false),
            (&["IP:fd00::/8"], &[], "IP:10.0.0.1", false),
            (&[], &["IP:0.0.0.0/0"], "IP:10.0.0.1", false),
            (&[], &["IP:0.0.0.0/0"], "IP:::1", true),
            (&["email:lab"], &[], "email:jane@a.lab", true),
            (&["email:jane@lab"], &[], "email:jane@LAB", true),
            (&["email:jane@lab"], &[], "email:Jane@lab", false),
            (&["URI:lab"], &[], "URI:https://a.lab/x", true),
            (&["URI:lab"], &[], "URI:https://10.0.0.1/x", false),
            // Of any kind, and a name that is no name of it.
            (&[], &["IP:10.0.0.0/8"], "URI:urn:x", false),
            (&[], &["IP:10.0.0.0/8"], "DNS:a.", false),
            (&[], &["IP:10.0.0.0/8"], "email:none", false),
        ] {
            assert_eq!(
                is_allowed(permitted, excluded, name),
                allowed,
                "{permitted:?} {excluded:?} {name}"
            );
        }
    }
}
