//! What changes in access between two descriptions, whatever was built of them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Credential;
use super::asked::Described;
use super::difference::differences;
use super::elsewhere::new_ones;
use super::pod_access::PodAccess;
use super::policy::ReviewPolicy;
use super::powers::{Elsewhere, Powers, Removed};
use super::principal::{Principal, identity};
use super::removed::now_with;
use super::reviewed::{Consent, ReviewedChange};
use super::roles::grants;
use super::told::told;
use crate::graph::{DerivationId, FilePart, Graph, Recipe, Rendered};
use crate::name::{ArtifactName, TreePath};
use crate::plan::Intent;

/// Nothing here asks for consent: that is a plan's.
pub fn between(before: Described<'_>, after: Described<'_>) -> Vec<ReviewedChange> {
    let (old, new) = (before.graph, after.graph);
    let mut touched = BTreeMap::new();
    let mut known = BTreeMap::new();
    for id in new.ids() {
        let Some(same) = old.find(&new.get(id).name) else {
            touched.insert(id, false);
            continue;
        };
        if old.get(same).hash != new.get(id).hash || has_a_key_more(old, same, new, id) {
            touched.insert(id, is_replaced(old, same, new, id));
            known.insert(same, false);
        }
    }
    let asked = Powers::asked(after, &touched, new.not_before());
    let mut described = Powers::asked(before, &known, None);
    described.removed = removed(old, new);
    described.users = users(old, &asked);
    described.elsewhere = Elsewhere::of(
        &new_ones(&asked.artifacts, &described.artifacts),
        old,
        |id, name| match &old.get(id).recipe {
            Recipe::Leaf(leaf) => leaf.sans.contains(name),
            _ => false,
        },
        |id| match &old.get(id).recipe {
            Recipe::StaticPod(recipe) => Some(PodAccess::of_recipe(recipe)),
            _ => None,
        },
    )
    .with_roles(
        &asked.artifacts,
        old,
        |id| match &old.get(id).recipe {
            Recipe::Rendered(Rendered::UserBindings(recipe)) => Some(grants(recipe)),
            _ => None,
        },
        // They are in `old`.
        BTreeSet::new,
    );
    let mut changes =
        told(differences(&described, &asked), after, &Intent::default(), &ReviewPolicy::default());
    for change in &mut changes {
        change.consent = Consent::NotNeeded;
    }
    changes.sort_by_key(|change| change.access.direction());
    changes
}

/// The key of a CA lies where it did not lie.
fn has_a_key_more(old: &Graph, known: DerivationId, new: &Graph, id: DerivationId) -> bool {
    let mut keys = new.placements_of(id, FilePart::PrivateKey);
    let was_there = |path: &TreePath| old.placements(known).iter().any(|place| place.path == *path);
    new.get(id).recipe.is_ca() && keys.any(|place| !was_there(&place.path))
}

/// Its key cannot stay. A CA that is brought is compared by its certificate.
fn is_replaced(old: &Graph, known: DerivationId, new: &Graph, id: DerivationId) -> bool {
    match (&old.get(known).recipe, &new.get(id).recipe) {
        (before @ Recipe::OwnCa(_), after @ Recipe::OwnCa(_)) => {
            before.issuer_fields() != after.issuer_fields()
        }
        (Recipe::OwnCa(_), Recipe::ImportedCa(_)) | (Recipe::ImportedCa(_), Recipe::OwnCa(_)) => {
            true
        }
        (Recipe::SigningKey(_), Recipe::SigningKey(_)) => old.fields(known) != new.fields(id),
        _ => false,
    }
}

/// Who had which common name, but for those who are asked for themselves.
fn users(old: &Graph, asked: &Powers) -> BTreeMap<String, ArtifactName> {
    let asked = asked.artifacts.iter().map(|asked| Principal::of(&asked.artifact.name()));
    let asked: HashSet<Principal> = asked.collect();
    let user = |id| {
        let name = &old.get(id).name;
        let credential = Credential::of_recipe(old, id)?;
        let is_user = credential.client && old.get(id).artifact.node().is_none();
        (is_user && !asked.contains(&Principal::of(name)))
            .then(|| (credential.common_name, identity(name)))
    };
    old.ids().filter_map(user).collect()
}

fn removed(old: &Graph, new: &Graph) -> Vec<Removed> {
    let gone = old
        .ids()
        .filter(|id| !old.get(*id).recipe.is_ca() && new.find(&old.get(*id).name).is_none());
    let removed = gone.filter_map(|id| {
        let name = &old.get(id).name;
        if let Recipe::Rendered(Rendered::UserBindings(recipe)) = &old.get(id).recipe {
            return Some(Removed::of_bindings(name.clone(), grants(recipe)));
        }
        let mut groups = Credential::of_recipe(old, id)?.groups;
        if old.get(id).artifact.node().is_some() {
            // A node's groups go without saying.
            groups.clear();
        }
        Some(Removed {
            artifact: identity(name),
            groups,
            until: None,
            grants: BTreeSet::new(),
            now_with: now_with(new, name),
        })
    });
    removed.collect()
}
