//! What of the host a container sees, and what it must see.

use std::fmt::Write as _;

use super::extend::add_items;
use super::locate::Pod;
use super::tree::{Kind, Node, Tree};
use super::value::{Change, Step, Value};
use super::{MountWish, PathKind, PodError, PodWish};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub name: String,
    pub path: String,
    /// `subPath` or `subPathExpr`
    pub sub_path: Option<String>,
    pub read_only: bool,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPath {
    pub name: String,
    pub path: String,
    /// Empty: anything.
    pub kind: String,
    pub line: usize,
}

/// A volume of any kind; only those of the host have a path.
pub(super) struct Volume {
    pub name: String,
    pub host: Option<HostPath>,
}

pub(super) fn mounts(tree: &Tree, pod: &Pod<'_>) -> Result<Vec<Mount>, PodError> {
    let mut mounts = Vec::new();
    for item in tree.get_list(pod.container, "volumeMounts")? {
        let item = mapping(tree, item, "volumeMount")?;
        let sub_path = match tree.get_text(item, "subPath")? {
            Some(path) => Some(path),
            None => tree.get_text(item, "subPathExpr")?,
        };
        mounts.push(Mount {
            name: required(tree, item, "name")?,
            path: required(tree, item, "mountPath")?,
            sub_path: sub_path.filter(|path| !path.is_empty()).map(str::to_owned),
            read_only: tree.get_text(item, "readOnly")? == Some("true"),
            line: item.line,
        });
    }
    Ok(mounts)
}

pub(super) fn volumes(tree: &Tree, pod: &Pod<'_>) -> Result<Vec<Volume>, PodError> {
    let mut volumes = Vec::new();
    for item in tree.get_list(pod.spec, "volumes")? {
        let item = mapping(tree, item, "volume")?;
        let name = required(tree, item, "name")?;
        let host = match tree.get_map(item, "hostPath")? {
            None => None,
            Some(host) => Some(HostPath {
                name: name.clone(),
                path: required(tree, host, "path")?,
                kind: tree.get_text(host, "type")?.unwrap_or_default().to_owned(),
                line: item.line,
            }),
        };
        volumes.push(Volume { name, host });
    }
    Ok(volumes)
}

fn mapping<'a>(tree: &'a Tree, item: &'a Node, what: &str) -> Result<&'a Node, PodError> {
    let item = tree.follow(item);
    match item.kind {
        Kind::Map { .. } => Ok(item),
        _ => Err(PodError::at(item.line, format!("a {what} is not a mapping"))),
    }
}

fn required(tree: &Tree, map: &Node, key: &str) -> Result<String, PodError> {
    tree.get_text(map, key)?
        .map(str::to_owned)
        .ok_or_else(|| PodError::at(map.line, format!("{key} is missing")))
}

pub(super) fn plan(
    tree: &Tree,
    pod: &Pod<'_>,
    wish: &PodWish,
    changes: &mut Vec<Change>,
) -> Result<(), PodError> {
    let wishes = &wish.mounts;
    let mounts = mounts(tree, pod)?;
    let volumes = volumes(tree, pod)?;
    unambiguous(&mounts)?;
    nothing_hides(&mounts, &volumes, wish)?;
    let mut new_mounts: Vec<(String, Value)> = Vec::new();
    let mut new_volumes: Vec<(String, Value)> = Vec::new();
    let mut shown: Vec<&str> = Vec::new();
    // Outer folders first: one of them may show an inner one as well.
    let mut sorted: Vec<&MountWish> = wishes.iter().collect();
    sorted.sort_by_key(|wish| wish.path.len());
    for wish in sorted {
        check_path(&wish.path)?;
        if shown.iter().any(|outer| below(outer, &wish.path)) || visible(&mounts, &volumes, wish)? {
            continue;
        }
        let there = volumes.iter().find(|volume| serves(volume, wish));
        let name = if let Some(volume) = there {
            volume.name.clone()
        } else {
            let name = fresh_name(&wish.path, |name| {
                volumes.iter().any(|volume| volume.name == name)
                    || mounts.iter().any(|mount| mount.name == name)
                    || new_volumes.iter().any(|(new, _)| new == name)
            });
            new_volumes.push((name.clone(), volume(&name, wish)));
            name
        };
        new_mounts.push((name.clone(), mount(&name, wish)));
        shown.push(&wish.path);
    }
    let names: Vec<&str> = mounts.iter().map(|mount| mount.name.as_str()).collect();
    add_items(pod.container, &pod.path, "volumeMounts", &names, new_mounts, changes);
    let names: Vec<&str> = volumes.iter().map(|volume| volume.name.as_str()).collect();
    let spec = [Step::Key("spec".to_owned())];
    add_items(pod.spec, &spec, "volumes", &names, new_volumes, changes);
    Ok(())
}

fn check_path(path: &str) -> Result<(), PodError> {
    let plain = path.starts_with('/')
        && path.len() > 1
        && path.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."))
        && !path.contains(':');
    if plain {
        return Ok(());
    }
    Err(PodError::whole(format!("cannot mount {path}"))
        .help("a mounted path is absolute and has no `..`, `//` or `:`"))
}

pub(super) fn trimmed(path: &str) -> &str {
    path.trim_end_matches('/')
}

/// Whether a path is a folder or lies in it.
pub(super) fn below(folder: &str, path: &str) -> bool {
    path.strip_prefix(trimmed(folder)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A path has one spelling, and one mount: the kubelet and the container runtime clean what is written.
fn unambiguous(mounts: &[Mount]) -> Result<(), PodError> {
    for (index, mount) in mounts.iter().enumerate() {
        let path = trimmed(&mount.path);
        let plain = path.is_empty()
            || (path.starts_with('/')
                && path.split('/').skip(1).all(|part| !matches!(part, "" | "." | "..")));
        if !plain || mount.path.is_empty() {
            let message = format!("mountPath {} is spelled in an unusual way", mount.path);
            return Err(PodError::at(mount.line, message)
                .help("write an absolute path without `.`, `..` and `//`"));
        }
        let mut earlier = mounts.iter().take(index);
        if let Some(first) = earlier.find(|other| trimmed(&other.path) == path) {
            let message =
                format!("mountPath {} is mounted twice, first in line {}", path, first.line);
            return Err(PodError::at(mount.line, message).help("keep one of the two"));
        }
    }
    Ok(())
}

/// Files that kpki manages are the host's, also where another mount lies below the wished one.
fn nothing_hides(mounts: &[Mount], volumes: &[Volume], wish: &PodWish) -> Result<(), PodError> {
    for flag in &wish.flags {
        let path = flag.value.as_str();
        let managed = wish.mounts.iter().any(|mount| below(&mount.path, path));
        let is_below = |mount: &&Mount| below(&mount.path, path);
        let inner = mounts.iter().filter(is_below).any(|mount| {
            wish.mounts.iter().any(|wished| {
                trimmed(&mount.path) != wished.path && below(&wished.path, &mount.path)
            })
        });
        if managed && inner {
            let wish = MountWish { path: path.to_owned(), kind: PathKind::File };
            visible(mounts, volumes, &wish)?;
        }
    }
    Ok(())
}

/// Whether the container sees the path of the host under the same path. The innermost mount around it
/// decides: it hides what the outer ones show there.
fn visible(mounts: &[Mount], volumes: &[Volume], wish: &MountWish) -> Result<bool, PodError> {
    let around = mounts
        .iter()
        .filter(|mount| below(&mount.path, &wish.path))
        .max_by_key(|mount| trimmed(&mount.path).len());
    let Some(mount) = around else {
        return Ok(false);
    };
    let host = volumes
        .iter()
        .find(|volume| volume.name == mount.name)
        .and_then(|volume| volume.host.as_ref());
    let shows = match (host, &mount.sub_path) {
        (Some(_), Some(sub_path)) => format!("the part {sub_path} of volume {}", mount.name),
        (Some(host), None) if trimmed(&host.path) == trimmed(&mount.path) => return Ok(true),
        (Some(host), None) => format!("{} of the host", host.path),
        (None, _) => format!("volume {}, which is not of the host", mount.name),
    };
    let path = trimmed(&mount.path);
    let there = if path == wish.path { "there".to_owned() } else { format!("at {path}") };
    let message = format!(
        "the container must see the host's {} under the same path, but {there} it sees {shows}",
        wish.path
    );
    Err(PodError::at(mount.line, message).help(format!(
        "give this mount a volume with the hostPath {path}, or delete the mount: what is needed is mounted \
         without it"
    )))
}

/// Whether a volume that is already there, for another container or unused, is the wished one.
fn serves(volume: &Volume, wish: &MountWish) -> bool {
    let Some(host) = &volume.host else {
        return false;
    };
    let kind = match wish.kind {
        PathKind::Folder => matches!(host.kind.as_str(), "" | "Directory" | "DirectoryOrCreate"),
        PathKind::File => matches!(host.kind.as_str(), "" | "File" | "FileOrCreate"),
    };
    kind && trimmed(&host.path) == wish.path
}

/// A DNS label, readable and free.
fn fresh_name(path: &str, taken: impl Fn(&str) -> bool) -> String {
    const LONGEST: usize = 56;
    let mut name = String::from("kpki");
    for word in path.split(|c: char| !c.is_ascii_alphanumeric()) {
        if !word.is_empty() && name.len() + 1 + word.len() <= LONGEST {
            name.push('-');
            name.push_str(&word.to_ascii_lowercase());
        }
    }
    let stem = name.len();
    let mut number = 1_usize;
    while taken(&name) {
        number += 1;
        name.truncate(stem);
        // Writing to a String cannot fail.
        let _ = write!(name, "-{number}");
    }
    name
}

fn mount(name: &str, wish: &MountWish) -> Value {
    Value::map([
        ("mountPath", Value::text(&wish.path)),
        ("name", Value::text(name)),
        ("readOnly", Value::Plain("true".to_owned())),
    ])
}

fn volume(name: &str, wish: &MountWish) -> Value {
    let kind = match wish.kind {
        PathKind::Folder => "DirectoryOrCreate",
        PathKind::File => "File",
    };
    let host = Value::map([("path", Value::text(&wish.path)), ("type", Value::text(kind))]);
    Value::map([("hostPath", host), ("name", Value::text(name))])
}
