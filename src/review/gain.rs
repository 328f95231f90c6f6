//! The kinds of change in power: what each is called, and which of them stop.

use std::collections::BTreeSet;
use std::fmt;

use super::names::is_worth_telling;
use super::others::Owner;
use crate::facts::RoleGrant;
use crate::name::San;
use crate::plan::{BACKDATE, rounded};
use crate::spec::{CaName, Role};
use crate::time::Span;

/// What a holder can do now, or can do no more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gain {
    /// Somebody who was not known before.
    Subject {
        common_name: String,
        groups: BTreeSet<String>,
        /// Whom its certificate is good for.
        ca: CaName,
        client: bool,
        /// Why it has power all the same: another has its name, or its group a role.
        same_as: Option<String>,
    },
    Group(String),
    CommonName {
        old: String,
        new: String,
    },
    /// A name or a public address that a server can speak for.
    Name(San),
    /// A name by which clients know another server.
    OthersName {
        name: San,
        owner: Owner,
    },
    /// `server`, `client`
    Usage(&'static str),
    /// It can issue certificates.
    CaBit,
    LongerLife {
        old: Span,
        new: Span,
    },
    Issuer {
        old: String,
        new: String,
    },
    /// The certificate goes to whoever has another key.
    AnotherKey,
    /// A cluster is built from keys that somebody trusts already.
    Anew,
    Anchor,
    AnchorReplaced,
    /// A brought CA's certificate is another over the same key.
    AnchorReissued,
    /// Its key lies on one more machine.
    KeyOn {
        node: String,
        client: bool,
    },
    /// Of a static pod: who is believed, and who may do what.
    Flag {
        flag: &'static str,
        old: String,
        new: String,
    },
    /// A static pod runs what somebody else publishes.
    Image(String),
    Role(RoleGrant),
    /// Kubeconfigs lead elsewhere.
    Endpoint {
        old: String,
        new: String,
    },
    /// Somebody can open sealed secrets.
    Recipient(String),
    Joined(Role),
    LostGroup(String),
    LostRole(RoleGrant),
    LostRecipient(String),
    /// It is described no longer.
    Left {
        groups: BTreeSet<String>,
    },
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Power that a person must consent to.
    Escalation,
    /// A gain in the ordinary course of things.
    Gain,
    Loss,
}

/// Groups that Kubernetes itself gives power to; `system:` are all its own.
const POWERFUL_GROUPS: [&str; 1] = ["kubeadm:cluster-admins"];
const POWERFUL_GROUP_PREFIX: &str = "system:";

/// Roles that are as good as the whole cluster wherever they are bound.
const POWERFUL_ROLES: [&str; 1] = ["cluster-admin"];
const POWERFUL_ROLE_PREFIX: &str = "system:";
/// Roles that read secrets and run pods as any service account: the whole cluster, where they reach the
/// namespaces of its own components (Kubernetes, RBAC good practices).
const POWERFUL_EVERYWHERE: [&str; 2] = ["admin", "edit"];
const SYSTEM_NAMESPACE: &str = "kube-system";

impl Gain {
    /// The word that JSON and policies use.
    pub fn code(&self) -> &'static str {
        match self {
            Gain::Subject { .. } => "subject",
            Gain::Group(_) => "group",
            Gain::CommonName { .. } => "common-name",
            Gain::Name(San::Dns(name)) if name.starts_with("*.") => "wildcard",
            Gain::Name(_) => "name",
            Gain::OthersName { .. } => "others-name",
            Gain::Usage(_) => "usage",
            Gain::CaBit => "ca-bit",
            Gain::LongerLife { .. } => "longer-life",
            Gain::Issuer { .. } => "issuer",
            Gain::AnotherKey => "another-key",
            Gain::Anchor => "anchor",
            Gain::AnchorReplaced => "anchor-replaced",
            Gain::AnchorReissued => "anchor-reissued",
            Gain::Anew => "anew",
            Gain::KeyOn { .. } => "key-on",
            Gain::Flag { .. } => "flag",
            Gain::Image(_) => "image",
            Gain::Role(_) => "role",
            Gain::Endpoint { .. } => "endpoint",
            Gain::Recipient(_) => "recipient",
            Gain::Joined(_) => "joined",
            Gain::LostGroup(_) => "lost-group",
            Gain::LostRole(_) => "lost-role",
            Gain::LostRecipient(_) => "lost-recipient",
            Gain::Left { .. } => "left",
        }
    }

    pub fn direction(&self) -> Direction {
        let escalation_if = |powerful: bool| {
            if powerful { Direction::Escalation } else { Direction::Gain }
        };
        match self {
            // Every client of etcd reads and writes all that a cluster knows; one of the front proxy speaks
            // for anybody.
            Gain::Subject { groups, ca, client, same_as, .. } => escalation_if(
                (*client && *ca != CaName::Kubernetes)
                    || same_as.is_some()
                    || groups.iter().any(|group| is_powerful_group(group)),
            ),
            Gain::Role(grant) => escalation_if(is_powerful_role(grant)),
            Gain::KeyOn { client, .. } => escalation_if(*client),
            // Its machine holds CA keys and an administrator's, or all that etcd stores.
            Gain::Joined(role) => escalation_if(*role != Role::Worker),
            Gain::Group(_)
            | Gain::CommonName { .. }
            | Gain::Name(_)
            | Gain::OthersName { .. }
            | Gain::Usage(_)
            | Gain::CaBit
            | Gain::LongerLife { .. }
            | Gain::Issuer { .. }
            | Gain::AnotherKey
            | Gain::Anchor
            | Gain::AnchorReplaced
            | Gain::AnchorReissued
            | Gain::Anew
            | Gain::Flag { .. }
            | Gain::Image(_)
            | Gain::Endpoint { .. }
            | Gain::Recipient(_) => Direction::Escalation,
            Gain::LostGroup(_) | Gain::LostRole(_) | Gain::LostRecipient(_) | Gain::Left { .. } => {
                Direction::Loss
            }
        }
    }
}

pub(super) fn is_powerful_group(group: &str) -> bool {
    group.starts_with(POWERFUL_GROUP_PREFIX) || POWERFUL_GROUPS.contains(&group)
}

pub(super) fn is_powerful_role(grant: &RoleGrant) -> bool {
    let role = grant.role.as_str();
    // Whoever has a certificate or a token is in `system:authenticated`.
    if grant.is_group && is_powerful_group(&grant.subject) {
        return true;
    }
    if !grant.is_cluster_role {
        // Of its namespace alone, with rules that nobody here knows.
        return grant.namespace.as_deref() == Some(SYSTEM_NAMESPACE);
    }
    let reaches_system =
        grant.namespace.as_deref().is_none_or(|namespace| namespace == SYSTEM_NAMESPACE);
    POWERFUL_ROLES.contains(&role)
        || role.starts_with(POWERFUL_ROLE_PREFIX)
        || (reaches_system && POWERFUL_EVERYWHERE.contains(&role))
}

impl fmt::Display for Gain {
    /// Reads after the holder's name: `jane gains the group system:masters`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gain::Subject { common_name, groups, ca, client, same_as } => {
                if *client {
                    write!(f, "is new: {common_name}")?;
                } else {
                    f.write_str("is a new server")?;
                }
                if !groups.is_empty() {
                    write!(f, ", in {}", list(groups))?;
                }
                if let Some(same_as) = same_as {
                    write!(f, ", {same_as}")?;
                }
                match ca {
                    CaName::Kubernetes => Ok(()),
                    ca => write!(f, ", for the {ca} CA"),
                }
            }
            Gain::Group(group) => write!(f, "gains the group {group}"),
            Gain::CommonName { old, new } => write!(f, "becomes {new}, was {old}"),
            Gain::Name(San::Dns(name)) if name.starts_with("*.") => {
                write!(f, "can serve as anything below {}", name.trim_start_matches("*."))
            }
            Gain::Name(name @ San::Ip(_)) if is_worth_telling(name) => {
                write!(f, "can serve as the public address {name}")
            }
            Gain::OthersName { name, owner } => {
                write!(f, "can serve as {name}, and so in the place of {owner}")
            }
            Gain::Name(name) => write!(f, "can serve as {name}"),
            Gain::Usage(usage) => write!(f, "can be a {usage}"),
            Gain::CaBit => f.write_str("becomes a CA: it can issue certificates"),
            Gain::LongerLife { old, new } => {
                write!(f, "lives longer: {}, was {}", as_written(*new), as_written(*old))
            }
            Gain::Issuer { old, new } => write!(f, "is issued by {new}, was by {old}"),
            Gain::AnotherKey => f.write_str("goes to whoever holds another key"),
            Gain::Anchor => f.write_str("is a new root of trust"),
            Gain::AnchorReplaced => f.write_str("is replaced as a root of trust"),
            Gain::AnchorReissued => f.write_str(
                "has another certificate over the same key: it may be good for more than before",
            ),
            Gain::Anew => f.write_str(
                "is built anew from keys that are here: whoever trusts them believes all below",
            ),
            Gain::KeyOn { node, .. } => write!(f, "has its key on {node} from now on"),
            Gain::Flag { flag, old, new } => {
                let value = |value: &str| match value {
                    "" => format!("without --{flag}"),
                    value => format!("with --{flag}={value}"),
                };
                write!(f, "runs {}, ran {}", value(new), value(old))
            }
            Gain::Image(image) => write!(f, "runs an image of {image}"),
            Gain::Role(grant) => write!(f, "gains {}", Grant(grant)),
            Gain::Endpoint { old, new } => {
                write!(f, "moves: kubeconfigs lead to {new}, led to {old}")
            }
            Gain::Recipient(who) => write!(f, "open to {who} from now on"),
            Gain::Joined(Role::ControlPlane) => f.write_str(
                "joins as a control-plane node: it holds CA keys and an administrator's",
            ),
            Gain::Joined(Role::Etcd) => {
                f.write_str("joins as an etcd member: it holds all that the cluster stores")
            }
            Gain::Joined(Role::Worker) => f.write_str("joins as a worker"),
            Gain::LostGroup(group) => write!(f, "loses the group {group}"),
            Gain::LostRole(grant) => {
                write!(f, "loses {}: delete the old binding in the cluster", Grant(grant))
            }
            Gain::LostRecipient(who) => write!(f, "closed to {who} from now on"),
            Gain::Left { groups } if groups.is_empty() => f.write_str("is described no longer"),
            Gain::Left { groups } => write!(f, "is described no longer, was in {}", list(groups)),
        }
    }
}

/// `cluster-role edit in dev`
struct Grant<'a>(&'a RoleGrant);

impl fmt::Display for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RoleGrant { is_cluster_role, role, namespace, is_group, subject } = self.0;
        let kind = if *is_cluster_role { "cluster-role" } else { "role" };
        write!(f, "{kind} {role}")?;
        match namespace {
            Some(namespace) => write!(f, " in {namespace}")?,
            None => f.write_str(" everywhere")?,
        }
        if *is_group {
            write!(f, ", for all of group {subject}")?;
        }
        Ok(())
    }
}

/// A life without the minutes by which its start was set back.
fn as_written(life: Span) -> Span {
    let without = rounded(life);
    if life.as_seconds() % 3600 == BACKDATE.as_seconds() { without } else { life }
}

fn list(groups: &BTreeSet<String>) -> String {
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    groups.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, from Kubernetes' default roles and RBAC good practices.
    #[test]
    fn roles_that_are_the_whole_cluster() {
        for (is_cluster_role, role, namespace, powerful) in [
            (true, "cluster-admin", None, true),
            (true, "cluster-admin", Some("dev"), true),
            (true, "system:node", None, true),
            (true, "admin", None, true),
            (true, "edit", Some("kube-system"), true),
            (true, "edit", Some("dev"), false),
            (true, "view", None, false),
            (false, "anything", Some("kube-system"), true),
            (false, "admin", Some("dev"), false),
        ] {
            let grant = RoleGrant {
                is_cluster_role,
                role: role.into(),
                namespace: namespace.map(Into::into),
                is_group: false,
                subject: "jane".into(),
            };
            let escalates = Gain::Role(grant).direction() == Direction::Escalation;
            assert_eq!(escalates, powerful, "{role} in {namespace:?}");
        }
    }

    #[test]
    fn groups_of_kubernetes_own() {
        for (group, powerful) in [
            ("system:masters", true),
            ("system:nodes", true),
            ("kubeadm:cluster-admins", true),
            ("ops", false),
            ("systems", false),
        ] {
            assert_eq!(is_powerful_group(group), powerful, "{group}");
        }
    }
}
