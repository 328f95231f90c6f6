//! The one comparison of two values of [`Powers`]: who can do more with the second than with the first, and
//! who less.

mod on_nodes;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::access_change::{AccessChange, Direction};
use super::compare;
use super::name_owners::{Owner, domain_of};
use super::names::is_worth_telling;
use super::powerful::is_powerful_group;
use super::powers::{ArtifactPower, Certificate, Half, Leads, Power, Powers, node_of};
use super::principal::Principal;
use super::removed;
use super::roles::role_in_namespace;
use crate::facts::RoleGrant;
use crate::graph::Artifact;
use crate::name::{ArtifactName, NodeName, San, TreePath};
use crate::plan::BACKDATE;
use crate::spec::{Keypair, Role};
use crate::time::Timestamp;

/// Bypasses RBAC: whoever is in it can gain nothing.
const MASTERS: &str = "system:masters";

const KUBELET_CA: &str = "kubelet-certificate-authority";

/// What one artifact lets its principal do from now on, or no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub principal: Principal,
    pub artifact: ArtifactName,
    pub access: AccessChange,
    pub until: Option<Timestamp>,
    /// The principal could do everything before, or another permission stands for it.
    pub is_exempt: bool,
}

/// In build order.
pub(super) fn differences(before: &Powers, after: &Powers) -> Vec<Difference> {
    let known = before.artifacts.iter().map(|known| (&known.artifact, known));
    let known: HashMap<&Artifact, &ArtifactPower> = known.collect();
    let known_nodes = before.artifacts.iter().filter_map(|known| known.artifact.node()).collect();
    let mut comparison = Comparison { before, after, known_nodes, found: Vec::new() };
    for new in &after.artifacts {
        comparison.artifact(known.get(&new.artifact).copied(), new);
    }
    comparison.recipients();
    comparison.safeguards();
    comparison.removed();
    let mut found = comparison.found;
    // The images of an older Kubernetes go without saying.
    let is_older =
        |found: &Difference| matches!(found.access, AccessChange::OlderKubernetes { .. });
    if found.iter().any(is_older) {
        found.retain(|found| !matches!(found.access, AccessChange::Image { is_own: true, .. }));
    }
    found
}

/// Whose word leads a kubeconfig away from its node; `None`: it stays there.
fn led_by(artifact: &Artifact, leads: Leads) -> Option<Principal> {
    Some(match (leads, artifact.kubeconfig_row()) {
        (Leads::ToItsNode, _) => return None,
        (Leads::ToTheEndpoint, _) => Principal::cluster("endpoint"),
        (Leads::Elsewhere, Some(row)) => Principal::new("components", row.component.as_str()),
        (Leads::Elsewhere, None) => Principal::of(&artifact.name()),
    })
}

struct Comparison<'a> {
    before: &'a Powers,
    after: &'a Powers,
    /// Something that is theirs is compared.
    known_nodes: HashSet<&'a NodeName>,
    found: Vec<Difference>,
}

impl Comparison<'_> {
    fn put(
        &mut self,
        principal: Principal,
        artifact: ArtifactName,
        access: AccessChange,
        until: Option<Timestamp>,
        is_exempt: bool,
    ) {
        self.found.push(Difference { principal, artifact, access, until, is_exempt });
    }

    /// Of whoever has the artifact.
    fn own(
        &mut self,
        new: &ArtifactPower,
        access: AccessChange,
        until: Option<Timestamp>,
        is_exempt: bool,
    ) {
        let name = new.artifact.name();
        let (principal, access) = match access {
            AccessChange::Name(name) => self.name(new, name),
            access => (Principal::of(&name), access),
        };
        self.put(principal, name, access, until, is_exempt);
    }

    /// A name that a server gains, whose it is, and who answers for that: a new node for its own ones.
    fn name(&self, new: &ArtifactPower, name: San) -> (Principal, AccessChange) {
        let principal = match new.artifact.node() {
            Some(node) if self.is_new(node) && self.is_nodes_own(node, &name) => {
                Principal::node(node.as_str())
            }
            _ => Principal::of(&new.artifact.name()),
        };
        let access = match (self.owner(new, &name), self.moved_to(new, &name)) {
            (Some(owner), _) => AccessChange::OthersName { name, owner },
            (None, Some((node, moved))) => return (Principal::node(node), moved),
            (None, None) => AccessChange::Name(name),
        };
        (principal, access)
    }

    fn owner(&self, new: &ArtifactPower, name: &San) -> Option<Owner> {
        self.after.names.owner(&self.before.names, &new.holder(), name)
    }

    /// Another machine gets what a known one had of the cluster's keys.
    fn moved_to<'n>(&self, new: &'n ArtifactPower, name: &San) -> Option<(&'n str, AccessChange)> {
        let (San::Ip(address), node) = (name, new.artifact.node()?) else {
            return None;
        };
        let role = *self.after.nodes.get(node.as_str())?;
        let owner = Owner::Node(node.to_string());
        let owners = self.after.names.owners.get(name)?;
        (role != Role::Worker && !self.is_new(node) && owners.contains(&owner))
            .then_some((node.as_str(), AccessChange::Moved { role, address: *address }))
    }

    fn is_new(&self, node: &NodeName) -> bool {
        !self.before.nodes.contains_key(node.as_str()) && !self.known_nodes.contains(node)
    }

    /// What it is called and where it is.
    fn is_nodes_own(&self, node: &NodeName, name: &San) -> bool {
        let owner = Owner::Node(node.to_string());
        let owners = self.after.names.owners.get(name);
        owners.is_some_and(|owners| owners.contains(&owner))
            || domain_of(node.as_str(), name).is_some()
    }

    /// A machine's place in its network: a private address, a name without a domain, or one in a domain where
    /// the cluster's machines are.
    fn is_ordinary_place(&self, node: &NodeName, name: &San) -> bool {
        match name {
            San::Ip(_) => !is_worth_telling(name),
            San::Dns(text) if !text.contains('.') => true,
            San::Dns(_) => domain_of(node.as_str(), name).is_some_and(|domain| {
                self.before.names.domains.contains(&domain)
                    || self.after.names.cluster_domain.as_ref() == Some(&domain)
            }),
        }
    }

    fn artifact(&mut self, old: Option<&ArtifactPower>, new: &ArtifactPower) {
        let before = old.map(|old| &old.power);
        match &new.power {
            Power::Certificate(after) => {
                if let Some(ArtifactPower { power: Power::Certificate(before), places, .. }) = old {
                    self.dialled_names(new, Some(&before.credential), after);
                    self.places(places, new);
                    self.certificate(new, before, after);
                } else {
                    self.dialled_names(new, None, after);
                    self.new_certificate(new, after);
                    self.halves(new, after);
                }
            }
            Power::Root(after) => {
                let before = match before {
                    Some(Power::Root(before)) => Some(&**before),
                    _ => None,
                };
                for access in after.changes(before) {
                    // Replacing it has a permission of its own.
                    self.own(new, access, None, after.is_replaced);
                }
                if let Some(old) = old {
                    self.places(&old.places, new);
                }
            }
            Power::Bindings(after) => match before {
                Some(Power::Bindings(before)) => self.bindings(new, before, after),
                _ => self.bindings(new, &BTreeSet::new(), after),
            },
            Power::RequestedLife(after) => {
                if let Some(Power::RequestedLife(before)) = before
                    && after > before
                {
                    // As a certificate's, whose start is set back.
                    let access =
                        AccessChange::LongerLife { old: before.plus(BACKDATE), new: *after };
                    self.own(new, access, None, false);
                }
            }
            Power::Kubeconfig { server, leads } => {
                let before = match before {
                    // Whether the endpoint moved, the kubeconfigs that led there tell.
                    Some(Power::Kubeconfig { leads: Leads::ToItsNode, .. })
                        if *leads == Leads::ToTheEndpoint =>
                    {
                        None
                    }
                    Some(Power::Kubeconfig { server, .. }) => Some(server.clone()),
                    // Nobody has agreed to it yet.
                    _ if *leads == Leads::Elsewhere => Some(String::new()),
                    _ => self.before.endpoint.clone(),
                };
                if let Some(old) = before.filter(|before| before != server)
                    && let Some(principal) = led_by(&new.artifact, *leads)
                {
                    let access = AccessChange::Endpoint { old, new: server.clone() };
                    self.put(principal, new.artifact.name(), access, None, false);
                }
            }
            Power::Chain(after) => {
                let nothing = BTreeMap::new();
                let before = match before {
                    Some(Power::Chain(before)) => before,
                    _ => &nothing,
                };
                let Artifact::Chain(ca) = new.artifact else { return };
                let principal = Principal::of(&Artifact::Ca(ca, Keypair::FIRST).name());
                for (_, root) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
                    let access = AccessChange::RootForClients(root.clone());
                    self.put(principal.clone(), new.artifact.name(), access, None, false);
                }
            }
            Power::StaticPod(after) => {
                let changes = if let Some(Power::StaticPod(before)) = before {
                    after.changes(Some(before))
                } else {
                    let joins = new.artifact.node().is_some_and(|node| self.joins(node));
                    self.before.pod_changes(new, after, joins)
                };
                let component = after.process.component().as_str();
                for access in changes {
                    let principal = Principal::new("components", component);
                    self.put(principal, new.artifact.name(), access, None, false);
                }
            }
        }
    }

    fn joins(&self, node: &NodeName) -> bool {
        let of = |powers: &Powers| powers.nodes.get(node.as_str()) == Some(&Role::ControlPlane);
        self.is_new(node) || (of(self.after) && !of(self.before))
    }

    fn certificate(&mut self, new: &ArtifactPower, before: &Certificate, after: &Certificate) {
        let all_powerful = before.credential.groups.contains(MASTERS);
        for access in compare(&before.credential, &after.credential) {
            let is_loss = access.direction() == Direction::Loss;
            let until = if is_loss { before.until } else { after.until };
            let is_no_more = all_powerful && matches!(access, AccessChange::Group(_));
            self.own(new, access, until, is_no_more);
        }
    }

    fn new_certificate(&mut self, new: &ArtifactPower, after: &Certificate) {
        match &new.artifact {
            Artifact::Leaf(Some(node), row) => self.on_a_node(new, node, row, after),
            // No node has it.
            Artifact::Leaf(None, _) => {}
            _ => self.somebody_new(new, after),
        }
    }

    /// It is new only because half its record is gone.
    fn halves(&mut self, new: &ArtifactPower, after: &Certificate) {
        let halves = self.before.halves.get(&new.artifact.name());
        for half in halves.into_iter().flatten() {
            if let Half::Bytes(before) = half {
                self.dialled_names(new, Some(before), after);
            }
            for access in half.escalations(after) {
                // Of somebody new all groups are told at once.
                let is_told = matches!(access, AccessChange::Group(_))
                    && after.credential.client
                    && new.artifact.node().is_none();
                if access.direction() == Direction::Escalation && !is_told {
                    self.own(new, access, after.until, false);
                }
            }
        }
    }

    /// A user or a certificate of whom nothing here tells what it could do before.
    fn somebody_new(&mut self, new: &ArtifactPower, after: &Certificate) {
        let Certificate { credential, until, ca, same_as, .. } = after;
        let same_as = same_as.clone().or_else(|| {
            let other = self.before.users.get(&credential.common_name)?;
            Some(format!("to Kubernetes the same as {other} before"))
        });
        let lapsed = self.before.lapsed.get(&new.artifact.name());
        let only_renews = same_as.is_none()
            && lapsed.is_some_and(|lapsed| credential.groups.is_subset(lapsed))
            && !credential.groups.iter().any(|group| is_powerful_group(group));
        let access = AccessChange::Subject {
            common_name: credential.common_name.clone(),
            groups: credential.groups.clone(),
            ca: *ca,
            client: credential.client,
            same_as,
        };
        self.own(new, access, *until, only_renews);
        let names = credential.sans.iter();
        for name in names.filter(|name| credential.server && is_worth_telling(name)) {
            self.own(new, AccessChange::Name(name.clone()), None, false);
        }
    }

    /// A key that lies on one more machine.
    fn places(&mut self, before: &BTreeSet<TreePath>, new: &ArtifactPower) {
        if !matches!(new.artifact, Artifact::Certificate(_) | Artifact::Ca(..)) {
            return;
        }
        let places = new.places.difference(before);
        let mut nodes: BTreeSet<&str> = places.filter_map(node_of).collect();
        // That a new control-plane node holds keys of CAs is told of the node.
        let is_ca = matches!(new.artifact, Artifact::Ca(..));
        nodes.retain(|node| !is_ca || !node.parse().is_ok_and(|node| self.joins(&node)));
        for node in nodes {
            self.own(new, AccessChange::KeyOn(node.to_owned()), None, false);
        }
    }

    fn bindings(
        &mut self,
        new: &ArtifactPower,
        before: &BTreeSet<RoleGrant>,
        after: &BTreeSet<RoleGrant>,
    ) {
        for grant in after.difference(before) {
            let is_known = self.before.elsewhere.roles.contains(&role_in_namespace(grant));
            let access = AccessChange::Role { grant: grant.clone(), is_known };
            self.own(new, access, None, false);
        }
        for grant in before.difference(after) {
            self.own(new, AccessChange::LostRole(grant.clone()), None, false);
        }
    }

    fn recipients(&mut self) {
        let Some(after) = &self.after.recipients else {
            return;
        };
        let none = BTreeSet::new();
        let before = self.before.recipients.as_ref().unwrap_or(&none);
        // Of a new node, too: what is sealed lies in the repository, and whoever opens it is that node.
        let added = after.difference(before);
        let added = added.map(|who| (AccessChange::Recipient as fn(_) -> _, who));
        // A node that left is told as such.
        let stays = |owner: &Option<NodeName>| {
            owner.as_ref().is_none_or(|node| self.after.nodes.contains_key(node.as_str()))
        };
        let lost = before.difference(after).filter(|(owner, _)| stays(owner));
        let lost = lost.map(|who| (AccessChange::LostRecipient as fn(_) -> _, who));
        for (access, (owner, name)) in added.chain(lost) {
            let principal = match owner {
                Some(node) => Principal::node(node.as_str()),
                None => Principal::cluster("secrets"),
            };
            let artifact = ArtifactName::of(principal.name());
            self.put(principal, artifact, access(name.clone()), None, false);
        }
    }

    fn safeguards(&mut self) {
        for (principal, artifact, access) in self.before.safeguards.lost(&self.after.safeguards) {
            // The API servers' own flag says the same, where kpki has their manifests.
            let is_said = |found: &Difference| matches!(&found.access, AccessChange::Flag { flag, .. } if flag == KUBELET_CA);
            if matches!(access, AccessChange::KubeletUnchecked) && self.found.iter().any(is_said) {
                continue;
            }
            // That of a CA has a permission of its own: another key replaces it.
            let has_its_own = matches!(access, AccessChange::LowerRevision { .. })
                && self.after.artifacts.iter().any(|after| {
                    matches!(&after.power, Power::Root(root) if root.is_replaced)
                        && after.artifact.name() == artifact
                });
            self.put(principal, artifact, access, None, has_its_own);
        }
    }

    fn removed(&mut self) {
        for (principal, artifact, access, until) in removed::told(&self.before.removed, self.after)
        {
            self.put(principal, artifact, access, until, false);
        }
    }
}

#[cfg(test)]
mod tests;
