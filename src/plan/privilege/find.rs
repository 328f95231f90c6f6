//! What a plan changes in power: each step is held against what is here now.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Action, Allow, Intent, Plan, Witness, World};
use super::gain::{Direction, Gain};
use super::left;
use super::names::is_worth_telling;
use super::nodes::{chosen_names, known_nodes, on_node};
use super::origin::{self, Place};
use super::{Consent, Credential, Holder, PrivilegeChange, compare, grants};
use crate::facts::role_grants;
use crate::graph::{Content, DerivationId, Kubeconfig, Recipe, UserBindings};
use crate::name::{ArtifactName, San};
use crate::spec::{Origin, Role, Spec};
use crate::time::Timestamp;

/// Bypasses RBAC: whoever is in it can gain nothing.
const MASTERS: &str = "system:masters";

/// In the order in which a reviewer must care. A cluster that is built for the first time gains nothing over anybody.
pub fn find(world: World<'_>, spec: &Spec, intent: &Intent, plan: &Plan) -> Vec<PrivilegeChange> {
    if plan.is_empty() && plan.orphans.is_empty() {
        return Vec::new();
    }
    if is_first_built(world) {
        return Vec::new();
    }
    let mut finder = Finder {
        world,
        spec,
        changes: BTreeMap::new(),
        known_nodes: known_nodes(world),
    };
    let blocked = plan.blocked.iter();
    let replaced: BTreeSet<DerivationId> = blocked
        .clone()
        .filter(|blocked| matches!(blocked.allow, Some(Allow::Replace(_))))
        .map(|blocked| blocked.derivation)
        .chain(
            plan.steps
                .iter()
                .filter(|step| step.action == Action::Replace)
                .map(|step| step.derivation),
        )
        .collect();
    let touched: BTreeSet<DerivationId> = plan
        .steps
        .iter()
        .map(|step| step.derivation)
        .chain(blocked.map(|blocked| blocked.derivation))
        .collect();
    for id in touched {
        finder.look_at(id, replaced.contains(&id));
    }
    finder.recipients(plan);
    left::find(&mut finder, plan);
    finder.finish(intent)
}

/// Roots of trust may be here before: who had a cluster's CA brings it.
fn is_first_built(world: World<'_>) -> bool {
    let graph = world.graph;
    let is_known = |id: &DerivationId| {
        !graph.get(*id).recipe.is_anchor() && world.survey.witness(*id).path().is_some()
    };
    world.lock.entries.is_empty() && !graph.ids().any(|id| is_known(&id))
}

pub(super) struct Finder<'a> {
    pub world: World<'a>,
    pub spec: &'a Spec,
    changes: BTreeMap<(Holder, Gain), Found>,
    known_nodes: BTreeMap<&'a str, bool>,
}

#[derive(Default)]
pub(super) struct Found {
    artifacts: Vec<ArtifactName>,
    origin: Option<Origin>,
    until: Option<Timestamp>,
    /// The holder could do everything before.
    is_no_more: bool,
    /// Another permission stands for it.
    asked_otherwise: bool,
}

impl Finder<'_> {
    fn look_at(&mut self, id: DerivationId, is_replaced: bool) {
        let derivation = self.world.graph.get(id);
        match &derivation.recipe {
            Recipe::Leaf(_) | Recipe::Request(_) => self.certificate(id),
            Recipe::Authority(_) | Recipe::SigningKey(_) => self.anchor(id, is_replaced),
            Recipe::UserBindings(recipe) => self.bindings(id, recipe),
            Recipe::Kubeconfig(config) => self.kubeconfig(id, config),
            _ => {}
        }
    }

    /// A change of an artifact that is described.
    fn add(&mut self, id: DerivationId, gain: Gain, until: Option<Timestamp>) -> &mut Found {
        let name = identity(&self.world.graph.get(id).name);
        let place = Place::of(self.world.graph, id);
        let origin = origin::of(self.spec, &place, &gain);
        let holder = if matches!(gain, Gain::LongerLife { .. }) && place.is_of_defaults(self.spec) {
            Holder::defaults()
        } else {
            Holder::of(&name)
        };
        self.put(holder, gain, name, origin, until)
    }

    pub fn put(
        &mut self,
        holder: Holder,
        gain: Gain,
        artifact: ArtifactName,
        origin: Option<Origin>,
        until: Option<Timestamp>,
    ) -> &mut Found {
        let found = self.changes.entry((holder, gain)).or_default();
        found.artifacts.push(artifact);
        found.origin = found.origin.take().or(origin);
        found.until = found.until.max(until);
        found
    }

    fn certificate(&mut self, id: DerivationId) {
        let graph = self.world.graph;
        let Some(after) = Credential::of_recipe(graph, id) else {
            return;
        };
        let until = after
            .life
            .filter(|_| after.client)
            .map(|life| self.start().plus(life));
        match self.before(id) {
            Some(before) => {
                let all_powerful = before.groups.contains(MASTERS);
                let kept_until = before.not_after.filter(|end| *end > self.world.now);
                for gain in compare(&before, &after) {
                    let until = if gain.direction() == Direction::Loss {
                        kept_until
                    } else {
                        until
                    };
                    let is_no_more = all_powerful && matches!(gain, Gain::Group(_));
                    self.add(id, gain, until).is_no_more |= is_no_more;
                }
            }
            None => match on_node(&graph.get(id).name) {
                Some((node, row)) => self.on_a_node(id, node, row, &after),
                None if is_of_kubernetes(&graph.get(id).name) => {}
                None => self.somebody_new(id, &after, until),
            },
        }
    }

    /// What the certificate of an artifact says now.
    fn before(&self, id: DerivationId) -> Option<Credential> {
        let world = self.world;
        let answer = world.graph.answer_to(id);
        let certificate = world.survey.witness(answer.unwrap_or(id)).certificate();
        if let Some(facts) = certificate {
            let mut before = Credential::of_certificate(facts);
            let issuer = world.graph.get(id).recipe.issuer();
            let issuer = issuer.and_then(|issuer| world.survey.witness(issuer).certificate());
            if issuer.is_some_and(|issuer| issuer.not_after == facts.not_after) {
                // Cut at its CA's end: its length says nothing about what was wanted.
                before.life = None;
            }
            return Some(before);
        }
        match world.survey.witness(id) {
            Witness::Request { facts, .. } => Some(Credential::of_request(facts)),
            _ => None,
        }
    }

    /// A user or a certificate of whom nothing here tells what it could do before.
    fn somebody_new(&mut self, id: DerivationId, after: &Credential, until: Option<Timestamp>) {
        let gain = Gain::Subject {
            common_name: after.common_name.clone(),
            groups: after.groups.clone(),
            ca: origin::ca_of(self.world.graph, id),
            client: after.client,
        };
        self.add(id, gain, until);
        let names = after
            .sans
            .iter()
            .filter(|name| after.server && is_worth_telling(name));
        for name in names {
            self.add(id, Gain::Name(name.clone()), None);
        }
    }

    /// Kubernetes' own, on a node that is new or has a new part: only its names are somebody's choice.
    fn on_a_node(&mut self, id: DerivationId, node: &str, row: &str, after: &Credential) {
        let Some(described) = self
            .spec
            .nodes
            .iter()
            .find(|known| known.name.as_str() == node)
        else {
            return;
        };
        let is_control_plane = described.role == Role::ControlPlane;
        let joins = match self.known_nodes.get(node) {
            None => true,
            Some(was_control_plane) => is_control_plane && !was_control_plane,
        };
        if joins {
            let origin = self.spec.lines.block("node", node).cloned();
            let (holder, gain) = (Holder::node(node), Gain::Joined(described.role));
            let name = self.world.graph.get(id).name.clone();
            self.put(holder, gain, name, origin, None);
        }
        if !after.server {
            return;
        }
        let others = self.names_of_row(row);
        let chosen = chosen_names(self.spec, described, row);
        let names = after.sans.intersection(&chosen);
        let names: Vec<San> = names
            .filter(|name| is_worth_telling(name) && !others.contains(name))
            .cloned()
            .collect();
        for name in names {
            self.add(id, Gain::Name(name), None);
        }
    }

    /// What the same certificate on other nodes says now.
    fn names_of_row(&self, row: &str) -> BTreeSet<San> {
        let world = self.world;
        let ids = world.graph.ids();
        ids.filter(|id| on_node(&world.graph.get(*id).name).is_some_and(|(_, other)| other == row))
            .filter_map(|id| world.survey.witness(id).certificate())
            .flat_map(|facts| facts.sans.iter().cloned())
            .collect()
    }

    fn anchor(&mut self, id: DerivationId, is_replaced: bool) {
        let world = self.world;
        if is_replaced {
            self.add(id, Gain::AnchorReplaced, None).asked_otherwise = true;
            return;
        }
        let before = world
            .survey
            .witness(id)
            .certificate()
            .map(Credential::of_certificate);
        match (before, Credential::of_recipe(world.graph, id)) {
            (Some(before), Some(after)) => {
                for gain in compare(&before, &after) {
                    self.add(id, gain, None);
                }
            }
            _ if world.lock.entries.contains_key(&world.graph.get(id).name) => {}
            _ if world.survey.witness(id).path().is_some() => {}
            _ => {
                self.add(id, Gain::Anchor, None);
            }
        }
    }

    fn bindings(&mut self, id: DerivationId, recipe: &UserBindings) {
        let world = self.world;
        let after = grants(recipe);
        let place = world.graph.placements_of(id, Content::Rendered).next();
        let file = place.and_then(|place| world.inventory.public(place.path.as_str()));
        let before = file.and_then(role_grants).unwrap_or_default();
        for grant in after.difference(&before) {
            self.add(id, Gain::Role(grant.clone()), None);
        }
        for grant in before.difference(&after) {
            self.add(id, Gain::LostRole(grant.clone()), None);
        }
    }

    /// Only the cluster's endpoint: a node's own API server is where the node is.
    fn kubeconfig(&mut self, id: DerivationId, config: &Kubeconfig) {
        let endpoint = &self.spec.cluster.endpoint;
        let name = &self.world.graph.get(id).name;
        let entry = self.world.lock.entries.get(name);
        let old = entry.and_then(|entry| entry.server.clone());
        let new = config.server.url();
        if let Some(old) = old
            && old != new
            && config.server == endpoint.value
        {
            let origin = origin::written(&endpoint.origin);
            let gain = Gain::Endpoint { old, new };
            self.put(
                Holder::cluster("endpoint"),
                gain,
                name.clone(),
                origin,
                None,
            );
        }
    }

    /// Where secrets were sealed before: sealing what was in the clear takes power, it gives none.
    fn recipients(&mut self, plan: &Plan) {
        if self.world.lock.recipients.is_empty() || self.spec.secrets.is_none() {
            return;
        }
        let all = |gain: fn(String) -> Gain, changes: &BTreeSet<(crate::sealed::Owner, String)>| {
            changes
                .iter()
                .map(|(owner, name)| (owner.clone(), gain(name.clone())))
                .collect::<Vec<_>>()
        };
        let added = all(Gain::Recipient, &plan.recipients.added);
        let removed = all(Gain::LostRecipient, &plan.recipients.removed);
        for (owner, gain) in added.into_iter().chain(removed) {
            // What is on a new node was never closed to it.
            if let Some(node) = &owner
                && !self.known_nodes.contains_key(node.as_str())
            {
                continue;
            }
            let holder = owner.as_ref().map_or_else(
                || Holder::cluster("secrets"),
                |node| Holder::node(node.as_str()),
            );
            let origin = match &owner {
                Some(node) => self.spec.lines.block("node", node.as_str()),
                None => self.spec.lines.block("secrets", ""),
            };
            let artifact = ArtifactName::of(holder.name());
            self.put(holder, gain, artifact, origin.cloned(), None);
        }
    }

    fn start(&self) -> Timestamp {
        self.world.graph.not_before().unwrap_or(self.world.now)
    }

    fn finish(self, intent: &Intent) -> Vec<PrivilegeChange> {
        let mut changes: Vec<PrivilegeChange> = self
            .changes
            .into_iter()
            .map(|((holder, gain), found)| PrivilegeChange {
                consent: if found.is_no_more
                    || found.asked_otherwise
                    || gain.direction() != Direction::Escalation
                {
                    Consent::NotNeeded
                } else {
                    Consent::Missing
                },
                holder,
                gain,
                artifacts: found.artifacts,
                origin: found.origin,
                until: found.until,
            })
            .collect();
        Holder::tell_apart(changes.iter_mut().map(|change| &mut change.holder));
        for change in &mut changes {
            if change.consent != Consent::Missing {
                continue;
            }
            if intent.policy.takes_for_ordinary(&change.gain) {
                change.consent = Consent::NotNeeded;
            } else if intent.allows_escalation(&change.holder) {
                change.consent = Consent::Given;
            }
        }
        changes.sort_by(|a, b| {
            let rank = |change: &PrivilegeChange| (change.consent, change.gain.direction());
            rank(a).cmp(&rank(b)).then_with(|| a.holder.cmp(&b.holder))
        });
        changes
    }
}

/// Of a request, the user's.
fn identity(name: &ArtifactName) -> ArtifactName {
    let own = name.as_str().strip_suffix("/request");
    own.map_or_else(|| name.clone(), ArtifactName::of)
}

/// `operator/super-admin`: no node has it.
fn is_of_kubernetes(name: &ArtifactName) -> bool {
    name.as_str().starts_with("operator/")
}
