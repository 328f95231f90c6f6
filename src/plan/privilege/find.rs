//! What a plan changes in power: each step is held against what is here now.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Action, Allow, Intent, Plan, World};
use super::before::Before;
use super::gain::{Direction, Gain};
use super::left;
use super::names::is_worth_telling;
use super::nodes::{chosen_names, described, on_node};
use super::origin::{self, Place};
use super::{Consent, Credential, Holder, PrivilegeChange, compare, grants};
use crate::graph::{DerivationId, Graph, Kubeconfig, Recipe, UserBindings};
use crate::name::{ArtifactName, San};
use crate::sealed::Owner;
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
    let mut finder = Finder::new(Before::Here(world), world.graph, spec, Some(world.now));
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
    // Sealing what was in the clear takes power, it gives none.
    if !world.lock.recipients.is_empty() && spec.secrets.is_some() {
        finder.recipients(&plan.recipients.added, &plan.recipients.removed);
    }
    left::find(&mut finder, world, plan);
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
    before: Before<'a>,
    /// What is after.
    graph: &'a Graph,
    pub spec: &'a Spec,
    /// When a certificate that is issued begins, if anybody knows.
    now: Option<Timestamp>,
    changes: BTreeMap<(Holder, Gain), Found>,
    /// Of each row what its certificates said on all nodes: as many nodes may be new.
    names_of_rows: BTreeMap<String, BTreeSet<San>>,
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

impl<'a> Finder<'a> {
    pub fn new(
        before: Before<'a>,
        graph: &'a Graph,
        spec: &'a Spec,
        now: Option<Timestamp>,
    ) -> Self {
        Finder {
            before,
            graph,
            spec,
            now,
            changes: BTreeMap::new(),
            names_of_rows: BTreeMap::new(),
            known_nodes: before.known_nodes(),
        }
    }

    pub fn look_at(&mut self, id: DerivationId, is_replaced: bool) {
        let derivation = self.graph.get(id);
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
        let name = identity(&self.graph.get(id).name);
        let place = Place::of(self.graph, id);
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
        let graph = self.graph;
        let Some(after) = Credential::of_recipe(graph, id) else {
            return;
        };
        let life = after.life.filter(|_| after.client);
        let until = life.zip(self.start()).map(|(life, start)| start.plus(life));
        match self.before.credential(graph, id) {
            Some(before) => {
                let all_powerful = before.groups.contains(MASTERS);
                let kept_until = before.not_after.filter(|end| Some(*end) > self.now);
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

    /// A user or a certificate of whom nothing here tells what it could do before.
    fn somebody_new(&mut self, id: DerivationId, after: &Credential, until: Option<Timestamp>) {
        let gain = Gain::Subject {
            common_name: after.common_name.clone(),
            groups: after.groups.clone(),
            ca: origin::ca_of(self.graph, id),
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
        let spec = self.spec;
        let Some(described) = described(spec, node) else {
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
            let name = self.graph.get(id).name.clone();
            self.put(holder, gain, name, origin, None);
        }
        if !after.server {
            return;
        }
        let (before, rows) = (&self.before, &mut self.names_of_rows);
        let others = match rows.get(row) {
            Some(known) => known,
            None => rows
                .entry(row.to_owned())
                .or_insert_with(|| before.names_of_row(row)),
        };
        let chosen = chosen_names(spec, described, row);
        let names = after.sans.intersection(&chosen);
        let names: Vec<San> = names
            .filter(|name| is_worth_telling(name) && !others.contains(name))
            .cloned()
            .collect();
        for name in names {
            self.add(id, Gain::Name(name), None);
        }
    }

    fn anchor(&mut self, id: DerivationId, is_replaced: bool) {
        let graph = self.graph;
        if is_replaced {
            self.add(id, Gain::AnchorReplaced, None).asked_otherwise = true;
            return;
        }
        let before = self.before.credential(graph, id);
        match (before, Credential::of_recipe(graph, id)) {
            (Some(before), Some(after)) => {
                for gain in compare(&before, &after) {
                    self.add(id, gain, None);
                }
            }
            _ if self.before.knows(graph, id) => {}
            _ => {
                self.add(id, Gain::Anchor, None);
            }
        }
    }

    fn bindings(&mut self, id: DerivationId, recipe: &UserBindings) {
        let after = grants(recipe);
        let before = self.before.grants(self.graph, id);
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
        let name = &self.graph.get(id).name;
        let old = self.before.server(name);
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

    /// Where secrets were sealed before.
    pub fn recipients(
        &mut self,
        added: &BTreeSet<(Owner, String)>,
        removed: &BTreeSet<(Owner, String)>,
    ) {
        let all = |gain: fn(String) -> Gain, changes: &BTreeSet<(Owner, String)>| {
            changes
                .iter()
                .map(|(owner, name)| (owner.clone(), gain(name.clone())))
                .collect::<Vec<_>>()
        };
        let added = all(Gain::Recipient, added);
        let removed = all(Gain::LostRecipient, removed);
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

    fn start(&self) -> Option<Timestamp> {
        self.graph.not_before().or(self.now)
    }

    pub fn finish(self, intent: &Intent) -> Vec<PrivilegeChange> {
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
pub(super) fn identity(name: &ArtifactName) -> ArtifactName {
    let own = name.as_str().strip_suffix("/request");
    own.map_or_else(|| name.clone(), ArtifactName::of)
}

/// `operator/super-admin`: no node has it.
fn is_of_kubernetes(name: &ArtifactName) -> bool {
    name.as_str().starts_with("operator/")
}
