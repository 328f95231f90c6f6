//! Names of what lies on nodes: whose they are, and who dials them.

use std::collections::BTreeSet;

use super::Comparison;
use crate::graph::Artifact;
use crate::name::{NodeName, San};
use crate::review::Credential;
use crate::review::access_change::AccessChange;
use crate::review::name_owners::API_SERVER;
use crate::review::powers::{ArtifactPower, Certificate};
use crate::review::principal::Principal;
use crate::spec::Role;

impl Comparison<'_> {
    /// Kubernetes' own, on a node that is new or has a new part: only its names are somebody's choice.
    pub(super) fn on_a_node(
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
        for group in &after.chosen_groups {
            self.own(new, AccessChange::Group(group.clone()), after.until, false);
        }
        // Also of one that is known: its kubelet served by no certificate of ours until now.
        if after.credential.server {
            let chosen = if known.is_none() { &BTreeSet::new() } else { &after.chosen };
            for name in after.credential.sans.difference(chosen) {
                if self.is_nodes_own(node, name) && !self.is_ordinary_place(node, name) {
                    self.own(new, AccessChange::Name(name.clone()), None, false);
                }
            }
        }
        for name in &after.chosen {
            // Judged above.
            let is_judged = known.is_none() && self.is_nodes_own(node, name);
            if !is_judged && !self.before.elsewhere.names.contains(&(row, name.clone())) {
                self.own(new, AccessChange::Name(name.clone()), None, false);
            }
        }
    }

    /// Names by which others are known, and the private one that kubeconfigs dial.
    pub(super) fn dialled_names(
        &mut self,
        new: &ArtifactPower,
        before: Option<&Credential>,
        after: &Certificate,
    ) {
        if !after.credential.server {
            return;
        }
        let is_apiserver = matches!(new.artifact, Artifact::Leaf(_, API_SERVER));
        let is_new = |name: &&San| {
            before.map(|before| &before.sans).is_none_or(|before| {
                let names = &self.after.names;
                !before.contains(*name) || (is_apiserver && names.becomes_a_services(before, name))
            })
        };
        for name in after.credential.sans.iter().filter(is_new) {
            let is_dialled = before.is_some() && self.after.names.is_endpoint(name);
            let is_moved = before.is_some() && self.moved_to(new, name).is_some();
            if is_dialled || is_moved || self.owner(new, name).is_some() {
                self.own(new, AccessChange::Name(name.clone()), None, false);
            }
        }
    }
}
