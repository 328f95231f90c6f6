//! Rules that whoever reviews a description gives beside it: what no change may do, and what needs no
//! consent.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;

use super::access_change::AccessChange;
use super::folder::FolderPrefix;
use crate::algorithm::KeyAlgorithm;
use crate::hash::Digest;
use crate::name::{DnsName, NameError, San};
use crate::plan::NamePattern;
use crate::spec::Setting;
use crate::time::Span;

/// `policy { … }`; empty where none is given.
#[derive(Debug, Clone, Default)]
pub struct ReviewPolicy {
    /// Of its file.
    pub digest: Option<Digest>,
    pub max_validity: Option<Setting<Span>>,
    pub max_ca_validity: Option<Setting<Span>>,
    /// The smallest of each family.
    pub min_keys: Vec<Setting<KeyAlgorithm>>,
    /// Of users and further certificates; Kubernetes' own have theirs from kubeadm.
    pub forbidden_groups: Vec<Setting<GroupPattern>>,
    pub forbidden_sans: Vec<Setting<SanPattern>>,
    pub forbid_wildcards: Option<Setting<bool>>,
    /// A gain of these needs no consent.
    pub ordinary_groups: Vec<GroupPattern>,
    pub ordinary_sans: Vec<SanPattern>,
    /// Beside those that are harmless anyway: certificates may be put there.
    pub ordinary_folders: Vec<FolderPrefix>,
    /// Artifacts that no rule holds for.
    pub except: Vec<NamePattern>,
}

impl ReviewPolicy {
    /// It forbids nothing.
    pub fn is_empty(&self) -> bool {
        self.max_validity.is_none()
            && self.max_ca_validity.is_none()
            && self.min_keys.is_empty()
            && self.forbidden_groups.is_empty()
            && self.forbidden_sans.is_empty()
            && self.forbid_wildcards.is_none()
    }

    /// A gain that needs no consent.
    pub fn takes_for_ordinary(&self, change: &AccessChange) -> bool {
        let groups =
            |group: &str| self.ordinary_groups.iter().any(|pattern| pattern.matches(group));
        match change {
            AccessChange::Group(group) => groups(group),
            AccessChange::Name(name) => {
                self.ordinary_sans.iter().any(|pattern| pattern.matches(name))
            }
            _ => false,
        }
    }
}

/// `ops`, or `team-*` for all that begin so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupPattern(Box<str>);

impl GroupPattern {
    pub fn matches(&self, group: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(start) => group.starts_with(start),
            None => group == &*self.0,
        }
    }
}

impl FromStr for GroupPattern {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let start = text.strip_suffix('*').unwrap_or(text);
        if start.contains('*') {
            return Err(NameError(
                "has a `*` that is not at its end; write one there: team-*".into(),
            ));
        }
        if text.is_empty() {
            return Err(NameError("is empty; write a group, such as system:masters".into()));
        }
        Ok(GroupPattern(text.into()))
    }
}

impl fmt::Display for GroupPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name, `*.example.com` for all below it, or a network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SanPattern {
    Exact(San),
    /// Without the star, with the dot.
    Below(Box<str>),
    Network(IpNet),
}

impl SanPattern {
    pub fn matches(&self, san: &San) -> bool {
        match (self, san) {
            (SanPattern::Exact(exact), san) => exact == san,
            (SanPattern::Below(suffix), San::Dns(name)) => name.ends_with(&**suffix),
            (SanPattern::Network(network), San::Ip(address)) => network.contains(address),
            _ => false,
        }
    }

    /// It matches, or is a wildcard whose principal can serve as what matches (RFC 6125 6.4.3: one label).
    pub fn is_covered_by(&self, san: &San) -> bool {
        let covers = match (self, san) {
            (SanPattern::Exact(San::Dns(exact)), San::Dns(name)) => {
                let parent = exact.split_once('.').map(|(_, parent)| parent);
                parent.is_some() && name.strip_prefix("*.") == parent
            }
            _ => false,
        };
        covers || self.matches(san)
    }
}

impl FromStr for SanPattern {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if let Ok(network) = text.parse() {
            return Ok(SanPattern::Network(network));
        }
        match text.strip_prefix('*') {
            Some(suffix) if suffix.starts_with('.') => {
                suffix.trim_start_matches('.').parse::<DnsName>()?;
                Ok(SanPattern::Below(suffix.into()))
            }
            _ => text.parse().map(SanPattern::Exact),
        }
    }
}

impl fmt::Display for SanPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SanPattern::Exact(san) => san.fmt(f),
            SanPattern::Below(suffix) => write!(f, "*{suffix}"),
            SanPattern::Network(network) => network.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_they_say() {
        for (pattern, san, matches) in [
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "*.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "badexample.com", false),
            ("api.example.com", "api.example.com", true),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("203.0.113.7", "203.0.113.7", true),
            ("fd00::/8", "fd00::1", true),
        ] {
            let (parsed, san): (SanPattern, San) = (pattern.parse().unwrap(), san.parse().unwrap());
            assert_eq!(parsed.matches(&san), matches, "{pattern} {san}");
            assert_eq!(parsed.to_string(), pattern);
        }
        let exact: SanPattern = "api.example.com".parse().unwrap();
        for (san, covered) in [
            ("api.example.com", true),
            ("*.example.com", true),
            ("*.api.example.com", false),
            ("*.com.example", false),
            ("web.example.com", false),
        ] {
            assert_eq!(exact.is_covered_by(&san.parse().unwrap()), covered, "{san}");
        }
        let system: GroupPattern = "system:*".parse().unwrap();
        assert!(system.matches("system:masters") && !system.matches("systems"));
        assert!("a*b".parse::<GroupPattern>().is_err());
    }
}
