//! Which line of the description gives a power.

use super::access_change::AccessChange;
use crate::graph::{Artifact, DerivationId, Graph, Issuance, Recipe};
use crate::name::San;
use crate::spec::{CaName, Origin, Spec};

/// The blocks of the description that an artifact follows from, the nearest first.
pub(super) struct Place {
    blocks: Vec<(&'static str, String)>,
    validity: Option<Origin>,
}

/// Where a validity comes from, written or not.
fn validity_of(recipe: &Recipe) -> Option<&Origin> {
    Some(match recipe {
        Recipe::Leaf(leaf) => &leaf.policy.validity.origin,
        Recipe::Request(request) => &request.policy.validity.origin,
        Recipe::Authority(authority) => match &authority.issuance {
            Issuance::SelfSigned { validity, .. } => &validity.origin,
            Issuance::Brought(_) => return None,
        },
        _ => return None,
    })
}

impl Place {
    pub fn of(graph: &Graph, id: DerivationId) -> Place {
        let derivation = graph.get(id);
        Place {
            blocks: blocks(&derivation.artifact),
            validity: validity_of(&derivation.recipe).cloned(),
        }
    }

    /// Its validity is the one that all get.
    pub fn is_of_defaults(&self, spec: &Spec) -> bool {
        self.validity.as_ref() == Some(&spec.defaults.validity.origin)
    }
}

fn blocks(artifact: &Artifact) -> Vec<(&'static str, String)> {
    match artifact {
        Artifact::User(name, _) => vec![("user", name.to_string())],
        Artifact::Certificate(name) => vec![("certificate", name.to_string())],
        Artifact::Ca(name) => vec![("ca", name.to_string())],
        _ => {
            let node = artifact.node().map(|node| ("node", node.to_string()));
            let row = artifact.row().filter(|_| node.is_some());
            let component = row.map(|row| ("component", row.component.as_str().to_owned()));
            node.into_iter().chain(component).collect()
        }
    }
}

/// The nearest block of an artifact.
pub(super) fn block_of(spec: &Spec, artifact: &Artifact) -> Option<Origin> {
    let blocks = blocks(artifact);
    let (word, name) = blocks.first()?;
    spec.lines.block(word, name).cloned()
}

/// `None` where nothing that somebody wrote decides.
pub(super) fn of(spec: &Spec, place: &Place, change: &AccessChange) -> Option<Origin> {
    if let AccessChange::LongerLife { .. } = change {
        return place.validity.as_ref().and_then(written);
    }
    let value: Option<(&[&str], String)> = match change {
        AccessChange::Group(group) => Some((&["group", "organization"], group.clone())),
        AccessChange::Name(name) | AccessChange::OthersName { name, .. } => {
            Some((&["san"], name.to_string()))
        }
        AccessChange::Role(grant) => Some((&["cluster-role", "role"], grant.role.clone())),
        _ => None,
    };
    let is_of_kubernetes = place.blocks.first().is_some_and(|(word, _)| *word == "node");
    if is_of_kubernetes
        && matches!(
            change,
            AccessChange::Group(_) | AccessChange::LostGroup(_) | AccessChange::CommonName { .. }
        )
    {
        return written(&spec.cluster.kubernetes.origin);
    }
    if let Some((fields, value)) = value {
        for (word, name) in &place.blocks {
            for field in fields {
                if let Some(origin) = spec.lines.value(word, name, field, &value) {
                    return Some(origin.clone());
                }
            }
        }
        if let AccessChange::Name(name) = change
            && is_endpoint(spec, name)
        {
            return written(&spec.cluster.endpoint.origin);
        }
    }
    let (word, name) = place.blocks.first()?;
    spec.lines.block(word, name).cloned()
}

fn is_endpoint(spec: &Spec, name: &San) -> bool {
    spec.cluster.endpoint.value.host == *name
}

/// A line that somebody wrote.
pub(super) fn written(origin: &Origin) -> Option<Origin> {
    matches!(origin, Origin::File { .. }).then(|| origin.clone())
}

/// The authority whose trust a certificate has.
pub(super) fn ca_of(graph: &Graph, id: DerivationId) -> CaName {
    let issuer = graph.get(id).recipe.issuer();
    match issuer.map(|issuer| &graph.get(issuer).recipe) {
        Some(Recipe::Authority(authority)) => authority.ca,
        _ => CaName::Kubernetes,
    }
}
