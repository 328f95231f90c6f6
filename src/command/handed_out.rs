//! A secret of `out/` for somebody else: held against its public half before it leaves.

use super::folder::Folder;
use super::on_disk::OnDisk;
use crate::build::check::{Wrong, in_words, remedy};
use crate::build::public_part::check_secret;
use crate::build::reading::read_secret;
use crate::error::{Error, Result};
use crate::graph::Placement;
use crate::plan::World;
use crate::sealed::SUFFIX;
use crate::secret::Secret;
use crate::state::SecretFile;
use crate::store::Pending;

/// What is half old and half new is nobody's.
pub(super) fn refuse_interrupted(folder: &Folder) -> Result<()> {
    if folder.pending == Pending::Nothing {
        return Ok(());
    }
    Err(Error::refused(
        "an apply was interrupted, or is running: out/ may be half old and half new",
    )
    .help("kpki apply finishes what was interrupted; kpki plan shows what that does"))
}

/// The one way to a secret that leaves `out/`.
pub(super) fn secret(world: World<'_>, secrets: &OnDisk<'_>, place: &Placement) -> Result<Secret> {
    let bytes = read(world, secrets, place)?;
    check_secret(world, place, &bytes)
        .map_err(|why| not_handed_out(world, secrets, place, why, &bytes))?;
    Ok(bytes)
}

fn not_handed_out(
    world: World<'_>,
    secrets: &OnDisk<'_>,
    place: &Placement,
    why: String,
    bytes: &Secret,
) -> Error {
    let wrong = Wrong::new(place, why, bytes);
    let help = remedy(world, secrets, &wrong);
    Error::refused(in_words(world, &wrong)).help(format!("nothing was handed out; {help}"))
}

/// It rests in the clear under its own name, or sealed under that name with `.age` behind it.
fn read(world: World<'_>, secrets: &OnDisk<'_>, place: &Placement) -> Result<Secret> {
    let clear = format!("out/{}", place.path);
    match world.inventory.secret(place.path.as_str()) {
        Some(SecretFile { plain: Some(_), sealed: Some(_) }) => Err(Error::refused(format!(
            "{clear} and {clear}{SUFFIX} are both here, and only one can be right"
        ))
        .help("kpki plan says which one belongs there; move the other one away")),
        Some(_) => read_secret(world, secrets, place),
        None => Err(Error::refused(format!("{clear} is not here"))
            .help("run this where the private keys are; kpki apply makes what is missing")),
    }
}
