//! Judging a kubeconfig: rendered around a key, so of its bytes only the public ones can be compared.

use super::context::{After, PlanContext};
use super::{Action, Allow, NamePattern, Reason, seen};
use crate::content::{kubeconfig_content, kubeconfig_entry};
use crate::graph::{DerivationId, Kubeconfig, Recipe};
use crate::hash::Digest;
use crate::state::{Entry, File};

pub(super) fn judge(context: &mut PlanContext<'_>, id: DerivationId, config: &Kubeconfig) -> After {
    let world = context.world;
    let inputs = [config.identity, config.bundle];
    match inputs.map(|input| context.after(input)) {
        [After::Unavailable, _] | [_, After::Unavailable] => {
            keep_earlier(context, id, config);
            After::Unavailable
        }
        [After::Kept(certificate), After::Kept(bundle)] => {
            judge_file(context, id, config, kubeconfig_content(config, certificate, bundle))
        }
        _ if context.entry(id).is_none() && !is_here(context, id) => {
            render(context, id, config, vec![Reason::New])
        }
        _ => {
            let rebuilt = inputs
                .into_iter()
                .filter(|input| matches!(context.after(*input), After::Rebuilt { .. }));
            let name = |input| world.graph.get(input).name.clone();
            let reasons = rebuilt.map(|input| Reason::DependencyRebuilt { name: name(input) });
            let reasons = reasons.collect();
            render(context, id, config, reasons)
        }
    }
}

/// One of an earlier key stays whatever is described now, until a certificate is accepted.
fn keep_earlier(context: &mut PlanContext<'_>, id: DerivationId, config: &Kubeconfig) {
    let graph = context.world.graph;
    match (context.entry(id), &graph.get(config.identity).recipe) {
        (Some(entry), Recipe::ClusterSigned(_)) => {
            let changed = seen::changed(context.world, id);
            if changed.is_empty() {
                let entry = Entry { hash: graph.get(id).hash, ..entry.clone() };
                context.plan.kept.push((id, entry));
            } else {
                context.step(id, Action::Record, changed);
            }
        }
        _ => context.keep_as_it_is(id),
    }
}

/// Its inputs stay, and this is what they give. Whatever is done to the file, it will be its public content:
/// its reader is judged by it.
fn judge_file(
    context: &mut PlanContext<'_>,
    id: DerivationId,
    config: &Kubeconfig,
    content: Digest,
) -> After {
    let world = context.world;
    let Some(place) = world.graph.placements(id).first() else {
        return After::Unavailable;
    };
    let path = place.path.clone();
    let rendered =
        |context: &mut PlanContext<'_>, reason| match render(context, id, config, vec![reason]) {
            After::Rebuilt { .. } => After::Kept(content),
            other => other,
        };
    let size = match world.inventory.get(path.as_str()) {
        Some(File::Secret(secret)) => secret.size(),
        Some(File::Unusable { what }) => {
            return rendered(context, Reason::OutputUnreadable { path, why: what.clone() });
        }
        // What cannot be read is not judged at all.
        Some(File::Public { .. } | File::Unreadable { .. }) => return After::Unavailable,
        None if config.client_key.is_some() || context.key_can_be_had(config.identity) => {
            return rendered(context, Reason::OutputMissing { path: place.file() });
        }
        None => return judge_without_key(context, id, config, content),
    };
    let Some(entry) = context.entry(id) else {
        context.step(id, Action::Record, vec![Reason::NotInLock]);
        return After::Kept(content);
    };
    if let Some(reason) = content_changed(context, id, config, content) {
        return rendered(context, reason);
    }
    if entry.size != Some(size) || context.is_modified(place) {
        return rendered(context, Reason::OutputModified { path: place.file() });
    }
    let mended = match context.exposed(place) {
        Some(mode) => vec![Reason::Exposed { path, mode }],
        None => seen::changed(world, id),
    };
    if mended.is_empty() {
        context.keep(id, kubeconfig_entry(world.graph.get(id), config, content, size));
    } else {
        context.step(id, Action::Repair, mended);
    }
    After::Kept(content)
}

/// The key went with it: absent, counted once with its identity. What it should say is known all the same, and
/// a reviewer must see a change of it.
fn judge_without_key(
    context: &mut PlanContext<'_>,
    id: DerivationId,
    config: &Kubeconfig,
    content: Digest,
) -> After {
    if let Some(reason) = content_changed(context, id, config, content) {
        return render(context, id, config, vec![reason]);
    }
    context.keep_as_it_is(id);
    let recorded = context.entry(id).and_then(|entry| entry.content);
    After::Kept(recorded.unwrap_or(content))
}

/// The lock knows the kubeconfig with another public content.
fn content_changed(
    context: &PlanContext<'_>,
    id: DerivationId,
    config: &Kubeconfig,
    content: Digest,
) -> Option<Reason> {
    let entry = context.entry(id)?;
    if entry.content == Some(content) {
        return None;
    }
    let server = config.server.url();
    Some(match &entry.server {
        Some(old) if *old != server => {
            Reason::InputChanged { field: "server", old: old.clone(), new: server }
        }
        _ => Reason::LockOutdated,
    })
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
