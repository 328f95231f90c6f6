//! `kpki init`: writes files that are not there yet, and lines that are missing. A description that is there
//! is never touched; what Git should know is topped up beside it.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use super::folder::DESCRIPTION;
use super::{Outcome, clock, terminal};
use crate::cli::InitArgs;
use crate::error::{Error, Result};
use crate::keys::Entropy;
use crate::name::Label;
use crate::render::init::{
    GITATTRIBUTES, GITIGNORE, SEED_FILE, description, missing, reproducible, seed,
};
use crate::secret::Secret;
use crate::spec::KubeletClient;
use crate::version::KubernetesVersion;
use crate::visible;

/// What becomes of a file.
pub(super) enum Change {
    Write(Secret, u32),
    /// To a file of the user's, of this length.
    Append(String, u64),
    /// It has everything, or is not ours to change.
    Nothing,
    /// It is none that can be added to; these lines belong in it.
    Tell(&'static str),
}

pub(super) fn run(directory: &Path, args: &InitArgs) -> Result<Outcome> {
    let mut text = description(&cluster_name(directory), KubernetesVersion::newest());
    let mut changes = Vec::new();
    if args.lab {
        text.push_str(&reproducible(clock().midnight()));
        changes.push((SEED_FILE, Change::Write(new_seed()?, SECRET)));
    }
    // A new seed is for a new description alone.
    let described = !args.lab && directory.join(DESCRIPTION).is_file();
    if !described {
        changes.insert(0, (DESCRIPTION, Change::public(&text)));
    }
    // What the name leads to does not matter: a dangling link is in the way too.
    let exists = |name: &str| directory.join(name).symlink_metadata().is_ok();
    if let Some((taken, _)) = changes.iter().find(|(name, _)| exists(name)) {
        let path = directory.join(taken);
        return Err(Error::refused(format!("{} exists already", shown(&path)))
            .nothing_written()
            .help("move away what is there or choose another folder with -C"));
    }
    for (name, ours) in [(".gitignore", GITIGNORE), (".gitattributes", GITATTRIBUTES)] {
        changes.push((name, change(&directory.join(name), ours)));
    }
    fs::create_dir_all(directory).map_err(|error| Error::io("create", directory, &error))?;
    let mut done: Vec<(PathBuf, &Change)> = Vec::new();
    for (name, change) in &changes {
        let path = directory.join(name);
        if let Err(error) = change.make(&path) {
            for (path, change) in done {
                undo(change, &path);
            }
            return Err(Error::io("write", &path, &error).nothing_written());
        }
        done.push((path, change));
    }
    terminal::product_after("the files were written", &told(directory, described, &changes))?;
    Ok(Outcome::Done)
}

impl Change {
    pub(super) fn make(&self, path: &Path) -> std::io::Result<()> {
        match self {
            Change::Write(bytes, mode) => write_new(path, bytes.expose(), *mode),
            Change::Append(text, length) => append(path, text, *length),
            Change::Nothing | Change::Tell(_) => Ok(()),
        }
    }

    fn public(text: &str) -> Change {
        Change::Write(Secret::new(text.as_bytes().to_vec()), PUBLIC)
    }
}

const PUBLIC: u32 = 0o666; // what the umask leaves of it
const SECRET: u32 = 0o600;

/// Of a kubelet that renews its certificate itself it holds no key, unlike every other kubeconfig.
const PUBLIC_KUBELET_CONF: &str = "!out/nodes/*/etc/kubernetes/kubelet.conf\n";

/// What Git should know, beside a description that is new.
pub(super) fn git_files(directory: &Path, kubelets: KubeletClient) -> Result<()> {
    let more = match kubelets {
        KubeletClient::SelfRotated => Some((".gitignore", PUBLIC_KUBELET_CONF)),
        KubeletClient::Issued => None,
    };
    let files = [(".gitignore", GITIGNORE), (".gitattributes", GITATTRIBUTES)];
    for (name, ours) in files.into_iter().chain(more) {
        let path = directory.join(name);
        let made = change(&path, ours).make(&path);
        made.map_err(|error| Error::io("write", &path, &error))?;
    }
    Ok(())
}

/// 256 bits.
fn new_seed() -> Result<Secret> {
    let digits = Entropy::system()
        .hexadecimal(32)
        .map_err(|error| Error::refused(format!("a seed {error}")))?;
    Ok(seed(&digits))
}

/// A repository has its own rules; what they lack is added at their end.
pub(super) fn change(path: &Path, ours: &'static str) -> Change {
    match path.symlink_metadata() {
        Err(_) => Change::public(ours),
        Ok(facts) if facts.is_file() => match fs::read_to_string(path) {
            Ok(existing) => missing(&existing, ours)
                .map_or(Change::Nothing, |lines| Change::Append(lines, facts.len())),
            Err(_) => Change::Tell(ours),
        },
        Ok(_) => Change::Tell(ours),
    }
}

fn told(directory: &Path, described: bool, changes: &[(&str, Change)]) -> String {
    let named = |wanted: fn(&Change) -> bool| -> Vec<&str> {
        let all = changes.iter();
        all.filter(|(_, change)| wanted(change)).map(|(name, _)| *name).collect()
    };
    let written = named(|change| matches!(change, Change::Write(..)));
    let mut text = String::new();
    if !written.is_empty() {
        let _ = writeln!(text, "wrote {} in {}", listed(&written), visible::path(directory));
    }
    let added = named(|change| matches!(change, Change::Append(..)));
    if !added.is_empty() {
        let _ = writeln!(text, "added what was missing to {}", listed(&added));
    }
    for (name, change) in changes {
        if let Change::Tell(lines) = change {
            let _ = write!(text, "left {name} as it is; add to it:\n\n{lines}\n");
        }
    }
    let path = directory.join(DESCRIPTION);
    let path = shown(&path);
    if !described {
        let _ = writeln!(text, "next: edit {path}, then kpki plan");
    } else if text.is_empty() {
        let _ = writeln!(text, "nothing to do: {path} is there, and Git knows what to ignore");
    } else {
        let _ = writeln!(text, "left {path} as it is");
    }
    text
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
        .and_then(|whole| whole.file_name().map(|name| name.to_string_lossy().into_owned()))
        .filter(|name| name.parse::<Label>().is_ok())
        .unwrap_or_else(|| "lab".to_owned())
}

/// `./cluster.kdl` reads worse than `cluster.kdl`.
fn shown(path: &Path) -> String {
    visible::path(path.strip_prefix(".").unwrap_or(path))
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    refuse_beyond_limit(bytes.len() as u64)?;
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path); // ours, and of no use half-written
    }
    written
}

fn append(path: &Path, text: &str, length: u64) -> std::io::Result<()> {
    refuse_beyond_limit(length.saturating_add(text.len() as u64))?;
    let mut file = OpenOptions::new().append(true).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = file.set_len(length); // as it was
    }
    written
}

/// A write beyond it would end the process (SIGXFSZ, setrlimit(2)), and leave an empty file.
fn refuse_beyond_limit(length: u64) -> std::io::Result<()> {
    match getrlimit(Resource::Fsize).current {
        Some(most) if length > most => Err(Errno::FBIG.into()),
        _ => Ok(()),
    }
}

/// Of what this very run has done. Nothing can be done where that fails.
fn undo(change: &Change, path: &Path) {
    let _ = match change {
        Change::Write(..) => fs::remove_file(path),
        Change::Append(_, length) => {
            OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(*length))
        }
        Change::Nothing | Change::Tell(_) => Ok(()),
    };
}
