//! Trust as a picture: what each authority signs and who shows its certificate to whom. Leaves stand in
//! groups (a row of the profile on all its nodes), so that 10,000 nodes are as readable as three.

use std::collections::{BTreeMap, BTreeSet};

use super::text::counted;
use crate::graph::{Artifact, DerivationId, Graph, Recipe};
use crate::profile::{APISERVER, LEAVES};
use crate::spec::{CaName, Spec, Usage};

#[derive(Debug)]
pub struct Picture {
    pub(super) cluster: String,
    pub(super) realms: Vec<Realm>,
    pub(super) dials: Vec<Dial>,
    /// Signs tokens instead of certificates.
    pub(super) signing_key: Option<String>,
}

/// An authority and all that stands below it. Who dials whom never leaves a realm: a server asks for a
/// certificate of its own authority.
#[derive(Debug)]
pub(super) struct Realm {
    pub id: String,
    /// `CA kubernetes`, then its subject, then where it is from.
    pub lines: Vec<String>,
    pub groups: Vec<Group>,
    /// Servers without a certificate of this authority.
    pub outsiders: BTreeMap<String, &'static str>,
}

#[derive(Debug)]
pub(super) struct Group {
    pub id: String,
    /// Its row's name, or what its members are.
    pub title: String,
    /// Which nodes, or which names.
    pub members: String,
    pub serves: bool,
    /// Signed by the cluster, once somebody approves.
    pub by_request: bool,
}

#[derive(Debug)]
pub(super) struct Dial {
    pub from: String,
    pub to: String,
    /// The kubeconfig and its server, or what for.
    pub label: String,
}

/// What leaves are grouped by; the order is that of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Row(usize),
    User { by_request: bool },
    Certificate { usage: Usage },
}

/// More members than this are counted.
const NAMED: usize = 4;

type Groups = BTreeMap<(DerivationId, Kind), Vec<DerivationId>>;

impl Picture {
    pub fn of(spec: &Spec, graph: &Graph) -> Picture {
        let mut groups = Groups::new();
        for id in graph.ids() {
            if let (Some(issuer), Some(kind)) = (graph.get(id).recipe.issuer(), kind(graph, id)) {
                groups.entry((issuer, kind)).or_default().push(id);
            }
        }
        let mut picture = Picture {
            cluster: spec.cluster.name.to_string(),
            realms: Vec::new(),
            dials: Vec::new(),
            signing_key: None,
        };
        for id in graph.ids() {
            let recipe = &graph.get(id).recipe;
            if let Some(ca) = recipe.ca() {
                let own = groups.iter().filter(|((issuer, _), _)| *issuer == id);
                let own = own.map(|((_, kind), ids)| (*kind, ids.as_slice()));
                picture.realm(graph, ca, recipe, &own.collect());
            } else if matches!(recipe, Recipe::SigningKey(_)) {
                picture.signing_key = Some(graph.get(id).name.to_string());
            }
        }
        picture
    }

    fn realm(
        &mut self,
        graph: &Graph,
        ca: CaName,
        recipe: &Recipe,
        groups: &BTreeMap<Kind, &[DerivationId]>,
    ) {
        let lines = ca_lines(ca, recipe);
        let ca = ca.as_str();
        let mut realm = Realm {
            id: identifier(&["ca", ca]),
            lines,
            groups: Vec::new(),
            outsiders: BTreeMap::new(),
        };
        for (kind, ids) in groups {
            realm.groups.push(Group {
                id: group_id(ca, *kind),
                title: title(*kind),
                members: members(graph, ids),
                serves: serves(*kind),
                by_request: *kind == (Kind::User { by_request: true }),
            });
        }
        for (kind, ids) in groups {
            self.dials(graph, &mut realm, ca, *kind, ids);
        }
        self.realms.push(realm);
    }

    fn dials(
        &mut self,
        graph: &Graph,
        realm: &mut Realm,
        ca: &str,
        kind: Kind,
        ids: &[DerivationId],
    ) {
        let from = group_id(ca, kind);
        if let Some(label) = kubeconfig(graph, ids) {
            let to = realm.server(ca, Some(APISERVER.name), "API servers");
            self.dials.push(Dial { from, to, label });
        } else if let Kind::Row(row) = kind
            && let Some(dial) = LEAVES.get(row).and_then(|row| row.dials)
        {
            let to = realm.server(ca, dial.server, dial.otherwise);
            let label = dial.what_for.to_owned();
            self.dials.push(Dial { from, to, label });
        }
    }
}

impl Realm {
    /// The group that serves, or somebody outside of this realm.
    fn server(&mut self, ca: &str, row: Option<&str>, otherwise: &'static str) -> String {
        let id = |row| identifier(&[ca, row]);
        if let Some(id) = row.map(id)
            && self.groups.iter().any(|group| group.id == id)
        {
            return id;
        }
        let words = otherwise.split(',').next().unwrap_or(otherwise);
        let id = identifier(&["other", words]);
        self.outsiders.insert(id.clone(), otherwise);
        id
    }
}

fn ca_lines(ca: CaName, recipe: &Recipe) -> Vec<String> {
    let title = format!("CA {ca}");
    match recipe {
        Recipe::OwnCa(own) => vec![title, own.subject.to_string()],
        Recipe::ImportedCa(imported) => {
            let subject = imported.brought.facts.subject.to_string();
            vec![title, subject, recipe.kind().to_owned()]
        }
        _ => vec![title],
    }
}

fn kind(graph: &Graph, id: DerivationId) -> Option<Kind> {
    let derivation = graph.get(id);
    let by_request = matches!(derivation.recipe, Recipe::ClusterSigned(_));
    match (&derivation.artifact, &derivation.recipe) {
        (Artifact::User(..), _) => Some(Kind::User { by_request }),
        (Artifact::Certificate(_), Recipe::Leaf(leaf)) => {
            Some(Kind::Certificate { usage: leaf.usage })
        }
        (Artifact::Leaf(_, row), _) => {
            LEAVES.iter().position(|leaf| leaf.name == *row).map(Kind::Row)
        }
        _ => None,
    }
}

fn title(kind: Kind) -> String {
    match kind {
        Kind::Row(row) => LEAVES.get(row).map_or("", |row| row.name),
        Kind::User { by_request: false } => "users",
        Kind::User { by_request: true } => "users, signed on request",
        Kind::Certificate { usage: Usage::Server } => "further servers",
        Kind::Certificate { usage: Usage::Client } => "further clients",
        Kind::Certificate { usage: Usage::ServerAndClient } => "further servers and clients",
    }
    .to_owned()
}

fn serves(kind: Kind) -> bool {
    match kind {
        Kind::Row(row) => LEAVES.get(row).is_some_and(|row| row.usage.server()),
        Kind::User { .. } => false,
        Kind::Certificate { usage } => usage.server(),
    }
}

fn group_id(ca: &str, kind: Kind) -> String {
    identifier(&[ca, &title(kind)])
}

/// `etcd_etcd_server`: a name in any diagram's language.
fn identifier(parts: &[&str]) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    parts.join("_").chars().map(plain).collect()
}

/// `cp1, cp2, cp3`, or `w1 to w9 and others: 10,003 nodes` by their ends.
fn members(graph: &Graph, ids: &[DerivationId]) -> String {
    let mut noun = "name";
    let names: BTreeSet<&str> = ids
        .iter()
        .filter_map(|id| match &graph.get(*id).artifact {
            Artifact::Leaf(None, _) => Some("the operator"),
            Artifact::Leaf(Some(node), _) => {
                noun = "node";
                Some(node.as_str())
            }
            Artifact::User(name, _) | Artifact::Certificate(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let named: Vec<&str> = names.iter().copied().take(NAMED).collect();
    if names.len() <= NAMED {
        return named.join(", ");
    }
    let first = names.first().copied().unwrap_or_default();
    let last = names.last().copied().unwrap_or_default();
    format!("{first} … {last}: {}", counted(names.len(), noun))
}

/// The files that embed these identities, and the server that they name.
fn kubeconfig(graph: &Graph, ids: &[DerivationId]) -> Option<String> {
    let mut files = BTreeSet::new();
    let mut servers = BTreeSet::new();
    // Of nodes without an API server of their own.
    let mut elsewhere = None;
    for id in ids {
        let config = graph.kubeconfig_of(*id)?;
        let Recipe::Kubeconfig(recipe) = &graph.get(config).recipe else {
            return None;
        };
        servers.insert(recipe.server.url());
        let own = graph
            .get(*id)
            .artifact
            .node()
            .map(|node| Artifact::Leaf(Some(node.clone()), APISERVER.name).name());
        if own.is_none_or(|own| graph.find(&own).is_none()) {
            elsewhere = Some(recipe.server.url());
        }
        let path = graph.placements(config).first()?.path.as_str();
        files.insert(path.rsplit('/').next()?);
    }
    let file = match files.first() {
        Some(only) if files.len() == 1 => (*only).to_owned(),
        _ => "a kubeconfig each".to_owned(),
    };
    let server = match servers.first() {
        Some(only) if servers.len() == 1 => only.clone(),
        _ => match elsewhere {
            Some(url) => format!("the API server on its own node, or {url}"),
            None => "the API server on its own node".to_owned(),
        },
    };
    Some(format!("{file}, {server}"))
}
