//! How a policy says which names it means.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;

use super::powerful::{is_powerful_group, is_whole_cluster};
use crate::facts::RoleGrant;
use crate::name::{DnsName, NameError, San};
use crate::spec::Component;
use crate::words::words;

/// `ops`, or `team-*` for all that begin so: groups, roles, namespaces, images and flags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextPattern(Box<str>);

impl TextPattern {
    /// It names one thing, and no others that begin so.
    fn is_exact(&self) -> bool {
        !self.0.ends_with('*')
    }

    pub fn matches(&self, text: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(start) => text.starts_with(start),
            None => text == &*self.0,
        }
    }
}

impl FromStr for TextPattern {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let start = text.strip_suffix('*').unwrap_or(text);
        if start.contains('*') {
            return Err(NameError(
                "has a `*` that is not at its end; write one there: team-*".into(),
            ));
        }
        if text.is_empty() {
            return Err(NameError("is empty; write a name, or how names begin: team-*".into()));
        }
        Ok(TextPattern(text.into()))
    }
}

impl fmt::Display for TextPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

words! {
    /// What a role is: whoever may write Roles in a namespace decides what one there allows.
    pub enum RoleKind {
        /// A ClusterRole, which only an administrator of the cluster changes.
        ClusterRole = "cluster-role",
        /// A Role, which whoever may write Roles in its namespace changes.
        Role = "role",
    }
}

/// A role, and where it is bound: `"edit" namespace="team-*"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePattern {
    pub role: TextPattern,
    /// `None`: each, where it forbids; only cluster roles, where it waives.
    pub kind: Option<RoleKind>,
    /// `None`: everywhere, and so in every namespace.
    pub namespace: Option<TextPattern>,
}

impl RolePattern {
    /// All that the grant reaches is meant. What is as good as the cluster is meant by its own name alone,
    /// and for everybody in a group of Kubernetes' own nothing is.
    pub fn waives(&self, grant: &RoleGrant) -> bool {
        let of_kind = grant.is_cluster_role == (self.kind != Some(RoleKind::Role));
        let is_meant = self.role.is_exact() || !is_whole_cluster(grant);
        let for_all = grant.is_group && is_powerful_group(&grant.subject);
        of_kind && is_meant && !for_all && self.reaches(grant, false)
    }

    /// Some of what the grant reaches is meant: whoever has a role everywhere has it in each namespace.
    pub fn touches(&self, grant: &RoleGrant) -> bool {
        let of_kind =
            self.kind.is_none_or(|kind| (kind == RoleKind::ClusterRole) == grant.is_cluster_role);
        of_kind && self.reaches(grant, true)
    }

    fn reaches(&self, grant: &RoleGrant, everywhere: bool) -> bool {
        let is_there = match (&self.namespace, &grant.namespace) {
            (None, _) => true,
            (Some(pattern), Some(namespace)) => pattern.matches(namespace),
            (Some(_), None) => everywhere,
        };
        is_there && self.role.matches(&grant.role)
    }
}

impl fmt::Display for RolePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} in {namespace}", self.role),
            None => self.role.fmt(f),
        }
    }
}

/// A flag of a static pod, with its value or any: `"audit-*"`, `"v=4"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagPattern {
    pub flag: TextPattern,
    /// `None`: of each.
    pub component: Option<Component>,
}

impl FlagPattern {
    pub fn matches(&self, component: &str, name: &str, value: &str) -> bool {
        let is_of_it = self.component.is_none_or(|own| own.as_str() == component);
        is_of_it
            && match self.flag.0.split_once('=') {
                None => self.flag.matches(name),
                Some(_) if self.flag.is_exact() => *self.flag.0 == format!("{name}={value}"),
                Some((own, start)) => {
                    let start = start.strip_suffix('*').unwrap_or(start);
                    own == name && begins_so(start, value)
                }
            }
    }
}

/// Of a list each element begins as the pattern does, where that names a place; and a path that climbs is
/// nowhere.
fn begins_so(start: &str, value: &str) -> bool {
    let is_place = start.contains('/');
    let mut elements = value.split(',').map(str::trim);
    value.starts_with(start)
        && !(is_place && elements.clone().any(|one| !one.starts_with(start)))
        && !elements.any(climbs)
}

fn climbs(path: &str) -> bool {
    let path = path.split_once("://").map_or(path, |(_, path)| path);
    path.contains("//") || path.split('/').any(|part| part == "..")
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
        let system: TextPattern = "system:*".parse().unwrap();
        assert!(system.matches("system:masters") && !system.matches("systems"));
        assert!("a*b".parse::<TextPattern>().is_err());
    }

    #[test]
    fn a_role_everywhere_is_one_in_each_namespace() {
        for (role, namespace, bound, holds, touches) in [
            ("edit", None, None, true, true),
            ("edit", None, Some("team-a"), true, true),
            ("edit", Some("team-*"), Some("team-a"), true, true),
            ("edit", Some("team-*"), Some("kube-system"), false, false),
            ("edit", Some("team-*"), None, false, true),
            ("*", Some("kube-*"), None, false, true),
            ("admin", None, None, false, false),
        ] {
            let pattern = RolePattern {
                role: role.parse().unwrap(),
                kind: None,
                namespace: namespace.map(|namespace| namespace.parse().unwrap()),
            };
            let grant = RoleGrant {
                is_cluster_role: true,
                role: "edit".into(),
                namespace: bound.map(Into::into),
                is_group: false,
                subject: "jane".into(),
            };
            let found = (pattern.waives(&grant), pattern.touches(&grant));
            assert_eq!(found, (holds, touches), "{pattern} {bound:?}");
        }
    }

    #[test]
    fn a_flag_with_a_value_or_with_any() {
        let (apiserver, etcd) = (Component::Apiserver, Component::Etcd);
        for (flag, component, of, matches) in [
            ("audit-*", None, apiserver, true),
            ("audit-log-path", Some(apiserver), apiserver, true),
            ("audit-log-path", Some(etcd), apiserver, false),
            ("audit-log-path=/var/log/*", None, apiserver, true),
            ("audit-log-path=/etc/*", None, apiserver, false),
            ("audit-log", None, apiserver, false),
        ] {
            let pattern = FlagPattern { flag: flag.parse().unwrap(), component };
            let found =
                pattern.matches(of.as_str(), "audit-log-path", "/var/log/kubernetes/audit.log");
            assert_eq!(found, matches, "{flag}");
        }
    }

    /// A list is what each of its elements is, and a path is where it leads.
    #[test]
    fn a_value_that_only_begins_as_the_pattern() {
        for (pattern, value, matches) in [
            ("audit-log-path=/var/log/*", "/var/log/audit.log", true),
            ("audit-log-path=/var/log/*", "/var/log/../../etc/cron.d/x", false),
            ("audit-log-path=/var/log/*", "/var/log/..", false),
            ("audit-log-path=/var/log/*", "/var/log//x", false),
            ("audit-log-path=/var/log/a*", "/var/log/a/../../etc/x", false),
            ("audit-log-path=/var/log/*", "/var/log/a..b/x", true),
            ("etcd-servers=https://10.0.*", "https://10.0.0.1:2379", true),
            ("etcd-servers=https://10.0.*", "https://10.0.0.1:2379,https://10.0.0.2:2379", true),
            ("etcd-servers=https://10.0.*", "https://10.0.0.1:2379,https://evil.lab:2379", false),
            ("admission-plugins=NodeRestriction*", "NodeRestriction,AlwaysPullImages", true),
            ("audit-log-path=/var/log/../x", "/var/log/../x", true),
            ("audit-*", "/var/log/../x", true),
        ] {
            let name = pattern.split(['=', '*']).next().unwrap();
            let name = if name == "audit-" { "audit-log-path" } else { name };
            let parsed = FlagPattern { flag: pattern.parse().unwrap(), component: None };
            assert_eq!(parsed.matches("apiserver", name, value), matches, "{pattern} {value}");
        }
    }

    /// Whom nobody can waive, and what only its own name does.
    #[test]
    fn what_an_ordinary_role_waives() {
        use RoleKind::{ClusterRole, Role};
        for (pattern, kind, is_cluster_role, role, group, waives) in [
            ("view", None, true, "view", None, true),
            ("view", None, false, "view", None, false),
            ("view", Some(Role), false, "view", None, true),
            ("view", Some(Role), true, "view", None, false),
            ("view", Some(ClusterRole), true, "view", None, true),
            ("view", None, true, "view", Some("ops"), true),
            ("view", None, true, "view", Some("system:unauthenticated"), false),
            ("view", None, true, "view", Some("system:serviceaccounts:dev"), false),
            ("view", None, true, "view", Some("kubeadm:cluster-admins"), false),
            ("*", None, true, "cluster-admin", None, false),
            ("cluster-*", None, true, "cluster-admin", None, false),
            ("cluster-admin", None, true, "cluster-admin", None, true),
            ("cluster-admin", None, true, "cluster-admin", Some("system:authenticated"), false),
            ("system:*", None, true, "system:node", None, false),
            ("system:node", None, true, "system:node", None, true),
            ("*", None, true, "pager", None, true),
        ] {
            let pattern = RolePattern { role: pattern.parse().unwrap(), kind, namespace: None };
            let grant = RoleGrant {
                is_cluster_role,
                role: role.into(),
                namespace: None,
                is_group: group.is_some(),
                subject: group.unwrap_or("jane").into(),
            };
            assert_eq!(pattern.waives(&grant), waives, "{pattern} {kind:?} {role} {group:?}");
            assert_eq!(
                pattern.touches(&grant),
                kind.is_none_or(|kind| (kind == ClusterRole) == is_cluster_role),
                "{role}"
            );
        }
    }
}
