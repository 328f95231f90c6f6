//! What `--prune` deletes: what kpki put there and nobody needs.
//!
//! A lock lies in a repository, so its word is not enough for a private key: it is opened, and must be the
//! one that the lock says and that a certificate of this project's is over. One that belongs to anything
//! described goes only where the same key rests in its place.

use std::collections::{BTreeMap, HashMap};

use super::context::BuildContext;
use super::held_key::{Belongs, held_key};
use crate::error::{Error, Result};
use crate::facts::PublicKey;
use crate::graph::{DerivationId, FilePart, origins};
use crate::hash::Digest;
use crate::holdings::KeyFile;
use crate::name::TreePath;
use crate::plan::{AtRest, Orphan, Plan, Proof, World, at_rest};
use crate::sealed::{SUFFIX, Unopened, open};
use crate::secret::Secret;
use crate::state::{File, Made};

const HELP: &str = "nothing was deleted; move these files out of out/, or leave --prune away, then run the command again";

/// Deletes all orphans, or none where one of them is not what the lock says.
pub(super) fn prune(context: &BuildContext<'_>, plan: &Plan) -> Result<()> {
    let mut described = Described::of(context);
    let proof = Proof::of(context.world);
    let mut kept = Vec::new();
    for orphan in &plan.orphans {
        let Orphan::File { path, secret, made } = orphan else {
            continue;
        };
        if *secret && let Err(why) = judge(context, &proof, &mut described, path, *made) {
            kept.push(format!("out/{path} {why}"));
        }
    }
    if !kept.is_empty() {
        return Err(Error::refused(kept.join("\n")).help(HELP));
    }
    let mut paths: Vec<&TreePath> = (plan.orphans.iter())
        .filter_map(|orphan| match orphan {
            Orphan::File { path, .. } => Some(path),
            Orphan::Line(_) => None,
        })
        .collect();
    // Certificates last: where this is cut short, they still prove whose the keys are.
    paths.sort_by_key(|path| path.as_str().strip_suffix(".crt").is_some());
    for path in paths {
        context.files.remove(path)?;
    }
    Ok(())
}

/// The lock's lines of what stays where nothing describes it. A private key that is not here may be
/// elsewhere.
pub(super) fn remembered(world: World<'_>, plan: &Plan) -> BTreeMap<TreePath, Made> {
    let absent = world.lock.orphans.iter().filter(|(path, made)| {
        let path = path.as_str();
        let clear = path.strip_suffix(SUFFIX).unwrap_or(path);
        match world.inventory.get(path).or(world.inventory.get(clear)) {
            None => matches!(made, Made::Key(_)) && !world.graph.is_placed(clear),
            Some(file) => matches!(file, File::Unreadable { .. }),
        }
    });
    let here = plan.orphans.iter().filter_map(|orphan| match orphan {
        Orphan::File { path, made, .. } => Some((path.clone(), *made)),
        Orphan::Line(_) => None,
    });
    absent
        .map(|(path, made)| (path.clone(), *made))
        .chain(plan.unproven.iter().cloned())
        .chain(here)
        .collect()
}

/// Why a secret is not deleted; reads after its name.
fn judge(
    context: &BuildContext<'_>,
    proof: &Proof<'_>,
    described: &mut Described<'_>,
    path: &TreePath,
    made: Made,
) -> Result<(), String> {
    let of = match made {
        // A sealed file is never written twice: this one is kpki's. Whose key it holds, its place says.
        Made::Content(_) => {
            let clear = path.as_str().strip_suffix(SUFFIX).unwrap_or(path.as_str());
            if let Some(file) = opened(context, path)?
                && !proof.keys(clear).contains(&public_half(clear, &file)?)
            {
                return Err("holds another key than that of the certificate beside it".to_owned());
            }
            let origins = origins(clear);
            origins
                .iter()
                .filter(|origin| origin.content == FilePart::PrivateKey)
                .find_map(|origin| context.world.graph.find(&origin.artifact.name()))
        }
        Made::Key(known) => {
            let file = context.files.read_secret(path);
            let file = file.map_err(|error| format!("cannot be opened: {error}"))?;
            let key = public_half(path.as_str(), &file)?;
            if key != known {
                return Err("holds another key than the one that kpki put there".to_owned());
            }
            described.by_key.get(&key).copied()
        }
    };
    match of {
        Some(id) if !described.rests_in_its_place(id) => {
            let name = &context.world.graph.get(id).name;
            let mut places = context.world.graph.key_places(id);
            let place = places
                .next()
                .map_or_else(String::new, |place| format!("; it belongs at out/{}", place.path));
            Err(format!("may be the only copy of the key of {name}{place}"))
        }
        _ => Ok(()),
    }
}

/// Keys that something described has.
struct Described<'j> {
    context: &'j BuildContext<'j>,
    by_key: HashMap<Digest, DerivationId>,
    rests: HashMap<DerivationId, bool>,
}

impl<'j> Described<'j> {
    fn of(context: &'j BuildContext<'j>) -> Self {
        let world = context.world;
        let mut by_key = HashMap::new();
        for id in world.graph.ids() {
            let entry = world.lock.entries.get(&world.graph.get(id).name);
            let recorded = entry.and_then(|entry| entry.public_key);
            let here = world.survey.public_part(id).public_key().map(PublicKey::digest);
            for key in recorded.into_iter().chain(here) {
                by_key.entry(key).or_insert(id);
            }
        }
        Described { context, by_key, rests: HashMap::new() }
    }

    /// The key is in one of the places that a description gives it, looked at once.
    fn rests_in_its_place(&mut self, id: DerivationId) -> bool {
        let context = self.context;
        *self.rests.entry(id).or_insert_with(|| {
            let mut places = context.world.graph.key_places(id);
            let sealed =
                places.any(|place| matches!(at_rest(context.world, place), AtRest::Sealed(_)));
            let belongs = Belongs::on_record(context.world, id);
            sealed || matches!(held_key(context, id, belongs), Ok(Some(_)))
        })
    }
}

/// A sealed file's secret, where an identity was given that opens it.
fn opened(context: &BuildContext<'_>, path: &TreePath) -> Result<Option<Secret>, String> {
    let unreadable = |error: Error| format!("cannot be opened: {error}");
    let clear = path.as_str().strip_suffix(SUFFIX).unwrap_or(path.as_str());
    let secret = context.world.inventory.secret(clear);
    let Some(sealed) = secret.and_then(|secret| secret.sealed.as_ref()) else {
        return Err("is not sealed".to_owned());
    };
    let identities = context.files.identities().map_err(unreadable)?;
    if identities.is_empty() {
        return Ok(None);
    }
    let file = context.files.read_secret(path).map_err(unreadable)?;
    match open(file.expose(), sealed.size, identities) {
        Ok(secret) => Ok(Some(secret)),
        Err(Unopened::Damaged) => Err("is damaged: cut or changed".to_owned()),
        // Sealed to others: as much is known of it as without an identity.
        Err(Unopened::WithoutAge | Unopened::NoneFits) => Ok(None),
    }
}

/// Of a kubeconfig that of its certificate, whose key it must hold or leave to a file.
fn public_half(path: &str, file: &Secret) -> Result<Digest, String> {
    if path.strip_suffix(".key").is_some() {
        return Ok(KeyFile::Key(file.clone()).key()?.public_key().digest());
    }
    let file = KeyFile::kubeconfig(file).map_err(|error| error.0)?;
    let own = file.certificate()?.ok_or("holds no certificate")?;
    KeyFile::check_pair(&own, file.key_if_held()?.as_ref())?;
    Ok(own.public_key.digest())
}
