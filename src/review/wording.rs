//! A change as it reads, after its principal's name.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use super::access_change::AccessChange;
use super::names::is_worth_telling;
use super::powerful::amounts_to;
use crate::facts::RoleGrant;
use crate::hash::Digest;
use crate::name::San;
use crate::plan::{BACKDATE, rounded};
use crate::spec::{CaName, Role};
use crate::time::Span;

impl fmt::Display for AccessChange {
    /// Reads after the principal's name: `jane gains the group system:masters`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccessChange::Subject { common_name, groups, ca, client, same_as } => {
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
            AccessChange::Group(group) => write!(f, "gains the group {group}"),
            AccessChange::CommonName { old, new } => write!(f, "becomes {new}, was {old}"),
            AccessChange::Name(San::Dns(name)) if name.starts_with("*.") => {
                write!(f, "can serve as anything below {}", name.trim_start_matches("*."))
            }
            AccessChange::Name(name @ San::Ip(_)) if is_worth_telling(name) => {
                write!(f, "can serve as the public address {name}")
            }
            AccessChange::OthersName { name: San::Dns(name), owner } if name.starts_with("*.") => {
                let domain = name.trim_start_matches("*.");
                write!(f, "can serve as anything below {domain}, and so in the place of {owner}")
            }
            AccessChange::OthersName { name, owner } => {
                write!(f, "can serve as {name}, and so in the place of {owner}")
            }
            AccessChange::Name(name) => write!(f, "can serve as {name}"),
            AccessChange::Usage(usage) => write!(f, "can be a {usage}"),
            AccessChange::CaBit => f.write_str("becomes a CA: it can issue certificates"),
            AccessChange::LongerLife { old, new } => {
                write!(f, "lives longer: {}, was {}", as_written(*new), as_written(*old))
            }
            AccessChange::Issuer { old, new } => write!(f, "is issued by {new}, was by {old}"),
            AccessChange::AnotherKey => f.write_str("goes to whoever holds another key"),
            AccessChange::Unknown => f.write_str(
                "has lost half its record, a file under out/ or its line of cluster.lock: what it could do \
                 before cannot be told",
            ),
            AccessChange::Root => f.write_str("is a new root of trust"),
            AccessChange::RootReplaced => f.write_str("is replaced as a root of trust"),
            AccessChange::RootReissued => f.write_str(
                "has another certificate over the same key: it may be good for more than before",
            ),
            AccessChange::RootForClients(root) => {
                write!(f, "has clients trust {root}, too: what that CA certifies can pass for a server here")
            }
            AccessChange::Anew => f.write_str(
                "is built anew from keys that are here: whoever trusts them believes all below",
            ),
            AccessChange::KeyOn(node) => write!(f, "has its key on {node} from now on"),
            AccessChange::KeyInAnotherFolder(node) => {
                write!(f, "has its key in another folder of {node} from now on")
            }
            AccessChange::Unrecorded => f.write_str(
                "has files under out/ and no lock: nobody can know any more who was agreed to, whether a \
                 key was exchanged, who could open secrets, and who was removed; if this is right, all of \
                 it counts as agreed from now on",
            ),
            AccessChange::Flag { flag, old, new } => {
                let value = |value: &str| match value {
                    "" => format!("without --{flag}"),
                    value => format!("with --{flag}={}", shortened(value)),
                };
                write!(f, "runs {}, ran {}", value(new), value(old))
            }
            AccessChange::Role { grant, .. } => {
                write!(f, "gains {}{}", Grant(grant), amounts_to(grant))
            }
            AccessChange::Image { container, old, new, .. } => {
                let image = |image: &str| match image {
                    "" => "no image".to_owned(),
                    image => shortened(image).into_owned(),
                };
                write!(f, "runs {} in container {container}, ran {}", image(new), image(old))
            }
            AccessChange::Pod { path, old, new } => match (old.as_str(), new.as_str()) {
                ("", new) => write!(f, "gets {path}: {}", shortened(new)),
                (old, "") => write!(f, "loses {path}: {}", shortened(old)),
                (old, new) => {
                    write!(f, "has {path}: {}, was {}", shortened(new), shortened(old))
                }
            },
            AccessChange::Unreadable { before: false, why } => {
                write!(f, "gets a manifest that cannot be read: {why}")
            }
            AccessChange::Unreadable { before: true, why } => {
                write!(f, "had a manifest that cannot be read: {why}")
            }
            AccessChange::Endpoint { old, new } if old.is_empty() => {
                write!(f, "may move: kubeconfigs lead to {new}, and nothing here says where they led")
            }
            AccessChange::Endpoint { old, new } => {
                write!(f, "moves: kubeconfigs lead to {new}, led to {old}")
            }
            AccessChange::Recipient(who) => write!(f, "open to {who} from now on"),
            AccessChange::Joined(Role::ControlPlane) => f.write_str(
                "joins as a control-plane node: it holds CA keys and an administrator's",
            ),
            AccessChange::Joined(Role::Etcd) => {
                f.write_str("joins as an etcd member: it holds all that the cluster stores")
            }
            AccessChange::Joined(Role::Worker) => f.write_str("joins as a worker"),
            AccessChange::Moved { role, address } => write!(
                f,
                "is at {address} from now on: whoever has that address is {} of the cluster",
                a_node(*role)
            ),
            AccessChange::Demoted(role) => write!(f, "is no longer {}", a_node(*role)),
            AccessChange::Relocated { old, new } => {
                write!(f, "lies with {new} from now on, lay with {old}")
            },
            AccessChange::OlderKubernetes { old, new } => {
                write!(f, "goes back from {old} to {new}: what was mended since is open again")
            }
            AccessChange::KubeletUnchecked => f.write_str(
                "is believed unchecked: API servers run without --kubelet-certificate-authority",
            ),
            AccessChange::KubeletUnconfigured => f.write_str(
                "loses its configuration with the next --prune: without one it answers anonymous \
                 requests and lets everybody do everything",
            ),
            AccessChange::LowerRevision { old, new } => write!(
                f,
                "goes back to revision {new}, was {old}: where keys follow from a seed, to the old key"
            ),
            AccessChange::RootDropped { root, .. } => {
                write!(f, "drops a second root of trust: {root}")
            }
            AccessChange::LostGroup(group) => write!(f, "loses the group {group}"),
            AccessChange::LostRole(grant) => {
                write!(f, "loses {}: delete the old binding in the cluster", Grant(grant))
            }
            AccessChange::LostRecipient(who) => write!(f, "closed to {who} from now on"),
            AccessChange::Removed { groups } if groups.is_empty() => {
                f.write_str("is described no longer")
            }
            AccessChange::Removed { groups } => {
                write!(f, "is described no longer, was in {}", list(groups))
            }
        }
    }
}

fn a_node(role: Role) -> &'static str {
    match role {
        Role::ControlPlane => "a control-plane node",
        Role::Etcd => "an etcd member",
        Role::Worker => "a worker",
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

/// Of a long text the beginning, and what tells it from others with the same one.
fn shortened(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 240;
    match text.char_indices().nth(SHOWN) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let start = text.get(..end).unwrap_or_default();
            let digest = Digest::of(text.as_bytes()).to_string();
            let digest = digest.get(..12).unwrap_or_default();
            Cow::Owned(format!("{start}... ({} bytes, BLAKE3 {digest}...)", text.len()))
        }
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
