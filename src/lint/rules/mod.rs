//! What can be wrong with a tree: one row for each kind of mistake.

mod certificates;
mod chains;
mod files;
mod pods;
mod roles;

pub use self::{certificates::*, chains::*, files::*, pods::*, roles::*};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something fails, or somebody has power that nobody meant to give.
    Error,
    /// It works, and should be known.
    Warning,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// Stable: scripts and people name it.
    pub id: &'static str,
    pub severity: Severity,
    /// What is wrong, as a heading over files.
    pub title: &'static str,
    pub reason: &'static str,
    pub fix: &'static str,
    /// Where the reason can be looked up.
    pub source: &'static str,
}

/// Errors first; then from files to what processes are told.
pub const RULES: &[&Rule] = &[
    &UNREADABLE_CERTIFICATE,
    &UNREADABLE_KEY,
    &UNREADABLE_KUBECONFIG,
    &KUBECONFIG_MISSING_FILE,
    &WRONG_CONTENT,
    &UNREADABLE_MANIFEST,
    &UNREAD_PLACE,
    &SECRET_READABLE_BY_OTHERS,
    &WRITABLE_BY_OTHERS,
    &FOLDER_OF_ANOTHER_USER,
    &FOLDER_WRITABLE_BY_OTHERS,
    &KEY_MISMATCH,
    &KEY_IN_TWO_ROLES,
    &STRAY_MANIFEST,
    &DUPLICATE_POD,
    &EXPIRED,
    &NOT_YET_VALID,
    &WEAK_KEY,
    &TLS_KEY_KIND,
    &WEAK_SIGNATURE,
    &UNKNOWN_ISSUER,
    &CA_CANNOT_SIGN,
    &RENAMED_CA,
    &CA_USAGE,
    &NAME_CONSTRAINT,
    &PATH_LENGTH,
    &CRITICAL_EXTENSION,
    &REFUSED_CHAIN,
    &NO_DIGITAL_SIGNATURE,
    &DOUBLED_PREFIX,
    &SERVING_MASTERS,
    &WRONG_CA,
    &CA_REUSE,
    &LEAF_IS_CA,
    &NO_SERVER_USAGE,
    &NO_CLIENT_USAGE,
    &ETCD_NO_CLIENT_USAGE,
    &NO_ALTERNATIVE_NAME,
    &APISERVER_NAMES,
    &APISERVER_MISSPELT_NAME,
    &SERVICE_ADDRESS,
    &WRONG_IDENTITY,
    &MISSPELT_IDENTITY,
    &COMPONENT_MASTERS,
    &FRONT_PROXY_NAME,
    &SERVICE_ACCOUNT_KEY_KIND,
    &KUBECONFIG_OTHER_CA,
    &KUBECONFIG_CLIENT_CA,
    &KUBECONFIG_SERVER_NAME,
    &KUBECONFIG_PLAIN_HTTP,
    &KUBECONFIG_INSECURE,
    &KUBECONFIG_HALF_PAIR,
    &FLAG_MISSING_FILE,
    &FLAG_HIDDEN_FILE,
    &FLAG_CONFLICT,
    &FLAG_INCOMPLETE,
    &FLAG_OTHER_CA,
    &FLAG_NETWORK,
    &FLAG_URL,
    &SERVICE_ACCOUNT_KEYS,
    &KEY_OUT_OF_REACH,
    &SIGNING_BUNDLE,
    &MISSING_COUNTERPART,
    &UNREAD,
    &UNCHECKED_MANIFEST,
    &SECRET_READABLE_BY_GROUP,
    &SECRET_OF_ANOTHER_USER,
    &FOLDER_WRITABLE_BY_GROUP,
    &EXPIRES_SOON,
    &EXPIRED_IN_BUNDLE,
    &NOT_YET_VALID_IN_BUNDLE,
    &OUTLIVES_CA,
    &ISSUER_NOT_HERE,
    &ISSUER_NOT_SEARCHED,
    &INTERMEDIATE_ANCHOR,
    &CA_NO_KEY_USAGE,
    &RSA_NO_DIGITAL_SIGNATURE,
    &EC_KEY_ENCIPHERMENT,
    &NO_AUTHORITY_KEY_ID,
    &NO_SUBJECT_KEY_ID,
    &OTHER_AUTHORITY_KEY_ID,
    &SERIAL_TWICE,
    &ETCD_SHARES_CA,
    &KUBECONFIG_CA_DIFFERS,
    &KUBECONFIG_PROXY,
    &FLAG_FILE_ELSEWHERE,
    &FLAG_ADDRESS,
    &FLAG_PLAIN_HTTP,
    &FLAG_WEAK,
    &KEY_PERHAPS_OUT_OF_REACH,
];

pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.id == id)
}

const fn error(id: &'static str, title: &'static str) -> Rule {
    Rule { id, severity: Severity::Error, title, reason: "", fix: "", source: "" }
}

const fn warning(id: &'static str, title: &'static str) -> Rule {
    Rule { severity: Severity::Warning, ..error(id, title) }
}

impl Rule {
    const fn because(self, reason: &'static str) -> Self {
        Rule { reason, ..self }
    }

    const fn fix(self, fix: &'static str) -> Self {
        Rule { fix, ..self }
    }

    const fn source(self, source: &'static str) -> Self {
        Rule { source, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_complete_and_has_its_own_name() {
        let mut ids = std::collections::BTreeSet::new();
        for rule in RULES {
            assert!(ids.insert(rule.id), "{} twice", rule.id);
            let kebab = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(rule.id.chars().all(kebab), "{}", rule.id);
            for text in [rule.title, rule.reason, rule.fix, rule.source] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{}", rule.id);
            }
        }
        assert!(RULES.is_sorted_by_key(|rule| rule.severity));
    }
}
