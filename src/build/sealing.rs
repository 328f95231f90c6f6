//! What a job does about the form in which secrets rest: what changes it, and how it enters the lock.

use std::sync::PoisonError;

use rayon::prelude::*;

use super::held_key::{Belongs, unusable};
use super::job::Job;
use super::reading::{Trouble, file_here, key_file};
use crate::error::{Error, Result};
use crate::graph::{Content, Placement, Recipe};
use crate::holdings::KeyFile;
use crate::keys::PrivateKey;
use crate::plan::{Change, Plan, Resting, Seal, recorded, resting};
use crate::secret::Secret;
use crate::state::Lock;

/// Changes the form of one secret, unless a step has written it.
///
/// What it holds must be what the public files say: once its old form is gone, it is too late.
pub(super) fn carry_out(job: &Job<'_>, plan: &Plan, change: &Seal) -> Result<()> {
    let Some(place) = job.world.graph.placed_at(&change.path) else {
        return Ok(());
    };
    let mut steps = plan.steps.iter();
    match change.change {
        Change::Seal | Change::SealAgain | Change::Unseal if job.is_written(&change.path) => Ok(()),
        Change::Seal | Change::SealAgain | Change::Unseal => {
            job.put(place, opened(job, place)?.expose())
        }
        // Its key is given up with the sealed one's.
        Change::RemoveTwin
            if steps
                .any(|step| step.derivation == change.derivation && step.action.makes_key()) =>
        {
            job.files.remove(&place.path)
        }
        Change::RemoveTwin => {
            let twin = job.files.read_secret(&place.path)?;
            let same =
                key_in(place, &twin).map(|key| twin_belongs(job, place).check(key.public_key()));
            if same != Ok(true) {
                let (twin, sealed) = (&place.path, place.sealed_file());
                return Err(Error::refused(format!(
                    "out/{twin} lies in the clear beside out/{sealed} and does not hold the same key"
                ))
                .help("move one of the two away, then apply again"));
            }
            // kpki wrote the sealed one that is on record. Any other is opened first.
            if !matches!(resting(job.world, place), Resting::Sealed(_)) {
                opened(job, place)?;
            }
            job.files.remove(&place.path)
        }
    }
}

/// A secret that is what the public files say.
fn opened(job: &Job<'_>, place: &Placement) -> Result<Secret> {
    let bad = |why: String| {
        let why = format!("out/{} {why}", file_here(job.world, place));
        unusable(job.world, place.derivation, &why, None)
    };
    let secret = job.open(place).map_err(|trouble| match trouble {
        Trouble::Closed(error) | Trouble::Unreadable(error) => error,
        Trouble::Damaged(why) => bad(why),
    })?;
    let key = key_in(place, &secret).map_err(bad)?;
    let belongs = match place.content {
        // Until a certificate is accepted it may be of an earlier key.
        Content::Kubeconfig => Belongs::Anything,
        _ => Belongs::on_record(job.world, place.derivation),
    };
    if belongs.check(key.public_key()) {
        Ok(secret)
    } else {
        Err(bad("does not hold the private key that belongs there".to_owned()))
    }
}

fn twin_belongs<'a>(job: &Job<'a>, place: &Placement) -> Belongs<'a> {
    match &job.world.graph.get(place.derivation).recipe {
        Recipe::Kubeconfig(config) => Belongs::on_record(job.world, config.identity),
        _ => Belongs::on_record(job.world, place.derivation),
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
pub(super) fn record(job: &Job<'_>, lock: &mut Lock, pruned: bool) -> Result<()> {
    check_unrecorded(job, lock)?;
    let world = job.world;
    let written = job.written.lock().unwrap_or_else(PoisonError::into_inner);
    let places = world.graph.all_placements().iter();
    for place in places.filter(|place| place.content.is_secret()) {
        let rest = match written.get(&place.path) {
            Some(rest) => *rest,
            None => match resting(world, place) {
                Resting::Sealed(rest) | Resting::Unrecorded(rest) => Some(rest),
                Resting::Clear => None,
                Resting::Absent | Resting::Modified | Resting::Differs(_) => recorded(world, place),
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
fn check_unrecorded(job: &Job<'_>, lock: &Lock) -> Result<()> {
    let world = job.world;
    world
        .graph
        .all_placements()
        .par_iter()
        .filter(|place| matches!(resting(world, place), Resting::Unrecorded(_)))
        .filter(|place| {
            let name = &world.graph.get(place.derivation).name;
            lock.entries.contains_key(name) && !job.is_written(&place.path)
        })
        .try_for_each(|place| opened(job, place).map(drop))
}
