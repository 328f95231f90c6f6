//! The one comparison of two values of [`Powers`]: who can do more with the second than with the first, and
//! who less.

use std::collections::{BTreeSet, HashMap};

use super::access_change::{AccessChange, Direction};
use super::compare;
use super::names::is_worth_telling;
use super::powers::{ArtifactPower, Certificate, Power, Powers, node_of};
use super::principal::Principal;
use crate::facts::RoleGrant;
use crate::graph::{Artifact, Scope};
use crate::name::{ArtifactName, NodeName, San, TreePath};
use crate::spec::Role;
use crate::time::Timestamp;

/// Bypasses RBAC: whoever is in it can gain nothing.
const MASTERS: &str = "system:masters";

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
    let mut comparison = Comparison { before, after, found: Vec::new() };
    for new in &after.artifacts {
        comparison.artifact(known.get(&new.artifact).copied(), new);
    }
    comparison.recipients();
    comparison.removed();
    comparison.found
}

struct Comparison<'a> {
    before: &'a Powers,
    after: &'a Powers,
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
        let access = match access {
            AccessChange::Name(name) => match self.after.names.owner(&new.nodes(), &name) {
                Some(owner) => AccessChange::OthersName { name, owner: owner.clone() },
                None => AccessChange::Name(name),
            },
            access => access,
        };
        let name = new.artifact.name();
        self.put(Principal::of(&name), name, access, until, is_exempt);
    }

    fn artifact(&mut self, old: Option<&ArtifactPower>, new: &ArtifactPower) {
        let before = old.map(|old| &old.power);
        match &new.power {
            Power::Certificate(after) => {
                if let Some(ArtifactPower { power: Power::Certificate(before), places, .. }) = old {
                    self.dialled_names(new, Some(before), after);
                    self.places(places, new, after);
                    self.certificate(new, before, after);
                } else {
                    self.dialled_names(new, None, after);
                    self.new_certificate(new, after);
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
            }
            Power::Bindings(after) => match before {
                Some(Power::Bindings(before)) => self.bindings(new, before, after),
                _ => self.bindings(new, &BTreeSet::new(), after),
            },
            Power::Kubeconfig { server: after, is_endpoint } => {
                if let Some(Power::Kubeconfig { server: before, .. }) = before
                    && *is_endpoint
                    && before != after
                {
                    let access = AccessChange::Endpoint { old: before.clone(), new: after.clone() };
                    self.put(
                        Principal::cluster("endpoint"),
                        new.artifact.name(),
                        access,
                        None,
                        false,
                    );
                }
            }
            Power::StaticPod(after) => {
                let before = match before {
                    Some(Power::StaticPod(before)) => Some(before),
                    _ => self.before.elsewhere.pods.get(&after.process),
                };
                let component = after.process.component().as_str();
                for access in after.changes(before) {
                    let principal = Principal::new("components", component);
                    self.put(principal, new.artifact.name(), access, None, false);
                }
            }
        }
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

    /// A user or a certificate of whom nothing here tells what it could do before.
    fn somebody_new(&mut self, new: &ArtifactPower, after: &Certificate) {
        let Certificate { credential, until, ca, same_as, .. } = after;
        let access = AccessChange::Subject {
            common_name: credential.common_name.clone(),
            groups: credential.groups.clone(),
            ca: *ca,
            client: credential.client,
            same_as: same_as.clone(),
        };
        self.own(new, access, *until, false);
        let names = credential.sans.iter();
        for name in names.filter(|name| credential.server && is_worth_telling(name)) {
            self.own(new, AccessChange::Name(name.clone()), None, false);
        }
    }

    /// Kubernetes' own, on a node that is new or has a new part: only its names are somebody's choice.
    fn on_a_node(
        &mut self,
        new: &ArtifactPower,
        node: &NodeName,
        row: &'static str,
        after: &Certificate,
    ) {
        let Some(role) = self.after.nodes.get(node.as_str()).copied() else {
            return;
        };
        let known = self.before.nodes.get(node.as_str());
        let is_promoted = role == Role::ControlPlane && known != Some(&Role::ControlPlane);
        if known.is_none() || is_promoted {
            let access = AccessChange::Joined(role);
            self.put(Principal::node(node.as_str()), new.artifact.name(), access, None, false);
        }
        for name in &after.chosen {
            if !self.before.elsewhere.names.contains(&(row, name.clone())) {
                self.own(new, AccessChange::Name(name.clone()), None, false);
            }
        }
    }

    /// Names by which others are known, and the private one that kubeconfigs dial.
    fn dialled_names(
        &mut self,
        new: &ArtifactPower,
        before: Option<&Certificate>,
        after: &Certificate,
    ) {
        if !after.credential.server {
            return;
        }
        let is_new =
            |name: &&San| before.is_none_or(|before| !before.credential.sans.contains(*name));
        let names = &self.after.names;
        for name in after.credential.sans.iter().filter(is_new) {
            let is_dialled = before.is_some() && names.is_endpoint(name);
            if is_dialled || names.owner(&new.nodes(), name).is_some() {
                self.own(new, AccessChange::Name(name.clone()), None, false);
            }
        }
    }

    /// A key that lies on one more machine.
    fn places(&mut self, before: &BTreeSet<TreePath>, new: &ArtifactPower, after: &Certificate) {
        if !matches!(new.artifact, Artifact::Certificate(_)) {
            return;
        }
        let places = new.places.difference(before);
        let nodes: BTreeSet<&str> = places.filter_map(node_of).collect();
        for node in nodes {
            let client = after.credential.client;
            self.own(new, AccessChange::KeyOn { node: node.to_owned(), client }, None, false);
        }
    }

    fn bindings(
        &mut self,
        new: &ArtifactPower,
        before: &BTreeSet<RoleGrant>,
        after: &BTreeSet<RoleGrant>,
    ) {
        for grant in after.difference(before) {
            self.own(new, AccessChange::Role(grant.clone()), None, false);
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
        let added =
            after.difference(before).map(|who| (AccessChange::Recipient as fn(_) -> _, who));
        let lost =
            before.difference(after).map(|who| (AccessChange::LostRecipient as fn(_) -> _, who));
        for (access, (owner, name)) in added.chain(lost) {
            let principal = match owner {
                // What is on a new node was never closed to it.
                Some(node) if !self.before.nodes.contains_key(node.as_str()) => continue,
                Some(node) => Principal::node(node.as_str()),
                None => Principal::cluster("secrets"),
            };
            let artifact = ArtifactName::of(principal.name());
            self.put(principal, artifact, access(name.clone()), None, false);
        }
    }

    fn removed(&mut self) {
        for gone in &self.before.removed {
            let principal = match Scope::of(&gone.artifact).node() {
                // Not a part of a node that stays.
                Some(node) if !self.after.nodes.contains_key(node) => Principal::node(node),
                _ => Principal::of(&gone.artifact),
            };
            let access = AccessChange::Removed { groups: gone.groups.clone() };
            self.put(principal, gone.artifact.clone(), access, gone.until, false);
        }
    }
}

#[cfg(test)]
mod tests;
