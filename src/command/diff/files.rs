//! Two files, or two folders of any origin. Files that hold private keys alone are never opened.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::diff::{Comparison, Item, Side, items, of_lock};
use crate::error::{Error, Result};
use crate::facts::KubeconfigFile;
use crate::facts::pem::MAX_PEM;
use crate::lock;
use crate::render::Section;
use crate::secret::Secret;
use crate::sources::{read_regular, size_in_words};
use crate::visible::{self, printable};

pub(super) enum Content {
    Lock(Side),
    Items(Vec<Item>),
}

/// A file that the user names.
pub(super) fn read(path: &Path) -> Result<Content> {
    let refuse = |why: String| Error::refused(format!("{} {why}", visible::path(path)));
    let bytes = read_regular(path, lock::LIMIT).map(Secret::new);
    let bytes = bytes.map_err(|why| Error::refused(format!("{}: {why}", visible::path(path))))?;
    if lock::is_lock(bytes.expose()) {
        let lock = lock::parse(bytes.expose()).map_err(|error| {
            let message = format!("{}:{}: {}", visible::path(path), error.line, error.why);
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
            let side = |items| Side::from([(visible::path(after_path), items)]);
            Ok((Section::Files, Comparison::of(&side(before), &side(after))))
        }
        (before, _) => {
            let lock = matches!(before, Content::Lock(_));
            let lock = visible::path(if lock { before_path } else { after_path });
            Err(Error::refused(format!("{lock} is a lock, and the other is none"))
                .help("name two locks, or two certificates"))
        }
    }
}

/// What a person would look for below a folder, by the ends of names.
const PUBLIC: [&str; 8] = [".crt", ".cer", ".pem", ".pub", ".csr", ".age", CONF, ".kubeconfig"];
const CONF: &str = ".conf";
/// Kubeconfigs have these names, too, and so have many other files.
const PERHAPS: [&str; 2] = [".yaml", ".yml"];
const PERHAPS_WHOLE: [&str; 2] = ["config", "kubeconfig"];
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
                let message = format!("{} holds more than {FILES} files", visible::path(folder));
                return Err(Error::refused(message).help("name a folder further down"));
            }
            let own = entry.file_name();
            // Two names that are no text must not become one.
            let own = own
                .to_str()
                .map_or_else(|| own.as_bytes().escape_ascii().to_string(), str::to_owned);
            let below = if name.is_empty() { own.clone() } else { format!("{name}/{own}") };
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                if own != ".git" {
                    waiting.push((entry.path(), below));
                }
            } else if let Some(items) = held(&entry.path(), &own, kind.is_symlink()) {
                found.insert(printable(&below), items);
            }
        }
    }
    Ok(found)
}

/// `None`: nothing to compare. What cannot be read is never that.
fn held(path: &Path, name: &str, is_link: bool) -> Option<Vec<Item>> {
    let ends = |all: &[&str]| all.iter().any(|end| name.ends_with(end));
    let perhaps = ends(&PERHAPS) || PERHAPS_WHOLE.contains(&name);
    if ends(&[KEY]) || !(ends(&PUBLIC) || perhaps) {
        return None;
    }
    if is_link {
        let link = Item::new("symbolic link");
        return Some(vec![match std::fs::read_link(path) {
            Ok(to) => link.text("to", visible::path(&to)),
            Err(error) => link.unknown("why", &error.to_string()),
        }]);
    }
    let bytes = match read_regular(path, MAX_PEM) {
        Ok(bytes) if bytes.len() > MAX_PEM => return unread("it is larger than 1 MiB", perhaps),
        Ok(bytes) => Secret::new(bytes),
        Err(why) => return unread(&why, perhaps),
    };
    let items = items(&bytes);
    let is_unread = items.iter().all(|item| item.kind == "unreadable file");
    if !is_unread {
        let is_kubeconfig = items.iter().any(|item| item.kind == "kubeconfig");
        return (!perhaps || is_kubeconfig).then_some(items);
    }
    if KubeconfigFile::is_meant(bytes.expose()) {
        return Some(items);
    }
    match perhaps {
        true => None,
        // Many other programs have a NAME.conf.
        false if ends(&[CONF]) => Some(vec![Item::new("other file").hidden("content", bytes)]),
        false => Some(items),
    }
}

/// A manifest that cannot be read would not have been compared either.
fn unread(why: &str, perhaps: bool) -> Option<Vec<Item>> {
    (!perhaps).then(|| vec![Item::new("unreadable file").unknown("why", why)])
}
