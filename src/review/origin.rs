//! Which line of the description gives a power.

use super::access_change::AccessChange;
use crate::facts::RoleGrant;
use crate::graph::{Artifact, Derivation, DerivationId, Graph, Recipe, written_organizations};
use crate::name::{ArtifactName, San};
use crate::spec::{CaName, Origin, RoleRef, Spec};

/// Where what changed was written: its value, else what decides on it, else the artifact's block.
pub(super) fn of<'a>(
    spec: &'a Spec,
    derivation: &'a Derivation,
    change: &AccessChange,
) -> Option<&'a Origin> {
    let artifact = &derivation.artifact;
    let value = match change {
        AccessChange::LongerLife { .. } => validity(&derivation.recipe),
        AccessChange::KeyOn(_) => key_on_nodes(spec, artifact),
        // Whom a node's certificates are for is Kubernetes' to say, where nobody wrote it.
        AccessChange::Group(_) | AccessChange::LostGroup(_) | AccessChange::CommonName { .. }
            if artifact.node().is_some() =>
        {
            groups_written(spec, artifact).or(Some(&spec.cluster.kubernetes.origin))
        }
        AccessChange::Group(name) => group(spec, artifact, name),
        AccessChange::Role { grant, .. } => role(spec, artifact, grant),
        AccessChange::OthersName { name, .. } => san(spec, artifact, name),
        AccessChange::Name(name) => san(spec, artifact, name).or_else(|| endpoint(spec, name)),
        _ => None,
    };
    value.or(Some(&derivation.origin))
}

/// Where a validity comes from, written or not.
fn validity(recipe: &Recipe) -> Option<&Origin> {
    Some(match recipe {
        Recipe::Leaf(leaf) => &leaf.policy.validity.origin,
        Recipe::Request(request) => &request.policy.validity.origin,
        Recipe::OwnCa(ca) => &ca.validity.origin,
        _ => return None,
    })
}

/// Its validity is the one that all get.
pub(super) fn is_of_defaults(spec: &Spec, derivation: &Derivation) -> bool {
    validity(&derivation.recipe) == Some(&spec.defaults.validity.origin)
}

fn key_on_nodes<'a>(spec: &'a Spec, artifact: &Artifact) -> Option<&'a Origin> {
    let Artifact::Ca(name, _) = artifact else { return None };
    let on_nodes = &spec.cas.get(name)?.keys_on_nodes.origin;
    matches!(on_nodes, Origin::File { .. }).then_some(on_nodes)
}

/// Where a leaf or its component names all groups.
pub(super) fn groups_written<'a>(spec: &'a Spec, artifact: &Artifact) -> Option<&'a Origin> {
    let node = spec.node(artifact.node()?.as_str());
    Some(&written_organizations(spec, artifact.row()?, node)?.origin)
}

fn group<'a>(spec: &'a Spec, artifact: &Artifact, name: &str) -> Option<&'a Origin> {
    match artifact {
        Artifact::User(user, _) => spec.user(user.as_str())?.groups.get(name),
        Artifact::Certificate(own) => spec.certificate(own.as_str())?.organizations.get(name),
        _ => None,
    }
}

/// Where the user's block first names the role.
pub(super) fn role<'a>(
    spec: &'a Spec,
    artifact: &Artifact,
    grant: &RoleGrant,
) -> Option<&'a Origin> {
    let Artifact::User(user, _) = artifact else {
        return None;
    };
    let (is_cluster_role, name) = (grant.is_cluster_role, grant.role.as_str());
    let is_meant = |role: &RoleRef| match role {
        RoleRef::Role(role) => !is_cluster_role && role.as_str() == name,
        RoleRef::ClusterRole(role) => is_cluster_role && role.as_str() == name,
    };
    let bindings = spec.user(user.as_str())?.bindings.iter();
    let meant = bindings.filter(|binding| is_meant(&binding.value.role));
    meant.map(|binding| &binding.origin).min()
}

/// A certificate's own name; of a node's leaf its own, the node's, else the component's.
fn san<'a>(spec: &'a Spec, artifact: &Artifact, name: &San) -> Option<&'a Origin> {
    if let Artifact::Certificate(own) = artifact {
        return spec.certificate(own.as_str())?.sans.get(name);
    }
    let node = spec.node(artifact.node()?.as_str())?;
    let leaf = || {
        let row = artifact.row()?;
        node.leaves.get(row.name)?.sans.as_ref()?.get(name)
    };
    let component = || spec.components.get(&artifact.row()?.component)?.sans.get(name);
    leaf().or_else(|| node.sans.get(name)).or_else(component)
}

fn endpoint<'a>(spec: &'a Spec, name: &San) -> Option<&'a Origin> {
    let endpoint = &spec.cluster.endpoint;
    (endpoint.value.host == *name).then_some(&endpoint.origin)
}

/// What names a kubeconfig's server: its own word, or the cluster's.
pub(super) fn server<'a>(spec: &'a Spec, graph: &Graph, kubeconfig: &ArtifactName) -> &'a Origin {
    let id = graph.find(kubeconfig);
    let written = id.and_then(|id| graph.get(id).artifact.written_server(spec));
    written.map_or(&spec.cluster.endpoint.origin, |server| &server.origin)
}

/// A line that somebody wrote.
pub(super) fn written(origin: &Origin) -> Option<Origin> {
    matches!(origin, Origin::File { .. }).then(|| origin.clone())
}

/// The authority whose trust a certificate has.
pub(super) fn ca_of(graph: &Graph, id: DerivationId) -> CaName {
    let issuer = graph.get(id).recipe.issuer();
    issuer.and_then(|issuer| graph.get(issuer).recipe.ca()).unwrap_or(CaName::Kubernetes)
}
