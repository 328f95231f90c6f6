//! What Go takes for a domain name where a certificate holds one (`domainNameValid` of crypto/x509): much
//! more than a DNS name may be, so that old certificates go on working.

/// In a constraint a name may begin with a dot: then it means those below it alone.
pub fn is_domain_name(text: &str, in_constraint: bool) -> bool {
    let labels = match text.strip_prefix('.') {
        Some(rest) if in_constraint => rest,
        _ => text,
    };
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| (33..=126).contains(&byte));
    text.is_empty() || labels.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::is_domain_name;

    #[test]
    fn a_leading_dot_is_for_constraints_and_a_trailing_one_for_nobody() {
        for (text, in_name, in_constraint) in [
            ("", true, true),
            ("a", true, true),
            ("A_b.*.c", true, true),
            (".a.b", false, true),
            (".", false, false),
            ("..a", false, false),
            ("a.", false, false),
            ("a..b", false, false),
            ("a b", false, false),
            ("a\u{e9}", false, false),
        ] {
            assert_eq!(is_domain_name(text, false), in_name, "{text}");
            assert_eq!(is_domain_name(text, true), in_constraint, "{text}");
        }
    }
}
