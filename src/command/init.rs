//! `kpki init`: the one writer besides the store, of files that are not there yet.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::project::DESCRIPTION;
use super::{Outcome, terminal};
use crate::error::{Error, Result};
use crate::name::Label;
use crate::render::init::{GITATTRIBUTES, GITIGNORE, description};
use crate::version::{KubernetesVersion, NEWEST_PATCHES};

pub(super) fn run(directory: &Path) -> Result<Outcome> {
    let newest = NEWEST_PATCHES
        .last()
        .copied()
        .unwrap_or(KubernetesVersion::DEFAULT);
    let description = description(&cluster_name(directory), newest);
    let files = [
        (DESCRIPTION, description.as_str()),
        (".gitignore", GITIGNORE),
        (".gitattributes", GITATTRIBUTES),
    ];
    // What the name leads to does not matter: a dangling link is in the way too.
    let exists = |name: &str| directory.join(name).symlink_metadata().is_ok();
    if exists(DESCRIPTION) {
        let path = directory.join(DESCRIPTION);
        return Err(
            Error::refused(format!("{} exists already", shown(&path))).help(
                "move away what is there or choose another folder with -C; nothing was written",
            ),
        );
    }
    // A repository has its own; what belongs in it is told.
    let (kept, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|(name, _)| exists(name));
    fs::create_dir_all(directory).map_err(|error| Error::io("create", directory, &error))?;
    let mut written = Vec::new();
    for (name, text) in &files {
        let path = directory.join(name);
        if let Err(error) = write_new(&path, text) {
            undo(&written);
            return Err(Error::io("write", &path, &error).help("nothing was written"));
        }
        written.push(path);
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
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

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
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
