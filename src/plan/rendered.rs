//! Judging rendered files: pure functions of their inputs, compared by content.

use super::context::{After, PlanContext};
use super::{Action, Note, Reason};
use crate::content::{NotRendered, rendered_content, rendered_entry};
use crate::facts::{BindingObject, binding_objects, is_reordered};
use crate::graph::{DerivationId, Rendered};
use crate::hash::Digest;
use crate::state::File;

pub(super) fn judge(context: &mut PlanContext<'_>, id: DerivationId, recipe: &Rendered) -> After {
    let world = context.world;
    if matches!(recipe, Rendered::KubeletConf(_)) && embedded_a_key(context, id) {
        context.plan.notes.push(Note::KubeletLooksAfterItself { derivation: id });
    }
    let mut reasons = Vec::new();
    let mut inputs = Vec::new();
    for input in recipe.inputs() {
        match context.after(*input) {
            After::Unavailable => {
                context.keep_as_it_is(id);
                return After::Unavailable;
            }
            After::Rebuilt { .. } => {
                let name = world.graph.get(*input).name.clone();
                reasons.push(Reason::DependencyRebuilt { name });
            }
            After::Kept(_) => inputs.extend(world.survey.public_part(*input).input()),
        }
    }
    if !reasons.is_empty() {
        let reasons = if context.entry(id).is_some() { reasons } else { vec![Reason::New] };
        return context.step(id, Action::Render, reasons);
    }
    match rendered_content(recipe, &inputs) {
        Ok(content) => judge_bytes(context, id, content.as_bytes()),
        Err(NotRendered::NoInput) => After::Unavailable,
        Err(NotRendered::Refused(why)) => {
            context.block(id, None, format!("its own copy cannot be patched: {why}"))
        }
    }
}

/// What is on record is a kubeconfig around a key: only of those the lock has a size.
fn embedded_a_key(context: &PlanContext<'_>, id: DerivationId) -> bool {
    context.entry(id).is_some_and(|entry| entry.size.is_some())
}

/// A public file whose every byte is known.
fn judge_bytes(context: &mut PlanContext<'_>, id: DerivationId, expected: &[u8]) -> After {
    let world = context.world;
    let recorded = context.entry(id).and_then(|entry| entry.content);
    let mut reasons = Vec::new();
    let mut writes = Vec::new();
    let mut as_built = None;
    for place in world.graph.placements(id) {
        let path = place.path.clone();
        let reason = match world.inventory.get(path.as_str()) {
            Some(File::Public { bytes, .. }) if bytes == expected => continue,
            // As it was built; it is the wish that is another.
            Some(File::Public { bytes, .. }) if recorded == Some(Digest::of(bytes)) => {
                as_built = Some(bytes.as_slice());
                writes.push(path);
                continue;
            }
            // As long as it may embed a key it is not opened.
            Some(File::Secret(_)) if embedded_a_key(context, id) => {
                as_built = Some(&[]);
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
    if let Some(built) = as_built {
        if is_reordered(built, expected) {
            context.reordered.insert(id);
        }
        another_wish(built, expected, &mut reasons);
    }
    let digest = Digest::of(expected);
    let entry = rendered_entry(world.graph.get(id), expected);
    if writes.is_empty() {
        context.keep(id, entry);
        return After::Kept(digest);
    }
    // Content that was never recorded is new; the same content put back is a repair.
    match recorded {
        Some(known) if known == digest => context.render(id, Action::Repair, reasons, writes),
        None => context.render(id, Action::Render, vec![Reason::New], writes),
        Some(_) => context.render(id, Action::Render, reasons, writes),
    }
    // Its readers compare what they embed with this content, whichever files are missing now.
    After::Kept(digest)
}

/// Of RBAC bindings those that came or went, by name.
fn another_wish(built: &[u8], expected: &[u8], reasons: &mut Vec<Reason>) {
    let known = reasons.len();
    if let (Some(old), Some(new)) = (binding_objects(built), binding_objects(expected)) {
        let gone = old.keys().filter(|object| !new.contains_key(object));
        reasons.extend(gone.map(|object| Reason::changed("binding", named(object), "")));
        let come = new.keys().filter(|object| !old.contains_key(object));
        reasons.extend(come.map(|object| Reason::changed("binding", "", named(object))));
    }
    if reasons.len() == known {
        reasons.push(Reason::changed("content", "as built", "as described now"));
    }
}

fn named(object: &BindingObject) -> String {
    match &object.namespace {
        Some(namespace) => format!("{namespace}/{}", object.name),
        None => object.name.clone(),
    }
}
