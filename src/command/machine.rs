//! kpki's own folder in this user's state folder: `$XDG_STATE_HOME/kpki`, or `~/.local/state/kpki`.

use std::path::PathBuf;

use crate::keys::Entropy;
use crate::store::{MachineKey, NoMachineKey};

/// `None`: the environment names no home. What it names must be absolute (XDG Base Directory Specification).
pub(super) fn state_folder() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    Some(state.join("kpki"))
}

const NO_HOME: &str = "neither XDG_STATE_HOME nor HOME names a folder";

/// For commands that only read: nothing is made.
pub(super) fn key() -> Result<Option<MachineKey>, NoMachineKey> {
    MachineKey::read(&state_folder().ok_or(NO_HOME)?)
}

/// For commands that write.
pub(super) fn key_or_new() -> Result<MachineKey, NoMachineKey> {
    MachineKey::read_or_make(&state_folder().ok_or(NO_HOME)?, &Entropy::system())
}
