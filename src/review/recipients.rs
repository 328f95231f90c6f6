//! Who can open sealed secrets from now on, and who no longer.

use std::collections::BTreeSet;

use super::Holder;
use super::find::Finder;
use super::gain::Gain;
use crate::name::ArtifactName;
use crate::plan::{Change, Plan, World, recorded};
use crate::sealed::Owner;

/// Secrets that were in the clear count, too: their files stayed out of Git, sealed ones lie there.
pub(super) fn find(finder: &mut Finder<'_>, world: World<'_>, plan: &Plan) {
    if finder.spec.secrets.is_none() {
        return;
    }
    let added = if is_lock_wrong(world, plan) {
        let all = finder.spec.recipients().into_iter();
        all.flat_map(|(owner, names)| names.into_iter().map(move |name| (owner.clone(), name)))
            .collect()
    } else {
        plan.recipients.added.clone()
    };
    finder.recipients(&added, &plan.recipients.removed);
}

impl Finder<'_> {
    pub fn recipients(
        &mut self,
        added: &BTreeSet<(Owner, String)>,
        removed: &BTreeSet<(Owner, String)>,
    ) {
        tell(self, Gain::Recipient, added);
        tell(self, Gain::LostRecipient, removed);
    }
}

fn tell(finder: &mut Finder<'_>, gain: fn(String) -> Gain, recipients: &BTreeSet<(Owner, String)>) {
    for (owner, name) in recipients {
        // What is on a new node was never closed to it.
        if let Some(node) = owner
            && !finder.known_nodes.has(node.as_str())
        {
            continue;
        }
        let (holder, origin) = match owner {
            Some(node) => {
                (Holder::node(node.as_str()), finder.spec.lines.block("node", node.as_str()))
            }
            None => (Holder::cluster("secrets"), finder.spec.lines.block("secrets", "")),
        };
        let artifact = ArtifactName::of(holder.name());
        finder.put(holder, gain(name.clone()), artifact, origin.cloned(), None);
    }
}

/// It says of a file that it was sealed to whom the description names, and the file's header says otherwise.
fn is_lock_wrong(world: World<'_>, plan: &Plan) -> bool {
    let again = plan.seals.iter();
    let mut again = again.filter(|seal| seal.change == Change::SealAgain);
    again.any(|seal| {
        let place = world.graph.placed_at(&seal.path);
        place.is_some_and(|place| {
            let wished = place.recipients.as_ref().map(|wished| wished.digest());
            let known = recorded(world, place).map(|rest| rest.recipients);
            wished.is_some() && known == wished
        })
    })
}
