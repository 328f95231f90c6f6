//! Two files, or two folders of any origin. Files that hold private keys alone are never opened.

use std::path::{Path, PathBuf};

use crate::diff::{Comparison, Item, Side, items, of_lock};
use crate::error::{Error, Result};
use crate::facts::pem::MAX_PEM;
use crate::lock;
use crate::render::Section;
use crate::secret::Secret;
use crate::sources::{read_regular, size_in_words};
use crate::visible;

pub(super) enum Content {
    Lock(Side),
    Items(Vec<Item>),
}

/// A file that the user names.
pub(super) fn read(path: &Path) -> Result<Content> {
    let refuse = |why: String| Error::refused(format!("{} {why}", shown(path)));
    let bytes = read_regular(path, lock::LIMIT).map(Secret::new);
    let bytes = bytes.map_err(|why| Error::refused(format!("{}: {why}", shown(path))))?;
    if lock::is_lock(bytes.expose()) {
        let lock = lock::parse(bytes.expose()).map_err(|error| {
            let message = format!("{}:{}: {}", shown(path), error.line, error.why);
            Error::refused(message).help(error.help)
        })?;
        return Ok(Content::Lock(of_lock(&lock)));
    }
    if bytes.expose().len() > MAX_PEM {
        return Err(refuse(format!("is larger than {}", size_in_words(MAX_PEM))));
    }
    let items = items(&bytes);
    if let [Item { kind: "unreadable file", fields, .. }] = items.as_slice() {
        let why = fields.first().map(|field| crate::diff::plain(&field.value));
        let why = why.unwrap_or_default();
        return Err(refuse(why.trim_start_matches("it ").to_owned()));
    }
    if items.iter().all(|item| item.kind == "private key") {
        return Err(refuse("is a private key, which is not opened".to_owned())
            .help("compare its certificate or public key"));
    }
    Ok(Content::Items(items))
}

pub(super) fn compare(
    [before_path, after_path]: &[PathBuf; 2],
    before: Content,
    after: Content,
) -> Result<(Section, Comparison)> {
    match (before, after) {
        (Content::Lock(before), Content::Lock(after)) => {
            Ok((Section::Lock, Comparison::of(&before, &after)))
        }
        (Content::Items(before), Content::Items(after)) => {
            let side = |items| Side::from([(shown(after_path), items)]);
            Ok((Section::Files, Comparison::of(&side(before), &side(after))))
        }
        (before, _) => {
            let lock = matches!(before, Content::Lock(_));
            let lock = shown(if lock { before_path } else { after_path });
            Err(Error::refused(format!("{lock} is a lock, and the other is none"))
                .help("name two locks, or two certificates"))
        }
    }
}

fn shown(path: &Path) -> String {
    visible::path(path)
}

/// What a person would look for below a folder, by the ends of names.
const PUBLIC: [&str; 6] = [".crt", ".cer", ".pem", ".pub", ".csr", ".age"];
const KUBECONFIG: [&str; 2] = [".conf", ".kubeconfig"];
/// As etcd's and cfssl's documents call them: `server-key.pem`.
const KEY: &str = "key.pem";
/// More is no folder of certificates.
const FILES: usize = 1_000_000;

/// Every certificate below a folder, by its path there.
pub(super) fn below(folder: &Path) -> Result<Side> {
    let mut found = Side::new();
    let mut waiting = vec![(folder.to_owned(), String::new())];
    let mut seen = 0;
    while let Some((path, name)) = waiting.pop() {
        let failed = |error| Error::io("list", &path, &error);
        for entry in std::fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            seen += 1;
            if seen > FILES {
                let message = format!("{} holds more than {FILES} files", shown(folder));
                return Err(Error::refused(message).help("name a folder further down"));
            }
            let own = entry.file_name().to_string_lossy().into_owned();
            let below = if name.is_empty() { own.clone() } else { format!("{name}/{own}") };
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                if own != ".git" {
                    waiting.push((entry.path(), below));
                }
            } else if let Some(items) = held(&entry.path(), &own, kind.is_symlink()) {
                found.insert(below, items);
            }
        }
    }
    Ok(found)
}

/// `None`: nothing to compare.
fn held(path: &Path, name: &str, is_link: bool) -> Option<Vec<Item>> {
    let ends = |all: &[&str]| all.iter().any(|end| name.ends_with(end));
    let is_kubeconfig = ends(&KUBECONFIG);
    if name.ends_with(KEY) || !(ends(&PUBLIC) || is_kubeconfig) {
        return None;
    }
    if is_link {
        let to = std::fs::read_link(path).ok()?;
        return Some(vec![Item::new("symbolic link").text("to", to.to_string_lossy())]);
    }
    let items = match read_regular(path, MAX_PEM) {
        Ok(bytes) if bytes.len() > MAX_PEM => unreadable("it is larger than 1 MiB"),
        Ok(bytes) => items(&Secret::new(bytes)),
        Err(why) => unreadable(&why),
    };
    let unread = items.iter().all(|item| item.kind == "unreadable file");
    // Many other programs have a NAME.conf.
    (!(is_kubeconfig && unread)).then_some(items)
}

fn unreadable(why: &str) -> Vec<Item> {
    vec![Item::new("unreadable file").text("why", why)]
}
