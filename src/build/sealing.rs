//! What a job does about the form in which secrets rest: everything is written through here, and every
//! secret is read through here.

use std::collections::HashMap;
use std::sync::PoisonError;

use rayon::prelude::*;

use super::execute::{Files, Job};
use super::held_key::{Belongs, unusable};
use super::identity_file::Unopened;
use super::key::PrivateKey;
use super::seal::{open, seal};
use crate::error::{Error, Result};
use crate::facts::{CertificateFacts, KubeconfigFacts, certificates_in_pem};
use crate::graph::{Content, DerivationId, Placement, Recipe};
use crate::hash::Digest;
use crate::name::TreePath;
use crate::plan::{Change, Plan, Resting, Seal, Step, World, recorded, resting};
use crate::secret::Secret;
use crate::state::{Lock, Rest};

/// The secrets written so far, by their names in the clear; `None`: in the clear.
pub(super) type Written = HashMap<TreePath, Option<Rest>>;

/// Of a sealed file. Git keeps no modes, and it is not secret.
const SEALED_MODE: u32 = 0o600;

/// Why a secret cannot be had.
pub(super) enum Trouble {
    /// No identity opens it: nothing is wrong with the file.
    Closed(Error),
    /// The operating system does not let us read it: nothing is known of the file.
    Unreadable(Error),
    /// Reads after the file's name.
    Damaged(String),
}

impl Job<'_> {
    /// Writes a file in the form that is described. The other form, if it alone was there, goes.
    pub fn put(&self, place: &Placement, bytes: &[u8]) -> Result<()> {
        let old = self.world.inventory.secret(place.path.as_str());
        let Some(recipients) = &place.recipients else {
            self.files.write(&place.path, bytes, place.mode)?;
            if old.is_some_and(|old| old.sealed.is_some()) {
                self.files.remove(&place.sealed_file())?;
            }
            if place.content.is_secret() {
                self.note(place, None);
            }
            return Ok(());
        };
        let file = seal(recipients, bytes).map_err(|error| Error::internal(error.to_string()))?;
        self.files.write(&place.sealed_file(), &file, SEALED_MODE)?;
        if old.is_some_and(|old| old.sealed.is_none()) {
            self.files.remove(&place.path)?;
        }
        self.note(place, Some(Rest { sealed: Digest::of(&file), recipients: recipients.digest() }));
        Ok(())
    }

    fn note(&self, place: &Placement, rest: Option<Rest>) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(place.path.clone(), rest);
    }

    fn is_written(&self, path: &TreePath) -> bool {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.contains_key(path)
    }

    /// A secret that is here.
    pub fn open(&self, place: &Placement) -> Result<Secret, Trouble> {
        read_place(self.world, self.files, place)
    }

    /// Whether a step reads the key that an artifact has. A key in the clear is checked whatever the step is;
    /// a sealed one is opened only where it goes into a file.
    pub fn opens_key(&self, id: DerivationId, step: &Step) -> bool {
        let graph = self.world.graph;
        let in_the_clear = |place: &Placement| {
            let secret = self.world.inventory.secret(place.path.as_str());
            secret.is_some_and(|secret| secret.sealed.is_none())
        };
        step.action.makes_key()
            || graph.key_places(id).any(in_the_clear)
            || graph
                .placements_of(id, Content::PrivateKey)
                .any(|place| step.writes.contains(&place.path))
    }
}

/// What is longer is no key, whatever it is.
const LARGEST: u64 = 256 << 20;

const GIVE_ONE: &str = "give the secret key of one of them: --identity FILE, or KPKI_IDENTITY=FILE";

/// A secret that is here, in whichever form it rests: where both forms are, the sealed one.
pub fn read_secret(world: World<'_>, files: &dyn Files, place: &Placement) -> Result<Secret> {
    read_place(world, files, place).map_err(|trouble| match trouble {
        Trouble::Closed(error) | Trouble::Unreadable(error) => error,
        Trouble::Damaged(why) => Error::refused(format!("out/{} {why}", file_here(world, place))),
    })
}

fn read_place(world: World<'_>, files: &dyn Files, place: &Placement) -> Result<Secret, Trouble> {
    let secret = world.inventory.secret(place.path.as_str());
    if secret.is_some_and(|secret| secret.size() > LARGEST) {
        return Err(Trouble::Damaged("is larger than 256 MiB".to_owned()));
    }
    let Some(sealed) = secret.and_then(|secret| secret.sealed.as_ref()) else {
        return files.read_secret(&place.path).map_err(Trouble::Unreadable);
    };
    let path = place.sealed_file();
    let file = files.read_secret(&path).map_err(Trouble::Unreadable)?;
    let identities = files.identities().map_err(Trouble::Closed)?;
    let (why, help) = match open(file.expose(), sealed.size, identities) {
        Ok(secret) => return Ok(secret),
        Err(Unopened::Damaged) => {
            return Err(Trouble::Damaged("is damaged: cut or changed".to_owned()));
        }
        Err(Unopened::WithoutAge) => {
            ("this kpki was built without the feature `age`".to_owned(), "take one that has it")
        }
        Err(Unopened::NoneFits) => {
            let why = match identities.len() {
                0 => "no identity was given".to_owned(),
                1 => "the identity given is none of them".to_owned(),
                count => format!("none of the {count} identities given is one of them"),
            };
            (why, GIVE_ONE)
        }
    };
    let name = &world.graph.get(place.derivation).name;
    let message = format!("{name}: out/{path} is sealed for {}, and {why}", sealed.in_words());
    Err(Trouble::Closed(Error::refused(message).help(help)))
}

/// The file that holds a secret now: where both forms are here, the sealed one.
pub(super) fn file_here(world: World<'_>, place: &Placement) -> TreePath {
    match world.inventory.secret(place.path.as_str()) {
        Some(secret) if secret.sealed.is_some() => place.sealed_file(),
        _ => place.path.clone(),
    }
}

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
    if place.content != Content::Kubeconfig {
        return PrivateKey::from_pem(secret.expose()).map_err(|error| error.to_string());
    }
    let config = KubeconfigFacts::from_yaml(secret.expose()).map_err(|error| error.to_string())?;
    let key = config.client_key.ok_or("holds no key: it names a file")?;
    let key = PrivateKey::from_pem(key.expose()).map_err(|error| error.to_string())?;
    let certificates =
        certificates_in_pem(&config.client_certificate).map_err(|error| error.to_string())?;
    let own = certificates.first().ok_or("holds no certificate")?;
    let own = CertificateFacts::from_der(own).map_err(|error| error.to_string())?;
    if own.public_key == *key.public_key() {
        Ok(key)
    } else {
        Err("holds a certificate of another key".to_owned())
    }
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
