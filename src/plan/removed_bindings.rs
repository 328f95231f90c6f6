//! Role bindings that a cluster has from kpki and that nothing describes any more. A file that goes, or says
//! less, deletes nothing in the cluster: what must be deleted there is kept in a file of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::{Orphan, Plan, World};
use crate::facts::{BindingObject, binding_objects};
use crate::graph::{Artifact, FilePart, Recipe, Rendered, UserBindings, UserPart, origins};
use crate::hash::Digest;
use crate::name::{Label, TreePath};
use crate::spec::Binding;
use crate::state::REMOVED_BINDINGS;

const HEAD: &str = "# What the cluster must lose: kubectl delete --ignore-not-found -f THIS, then delete the file.\n";

type Documents = BTreeMap<BindingObject, String>;

/// By user, each with its document, as far as the files of this plan tell. `is_pruned`: orphans go.
pub fn removed_bindings(
    world: World<'_>,
    plan: &Plan,
    is_pruned: bool,
) -> BTreeMap<Label, Documents> {
    let described = described(world);
    let mut lost: BTreeMap<Label, Documents> = BTreeMap::new();
    for (user, path) in files(world, plan, is_pruned) {
        let objects = world.inventory.public(path.as_str()).and_then(binding_objects);
        lost.entry(user).or_default().extend(only_removed(objects, &described));
    }
    lost
}

/// The file after this plan: `None` leaves it as it is, nothing in it takes it away. What cannot be read
/// there is somebody else's.
pub fn kept_bindings(world: World<'_>, plan: &Plan, is_pruned: bool) -> Option<Vec<u8>> {
    let file = world.inventory.public(REMOVED_BINDINGS);
    let known = match file {
        Some(bytes) => binding_objects(bytes)?,
        None => Documents::new(),
    };
    let mut kept: Documents = only_removed(Some(known), &described(world)).collect();
    kept.extend(removed_bindings(world, plan, is_pruned).into_values().flatten());
    let documents: Vec<String> = kept.into_values().collect();
    let text = match documents.join("---\n") {
        none if none.is_empty() => Vec::new(),
        all => format!("{HEAD}---\n{all}").into_bytes(),
    };
    (text != file.unwrap_or_default()).then_some(text)
}

fn only_removed(
    objects: Option<Documents>,
    described: &BTreeSet<BindingObject>,
) -> impl Iterator<Item = (BindingObject, String)> {
    let objects = objects.into_iter().flatten();
    objects.filter(|(object, _)| !described.contains(object) && is_ours(object))
}

/// Files of bindings that go, or are written anew, as they are on record.
fn files(world: World<'_>, plan: &Plan, is_pruned: bool) -> Vec<(Label, TreePath)> {
    let orphans = plan.orphans.iter().filter(|_| is_pruned);
    let orphans = orphans.filter_map(|orphan| match orphan {
        Orphan::File { path, .. } => bindings_of(path.as_str()).map(|user| (user, path.clone())),
        Orphan::Line(_) => None,
    });
    let rewritten = plan.steps.iter().filter_map(|step| {
        let derivation = world.graph.get(step.derivation);
        let Artifact::User(user, UserPart::Bindings) = &derivation.artifact else {
            return None;
        };
        let path = &world.graph.placements_of(step.derivation, FilePart::Rendered).next()?.path;
        let recorded = world.lock.entries.get(&derivation.name)?.content?;
        // Another file than the one on record was never applied, as far as anybody knows.
        let is_known = Digest::of(world.inventory.public(path.as_str())?) == recorded;
        is_known.then(|| (user.clone(), path.clone()))
    });
    orphans.chain(rewritten).collect()
}

fn bindings_of(path: &str) -> Option<Label> {
    origins(path).into_iter().find_map(|origin| match origin.artifact {
        Artifact::User(user, UserPart::Bindings) => Some(user),
        _ => None,
    })
}

/// All that the description still makes.
fn described(world: World<'_>) -> BTreeSet<BindingObject> {
    let recipes = world.graph.ids().filter_map(|id| match &world.graph.get(id).recipe {
        Recipe::Rendered(Rendered::UserBindings(bindings)) => Some(bindings),
        _ => None,
    });
    recipes.flat_map(objects).collect()
}

fn objects(recipe: &UserBindings) -> Vec<BindingObject> {
    let of = |binding: &Binding| {
        let name = binding.object_name(&recipe.user);
        let spaces = binding.namespaces.iter().map(|space| Some(space.to_string()));
        let spaces: Vec<Option<String>> =
            if binding.namespaces.is_empty() { vec![None] } else { spaces.collect() };
        spaces
            .into_iter()
            .map(|namespace| BindingObject { namespace, name: name.clone() })
            .collect::<Vec<_>>()
    };
    recipe.bindings.iter().flat_map(of).collect()
}

/// As kpki names them: no other word becomes a part of a command.
fn is_ours(object: &BindingObject) -> bool {
    object.name.starts_with("kpki:")
}
