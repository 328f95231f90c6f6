//! What a description asks for, artifact by artifact.

use super::certificate::of_certificate;
use super::compare::Side;
use super::item::{Item, PUBLIC_KEY, Value};
use crate::graph::{DerivationId, Graph, Recipe};
use crate::hash::Value as Hashed;
use crate::sealed::Recipient;
use crate::spec::Spec;
use crate::time::Span;

pub fn of_graph(graph: &Graph, spec: &Spec) -> Side {
    let cluster = Item::new("cluster")
        .text("name", spec.cluster.name.as_str())
        .text("kubernetes", spec.cluster.kubernetes.value.to_string())
        .text("endpoint", spec.cluster.endpoint.value.to_string());
    graph
        .ids()
        .map(|id| (graph.get(id).name.to_string(), vec![of_artifact(graph, id)]))
        .chain([("cluster".to_owned(), vec![cluster])])
        .collect()
}

fn of_artifact(graph: &Graph, id: DerivationId) -> Item {
    let recipe = &graph.get(id).recipe;
    let item = match graph.brought_certificate(id) {
        Some(facts) => Item { kind: recipe.kind(), ..of_certificate(facts) },
        None => of_fields(graph, id),
    };
    let item = match recipe {
        Recipe::Leaf(leaf) => {
            item.text("renew-before", leaf.policy.renew_before().value.in_words())
        }
        Recipe::Request(request) => {
            item.text("renew-before", request.policy.renew_before().value.in_words())
        }
        _ => item,
    };
    let item = match graph.brought_request(id) {
        Some(brought) => item.digest(PUBLIC_KEY, &brought.facts.public_key.digest()),
        None => item,
    };
    let places = graph.placements(id);
    let recipients = places.iter().filter_map(|place| place.recipients.as_deref());
    let recipients = recipients.flat_map(|all| all.iter().map(Recipient::full_name));
    item.set("sealed-for", recipients)
        .set("files", places.iter().map(|place| format!("out/{}", place.path)))
}

/// What the hash covers is what makes the artifact another one.
fn of_fields(graph: &Graph, id: DerivationId) -> Item {
    let derivation = graph.get(id);
    let recipe = &derivation.recipe;
    let fields = graph.fields(id);
    // A hash leaves the first revision out; here it is what a second one is told beside.
    let told = fields.iter().filter(|(name, _)| !["builder", "revision"].contains(name));
    let item = told.fold(Item::new(recipe.kind()), |item, (name, value)| {
        match (name, value) {
            ("validity", Hashed::Integer(seconds)) => {
                item.text(name, Span::seconds(*seconds).in_words())
            }
            // Digests of files that were brought.
            ("request" | "source" | "certificate", Hashed::Text(digest)) => {
                item.digest(name, digest)
            }
            (_, Hashed::Text(text)) => item.text(name, text.as_str()),
            (_, Hashed::Integer(number)) => item.text(name, number.to_string()),
            (_, Hashed::Set(members)) => item.set(name, members.iter().cloned()),
            (_, Hashed::Recipe(digest)) => {
                let whole = |input: &DerivationId| graph.get(*input).hash == *digest;
                // An authority counts by its subject and key, so it has another hash here; it is the one
                // issuer.
                let input = derivation.inputs.iter().copied().find(whole).or(recipe.issuer());
                let name_of = |input: DerivationId| graph.get(input).name.to_string();
                item.field(
                    name,
                    Value::Input {
                        name: input.map_or_else(String::new, name_of),
                        digest: digest.to_string(),
                    },
                )
            }
        }
    });
    match recipe.revision() {
        Some(revision) => item.revision(&revision),
        None => item,
    }
}
