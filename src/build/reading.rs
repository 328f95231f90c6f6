//! Every secret that a job or a check needs is read through here, in whichever form it rests.

use super::context::{BuildContext, Files};
use crate::error::{Error, Result};
use crate::facts::FactsError;
use crate::graph::{FilePart, Placement};
use crate::holdings::KeyFile;
use crate::name::TreePath;
use crate::plan::World;
use crate::sealed::{Unopened, open};
use crate::secret::Secret;

/// Why a secret cannot be had.
pub(super) enum Trouble {
    /// No identity opens it: nothing is wrong with the file.
    Closed(Error),
    /// The operating system does not let us read it: nothing is known of the file.
    Unreadable(Error),
    /// Reads after the file's name.
    Damaged(String),
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

/// What a secret is, which its place says.
pub(super) fn key_file(place: &Placement, secret: &Secret) -> Result<KeyFile, FactsError> {
    match place.content {
        FilePart::Kubeconfig => KeyFile::kubeconfig(secret),
        _ => Ok(KeyFile::Key(secret.clone())),
    }
}

impl BuildContext<'_> {
    /// A secret that is here.
    pub fn open(&self, place: &Placement) -> Result<Secret, Trouble> {
        read_place(self.world, self.files, place)
    }
}
