//! Building static pods: last of all, since their annotations cover what was built before.

use std::collections::HashMap;

use super::context::BuildContext;
use crate::content::{Input, pod_entry, restart_digest, set_digest};
use crate::error::{Error, Result};
use crate::graph::{DerivationId, Recipe};
use crate::hash::Digest;
use crate::plan::{Action, Plan, pod_file};
use crate::state::Entry;

/// Writes the manifests that the plan names; `lines` are of everything built before.
pub(super) fn build_static_pods(
    context: &BuildContext<'_>,
    plan: &Plan,
    lines: &[(DerivationId, Entry)],
) -> Result<Vec<(DerivationId, Entry)>> {
    let graph = context.world.graph;
    let built: HashMap<DerivationId, Digest> =
        lines.iter().filter_map(|(id, entry)| Some((*id, entry.public_content()?))).collect();
    let mut made = Vec::new();
    for step in &plan.steps {
        let derivation = graph.get(step.derivation);
        let Recipe::StaticPod(recipe) = &derivation.recipe else {
            continue;
        };
        let mut inputs = Vec::with_capacity(recipe.restarts.len());
        for (_, input) in &recipe.restarts {
            let name = &graph.get(*input).name;
            let content = several(context, *input)
                .or_else(|| built.get(input).or_else(|| plan.contents.get(input)).copied());
            inputs.push((name, content.ok_or_else(|| context.too_early(*input))?));
        }
        let start = plan.etcd_starts.get(&step.derivation);
        let digest = restart_digest(inputs);
        let file = pod_file(context.world, step.derivation, recipe, start, digest)
            .map_err(|why| Error::refused(format!("{}: {why}", derivation.name)))?;
        for place in graph.placements(step.derivation) {
            if step.action != Action::Record && step.writes.contains(&place.path) {
                context.put(place, &file.bytes)?;
            }
        }
        let entry = pod_entry(derivation, &file.bytes, start, file.without_annotation);
        made.push((step.derivation, entry));
        context.files.progress(1);
    }
    Ok(made)
}

/// Of a file of several certificates or public keys, in whichever order; `None`: it is none.
fn several(context: &BuildContext<'_>, input: DerivationId) -> Option<Digest> {
    let Recipe::Rendered(recipe) = &context.world.graph.get(input).recipe else { return None };
    let all = context.inputs(recipe.inputs());
    let digest = |input: &Input<'_>| match input.der {
        [] => input.public_key.digest(),
        der => Digest::of(der),
    };
    (all.len() > 1 && all.len() == recipe.inputs().len())
        .then(|| set_digest(all.iter().map(digest)))
}
