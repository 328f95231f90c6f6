//! The files of a key pair that is not described any more. What a folder of the transaction holds of them is
//! deleted only once the lock that no longer knows them is durable.

use super::context::BuildContext;
use crate::error::{Error, Result};
use crate::hash::Digest;
use crate::keys::PrivateKey;
use crate::name::TreePath;
use crate::plan::{Plan, public_half};
use crate::sealed::SUFFIX;
use crate::state::{Entry, File};

const HELP: &str =
    "nothing was deleted; move it out of out/ if it is yours, then run the command again";

/// Removes them all, or none where one of them is not what the lock has.
pub(super) fn retire(context: &BuildContext<'_>, plan: &Plan) -> Result<()> {
    let mut gone = Vec::new();
    for retired in &plan.retired {
        let Some(entry) = context.world.lock.entries.get(&retired.name) else { continue };
        for path in &retired.keys {
            check_key(context, entry, path)
                .map_err(|why| Error::refused(format!("out/{path} {why}")).help(HELP))?;
            gone.push(path);
        }
        gone.extend(retired.public.iter().filter(|path| is_its_own(context, entry, path)));
    }
    // Certificates last: where this is cut short, they still say whose the keys are.
    gone.sort_by_key(|path| path.as_str().strip_suffix(".crt").is_some());
    for path in gone {
        context.files.remove(path)?;
    }
    Ok(())
}

/// Somebody else's file in its place stays.
fn is_its_own(context: &BuildContext<'_>, entry: &Entry, path: &TreePath) -> bool {
    let stem = path.as_str().rsplit_once('.').map(|(stem, _)| stem);
    let key = stem.and_then(|stem| public_half(context.world.inventory, stem));
    key.is_some() && key == entry.public_key
}

/// A sealed file that is on record is kpki's; anything else is opened.
fn check_key(context: &BuildContext<'_>, entry: &Entry, path: &TreePath) -> Result<(), String> {
    let clear = path.as_str().strip_suffix(SUFFIX);
    if let Some(clear) = clear
        && let Some(File::Secret(secret)) = context.world.inventory.get(clear)
        && let (Some(sealed), Some(rest)) = (&secret.sealed, entry.rest)
        && sealed.digest == rest.sealed
    {
        return Ok(());
    }
    let secret =
        context.files.read_secret(path).map_err(|error| format!("cannot be opened: {error}"))?;
    let key = PrivateKey::from_pem(secret.expose()).map_err(|error| error.to_string())?;
    let digest: Digest = key.public_key().digest();
    if Some(digest) == entry.public_key {
        Ok(())
    } else {
        Err("holds another key than the lock has".to_owned())
    }
}
