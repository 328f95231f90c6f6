//! An email address as Go reads one out of a certificate (`parseRFC2821Mailbox` of crypto/x509).

use std::fmt;

use super::domain_name::is_domain_name;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    pub local: String,
    /// In small letters: its case says nothing.
    pub domain: String,
}

impl Mailbox {
    pub fn read(text: &str) -> Option<Self> {
        let (local, rest) = match text.strip_prefix('"') {
            Some(quoted) => quoted_local(quoted)?,
            None => plain_local(text)?,
        };
        let domain = rest.strip_prefix('@')?;
        (is_domain_name(domain, false) && !domain.contains('@'))
            .then(|| Mailbox { local, domain: domain.to_ascii_lowercase() })
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// Up to the closing quote (RFC 2821 4.1.2, with the space that RFC 3696 has), and what follows it.
fn quoted_local(text: &str) -> Option<(String, &str)> {
    let mut local = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next()? {
            '"' => return Some((local, rest.as_str())),
            '\\' => local.push(rest.next().filter(|c| is_quotable(*c))?),
            ' ' => local.push(' '),
            c if is_quotable(c) && !matches!(c, '\t') => local.push(c),
            _ => return None,
        }
    }
}

/// ASCII without NUL, line feed and carriage return.
fn is_quotable(c: char) -> bool {
    c.is_ascii() && !matches!(c, '\0' | '\n' | '\r')
}

/// Atoms with single dots between them (RFC 2822 3.2.4), and what follows them.
fn plain_local(text: &str) -> Option<(String, &str)> {
    let mut local = String::new();
    let mut rest = text.chars();
    loop {
        let before = rest.as_str();
        match rest.next() {
            // RFC 3696 has examples with it, whatever follows.
            Some('\\') => local.push(rest.next().filter(char::is_ascii)?),
            Some(c) if is_atom(c) => local.push(c),
            _ => {
                let is_dotted = local.starts_with('.') || local.ends_with('.');
                let is_local = !local.is_empty() && !is_dotted && !local.contains("..");
                return is_local.then_some((local, before));
            }
        }
    }
}

fn is_atom(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
}

#[cfg(test)]
mod tests {
    use super::Mailbox;

    #[test]
    fn a_domain_is_in_small_letters_and_a_local_part_as_it_stands() {
        for (text, read) in [
            ("Jane@Example.COM", Some("Jane@example.com")),
            ("j.d@x", Some("j.d@x")),
            ("\"a b\\\"c\"@x", Some("a b\"c@x")),
            ("a\\@b@x", Some("a@b@x")),
            ("@x", None),
            ("a", None),
            ("a@b@c", None),
            ("a..b@x", None),
            (".a@x", None),
            ("a b@x", None),
            ("\"a@x", None),
            ("a@x.", None),
            ("a@", Some("a@")),
        ] {
            let mailbox = Mailbox::read(text).map(|mailbox| mailbox.to_string());
            assert_eq!(mailbox.as_deref(), read, "{text}");
        }
    }
}
