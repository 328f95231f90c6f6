//! A member of etcd whose data is gone, as on a machine that was set up anew under its old name. etcd must
//! forget the old member and be told of the new one (etcd's "Runtime reconfiguration", "Replace a failed
//! machine"), and the member's manifest alone must say that it joins.

use std::collections::BTreeSet;

use super::etcd_start::is_made;
use super::{Intent, World};
use crate::graph::{Artifact, PodSource, Recipe, StaticPod, etcd_peer_url};
use crate::name::NodeName;
use crate::pod::{self, PodFacts};
use crate::profile::{Hosts, Process};
use crate::spec::{Component, Node, Spec};

/// How a member joins again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejoin {
    pub node: NodeName,
    /// Its name in etcd's own list.
    pub member: String,
    pub peer_url: String,
    /// Folders that must not hold what the old member left.
    pub data: Vec<String>,
    /// So many members there are with all that join again.
    pub members: usize,
    /// And so many without them.
    pub left: usize,
}

impl Rejoin {
    /// etcd changes its list of members by a majority of those who are on it.
    pub fn has_quorum(&self) -> bool {
        self.left > self.members / 2
    }
}

/// Why a node cannot join etcd again by an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRejoin {
    /// It runs no etcd; these do.
    NoMember { members: Vec<NodeName> },
    /// kpki writes no manifest of etcd there.
    NoManifest,
    /// Its manifest was not made yet: the next apply makes that of a new member.
    NotMade,
    /// Nobody is left whom it could join.
    Sole { peer_url: String },
    /// The description gives this flag for all members.
    Given { flag: &'static str },
    /// The flags are the operator's, and this file does not say yet that it joins.
    Unwritten {
        file: String,
        /// Other nodes use the same file: this one needs a file of its own.
        own_file: Option<String>,
        flags: [String; 2],
    },
}

const CLUSTER: &str = "initial-cluster";
const STATE: &str = "initial-cluster-state";
const EXISTING: &str = "existing";

/// All that were ordered, in the order in which etcd takes them; what cannot be done is left out.
pub(super) fn find(world: World<'_>, spec: &Spec, intent: &Intent) -> Vec<Rejoin> {
    let ordered: BTreeSet<&NodeName> = intent.rejoin.iter().collect();
    ordered.into_iter().filter_map(|node| rejoin(world, spec, intent, node).ok()).collect()
}

/// How this node joins etcd again.
pub fn rejoin(
    world: World<'_>,
    spec: &Spec,
    intent: &Intent,
    name: &NodeName,
) -> Result<Rejoin, NoRejoin> {
    let members: Vec<&Node> =
        spec.nodes.iter().filter(|node| Hosts::EtcdMembers.include(node, spec)).collect();
    let Some(node) = members.iter().copied().find(|node| node.name == *name) else {
        let members = members.iter().map(|node| node.name.clone()).collect();
        return Err(NoRejoin::NoMember { members });
    };
    let Some(pod) = pod_of(world, name) else {
        return Err(NoRejoin::NoManifest);
    };
    let made: Vec<&Node> =
        members.into_iter().filter(|node| is_made(world, node.name.as_str())).collect();
    if !made.iter().any(|node| node.name == *name) {
        return Err(NoRejoin::NotMade);
    }
    let stays = |node: &&&Node| !intent.rejoins(&node.name) && node.name != *name;
    let left = made.iter().filter(stays).count();
    let own = Member::of(spec, node);
    if left == 0 {
        return Err(NoRejoin::Sole { peer_url: own.peer_url });
    }
    let there = made.iter().filter(|node| stays(node) || node.name <= *name);
    let there: Vec<Member> = there.map(|node| Member::of(spec, node)).collect();
    says_so(spec, name, pod, &there)?;
    let data = data_folders(pod);
    let Member { name: member, peer_url } = own;
    Ok(Rejoin { node: name.clone(), member, peer_url, data, members: made.len(), left })
}

fn pod_of<'a>(world: World<'a>, node: &NodeName) -> Option<&'a StaticPod> {
    let id = world.graph.find(&Artifact::StaticPod(node.clone(), Process::Etcd).name())?;
    match &world.graph.get(id).recipe {
        Recipe::StaticPod(pod) => Some(pod),
        _ => None,
    }
}

/// As etcd's list has it.
struct Member {
    name: String,
    peer_url: String,
}

impl Member {
    /// An operator's manifest may say both in its own way.
    fn of(spec: &Spec, node: &Node) -> Member {
        let facts = spec
            .manifest_of(&node.name, Component::Etcd)
            .and_then(|manifest| pod::read(&manifest.bytes, Process::Etcd).ok());
        let said = |flag: &str| {
            let value = facts.as_ref()?.values(flag).last()?.to_owned();
            (!value.is_empty() && !value.contains("$(")).then_some(value)
        };
        Member {
            name: said("name").unwrap_or_else(|| node.name.to_string()),
            peer_url: said("initial-advertise-peer-urls")
                .or_else(|| etcd_peer_url(node))
                .unwrap_or_default(),
        }
    }

    /// For `--initial-cluster`: a member with several URLs stands there once for each.
    fn listed(&self) -> impl Iterator<Item = String> {
        self.peer_url.split(',').map(|url| format!("{}={url}", self.name))
    }
}

/// Whether the manifest will say that the member joins.
fn says_so(
    spec: &Spec,
    node: &NodeName,
    pod: &StaticPod,
    there: &[Member],
) -> Result<(), NoRejoin> {
    let bytes = match &pod.source {
        PodSource::Own { .. } if pod.members.is_empty() => {
            return Err(NoRejoin::Given { flag: CLUSTER });
        }
        PodSource::Own { flags, .. } if flags.get(STATE).is_some_and(|state| state != EXISTING) => {
            return Err(NoRejoin::Given { flag: STATE });
        }
        PodSource::Own { .. } => return Ok(()),
        PodSource::Patched { bytes, .. } => bytes,
    };
    let wanted: Vec<String> = there.iter().flat_map(Member::listed).collect();
    let said = |facts: &PodFacts| {
        let told: BTreeSet<&str> =
            facts.values(CLUSTER).last().into_iter().flat_map(|told| told.split(',')).collect();
        facts.values(STATE).last() == Some(EXISTING)
            && told == wanted.iter().map(String::as_str).collect()
    };
    if pod::read(bytes, Process::Etcd).is_ok_and(|facts| said(&facts)) {
        return Ok(());
    }
    let file = spec.manifest_of(node, Component::Etcd).map(|manifest| manifest.path.to_string());
    let file = file.unwrap_or_default();
    let mut others = spec.nodes.iter().filter(|other| other.name != *node);
    let is_shared = others.any(|other| {
        let manifest = spec.manifest_of(&other.name, Component::Etcd);
        manifest.is_some_and(|manifest| *manifest.path == *file)
    });
    let own_file = is_shared.then(|| match file.rsplit_once('/') {
        Some((folder, last)) => format!("{folder}/{node}/{last}"),
        None => format!("{node}/{file}"),
    });
    let flags = [format!("--{CLUSTER}={}", wanted.join(",")), format!("--{STATE}={EXISTING}")];
    Err(NoRejoin::Unwritten { file, own_file, flags })
}

/// `--data-dir` without what else may lie in it, and `--wal-dir`.
fn data_folders(pod: &StaticPod) -> Vec<String> {
    let flag = |name: &str| match &pod.source {
        PodSource::Own { flags, .. } => flags.get(name).cloned(),
        PodSource::Patched { bytes, .. } => {
            let facts = pod::read(bytes, Process::Etcd).ok()?;
            facts.values(name).last().map(str::to_owned)
        }
    };
    let data = flag("data-dir").unwrap_or_else(|| "/var/lib/etcd".to_owned());
    let member = format!("{}/member", data.trim_end_matches('/'));
    [Some(member), flag("wal-dir")].into_iter().flatten().collect()
}
