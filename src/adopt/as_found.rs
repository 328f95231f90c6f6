//! What certificates and kubeconfigs say and the draft does not: the description says it, too.
//!
//! A value that most leaves share goes to `defaults`, one of a component's leaves on all nodes to the
//! component, and what is left to the leaf of its node: as a person would write it.

use std::collections::{BTreeMap, BTreeSet};

use super::found::{Found, FoundLeaf};
use super::node::{Node, in_folder};
use super::notes::Notes;
use super::refusal::{Refusal, Refusals};
use crate::algorithm::KeyAlgorithm;
use crate::facts::Kubeconfig;
use crate::graph::{DerivationId, Graph, Leaf, Recipe, Rendered};
use crate::name::{NodeName, Organization, San, Server};
use crate::plan::{extended_key_usage, validity_to_keep};
use crate::profile::{LEAVES, LeafRow};
use crate::spec::{Component, LeafOverride, Origin, PolicyOverride, Setting, Spec};
use crate::time::{Span, Timestamp};

/// One leaf as it is wished and as it was found.
struct Pair<'a> {
    id: DerivationId,
    row: &'static LeafRow,
    wished: &'a Leaf,
    found: &'a FoundLeaf,
}

/// Changes the description so that it says what was found.
pub fn as_found(
    spec: &mut Spec,
    graph: &Graph,
    (nodes, found): (&[Node<'_>], &Found),
    now: Timestamp,
    notes: &mut Notes,
) -> Result<(), Refusals> {
    let pairs: Vec<Pair<'_>> = (found.iter())
        .filter_map(|(id, found)| {
            let derivation = graph.get(*id);
            let Recipe::Leaf(wished) = &derivation.recipe else { return None };
            Some(Pair { id: *id, row: derivation.artifact.row()?, wished, found })
        })
        .collect();
    let refusals: Refusals = pairs.iter().filter_map(unlike).collect();
    if !refusals.is_empty() {
        return Err(refusals);
    }
    keys(spec, &pairs, notes);
    validities(spec, &pairs, now, notes);
    organizations(spec, &pairs, notes);
    sans(spec, &pairs, notes);
    servers(spec, graph, &pairs, nodes)
}

fn setting<T>(value: T) -> Setting<T> {
    Setting { value, origin: Origin::Default }
}

/// What no description can say.
fn unlike(pair: &Pair<'_>) -> Option<Refusal> {
    let Pair { wished, found, .. } = pair;
    let refuse = |why: String| Some(Refusal::of_file(&found.node, &found.path, why));
    let facts = &found.facts;
    let name = wished.common_name.as_ref().map(ToString::to_string);
    if facts.subject.common_name() != name || facts.subject.beyond_user_and_groups().is_some() {
        return refuse(format!(
            "is for {}, where kubeadm has CN={}",
            facts.subject,
            name.unwrap_or_default()
        ));
    }
    if facts.extended_key_usage != extended_key_usage(wished.usage) || facts.is_ca {
        let list: Vec<String> = facts.extended_key_usage.iter().map(ToString::to_string).collect();
        let wanted = extended_key_usage(wished.usage);
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        return refuse(format!(
            "is for the usages {}, where kubeadm has {}",
            list.join(", "),
            wanted.join(", ")
        ));
    }
    if let Some(other) = facts.other_sans.first() {
        return refuse(format!("has the name {other}, which kpki cannot write"));
    }
    facts.public_key.algorithm().is_none().then(|| {
        let why = format!("has a key of {}, which kpki cannot make", facts.public_key.kind());
        Refusal::of_file(&found.node, &found.path, why)
    })
}

/// The value that most have; of two that are as frequent the smaller one.
fn usual<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut count: BTreeMap<T, usize> = BTreeMap::new();
    for value in values {
        *count.entry(value).or_default() += 1;
    }
    let most = count.values().max().copied()?;
    count.into_iter().find(|(_, times)| *times == most).map(|(value, _)| value)
}

fn leaf<'s>(spec: &'s mut Spec, pair: &Pair<'_>) -> Option<&'s mut LeafOverride> {
    leaf_of(spec, &pair.found.node, pair.row)
}

fn leaf_of<'s>(
    spec: &'s mut Spec,
    node: &NodeName,
    row: &'static LeafRow,
) -> Option<&'s mut LeafOverride> {
    let node = spec.nodes.iter_mut().find(|known| known.name == *node)?;
    let nothing = || LeafOverride {
        origin: Origin::Default,
        sans: None,
        organizations: None,
        policy: PolicyOverride::default(),
        server: None,
    };
    Some(node.leaves.entry(row.name).or_insert_with(nothing))
}

fn of_component<T: Ord + Copy>(
    pairs: &[Pair<'_>],
    value: impl Fn(&Pair<'_>) -> Option<T>,
) -> BTreeMap<Component, T> {
    let mut all: BTreeMap<Component, Vec<Option<T>>> = BTreeMap::new();
    for pair in pairs {
        all.entry(pair.row.component).or_default().push(value(pair));
    }
    let same = |values: Vec<Option<T>>| {
        let first = values.first().copied().flatten()?;
        values.iter().all(|value| *value == Some(first)).then_some(first)
    };
    all.into_iter().filter_map(|(component, values)| Some((component, same(values)?))).collect()
}

fn keys(spec: &mut Spec, pairs: &[Pair<'_>], notes: &mut Notes) {
    let key = |pair: &Pair<'_>| pair.found.facts.public_key.algorithm();
    let Some(most) = usual(pairs.iter().filter_map(key)) else { return };
    if spec.defaults.key.value != most {
        spec.defaults.key = setting(most);
        notes.add("defaults", "key", "as most certificates");
    }
    let components = of_component(pairs, |pair| key(pair).filter(|key| *key != most));
    for (component, key) in &components {
        policy(spec, *component).key = Some(setting(*key));
    }
    let is_left = |pair: &&Pair<'_>| !components.contains_key(&pair.row.component);
    for pair in pairs.iter().filter(is_left) {
        if let Some(own) = key(pair).filter(|own: &KeyAlgorithm| *own != most)
            && let Some(leaf) = leaf(spec, pair)
        {
            leaf.policy.key = Some(setting(own));
        }
    }
}

fn policy(spec: &mut Spec, component: Component) -> &mut PolicyOverride {
    &mut spec.components.entry(component).or_default().policy
}

/// A certificate that ends later than one that is issued now would be issued anew, and so would one that is
/// shorter than asked.
fn validities(spec: &mut Spec, pairs: &[Pair<'_>], now: Timestamp, notes: &mut Notes) {
    let builtin = spec.defaults.validity.value;
    let needed = |pair: &Pair<'_>| validity_to_keep(&pair.found.facts, builtin, now);
    let Some(most) = usual(pairs.iter().map(needed)) else { return };
    if most != builtin {
        spec.defaults.validity = setting(most);
        notes.add("defaults", "validity", "as most certificates");
    }
    let again = |pair: &Pair<'_>| -> Option<Span> {
        let own = validity_to_keep(&pair.found.facts, most, now);
        (own != most).then_some(own)
    };
    let components = of_component(pairs, again);
    for (component, validity) in &components {
        policy(spec, *component).validity = Some(setting(*validity));
    }
    let is_left = |pair: &&Pair<'_>| !components.contains_key(&pair.row.component);
    for pair in pairs.iter().filter(is_left) {
        if let Some(own) = again(pair)
            && let Some(leaf) = leaf(spec, pair)
        {
            leaf.policy.validity = Some(setting(own));
        }
    }
}

fn organizations(spec: &mut Spec, pairs: &[Pair<'_>], notes: &mut Notes) {
    let mut by_row: BTreeMap<&'static str, Vec<&Pair<'_>>> = BTreeMap::new();
    for pair in pairs {
        by_row.entry(pair.row.name).or_default().push(pair);
    }
    for pairs in by_row.values() {
        let groups = |pair: &Pair<'_>| pair.found.facts.subject.organizations();
        let is_other = |pair: &&&Pair<'_>| groups(pair) != pair.wished.organizations;
        let Some(first) = pairs.iter().find(is_other) else { continue };
        let same = groups(first);
        let component = first.row.component;
        let is_components = first.row.follows_version()
            && matches!(component, Component::Apiserver | Component::Admin);
        if is_components && pairs.iter().all(|pair| groups(pair) == same) {
            let head = format!("component \"{}\"", component.as_str());
            notes.add(head, "group", "older kubeadm's; renewing keeps a subject");
            let settings = spec.components.entry(component).or_default();
            settings.organizations = parsed(&same).map(setting);
            continue;
        }
        for pair in pairs.iter().filter(is_other) {
            let own = parsed(&groups(pair)).map(setting);
            if let Some(leaf) = leaf(spec, pair) {
                leaf.organizations = own;
            }
        }
    }
}

fn parsed(groups: &BTreeSet<String>) -> Option<BTreeSet<Organization>> {
    groups.iter().map(|group| group.parse().ok()).collect()
}

/// Names that all of a component's serving certificates have go to the component. What a certificate lacks of
/// what follows from the cluster can only be said of it alone.
fn sans(spec: &mut Spec, pairs: &[Pair<'_>], notes: &mut Notes) {
    let mut by_component: BTreeMap<Component, Vec<&Pair<'_>>> = BTreeMap::new();
    for pair in pairs.iter().filter(|pair| pair.wished.usage.server()) {
        by_component.entry(pair.row.component).or_default().push(pair);
    }
    let mut others: Vec<(&Pair<'_>, BTreeSet<San>)> = Vec::new();
    for (component, by_row) in by_component {
        let complete = |pair: &&&Pair<'_>| pair.wished.sans.is_subset(&pair.found.facts.sans);
        let extra = |pair: &Pair<'_>| -> BTreeSet<San> {
            pair.found.facts.sans.difference(&pair.wished.sans).cloned().collect()
        };
        let mut shared: Option<BTreeSet<San>> = None;
        for pair in by_row.iter().filter(complete) {
            let own = extra(pair);
            shared = Some(match shared {
                None => own,
                Some(shared) => shared.intersection(&own).cloned().collect(),
            });
        }
        let shared = shared.unwrap_or_default();
        if !shared.is_empty() {
            let head = format!("component \"{}\"", component.as_str());
            let file = by_row.first().map_or("", |pair| pair.found.path.as_str());
            let name = file.rsplit('/').next().unwrap_or(file);
            notes.add(head, "san", format!("{name} of every node"));
            let settings = spec.components.entry(component).or_default();
            settings.sans.extend(shared.iter().map(|san| (san.clone(), Origin::Default)));
        }
        for pair in by_row {
            let follows: BTreeSet<San> = pair.wished.sans.union(&shared).cloned().collect();
            if pair.found.facts.sans != follows {
                others.push((pair, follows));
            }
        }
    }
    let mut by_node: BTreeMap<&NodeName, Vec<(&Pair<'_>, BTreeSet<San>)>> = BTreeMap::new();
    for (pair, follows) in others {
        by_node.entry(&pair.found.node).or_default().push((pair, follows));
    }
    for (name, others) in by_node {
        // Where every serving certificate of a node has the same names besides, they are the node's.
        let serving =
            pairs.iter().filter(|pair| pair.found.node == *name && pair.wished.usage.server());
        let more = |pair: &Pair<'_>, follows: &BTreeSet<San>| -> Option<BTreeSet<San>> {
            let found = &pair.found.facts.sans;
            follows.is_subset(found).then(|| found.difference(follows).cloned().collect())
        };
        let mut sets = others.iter().map(|(pair, follows)| more(pair, follows));
        let first = sets.next().flatten();
        let is_all = others.len() == serving.count();
        if let Some(own) =
            first.filter(|first| is_all && sets.all(|set| set.as_ref() == Some(first)))
        {
            if let Some(node) = spec.nodes.iter_mut().find(|node| node.name == *name) {
                node.sans.extend(own.into_iter().map(|san| (san, Origin::Default)));
            }
            continue;
        }
        for (pair, _) in others {
            let found = pair.found.facts.sans.iter();
            let found = found.map(|san| (san.clone(), Origin::Default)).collect();
            if let Some(leaf) = leaf(spec, pair) {
                leaf.sans = Some(found);
            }
        }
    }
}

/// Kubeconfigs that dial something else than what follows.
fn servers(
    spec: &mut Spec,
    graph: &Graph,
    pairs: &[Pair<'_>],
    nodes: &[Node<'_>],
) -> Result<(), Refusals> {
    let mut refusals = Refusals::new();
    let mut dialled: Vec<Dialled<'_>> = Vec::new();
    for pair in pairs {
        let Some(config) = &pair.found.config else { continue };
        let Some(id) = graph.kubeconfig_of(pair.id) else { continue };
        let Recipe::Kubeconfig(wished) = &graph.get(id).recipe else { continue };
        let FoundLeaf { node, path, .. } = pair.found;
        let (row, found) = (pair.row, config.server.clone());
        dialled.push(Dialled { node, path: path.clone(), row, wished: &wished.server, found });
    }
    for id in graph.ids() {
        let Recipe::Rendered(Rendered::KubeletConf(wished)) = &graph.get(id).recipe else {
            continue;
        };
        let Some(row) = LEAVES.iter().find(|row| row.name == "kubelet") else { continue };
        let path = in_folder(row.home.file());
        let node = nodes.iter().find(|node| node.name == wished.node);
        let config = node.and_then(|node| Kubeconfig::from_yaml(node.bytes(&path)?).ok());
        let Some(found) = config.and_then(|config| config.server) else { continue };
        dialled.push(Dialled { node: &wished.node, path, row, wished: &wished.server, found });
    }
    let mut by_component: BTreeMap<Component, Vec<(Dialled<'_>, Server)>> = BTreeMap::new();
    for one in dialled {
        match one.found.parse() {
            Ok(found) => by_component.entry(one.row.component).or_default().push((one, found)),
            Err(error) => {
                let why = format!("dials {}, which {error}", one.found);
                refusals.push(Refusal::of_file(one.node, &one.path, why));
            }
        }
    }
    for (component, all) in by_component {
        let first = all.first().map(|(_, server)| server.clone());
        let is_shared =
            all.len() > 1 && all.iter().all(|(_, server)| Some(server) == first.as_ref());
        let other: Vec<_> = all.iter().filter(|(one, server)| server != one.wished).collect();
        if is_shared && !other.is_empty() {
            let settings = spec.components.entry(component).or_default();
            settings.server = first.map(setting);
            continue;
        }
        for (one, server) in other {
            if let Some(leaf) = leaf_of(spec, one.node, one.row) {
                leaf.server = Some(setting(server.clone()));
            }
        }
    }
    if refusals.is_empty() { Ok(()) } else { Err(refusals) }
}

/// A kubeconfig on a node, and what it dials.
struct Dialled<'a> {
    node: &'a NodeName,
    path: String,
    row: &'static LeafRow,
    wished: &'a Server,
    found: String,
}
