//! Judging rendered artifacts: pure functions of their inputs, compared by content.

use super::judge::{After, Judge};
use super::{Action, Reason, seen};
use crate::facts::certificate_pem;
use crate::graph::{Bindings, Bundle, DerivationId, Kubeconfig, Recipe, UserBindings};
use crate::hash::Digest;
use crate::manifest;
use crate::name::TreePath;
use crate::state::{Entry, File};

pub(super) fn judge_bundle(judge: &mut Judge<'_>, id: DerivationId, bundle: &Bundle) -> After {
    let world = judge.world;
    let name = world.graph.get(bundle.authority).name.clone();
    match judge.after(bundle.authority) {
        After::Unavailable => {
            keep_as_it_is(judge, id);
            After::Unavailable
        }
        After::Rebuilt { .. } => {
            let reason = if judge.entry(id).is_some() {
                Reason::DependencyRebuilt { name }
            } else {
                Reason::New
            };
            judge.step(id, Action::Render, vec![reason])
        }
        After::Kept(_) => {
            let Some(der) = world.survey.witness(bundle.authority).der() else {
                return After::Unavailable;
            };
            judge_bytes(judge, id, bundle_content(der).as_bytes())
        }
    }
}

/// The bytes of a trust bundle.
pub fn bundle_content(der: &[u8]) -> String {
    certificate_pem(der)
}

pub(super) fn judge_bindings(
    judge: &mut Judge<'_>,
    id: DerivationId,
    bindings: &Bindings,
) -> After {
    judge_bytes(judge, id, manifest::cluster_role_bindings(&bindings.rows).as_bytes())
}

pub(super) fn judge_user_bindings(
    judge: &mut Judge<'_>,
    id: DerivationId,
    recipe: &UserBindings,
) -> After {
    judge_bytes(judge, id, user_bindings_content(recipe).as_bytes())
}

/// The bytes of a user's role bindings.
pub fn user_bindings_content(recipe: &UserBindings) -> String {
    manifest::role_bindings(&recipe.user, &recipe.common_name, &recipe.bindings)
}

pub(super) fn judge_kustomization(judge: &mut Judge<'_>, id: DerivationId) -> After {
    judge_bytes(judge, id, manifest::kustomization().as_bytes())
}

/// A public file whose every byte is known.
pub(super) fn judge_bytes(judge: &mut Judge<'_>, id: DerivationId, expected: &[u8]) -> After {
    let world = judge.world;
    let recorded = judge.entry(id).and_then(|entry| entry.content);
    let mut reasons = Vec::new();
    let mut writes = Vec::new();
    let mut is_another_wish = false;
    for place in world.graph.placements(id) {
        let path = place.path.clone();
        let reason = match world.inventory.get(path.as_str()) {
            Some(File::Public { bytes, .. }) if bytes == expected => continue,
            // As it was built; it is the wish that is another.
            Some(File::Public { bytes, .. }) if recorded == Some(Digest::of(bytes)) => {
                is_another_wish = true;
                writes.push(path);
                continue;
            }
            Some(File::Unusable { what }) => {
                Reason::OutputUnreadable { path: path.clone(), why: what.clone() }
            }
            Some(_) => Reason::OutputModified { path: path.clone() },
            None => Reason::OutputMissing { path: path.clone() },
        };
        reasons.push(reason);
        writes.push(path);
    }
    // Once, however many files there are.
    if is_another_wish {
        reasons.push(Reason::InputChanged {
            field: "content",
            old: "as built".into(),
            new: "as described now".into(),
        });
    }
    let digest = Digest::of(expected);
    let entry = Entry { content: Some(digest), ..Entry::new(world.graph.get(id).hash) };
    if writes.is_empty() {
        judge.keep(id, entry);
        return After::Kept(digest);
    }
    // Content that was never recorded is new; the same content put back is a repair.
    match recorded {
        Some(known) if known == digest => push(judge, id, Action::Repair, reasons, writes),
        None => push(judge, id, Action::Render, vec![Reason::New], writes),
        Some(_) => push(judge, id, Action::Render, reasons, writes),
    }
    // Its readers compare what they embed with this content, whichever files are missing now.
    After::Kept(digest)
}

fn push(
    judge: &mut Judge<'_>,
    derivation: DerivationId,
    action: Action,
    reasons: Vec<Reason>,
    writes: Vec<TreePath>,
) {
    judge.plan.steps.push(super::Step { derivation, action, reasons, writes, modes: Vec::new() });
}

pub(super) fn judge_kubeconfig(
    judge: &mut Judge<'_>,
    id: DerivationId,
    config: &Kubeconfig,
) -> After {
    let world = judge.world;
    let identity = judge.after(config.identity).clone();
    let bundle = judge.after(config.bundle).clone();
    let (certificate, authorities) = match (&identity, &bundle) {
        (After::Unavailable, _) | (_, After::Unavailable) => {
            // Of an earlier key: it stays whatever is described now, until a certificate is accepted.
            match (judge.entry(id), &world.graph.get(config.identity).recipe) {
                (Some(entry), Recipe::Accepted(_)) => {
                    let hash = world.graph.get(id).hash;
                    let entry = Entry { hash, ..entry.clone() };
                    let changed = seen::changed(world, id);
                    if changed.is_empty() {
                        judge.plan.kept.push((id, entry));
                    } else {
                        judge.step(id, Action::Record, changed);
                    }
                }
                _ => keep_as_it_is(judge, id),
            }
            return After::Unavailable;
        }
        (After::Kept(certificate), After::Kept(bundle)) => (*certificate, *bundle),
        _ if judge.entry(id).is_none() && !is_here(judge, id) => {
            return render(judge, id, config, vec![Reason::New]);
        }
        _ => {
            let rebuilt = [(config.identity, &identity), (config.bundle, &bundle)]
                .into_iter()
                .filter(|(_, after)| matches!(after, After::Rebuilt { .. }))
                .map(|(input, _)| Reason::DependencyRebuilt {
                    name: world.graph.get(input).name.clone(),
                })
                .collect();
            return render(judge, id, config, rebuilt);
        }
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
            return written(render(judge, id, config, vec![reason]));
        }
        // What cannot be read is not judged at all.
        Some(File::Public { .. } | File::Unreadable { .. }) => return After::Unavailable,
        None if config.client_key.is_some() || judge.key_can_be_had(config.identity) => {
            let reason = Reason::OutputMissing { path: place.file() };
            return written(render(judge, id, config, vec![reason]));
        }
        // The key went with it: absent, counted once with its identity. What it should say is known all the
        // same, and a reviewer must see a change of it.
        None => {
            if let Some(reason) = content_changed(judge, id, config, content) {
                return render(judge, id, config, vec![reason]);
            }
            keep_as_it_is(judge, id);
            let recorded = judge.entry(id).and_then(|entry| entry.content);
            return After::Kept(recorded.unwrap_or(content));
        }
    };
    let Some(entry) = judge.entry(id) else {
        judge.step(id, Action::Record, vec![Reason::NotInLock]);
        return After::Kept(content);
    };
    if let Some(reason) = content_changed(judge, id, config, content) {
        return written(render(judge, id, config, vec![reason]));
    }
    if entry.size != Some(size) || judge.is_modified(place) {
        let reason = Reason::OutputModified { path: place.file() };
        return written(render(judge, id, config, vec![reason]));
    }
    if let Some(mode) = judge.exposed(place) {
        judge.step(id, Action::Repair, vec![Reason::Exposed { path, mode }]);
        return After::Kept(content);
    }
    let changed = seen::changed(world, id);
    if !changed.is_empty() {
        judge.step(id, Action::Repair, changed);
        return After::Kept(content);
    }
    let expected = Entry {
        content: Some(content),
        size: Some(size),
        server: Some(config.server.url()),
        ..Entry::new(world.graph.get(id).hash)
    };
    judge.keep(id, expected);
    After::Kept(content)
}

/// The lock knows the kubeconfig with another public content.
fn content_changed(
    judge: &Judge<'_>,
    id: DerivationId,
    config: &Kubeconfig,
    content: Digest,
) -> Option<Reason> {
    let entry = judge.entry(id)?;
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

fn is_here(judge: &Judge<'_>, id: DerivationId) -> bool {
    let world = judge.world;
    let mut places = world.graph.placements(id).iter();
    places.any(|place| world.inventory.get(place.path.as_str()).is_some())
}

/// A kubeconfig can be rendered only around its private key.
fn render(
    judge: &mut Judge<'_>,
    id: DerivationId,
    config: &Kubeconfig,
    reasons: Vec<Reason>,
) -> After {
    let world = judge.world;
    let new_key = matches!(judge.after(config.identity), After::Rebuilt { new_key: true });
    if config.client_key.is_none() && !new_key && !judge.key_can_be_had(config.identity) {
        let identity = &world.graph.get(config.identity).name;
        let why = reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if judge.intent.allows_losing_key(identity) {
            judge.given_up.insert(config.identity);
            return After::Unavailable;
        }
        let name = super::NamePattern::Exact(identity.clone());
        return judge.block(
            id,
            Some(super::Allow::LostKey(name)),
            format!("it must be written again ({why}), and the key of {identity} is not here"),
        );
    }
    judge.step(id, Action::Render, reasons)
}

/// Nothing can be said: the lock's line stays as it is.
pub(super) fn keep_as_it_is(judge: &mut Judge<'_>, id: DerivationId) {
    if let Some(entry) = judge.entry(id) {
        judge.plan.kept.push((id, entry.clone()));
    }
}

/// Digest of everything public that a kubeconfig says.
pub fn kubeconfig_content(config: &Kubeconfig, certificate: Digest, bundle: Digest) -> Digest {
    config.own_fields().recipe("certificate", certificate).recipe("bundle", bundle).hash()
}
