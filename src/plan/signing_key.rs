//! Judging the service-account key pair: an anchor whose witness is its public half.

use std::fmt::Write as _;

use super::anchor::{empty_key, in_another_tree, revision_changed};
use super::judge::{After, Judge};
use super::{Action, Reason, Witness};
use crate::facts::PublicKey;
use crate::graph::{Content, DerivationId, Placement, Revision, SigningKey};
use crate::state::Entry;

const ENDS_TOKENS: &str = "a new signing key ends every token signed by the old one";

pub(super) fn judge(judge: &mut Judge<'_>, id: DerivationId, recipe: &SigningKey) -> After {
    if let Some(why) = judge.made_otherwise(id) {
        return judge.block(id, None, why);
    }
    let world = judge.world;
    let name = &world.graph.get(id).name;
    let replace = judge.intent.allows_replacing(name);
    let entry = judge.entry(id);
    if let Some(why) = several(judge, id) {
        return judge.block(id, None, why);
    }
    let key_is_here = judge.key_is_here(id);
    let unusable = empty_key(judge, id).or_else(|| judge.renamed_anchor(id));
    let blocked_by = match (unusable, world.survey.witness(id)) {
        (Some(empty), _) => Some(empty),
        (None, Witness::PublicKey { key, path }) => {
            let another_key =
                entry.and_then(|entry| entry.public_key).is_some_and(|known| known != key.digest());
            if another_key && !replace {
                return judge.mixed(id, path.clone());
            }
            wants_another_key(recipe, key, entry).or_else(|| {
                (judge.intent.rekeys(name) || another_key).then(|| ENDS_TOKENS.to_owned())
            })
        }
        // Its public half is written again from the private one, which only apply opens: what the lock
        // knows must do here.
        (None, _) if key_is_here => raised(recipe, entry).or_else(|| {
            let asked = judge.intent.rekeys(name);
            asked.then(|| ENDS_TOKENS.to_owned())
        }),
        (None, _) if world.graph.is_key_derived(id) && entry.is_some() => {
            let reasons = judge.all_missing(id);
            return judge.step(id, Action::Create, reasons);
        }
        (None, Witness::Unreadable { path, why }) => {
            Some(format!("out/{path} {why}, and its key is not here"))
        }
        (None, _) if entry.is_some() => Some("both halves of it are lost".to_owned()),
        (None, _) if in_another_tree(judge, id) => Some(
            "the tree of a node that is no longer described holds it, out/ca/ does not".to_owned(),
        ),
        (None, _) => {
            return judge.step(id, Action::Create, vec![Reason::New]);
        }
    };
    if let Some(why) = blocked_by {
        if !replace {
            return judge.block_replacement(id, why);
        }
        return judge.step(id, Action::Replace, vec![Reason::ReplacementAllowed]);
    }
    let Some(key) = world.survey.witness(id).public_key() else {
        // The private key is here: its public half is written again from it.
        let (stale, _) = judge.stale_copies(id);
        let reasons = stale.into_iter().map(|(_, _, reason)| reason).collect();
        let rebuilt = judge.step(id, Action::Repair, reasons);
        return entry.and_then(|entry| entry.public_key).map_or(rebuilt, After::Kept);
    };
    if !judge.key_can_be_had(id) {
        judge.plan.absent.push(id);
    }
    let derivation = world.graph.get(id);
    let expected = Entry {
        revision: derivation.recipe.revision(),
        public_key: Some(key.digest()),
        ..Entry::new(derivation.hash)
    };
    judge.keep_or_repair(id, expected);
    After::Kept(key.digest())
}

/// Nodes that came with different keys, as after a botched join: each refuses the tokens of the other, and
/// which one is right nothing here can tell. What the lock knows is repaired.
fn several(judge: &Judge<'_>, id: DerivationId) -> Option<String> {
    let world = judge.world;
    let Witness::PublicKey { path: first, key } = world.survey.witness(id) else {
        return None;
    };
    if judge.entry(id).is_some() {
        return None;
    }
    let public = world.graph.placements_of(id, Content::PublicKey);
    let others: Vec<(&Placement, PublicKey)> = public
        .filter_map(|place| {
            let bytes = world.inventory.public(place.path.as_str())?;
            Some((place, PublicKey::from_pem(bytes).ok()?))
        })
        .filter(|(_, other)| other != key)
        .collect();
    if others.is_empty() {
        return None;
    }
    let mut why = format!("out/{first} is {}", key.fingerprint());
    let mut files = Vec::new();
    for (place, other) in &others {
        let _ = write!(why, ", but out/{} is {}", place.path, other.fingerprint());
        if let Some(stem) = place.path.as_str().strip_suffix(".pub") {
            files.push(format!("out/{stem}.key and out/{stem}.pub"));
        }
    }
    let _ = write!(
        why,
        "; tokens signed by one are refused by the other. To keep that of out/{first}, move {} out of out/, then \
         kpki apply puts it there; to keep another one, move those of the others",
        files.join(", ")
    );
    Some(why)
}

fn raised(recipe: &SigningKey, entry: Option<&Entry>) -> Option<String> {
    revision_changed(entry, &Revision::of(recipe.revision).to_string())
        .map(|change| change.to_string())
}

fn wants_another_key(
    recipe: &SigningKey,
    key: &PublicKey,
    entry: Option<&Entry>,
) -> Option<String> {
    if recipe.explicit_key && key.algorithm() != Some(recipe.key.value) {
        return Some(format!(
            "the description asks for {}, the key on record is {}",
            recipe.key.value,
            key.kind()
        ));
    }
    raised(recipe, entry)
}
