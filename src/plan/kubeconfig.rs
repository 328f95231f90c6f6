//! Judging a kubeconfig: rendered around a key, so of its bytes only the public ones can be compared.

use super::context::{After, PlanContext};
use super::{Action, Allow, NamePattern, Reason, seen};
use crate::content::{kubeconfig_content, kubeconfig_entry};
use crate::graph::{DerivationId, Kubeconfig, Recipe};
use crate::hash::Digest;
use crate::name::Label;
use crate::state::{Entry, File};

pub(super) fn judge(context: &mut PlanContext<'_>, id: DerivationId, config: &Kubeconfig) -> After {
    let world = context.world;
    let identity = context.after(config.identity);
    let bundle = context.after(config.bundle);
    let (After::Kept(certificate), After::Kept(authorities)) = (identity, bundle) else {
        return with_other_inputs(context, id, config, identity, bundle);
    };
    let content = kubeconfig_content(config, certificate, authorities);
    // Whatever is done to the file, this will be its public content: its reader is judged by it.
    let written = |after| match after {
        After::Rebuilt { .. } => After::Kept(content),
        other => other,
    };
    let Some(place) = world.graph.placements(id).first() else {
        return After::Unavailable;
    };
    let path = place.path.clone();
    let size = match world.inventory.get(path.as_str()) {
        Some(File::Secret(secret)) => secret.size(),
        Some(File::Unusable { what }) => {
            let why = what.clone();
            let reason = Reason::OutputUnreadable { path, why };
            return written(render(context, id, config, vec![reason]));
        }
        // What cannot be read is not judged at all.
        Some(File::Public { .. } | File::Unreadable { .. }) => return After::Unavailable,
        None if config.client_key.is_some() || context.key_can_be_had(config.identity) => {
            let reason = Reason::OutputMissing { path: place.file() };
            return written(render(context, id, config, vec![reason]));
        }
        // The key went with it: absent, counted once with its identity. What it should say is known all the
        // same, and a reviewer must see a change of it.
        None => {
            if let Some(reason) = content_changed(context, id, config, (certificate, authorities)) {
                return render(context, id, config, vec![reason]);
            }
            context.keep_as_it_is(id);
            let recorded = context.entry(id).and_then(|entry| entry.content);
            return After::Kept(recorded.unwrap_or(content));
        }
    };
    let Some(entry) = context.entry(id) else {
        context.step(id, Action::Record, vec![Reason::NotInLock]);
        return After::Kept(content);
    };
    if let Some(reason) = content_changed(context, id, config, (certificate, authorities)) {
        return written(render(context, id, config, vec![reason]));
    }
    if entry.size != Some(size) || context.is_modified(place) {
        let reason = Reason::OutputModified { path: place.file() };
        return written(render(context, id, config, vec![reason]));
    }
    if let Some(mode) = context.exposed(place) {
        context.step(id, Action::Repair, vec![Reason::Exposed { path, mode }]);
        return After::Kept(content);
    }
    let changed = seen::changed(world, id);
    if !changed.is_empty() {
        context.step(id, Action::Repair, changed);
        return After::Kept(content);
    }
    context.keep(id, kubeconfig_entry(world.graph.get(id), config, content, size));
    After::Kept(content)
}

/// Of a certificate or bundle that is built again or cannot be had.
fn with_other_inputs(
    context: &mut PlanContext<'_>,
    id: DerivationId,
    config: &Kubeconfig,
    identity: After,
    bundle: After,
) -> After {
    let graph = context.world.graph;
    if matches!(identity, After::Unavailable) || matches!(bundle, After::Unavailable) {
        // Of an earlier key: it stays whatever is described now, until a certificate is accepted.
        match (context.entry(id), &graph.get(config.identity).recipe) {
            (Some(entry), Recipe::ClusterSigned(_)) => {
                let entry = Entry { hash: graph.get(id).hash, ..entry.clone() };
                let changed = seen::changed(context.world, id);
                if changed.is_empty() {
                    context.plan.kept.push((id, entry));
                } else {
                    context.step(id, Action::Record, changed);
                }
            }
            _ => context.keep_as_it_is(id),
        }
        return After::Unavailable;
    }
    if context.entry(id).is_none() && !is_here(context, id) {
        return render(context, id, config, vec![Reason::New]);
    }
    let rebuilt = [(config.identity, identity), (config.bundle, bundle)]
        .into_iter()
        .filter(|(_, after)| matches!(after, After::Rebuilt { .. }))
        .map(|(input, _)| Reason::DependencyRebuilt { name: graph.get(input).name.clone() })
        .collect();
    render(context, id, config, rebuilt)
}

/// The lock knows the kubeconfig with another public content.
fn content_changed(
    context: &PlanContext<'_>,
    id: DerivationId,
    config: &Kubeconfig,
    (certificate, authorities): (Digest, Digest),
) -> Option<Reason> {
    let entry = context.entry(id)?;
    if entry.content == Some(kubeconfig_content(config, certificate, authorities)) {
        return None;
    }
    let server = config.server.url();
    if let Some(old) = entry.server.clone().filter(|old| *old != server) {
        return Some(Reason::changed("server", old, server));
    }
    let under_another_name = || {
        let cluster: Label = context.world.lock.cluster.as_ref()?.parse().ok()?;
        let before = Kubeconfig { cluster, ..config.clone() };
        let content = kubeconfig_content(&before, certificate, authorities);
        (entry.content == Some(content)).then_some(before.cluster)
    };
    Some(match under_another_name() {
        Some(old) => Reason::changed("cluster", old.to_string(), config.cluster.to_string()),
        None if another_bundle(context, config.bundle) => {
            Reason::DependencyRebuilt { name: context.world.graph.get(config.bundle).name.clone() }
        }
        None => Reason::LockOutdated,
    })
}

/// What it embeds of its CA is written anew, though the CA is not.
fn another_bundle(context: &PlanContext<'_>, bundle: DerivationId) -> bool {
    let recorded = context.entry(bundle).and_then(|entry| entry.content);
    matches!(context.after(bundle), After::Kept(now) if recorded != Some(now))
}

fn is_here(context: &PlanContext<'_>, id: DerivationId) -> bool {
    let world = context.world;
    let mut places = world.graph.placements(id).iter();
    places.any(|place| world.inventory.get(place.path.as_str()).is_some())
}

/// A kubeconfig can be rendered only around its private key.
fn render(
    context: &mut PlanContext<'_>,
    id: DerivationId,
    config: &Kubeconfig,
    reasons: Vec<Reason>,
) -> After {
    let world = context.world;
    let new_key = matches!(context.after(config.identity), After::Rebuilt { new_key: true });
    if config.client_key.is_none() && !new_key && !context.key_can_be_had(config.identity) {
        let identity = &world.graph.get(config.identity).name;
        let why = Reason::joined(&reasons);
        if context.intent.allows_losing_key(identity) {
            context.given_up.insert(config.identity);
            return After::Unavailable;
        }
        let name = NamePattern::Exact(identity.clone());
        return context.block(
            id,
            Some(Allow::LostKey(name)),
            format!("it must be written again ({why}), and the key of {identity} is not here"),
        );
    }
    context.step(id, Action::Render, reasons)
}
