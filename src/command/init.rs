//! `kpki init`: the one writer besides the store, of files that are not there yet.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::project::DESCRIPTION;
use super::{Outcome, clock, terminal};
use crate::build::entropy::Entropy;
use crate::cli::InitArgs;
use crate::error::{Error, Result};
use crate::name::Label;
use crate::render::init::{GITATTRIBUTES, GITIGNORE, SEED_FILE, description, reproducible, seed};
use crate::secret::Secret;
use crate::version::{KubernetesVersion, NEWEST_PATCHES};

pub(super) fn run(directory: &Path, args: &InitArgs) -> Result<Outcome> {
    let newest = NEWEST_PATCHES
        .last()
        .copied()
        .unwrap_or(KubernetesVersion::DEFAULT);
    let mut text = description(&cluster_name(directory), newest);
    let mut fixed = vec![DESCRIPTION];
    let mut seed = None;
    if args.lab {
        text.push_str(&reproducible(clock().midnight()));
        fixed.push(SEED_FILE);
        seed = Some(new_seed()?);
    }
    // What the name leads to does not matter: a dangling link is in the way too.
    let exists = |name: &str| directory.join(name).symlink_metadata().is_ok();
    if let Some(taken) = fixed.into_iter().find(|name| exists(name)) {
        let path = directory.join(taken);
        return Err(
            Error::refused(format!("{} exists already", shown(&path))).help(
                "move away what is there or choose another folder with -C; nothing was written",
            ),
        );
    }
    // A repository has its own; what belongs in it is told.
    let helpers = [(".gitignore", GITIGNORE), (".gitattributes", GITATTRIBUTES)];
    let (kept, new): (Vec<_>, Vec<_>) = helpers.into_iter().partition(|(name, _)| exists(name));
    let mut files = vec![(DESCRIPTION, text.as_bytes(), PUBLIC)];
    if let Some(seed) = &seed {
        files.push((SEED_FILE, seed.expose(), SECRET));
    }
    files.extend(
        new.iter()
            .map(|(name, text)| (*name, text.as_bytes(), PUBLIC)),
    );
    fs::create_dir_all(directory).map_err(|error| Error::io("create", directory, &error))?;
    let mut written = Vec::new();
    for (name, bytes, mode) in &files {
        let path = directory.join(name);
        if let Err(error) = write_new(&path, bytes, *mode) {
            undo(&written);
            return Err(Error::io("write", &path, &error).help("nothing was written"));
        }
        written.push(path);
    }
    let names: Vec<&str> = files.iter().map(|(name, ..)| *name).collect();
    let mut text = format!("wrote {} in {}\n", listed(&names), directory.display());
    for (name, lines) in kept {
        let _ = write!(text, "left {name} as it is; add to it:\n\n{lines}\n");
    }
    let _ = writeln!(
        text,
        "next: edit {}, then kpki plan",
        shown(&directory.join(DESCRIPTION))
    );
    terminal::product(&text)?;
    Ok(Outcome::Done)
}

const PUBLIC: u32 = 0o666; // what the umask leaves of it
const SECRET: u32 = 0o600;

/// 256 bits.
fn new_seed() -> Result<Secret> {
    let digits = Entropy::system()
        .hexadecimal(32)
        .map_err(|error| Error::refused(format!("a seed {error}")))?;
    Ok(seed(&digits))
}

/// `a, b and c`
fn listed(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.concat(),
    }
}

/// The folder's own name where a cluster may be called that.
fn cluster_name(directory: &Path) -> String {
    std::path::absolute(directory)
        .ok()
        .and_then(|whole| {
            whole
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
        })
        .filter(|name| name.parse::<Label>().is_ok())
        .unwrap_or_else(|| "lab".to_owned())
}

/// `./cluster.kdl` reads worse than `cluster.kdl`.
fn shown(path: &Path) -> std::path::Display<'_> {
    path.strip_prefix(".").unwrap_or(path).display()
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path); // ours, and of no use half-written
    }
    written
}

fn undo(written: &[PathBuf]) {
    for path in written {
        let _ = fs::remove_file(path); // made by this very run
    }
}
