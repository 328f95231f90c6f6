//! The host of a URI as Go reads it (`Parse` of net/url), and what Go does not take for a URI.

use std::net::Ipv6Addr;

/// `None`: Go refuses the text. A URI without an authority has an empty host.
pub(super) fn host(text: &str) -> Option<String> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return None;
    }
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    if !is_escaped_well(fragment) {
        return None;
    }
    if text == "*" {
        return Some(String::new());
    }
    let (scheme, rest) = scheme(text)?;
    let (rest, _query) = rest.split_once('?').unwrap_or((rest, ""));
    if !rest.starts_with('/') {
        let first = rest.split('/').next().unwrap_or_default();
        return (!scheme.is_empty() || !first.contains(':') && is_escaped_well(rest))
            .then(String::new);
    }
    let authority = rest.strip_prefix("//");
    let authority = authority.filter(|_| !scheme.is_empty() || !rest.starts_with("///"));
    let Some(authority) = authority else {
        return is_escaped_well(rest).then(String::new);
    };
    let end = authority.find('/').unwrap_or(authority.len());
    let (authority, path) = authority.split_at_checked(end)?;
    let host = match authority.rsplit_once('@') {
        Some((user, host)) if is_user(user) => host,
        Some(_) => return None,
        None => authority,
    };
    is_escaped_well(path).then_some(())?;
    read_host(scheme, host)
}

/// The scheme, empty where there is none, and what follows it; `None`: it begins with a colon.
fn scheme(text: &str) -> Option<(&str, &str)> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return None,
            b':' => {
                let (scheme, rest) = text.split_at_checked(at)?;
                return Some((scheme, rest.strip_prefix(':')?));
            }
            _ => break,
        }
    }
    Some(("", text))
}

/// Every `%` has two hexadecimal digits behind it.
fn is_escaped_well(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let mut bytes = after.bytes();
        let mut is_digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
        is_digit() && is_digit()
    })
}

fn is_user(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    text.chars().all(is_allowed) && is_escaped_well(text)
}

fn read_host(scheme: &str, text: &str) -> Option<String> {
    let (name, port) = match text.rfind('[') {
        Some(0) => text.strip_prefix('[')?.rsplit_once(']')?,
        Some(_) => return None,
        None => {
            let is_http = ["http", "https"].iter().any(|http| scheme.eq_ignore_ascii_case(http));
            // Lists of hosts have several colons, but in these two.
            let colon = if is_http { text.find(':') } else { text.rfind(':') };
            text.split_at_checked(colon.unwrap_or(text.len()))?
        }
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let is_port = digits.len() < port.len() || port.is_empty();
    if !is_port || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if !text.starts_with('[') {
        return decoded(name).map(|name| name + port);
    }
    let (address, zone) = name.split_once("%25").unwrap_or((name, "zone"));
    let is_literal = address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty();
    (is_literal && is_escaped_well(zone)).then(|| text.to_owned())
}

fn decoded(name: &str) -> Option<String> {
    let mut host = Vec::new();
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            // What is ASCII stands for itself in a host, but for the percent sign.
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                let decoded = u8::try_from(high << 4 | low).ok()?;
                (decoded >= 0x80 || decoded == b'%').then(|| host.push(decoded))?;
            }
            byte if byte >= 0x80 || is_host(byte) => host.push(byte),
            _ => return None,
        }
    }
    // A domain name has ASCII alone, so what is no UTF-8 is none either.
    Some(String::from_utf8_lossy(&host).into_owned())
}

fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::host;

    /// The documentation of net/url, and RFC 3986.
    #[test]
    fn a_host_is_what_stands_between_two_slashes_and_the_next() {
        for (text, read) in [
            ("https://a.example/x", Some("a.example")),
            ("https://u:p@a.example:443/x?y#z", Some("a.example:443")),
            ("spiffe://cluster.local/ns/a", Some("cluster.local")),
            ("urn:uuid:1", Some("")),
            ("mailto:a@b", Some("")),
            ("/only/a/path", Some("")),
            ("//a.example/", Some("a.example")),
            ("https://[::1]:443/", Some("[::1]:443")),
            ("postgres://a:1,b:2/", Some("a:1,b:2")),
            ("https://a:1:2/", None),
            ("https://[10.0.0.1]/", None),
            ("https://a[::1]/", None),
            ("", Some("")),
            (":x", None),
            ("a b:c", None),
            ("https://a:x/", None),
            ("https://[::1/", None),
            ("https://a%zz/", None),
            ("https://a/%z", None),
            ("https://a b/", None),
            ("https://a\u{7f}/", None),
        ] {
            assert_eq!(host(text).as_deref(), read, "{text}");
        }
    }
}
