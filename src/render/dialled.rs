//! Names by which clients know the API server, and which its certificate loses.

use std::collections::BTreeSet;

use crate::graph::{Artifact, Recipe};
use crate::name::{San, Server};
use crate::plan::{Plan, World};

/// Whoever has an earlier kubeconfig dials the old name, and Go's TLS refuses the new certificate
/// (x509.HostnameError).
pub(super) fn notes(world: World<'_>, plan: &Plan) -> Vec<String> {
    let mut leaving = BTreeSet::new();
    let mut staying = BTreeSet::new();
    for id in world.graph.ids() {
        let derivation = world.graph.get(id);
        let (Artifact::Leaf(_, "apiserver"), Recipe::Leaf(leaf)) =
            (&derivation.artifact, &derivation.recipe)
        else {
            continue;
        };
        let mut steps = plan.steps.iter();
        let is_issued = steps.any(|step| step.derivation == id && step.action.signs());
        if let Some(now) = world.survey.public_part(id).certificate().filter(|_| is_issued) {
            leaving.extend(now.sans.difference(&leaf.sans).cloned());
        }
        staying.extend(leaf.sans.iter().cloned());
    }
    if leaving.is_empty() {
        return Vec::new();
    }
    let servers = world.lock.entries.values().filter_map(|entry| entry.server.as_deref());
    let hosts: BTreeSet<San> =
        servers.filter_map(|url| url.parse::<Server>().ok()).map(|server| server.host).collect();
    let lost = leaving.into_iter().filter(|name| hosts.contains(name) && !staying.contains(name));
    lost.map(|name| {
        format!(
            "clients still dial {name} until their kubeconfigs are replaced, and the API server's certificate \
             loses it: keep it so long with component \"apiserver\" {{ san \"{name}\" }}"
        )
    })
    .collect()
}
