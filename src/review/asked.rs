//! What a description asks for.

use std::collections::{BTreeMap, BTreeSet};

use super::Credential;
use super::equivalents::Equivalents;
use super::name_owners::NameOwners;
use super::names::is_worth_telling;
use super::nodes::{chosen_groups, chosen_names};
use super::origin::ca_of;
use super::pod_access::PodAccess;
use super::powers::{ArtifactPower, Certificate, Leads, Power, Powers};
use super::roles::grants;
use super::roots::{Root, keys};
use super::safeguards::Safeguards;
use crate::graph::{Artifact, DerivationId, Graph, Recipe, Rendered};
use crate::name::{San, Server};
use crate::spec::Spec;
use crate::time::Timestamp;

/// A description with what follows from it.
#[derive(Clone, Copy)]
pub struct Described<'a> {
    pub spec: &'a Spec,
    pub graph: &'a Graph,
}

impl Powers {
    /// What the recipes of these artifacts make. Each comes with whether it is a root of trust whose key
    /// cannot stay. `start`: when a certificate that is issued begins, if anybody knows.
    pub fn asked(
        of: Described<'_>,
        artifacts: &BTreeMap<DerivationId, bool>,
        start: Option<Timestamp>,
    ) -> Powers {
        let equivalents = Equivalents::of(of.graph);
        let artifact = |(id, is_replaced): (&DerivationId, &bool)| {
            Some(ArtifactPower {
                power: power(of, *id, *is_replaced, &equivalents, start)?,
                artifact: of.graph.get(*id).artifact.clone(),
                places: of.graph.placements(*id).iter().map(|place| place.path.clone()).collect(),
            })
        };
        let nodes = of.spec.nodes.iter();
        let all = of.spec.recipients().into_iter();
        let recipients =
            all.flat_map(|(owner, names)| names.into_iter().map(move |name| (owner.clone(), name)));
        Powers {
            artifacts: artifacts.iter().filter_map(artifact).collect(),
            nodes: nodes.map(|node| (node.name.to_string(), node.role)).collect(),
            recipients: of.spec.secrets.is_some().then(|| recipients.collect()),
            names: NameOwners::of(of.graph, of.spec),
            safeguards: Safeguards::asked(of.spec, of.graph, &artifacts.keys().copied().collect()),
            ..Powers::default()
        }
    }
}

fn power(
    of: Described<'_>,
    id: DerivationId,
    is_replaced: bool,
    equivalents: &Equivalents<'_>,
    start: Option<Timestamp>,
) -> Option<Power> {
    Some(match &of.graph.get(id).recipe {
        Recipe::Leaf(_) | Recipe::Request(_) => {
            Power::Certificate(Box::new(certificate(of, id, equivalents, start)?))
        }
        recipe @ (Recipe::OwnCa(_) | Recipe::ImportedCa(_)) => Power::Root(Box::new(Root {
            credential: Credential::of_recipe(of.graph, id),
            certificate: of.graph.brought_certificate(id).map(|facts| facts.digest),
            is_brought: matches!(recipe, Recipe::ImportedCa(_)),
            is_replaced,
            exchanged: None,
        })),
        Recipe::SigningKey(_) => Power::Root(Box::new(Root { is_replaced, ..Root::default() })),
        Recipe::Rendered(Rendered::UserBindings(recipe)) => Power::Bindings(grants(recipe)),
        Recipe::Rendered(Rendered::SigningRequest(recipe)) => Power::RequestedLife(recipe.validity),
        Recipe::Rendered(Rendered::Chain { above, .. }) => {
            Power::Chain(keys(above.iter().map(|one| &one.facts)))
        }
        Recipe::Kubeconfig(config) => Power::Kubeconfig {
            server: config.server.url(),
            leads: leads(of.spec, &of.graph.get(id).artifact, &config.server),
        },
        Recipe::StaticPod(recipe) => Power::StaticPod(PodAccess::asked(of.spec, recipe)?),
        _ => return None,
    })
}

fn leads(spec: &Spec, artifact: &Artifact, server: &Server) -> Leads {
    if server.is(&spec.cluster.endpoint.value) {
        return Leads::ToTheEndpoint;
    }
    let node = artifact.node().and_then(|node| spec.node(node.as_str()));
    let is_own = node.is_some_and(|node| match &server.host {
        San::Ip(address) => {
            address.is_loopback() || node.addresses.iter().any(|own| own.ip() == *address)
        }
        San::Dns(name) => &**name == "localhost" || &**name == node.name.as_str(),
    });
    if is_own { Leads::ToItsNode } else { Leads::Elsewhere }
}

fn certificate(
    of: Described<'_>,
    id: DerivationId,
    equivalents: &Equivalents<'_>,
    start: Option<Timestamp>,
) -> Option<Certificate> {
    let credential = Credential::of_recipe(of.graph, id)?;
    let life = credential.life.filter(|_| credential.client);
    Some(Certificate {
        until: life.zip(start).map(|(life, start)| start.plus(life)),
        ca: ca_of(of.graph, id),
        same_as: equivalents.find(id, &credential),
        chosen: chosen(of, id, &credential),
        chosen_groups: match &of.graph.get(id).artifact {
            Artifact::Leaf(Some(node), row) => chosen_groups(of.spec, node, row),
            _ => BTreeSet::new(),
        },
        credential,
    })
}

/// All others follow from the node and from Kubernetes.
fn chosen(of: Described<'_>, id: DerivationId, credential: &Credential) -> BTreeSet<San> {
    let node = match &of.graph.get(id).artifact {
        Artifact::Leaf(Some(node), row) if credential.server => {
            of.spec.node(node.as_str()).map(|node| (node, *row))
        }
        _ => None,
    };
    let chosen = node.map_or_else(BTreeSet::new, |(node, row)| chosen_names(of.spec, node, row));
    let names = chosen.into_iter().filter(|name| credential.sans.contains(name));
    names.filter(is_worth_telling).collect()
}
