//! Judging the service-account key pair: an anchor whose public part is the public key.

use std::fmt::Write as _;

use super::ca_traces::{empty_key, in_another_tree, revision_changed};
use super::context::{After, PlanContext};
use super::minted::{Case, Consent, Evidence, PrivateKey, Verdict, Wish, Wished};
use super::{Action, PublicPart};
use crate::content::public_key_entry;
use crate::facts::PublicKey;
use crate::graph::{DerivationId, FilePart, Placement, SigningKey};
use crate::state::Entry;

const ENDS_TOKENS: &str = "a new signing key ends every token signed by the old one";

pub(super) fn judge(context: &mut PlanContext<'_>, id: DerivationId, recipe: &SigningKey) -> After {
    if let Some(why) = context.made_otherwise(id).or_else(|| several(context, id)) {
        return context.block(id, None, why);
    }
    let world = context.world;
    let entry = context.entry(id);
    let public = context.evidence(id);
    let allowed = context.intent.allows_replacing(&world.graph.get(id).name);
    let unusable = empty_key(context, id).or_else(|| context.renamed_anchor(id));
    let key = match context.private_key(id) {
        _ if unusable.is_some() => PrivateKey::Unusable,
        // What was never recorded may have been drawn.
        PrivateKey::Derived if entry.is_none() => PrivateKey::Gone,
        key => key,
    };
    let new_key = unusable.or_else(|| wants_new_key(context, id, recipe, (public, key), allowed));
    let case = Case {
        public,
        key,
        made: public != Evidence::Missing
            || entry.is_some()
            || (recipe.state.is_none() && in_another_tree(context, id)),
        wish: if new_key.is_some() { Wish::NewKey } else { Wish::AsItIs },
        consent: Consent::Always { given: allowed },
    };
    match (case.verdict(), world.survey.public_part(id).public_key()) {
        (Verdict::Keep, Some(key)) => {
            context.keep_minted(id, public_key_entry(world.graph.get(id), key));
            After::Kept(key.digest())
        }
        (Verdict::KeyMismatch, _) => context.key_mismatch(id),
        (Verdict::AskForNewKey, _) => {
            let why = new_key.unwrap_or_else(|| why_lost(context, id));
            context.block_replacement(id, why)
        }
        // The private key is here: its public half is written again from it, which only apply opens.
        (Verdict::Reissue, _) => {
            let rebuilt = context.step(id, Action::Repair, context.stale_reasons(id));
            entry.and_then(|entry| entry.public_key).map_or(rebuilt, After::Kept)
        }
        _ => match context.making(id, case, Wished::as_it_is()) {
            Some((action, reasons)) => context.step(id, action, reasons),
            None => After::Unavailable,
        },
    }
}

/// Why it needs another key; in words. Without the public half what the lock knows must do.
fn wants_new_key(
    context: &PlanContext<'_>,
    id: DerivationId,
    recipe: &SigningKey,
    (public, key): (Evidence, PrivateKey),
    allowed: bool,
) -> Option<String> {
    let entry = context.entry(id);
    let asked = context.intent.rekeys(&context.world.graph.get(id).name);
    let ends_tokens = |it: bool| it.then(|| ENDS_TOKENS.to_owned());
    match (public, context.world.survey.public_part(id).public_key()) {
        (Evidence::OfAnotherKey, _) => ends_tokens(allowed),
        (Evidence::Sound, Some(key)) => {
            wants_another_key(recipe, key, entry).or_else(|| ends_tokens(asked))
        }
        _ if key == PrivateKey::Here => raised(recipe, entry).or_else(|| ends_tokens(asked)),
        _ => None,
    }
}

fn why_lost(context: &PlanContext<'_>, id: DerivationId) -> String {
    match context.world.survey.public_part(id) {
        PublicPart::Unreadable { path, why } => {
            format!("out/{path} {why}, and its key is not here")
        }
        _ if context.entry(id).is_some() => "both halves of it are lost".to_owned(),
        _ => "the tree of a node that is no longer described holds it, out/ca/ does not".to_owned(),
    }
}

/// Nodes that came with different keys, as after a botched join: each refuses the tokens of the other, and
/// which one is right nothing here can tell. What the lock knows is repaired.
fn several(context: &PlanContext<'_>, id: DerivationId) -> Option<String> {
    let world = context.world;
    let PublicPart::PublicKey { path: first, key } = world.survey.public_part(id) else {
        return None;
    };
    if context.entry(id).is_some() {
        return None;
    }
    let public = world.graph.placements_of(id, FilePart::PublicKey);
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
    revision_changed(entry, &recipe.revision.to_string()).map(|change| change.to_string())
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
