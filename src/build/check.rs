//! Secrets in the clear that may be others than those that belong there are opened before anything is built
//! or overwritten. A key that does not belong is somebody's decision: it is named, and nothing is written
//! over it.

use std::collections::HashMap;
use std::fmt::Write as _;

use rayon::prelude::*;

use super::context::Files;
use super::held_key::{Belongs, unusable};
use super::public_part::check_secret;
use super::reading::{key_file, read_secret};
use crate::error::{Error, Kind, Result};
use crate::facts::PublicKey;
use crate::facts::pem::MAX_PEM;

use crate::first_few::at_most;
use crate::graph::{DerivationId, FilePart, Placement, Recipe};
use crate::name::TreePath;
use crate::plan::{Plan, Step, World, is_another_keypairs, is_answered, standing};
use crate::secret::Secret;
use crate::state::Made;

/// How many are told, of keys that do not belong.
const TOLD: usize = 5;

/// A secret that is not what belongs there.
pub struct Wrong<'a> {
    pub place: &'a Placement,
    /// Reads after the file's name.
    pub why: String,
    /// The public half of the key that it holds, if it holds one.
    pub holds: Option<PublicKey>,
}

impl<'a> Wrong<'a> {
    pub fn new(place: &'a Placement, why: String, secret: &Secret) -> Self {
        let holds = key_of(place, secret).ok().flatten();
        Wrong { place, why, holds }
    }
}

type Steps<'a> = HashMap<DerivationId, &'a Step>;

/// Opens every secret in the clear that is not known to be the one that belongs there. Gives those that are
/// right.
///
/// Errors: a private key that does not belong, or a secret that says nothing, unless the plan makes new ones.
pub fn check_secrets(world: World<'_>, plan: &Plan, files: &dyn Files) -> Result<Vec<TreePath>> {
    let steps: Steps<'_> = (plan.steps.iter()).map(|step| (step.derivation, step)).collect();
    let checked: Vec<(&Placement, Option<Wrong<'_>>)> = world
        .graph
        .all_placements()
        .par_iter()
        .filter(|place| standing(world, place).is_doubtful())
        .filter(|place| !gets_a_new_key(world, &steps, place))
        .map(|place| {
            if let Some(wrong) = too_large(world, place) {
                return Ok((place, Some(wrong)));
            }
            let secret = files.read_secret(&place.path)?;
            Ok((place, wrong(world, &steps, place, &secret)))
        })
        .collect::<Result<_>>()?;
    let mut right = Vec::new();
    let mut all_wrong = Vec::new();
    for (place, wrong) in checked {
        match wrong {
            None => right.push(place.path.clone()),
            Some(wrong) => all_wrong.push(wrong),
        }
    }
    if all_wrong.is_empty() { Ok(right) } else { Err(refusal(world, files, &all_wrong)) }
}

/// No secret is, so it need not be read.
fn too_large<'a>(world: World<'_>, place: &'a Placement) -> Option<Wrong<'a>> {
    let size = world.inventory.secret_size(place.path.as_str())?;
    (size > MAX_PEM as u64).then(|| Wrong {
        place,
        why: format!("is larger than 1 MiB ({size} bytes)"),
        holds: None,
    })
}

/// The artifact whose key it is or embeds.
fn owner(world: World<'_>, place: &Placement) -> DerivationId {
    world.graph.identity_in(place.derivation)
}

/// Somebody asked for another key: the one that is here is given up. A kubeconfig whose certificate the
/// cluster has yet to sign keeps the earlier one.
fn gets_a_new_key(world: World<'_>, steps: &Steps<'_>, place: &Placement) -> bool {
    let step = steps.get(&owner(world, place));
    step.is_some_and(|step| step.action.makes_key())
}

fn wrong<'a>(
    world: World<'_>,
    steps: &Steps<'_>,
    place: &'a Placement,
    secret: &Secret,
) -> Option<Wrong<'a>> {
    let step = steps.get(&place.derivation);
    // Whatever it says is replaced; but a key is not lost.
    let is_rewritten = step.is_some_and(|step| match place.content {
        FilePart::Kubeconfig => !step.only_checks(),
        _ => step.writes.contains(&place.path),
    });
    let key = key_of(place, secret);
    let holds = key.as_ref().ok().cloned().flatten();
    let wrong = |why: String| Some(Wrong { place, why, holds: holds.clone() });
    // What the lock says that an earlier apply put there gives way, as it would have then.
    let is_earlier =
        |key: &PublicKey| world.lock.orphans.get(&place.path) == Some(&Made::Key(key.digest()));
    match key {
        Ok(Some(key)) if is_rewritten && is_earlier(&key) => return None,
        Ok(Some(key))
            if is_rewritten
                && is_another_keypairs(world.graph, world.lock, place, key.digest()) =>
        {
            return None;
        }
        Ok(Some(key)) if !Belongs::on_record(world, owner(world, place)).check(&key) => {
            let public_part = public_part(world, place);
            return wrong(format!("does not hold the private key of {public_part}"));
        }
        Ok(_) => {}
        Err(_) if is_rewritten => return None,
        Err(why) => return wrong(why),
    }
    let is_known = (world.survey.public_part(owner(world, place))).public_key().is_some();
    if is_rewritten || !is_known || place.content != FilePart::Kubeconfig || waits(world, place) {
        return None;
    }
    wrong(check_secret(world, place, secret).err()?)
}

/// A kubeconfig of an earlier certificate, until the cluster has signed the next one.
fn waits(world: World<'_>, place: &Placement) -> bool {
    let owner = owner(world, place);
    match &world.graph.get(owner).recipe {
        Recipe::ClusterSigned(accepted) => !is_answered(world, owner, accepted),
        _ => false,
    }
}

/// The public half of the key that a secret is or embeds. The error reads after the file's name.
fn key_of(place: &Placement, secret: &Secret) -> Result<Option<PublicKey>, String> {
    let file = key_file(place, secret).map_err(|error| error.0)?;
    Ok(file.key_if_held()?.map(|key| key.public_key().clone()))
}

fn public_part(world: World<'_>, place: &Placement) -> String {
    let public_part = world.survey.public_part(owner(world, place));
    public_part
        .path()
        .map_or_else(|| "the lock's record of it".to_owned(), |path| format!("out/{path}"))
}

/// What does not belong, both public halves where it is a key, and a command that helps.
fn refusal(world: World<'_>, files: &dyn Files, all: &[Wrong<'_>]) -> Error {
    let name = |wrong: &Wrong<'_>| &world.graph.get(owner(world, wrong.place)).name;
    let each = all.iter().map(|wrong| format!("{}: {}", name(wrong), in_words(world, wrong)));
    let message = at_most(TOLD, each).join("\n");
    let mut help = Vec::new();
    for wrong in all.iter().take(TOLD) {
        let remedy = remedy(world, files, wrong);
        if !help.contains(&remedy) {
            help.push(remedy);
        }
    }
    let help = help.join("\n      ");
    let kind = if help.contains("--allow ") { Kind::NeedsAllow } else { Kind::Refused };
    Error::new(kind, message).help(help)
}

/// The file, what is wrong with it, and the fingerprints of both public halves.
pub fn in_words(world: World<'_>, wrong: &Wrong<'_>) -> String {
    let path = &wrong.place.path;
    let mut text = format!("out/{path} {}", wrong.why);
    let expected = world.survey.public_part(owner(world, wrong.place)).public_key();
    if let (Some(holds), Some(expected)) = (&wrong.holds, expected)
        && holds != expected
    {
        let at = public_part(world, wrong.place);
        for (path, key) in [(format!("out/{path}"), holds), (at, expected)] {
            let _ = write!(text, "\n  {path}:\n    {}", key.fingerprint());
        }
    }
    text
}

/// What puts the right secret there, as far as that is to be had.
pub fn remedy(world: World<'_>, files: &dyn Files, wrong: &Wrong<'_>) -> String {
    let place = wrong.place;
    let path = &place.path;
    let owner = owner(world, place);
    let belongs = Belongs::on_record(world, owner);
    let holds_right = |place: &Placement| {
        let secret = read_secret(world, files, place).ok()?;
        let key = key_of(place, &secret).ok()??;
        Some(belongs.check(&key))
    };
    let mut others = world.graph.key_places(owner);
    let copy = others.find(|other| {
        other.path != *path
            && (world.inventory.secret_size(other.path.as_str()))
                .is_some_and(|size| (1..=MAX_PEM as u64).contains(&size))
            && holds_right(other) == Some(true)
    });
    if let Some(copy) = copy {
        // A master may be the only copy of some other key.
        if place.content == FilePart::PrivateKey && place.node.is_none() {
            let error = unusable(world, owner, "", Some(copy));
            return error.help.unwrap_or_default();
        }
        let copy = copy.file();
        return format!("out/{copy} holds the right key: rm out/{path} && kpki apply");
    }
    if world.graph.is_key_derived(owner) {
        return format!("its key follows from the seed: rm out/{path} && kpki apply");
    }
    let name = &world.graph.get(owner).name;
    match &world.graph.get(place.derivation).recipe {
        Recipe::Kubeconfig(config) if config.client_key.is_some() => {
            format!("it holds no key that could be lost: rm out/{path} && kpki apply")
        }
        Recipe::Kubeconfig(_) if wrong.holds.as_ref().is_some_and(|key| belongs.check(key)) => {
            format!("its key is right: kpki apply --renew {name} writes it again around that key")
        }
        // A new key would not help: until its certificate is accepted, nothing writes this file.
        Recipe::Kubeconfig(_)
            if matches!(world.graph.get(owner).recipe, Recipe::ClusterSigned(_)) =>
        {
            format!(
                "put the right one back; or move out/{path} out of out/: kpki writes it again with \
                 the next certificate that is accepted for {name}"
            )
        }
        _ => unusable(world, owner, "", None).help.unwrap_or_default(),
    }
}
