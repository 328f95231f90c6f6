//! What changes in power between two descriptions, whatever was built of them.

use std::collections::BTreeSet;

use super::before::Before;
use super::find::Finder;
use super::gain::Gain;
use super::{Consent, Credential, PrivilegeChange, ReviewPolicy, left};
use crate::graph::{Authority, DerivationId, Graph, Issuance, Recipe};
use crate::plan::Intent;
use crate::sealed::Owner;
use crate::spec::Spec;

/// A description with what follows from it.
#[derive(Clone, Copy)]
pub struct Described<'a> {
    pub spec: &'a Spec,
    pub graph: &'a Graph,
}

/// Nothing here asks for consent: that is a plan's.
pub fn between(before: Described<'_>, after: Described<'_>) -> Vec<PrivilegeChange> {
    let (old, new) = (before.graph, after.graph);
    let mut finder = Finder::new(Before::Described(old, before.spec), new, after.spec, None);
    for id in new.ids() {
        let known = old.find(&new.get(id).name);
        if known.is_some_and(|known| old.get(known).hash == new.get(id).hash) {
            continue;
        }
        finder.look_at(id, known.is_some_and(|known| is_replaced(old, known, new, id)));
    }
    recipients(&mut finder, before.spec, after.spec);
    gone(&mut finder, old, new);
    let mut changes = finder.finish(&Intent::default(), &ReviewPolicy::default());
    for change in &mut changes {
        change.consent = Consent::NotNeeded;
    }
    changes.sort_by_key(|change| change.gain.direction());
    changes
}

/// Its key cannot stay. A CA that is brought is compared by its certificate.
fn is_replaced(old: &Graph, known: DerivationId, new: &Graph, id: DerivationId) -> bool {
    match (&old.get(known).recipe, &new.get(id).recipe) {
        (Recipe::Authority(before), Recipe::Authority(after)) => {
            let own =
                |authority: &Authority| matches!(authority.issuance, Issuance::SelfSigned { .. });
            let same = before.issuer_fields() == after.issuer_fields();
            own(before) != own(after) || (own(before) && !same)
        }
        (Recipe::SigningKey(_), Recipe::SigningKey(_)) => old.fields(known) != new.fields(id),
        _ => false,
    }
}

fn recipients(finder: &mut Finder<'_>, before: &Spec, after: &Spec) {
    if after.secrets.is_none() {
        return;
    }
    let all = |spec: &Spec| -> BTreeSet<(Owner, String)> {
        let owners = spec.recipients().into_iter();
        owners
            .flat_map(|(owner, names)| names.into_iter().map(move |name| (owner.clone(), name)))
            .collect()
    };
    let (old, new) = (all(before), all(after));
    let added = new.difference(&old).cloned().collect();
    let removed = old.difference(&new).cloned().collect();
    finder.recipients(&added, &removed);
}

fn gone(finder: &mut Finder<'_>, old: &Graph, new: &Graph) {
    for id in old.ids() {
        let name = &old.get(id).name;
        if new.find(name).is_some() || matches!(old.get(id).recipe, Recipe::Authority(_)) {
            continue;
        }
        let Some(credential) = Credential::of_recipe(old, id) else {
            continue;
        };
        // A node's groups go without saying.
        let groups = match old.get(id).artifact.node() {
            Some(_) => BTreeSet::new(),
            None => credential.groups,
        };
        let holder = left::holder(finder, name);
        let name = super::find::identity(name);
        finder.put(holder, Gain::Left { groups }, name, None, None);
    }
}
