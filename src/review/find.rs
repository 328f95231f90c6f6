//! What a plan changes in power: each step is held against what is here now.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use super::before::Before;
use super::gain::{Direction, Gain};
use super::names::is_worth_telling;
use super::nodes::KnownNodes;
use super::origin::{self, Place};
use super::others::Names;
use super::roles::grants;
use super::standing::Standing;
use super::{Consent, Credential, Holder, PrivilegeChange, ReviewPolicy};
use super::{anchors, compare, gravity, left, recipients};
use crate::graph::{Artifact, DerivationId, Graph, Kubeconfig, Recipe, UserBindings, UserPart};
use crate::name::{ArtifactName, San};
use crate::plan::{Action, Allow, Intent, Plan, World};
use crate::spec::{Origin, Spec};
use crate::time::Timestamp;

/// Bypasses RBAC: whoever is in it can gain nothing.
const MASTERS: &str = "system:masters";

/// In the order in which a reviewer must care. A cluster that is built for the first time gains nothing over
/// anybody.
pub(super) fn find(
    world: World<'_>,
    spec: &Spec,
    intent: &Intent,
    policy: &ReviewPolicy,
    plan: &Plan,
) -> Vec<PrivilegeChange> {
    if plan.changes_nothing() && plan.orphans.is_empty() {
        return Vec::new();
    }
    let is_new = anchors::has_nothing_built(world);
    if is_new && !anchors::has_roots(world) {
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
    // A signature costs as much as all else.
    let proved = touched.par_iter().copied();
    let proved = proved.map(|id| (id, finder.before.credential(world.graph, id)));
    finder.proved = proved.collect();
    for id in touched {
        finder.look_at(id, replaced.contains(&id));
    }
    recipients::find(&mut finder, world, plan);
    left::find(&mut finder, world, plan);
    if is_new {
        finder.is_asked_once();
    }
    finder.finish(intent, policy)
}

pub(super) struct Finder<'a> {
    pub before: Before<'a>,
    /// Of what a plan touches.
    proved: HashMap<DerivationId, Option<Credential>>,
    /// What is after.
    pub graph: &'a Graph,
    pub spec: &'a Spec,
    /// When a certificate that is issued begins, if anybody knows.
    now: Option<Timestamp>,
    pub changes: BTreeMap<(Holder, Gain), Found>,
    /// Whether the certificates of a row said a name on any node: many nodes may be new.
    pub names_of_rows: BTreeMap<(String, San), bool>,
    pub known_nodes: KnownNodes<'a>,
    names: Names,
    standing: Standing<'a>,
}

#[derive(Default)]
pub(super) struct Found {
    artifacts: Vec<ArtifactName>,
    origin: Option<Origin>,
    until: Option<Timestamp>,
    /// The holder could do everything before.
    is_no_more: bool,
    /// Another permission stands for it.
    pub asked_otherwise: bool,
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
            proved: HashMap::new(),
            names_of_rows: BTreeMap::new(),
            known_nodes: KnownNodes::of(before),
            names: Names::of(graph, spec),
            standing: Standing::of(graph),
        }
    }

    pub fn look_at(&mut self, id: DerivationId, is_replaced: bool) {
        let derivation = self.graph.get(id);
        match &derivation.recipe {
            Recipe::Leaf(_) | Recipe::Request(_) => self.certificate(id),
            Recipe::Authority(_) | Recipe::SigningKey(_) => self.anchor(id, is_replaced),
            Recipe::UserBindings(recipe) => self.bindings(id, recipe),
            Recipe::Kubeconfig(config) => self.kubeconfig(id, config),
            Recipe::StaticPod(recipe) => self.static_pod(id, recipe),
            _ => {}
        }
    }

    /// A change of an artifact that is described.
    pub fn add(&mut self, id: DerivationId, gain: Gain, until: Option<Timestamp>) -> &mut Found {
        let name = identity(&self.graph.get(id).name);
        let gain = match gain {
            Gain::Name(name) => match self.names.owner(self.graph, id, &name) {
                Some(owner) => Gain::OthersName { name, owner: owner.clone() },
                None => Gain::Name(name),
            },
            gain => gain,
        };
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
        if found.artifacts.last() != Some(&artifact) {
            found.artifacts.push(artifact);
        }
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
        let known = self.proved.get(&id).cloned();
        let before = known.unwrap_or_else(|| self.before.credential(graph, id));
        self.dialled_names(id, &after, before.as_ref());
        match before {
            Some(before) => {
                self.places(id, &after);
                let all_powerful = before.groups.contains(MASTERS);
                let kept_until = before.not_after.filter(|end| Some(*end) > self.now);
                for gain in compare(&before, &after) {
                    let until =
                        if gain.direction() == Direction::Loss { kept_until } else { until };
                    let is_no_more = all_powerful && matches!(gain, Gain::Group(_));
                    self.add(id, gain, until).is_no_more |= is_no_more;
                }
            }
            None => match &graph.get(id).artifact {
                Artifact::Leaf(Some(node), row) => self.on_a_node(id, node.as_str(), row, &after),
                // No node has it.
                Artifact::Leaf(None, _) => {}
                _ => self.somebody_new(id, &after, until),
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
            same_as: self.standing.find(id, after),
        };
        self.add(id, gain, until);
        let names = after.sans.iter().filter(|name| after.server && is_worth_telling(name));
        for name in names {
            self.add(id, Gain::Name(name.clone()), None);
        }
    }

    /// Names by which others are known, and the private one that kubeconfigs dial.
    fn dialled_names(&mut self, id: DerivationId, after: &Credential, before: Option<&Credential>) {
        let graph = self.graph;
        let none = BTreeSet::new();
        let old = before.map_or(&none, |before| &before.sans);
        let endpoint = &self.spec.cluster.endpoint.value.host;
        for name in after.sans.difference(old).filter(|_| after.server) {
            let is_dialled = before.is_some() && *name == *endpoint;
            if is_dialled || self.names.owner(graph, id, name).is_some() {
                self.add(id, Gain::Name(name.clone()), None);
            }
        }
    }

    /// A key that lies on one more machine.
    fn places(&mut self, id: DerivationId, after: &Credential) {
        let graph = self.graph;
        if !matches!(graph.get(id).artifact, Artifact::Certificate(_)) {
            return;
        }
        let places = graph.placements(id).iter();
        let new: BTreeSet<String> = places
            .filter(|place| !self.before.has_place(graph, id, place))
            .filter_map(|place| place.node.as_ref().map(ToString::to_string))
            .collect();
        for node in new {
            let client = after.client;
            self.add(id, Gain::KeyOn { node, client }, None);
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
            self.put(Holder::cluster("endpoint"), gain, name.clone(), origin, None);
        }
    }

    fn start(&self) -> Option<Timestamp> {
        self.graph.not_before().or(self.now)
    }

    pub fn finish(self, intent: &Intent, policy: &ReviewPolicy) -> Vec<PrivilegeChange> {
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
            if policy.takes_for_ordinary(&change.gain) {
                change.consent = Consent::NotNeeded;
            } else if is_allowed(intent, &change.holder) {
                change.consent = Consent::Given;
            }
        }
        gravity::sort(&mut changes);
        changes
    }
}

fn is_allowed(intent: &Intent, holder: &Holder) -> bool {
    let mut allowed = intent.allow.iter();
    allowed.any(|allow| matches!(allow, Allow::Escalation(name) if holder.is_called(name.as_str())))
}

/// Of a request, the user's.
pub(super) fn identity(name: &ArtifactName) -> ArtifactName {
    match name.as_str().parse() {
        Ok(Artifact::User(user, UserPart::Request)) => {
            Artifact::User(user, UserPart::Identity).name()
        }
        _ => name.clone(),
    }
}
