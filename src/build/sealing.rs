//! What a job does about the form in which secrets rest: what changes it, and how it enters the lock.

use std::sync::PoisonError;

use rayon::prelude::*;

use super::context::BuildContext;
use super::held_key::{Belongs, unusable};
use super::reading::{Trouble, file_here, key_file};
use crate::error::{Error, Result};
use crate::graph::{FilePart, Placement, Recipe};
use crate::holdings::KeyFile;
use crate::keys::PrivateKey;
use crate::plan::{AtRest, Change, Plan, Seal, at_rest, recorded};
use crate::secret::Secret;
use crate::state::Lock;

/// Changes the form of one secret, unless a step has written it.
///
/// What it holds must be what the public files say: once its old form is gone, it is too late.
pub(super) fn carry_out(context: &BuildContext<'_>, plan: &Plan, change: &Seal) -> Result<()> {
    let Some(place) = context.world.graph.placed_at(&change.path) else {
        return Ok(());
    };
    let mut steps = plan.steps.iter();
    match change.change {
        Change::Seal | Change::SealAgain | Change::Unseal if context.is_written(&change.path) => {
            Ok(())
        }
        Change::Seal | Change::SealAgain | Change::Unseal => {
            context.put(place, opened(context, place)?.expose())
        }
        // Its key is given up with the sealed one's.
        Change::RemoveTwin
            if steps
                .any(|step| step.derivation == change.derivation && step.action.makes_key()) =>
        {
            context.files.remove(&place.path)
        }
        Change::RemoveTwin => {
            let twin = context.files.read_secret(&place.path)?;
            let same = key_in(place, &twin)
                .map(|key| twin_belongs(context, place).check(key.public_key()));
            if same != Ok(true) {
                let (twin, sealed) = (&place.path, place.sealed_file());
                return Err(Error::refused(format!(
                    "out/{twin} lies in the clear beside out/{sealed} and does not hold the same key"
                ))
                .help("move one of the two away, then apply again"));
            }
            // kpki wrote the sealed one that is on record. Any other is opened first.
            if !matches!(at_rest(context.world, place), AtRest::Sealed(_)) {
                opened(context, place)?;
            }
            context.files.remove(&place.path)
        }
    }
}

/// A secret that is what the public files say.
fn opened(context: &BuildContext<'_>, place: &Placement) -> Result<Secret> {
    let bad = |why: String| {
        let why = format!("out/{} {why}", file_here(context.world, place));
        unusable(context.world, place.derivation, &why, None)
    };
    let secret = context.open(place).map_err(|trouble| match trouble {
        Trouble::Closed(error) | Trouble::Unreadable(error) => error,
        Trouble::Damaged(why) => bad(why),
    })?;
    let key = key_in(place, &secret).map_err(bad)?;
    let belongs = match place.content {
        // Until a certificate is accepted it may be of an earlier key.
        FilePart::Kubeconfig => Belongs::Anything,
        _ => Belongs::on_record(context.world, place.derivation),
    };
    if belongs.check(key.public_key()) {
        Ok(secret)
    } else {
        Err(bad("does not hold the private key that belongs there".to_owned()))
    }
}

fn twin_belongs<'a>(context: &BuildContext<'a>, place: &Placement) -> Belongs<'a> {
    match &context.world.graph.get(place.derivation).recipe {
        Recipe::Kubeconfig(config) => Belongs::on_record(context.world, config.identity),
        _ => Belongs::on_record(context.world, place.derivation),
    }
}

/// The private key that a secret is or embeds; a kubeconfig's must be that of its certificate. The error
/// reads after the file's name.
fn key_in(place: &Placement, secret: &Secret) -> Result<PrivateKey, String> {
    let file = key_file(place, secret).map_err(|error| error.0)?;
    let key = file.key()?;
    if let Some(certificate) = file.certificate()? {
        KeyFile::check_pair(&certificate, Some(&key))?;
    }
    Ok(key)
}

/// Enters into the lock how every secret rests now.
pub(super) fn record(context: &BuildContext<'_>, lock: &mut Lock, pruned: bool) -> Result<()> {
    check_unrecorded(context, lock)?;
    let world = context.world;
    let written = context.written.lock().unwrap_or_else(PoisonError::into_inner);
    let places = world.graph.all_placements().iter();
    for place in places.filter(|place| place.content.is_secret()) {
        let rest = match written.get(&place.path) {
            Some(rest) => *rest,
            None => match at_rest(world, place) {
                AtRest::Sealed(rest) | AtRest::Unrecorded(rest) => Some(rest),
                AtRest::Clear => None,
                AtRest::Absent | AtRest::Modified | AtRest::Differs(_) => recorded(world, place),
            },
        };
        let name = &world.graph.get(place.derivation).name;
        match lock.entries.get_mut(name) {
            Some(_) if world.graph.is_copy(place) => {
                let line = rest.map(|rest| (place.path.clone(), rest));
                lock.copies.extend(line);
            }
            Some(entry) => entry.rest = rest,
            None => {}
        }
    }
    // Of copies that are no longer described as long as they are here, as for other orphans.
    for (path, rest) in &world.lock.copies {
        if !pruned
            && !world.graph.is_placed(path.as_str())
            && world.inventory.get(path.as_str()).is_some()
        {
            lock.copies.insert(path.clone(), *rest);
        }
    }
    Ok(())
}

/// What the lock does not know was perhaps not written by kpki: it is opened once, and then stays as it is.
fn check_unrecorded(context: &BuildContext<'_>, lock: &Lock) -> Result<()> {
    let world = context.world;
    world
        .graph
        .all_placements()
        .par_iter()
        .filter(|place| matches!(at_rest(world, place), AtRest::Unrecorded(_)))
        .filter(|place| {
            let name = &world.graph.get(place.derivation).name;
            lock.entries.contains_key(name) && !context.is_written(&place.path)
        })
        .try_for_each(|place| opened(context, place).map(drop))
}
