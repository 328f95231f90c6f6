//! Where kubeconfigs led whose own lines do not say it: whoever deletes those must not move all of them
//! unseen.

use super::powers::{ArtifactPower, Leads, Power};
use super::verified;
use crate::graph::{Artifact, DerivationId, Recipe};
use crate::name::{ArtifactName, Server};
use crate::plan::World;
use crate::profile::{Home, LEAVES, ServerFrom};

use super::name_owners::API_SERVER;

/// `None`: nothing that is asked for needs it, or none was there. Empty: it cannot be told.
pub(super) fn before(
    world: World<'_>,
    asked: &[ArtifactPower],
    known: &[ArtifactPower],
) -> Option<String> {
    // A lost lock has a consent of its own.
    if world.lock.entries.is_empty() {
        return None;
    }
    let told = known.iter().filter(|known| matches!(known.power, Power::Kubeconfig { .. })).count();
    let mut all = 0;
    let mut new = None;
    for artifact in asked {
        if let Power::Kubeconfig { leads, .. } = artifact.power {
            all += 1;
            let is_endpoint = leads == Leads::ToTheEndpoint;
            new = new.or(is_endpoint.then(|| artifact.artifact.name()));
        }
    }
    if told == all {
        return None;
    }
    let endpoint = server(world, &new?)?;
    let same: Vec<DerivationId> =
        world.graph.ids().filter(|id| leads_to(world, *id, endpoint)).collect();
    let line = |id: &DerivationId| verified::line(world, *id);
    let servers = same.iter().filter_map(line).filter_map(|line| line.server.clone());
    let mut servers: Vec<String> = servers.collect();
    // One that went there already says nothing of the others.
    servers.sort_by_key(|server| *server == endpoint.url());
    if let Some(server) = servers.into_iter().next() {
        return Some(server);
    }
    let is_here = |id: &DerivationId| {
        let mut places = world.graph.placements(*id).iter();
        line(id).is_some() || places.any(|place| world.inventory.get(place.path.as_str()).is_some())
    };
    (same.iter().any(is_here) && !is_served(world, endpoint)).then(String::new)
}

/// A kubelet's kubeconfig led to its node's own API server, as the controller-manager's always does: the node
/// was of the control plane, or Kubernetes was newer. Those that only ever lead to the endpoint are no such.
pub(super) fn was_local(world: World<'_>, artifact: &Artifact, server: &str) -> bool {
    let Artifact::Kubeconfig(Some(node), name) = artifact else {
        return false;
    };
    let may_be_local = LEAVES.iter().any(|row| match row.home {
        Home::Kubeconfig { file, servers } => {
            file == *name && servers.iter().any(|(_, from)| *from == ServerFrom::LocalApiserver)
        }
        Home::Pair { .. } => false,
    });
    let neighbour = Artifact::Kubeconfig(Some(node.clone()), "controller-manager.conf").name();
    let line = world.lock.entries.get(&neighbour);
    may_be_local && line.and_then(|line| line.server.as_deref()) == Some(server)
}

fn server<'a>(world: World<'a>, name: &ArtifactName) -> Option<&'a Server> {
    match &world.graph.get(world.graph.find(name)?).recipe {
        Recipe::Kubeconfig(config) => Some(&config.server),
        _ => None,
    }
}

fn leads_to(world: World<'_>, id: DerivationId, endpoint: &Server) -> bool {
    let recipe = &world.graph.get(id).recipe;
    matches!(recipe, Recipe::Kubeconfig(config) if config.server == *endpoint)
}

/// An API server had that name before.
fn is_served(world: World<'_>, endpoint: &Server) -> bool {
    let mut ids = world.graph.ids();
    ids.any(|id| {
        matches!(&world.graph.get(id).artifact, Artifact::Leaf(Some(_), row) if *row == API_SERVER)
            && verified::of(world, id).is_some_and(|known| known.sans.contains(&endpoint.host))
    })
}
