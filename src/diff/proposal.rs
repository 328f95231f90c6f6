//! What a proposal changes of what only an apply writes: lines of the lock and files below `out/`.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Graph, origins};
use crate::sealed::SUFFIX;
use crate::state::{File, Inventory, Lock};

/// One line or file that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touched {
    /// `cluster.lock: users/eve`, `out/users/eve/rbac.yaml`
    pub what: String,
    pub how: Touch,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Touch {
    Added,
    Changed,
    Removed,
}

/// Lines and files that are new and of nothing that is described: nothing asks for them now, and whoever is
/// described later would seem to have been there.
pub fn undescribed(
    before: (&Lock, &Inventory),
    after: (&Lock, &Inventory),
    graph: &Graph,
) -> usize {
    let lines = after.0.entries.keys();
    let lines = lines.filter(|name| !before.0.entries.contains_key(*name));
    let orphans = after.0.orphans.keys().filter(|path| !before.0.orphans.contains_key(*path));
    let files = after.1.files.keys().filter(|path| before.1.get(path).is_none());
    let files = files.filter(|path| !graph.is_placed(path) && !origins(path).is_empty());
    lines.filter(|name| graph.find(name).is_none()).count() + orphans.count() + files.count()
}

/// Lines first, then files; each by name. Secrets in the clear are never in Git, and not compared.
pub fn touched(before: (&Lock, &Inventory), after: (&Lock, &Inventory)) -> Vec<Touched> {
    let (old, new) = (before.0, after.0);
    let mut found = Vec::new();
    let mut line = |name: String, how| {
        found.push(Touched { what: format!("cluster.lock: {name}"), how });
    };
    let head = |lock: &Lock| (lock.cluster.clone(), lock.kubernetes, lock.seed);
    if head(old) != head(new) {
        line("its first line".to_owned(), Touch::Changed);
    }
    differing(&old.recipients, &new.recipients, |owner, how| {
        let whose = owner.as_ref().map_or_else(String::new, |node| format!(" of node {node}"));
        line(format!("recipients{whose}"), how);
    });
    differing(&old.entries, &new.entries, |name, how| line(name.to_string(), how));
    differing(&old.copies, &new.copies, |path, how| line(format!("the copy out/{path}"), how));
    differing(&old.exposed, &new.exposed, |name, how| line(format!("exposure of {name}"), how));
    differing(&old.orphans, &new.orphans, |path, how| {
        line(format!("the orphan out/{path}"), how);
    });
    differing(&compared(before.1), &compared(after.1), |path, how| {
        found.push(Touched { what: format!("out/{path}"), how });
    });
    found
}

fn differing<K: Ord, V: PartialEq>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
    mut tell: impl FnMut(&K, Touch),
) {
    let names: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    for name in names {
        match (before.get(name), after.get(name)) {
            (Some(old), Some(new)) if old == new => {}
            (Some(_), Some(_)) => tell(name, Touch::Changed),
            (None, _) => tell(name, Touch::Added),
            (_, None) => tell(name, Touch::Removed),
        }
    }
}

/// What a file is, as far as Git keeps it.
#[derive(PartialEq)]
enum Kept<'a> {
    Bytes(&'a [u8]),
    Sealed(&'a crate::sealed::SealedFile),
    /// No two of them are known to be equal.
    Odd,
}

fn compared(inventory: &Inventory) -> BTreeMap<String, Compared<'_>> {
    let files = inventory.files.iter().filter_map(|(path, file)| {
        Some(match file {
            File::Public { bytes, .. } => (path.clone(), Compared(Kept::Bytes(bytes))),
            File::Secret(secret) => {
                let sealed = secret.sealed.as_ref()?;
                (format!("{path}{SUFFIX}"), Compared(Kept::Sealed(sealed)))
            }
            File::Unusable { .. } | File::Unreadable { .. } => (path.clone(), Compared(Kept::Odd)),
        })
    });
    files.collect()
}

struct Compared<'a>(Kept<'a>);

impl PartialEq for Compared<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 && !matches!(self.0, Kept::Odd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Digest;
    use crate::state::{Entry, PlainFile};

    #[test]
    fn every_line_and_file_is_told_once() {
        let entry = |text: &str| Entry::new(Digest::of(text.as_bytes()));
        let lock = |entries: &[(&str, &str)]| Lock {
            entries: entries.iter().map(|(name, of)| (name.parse().unwrap(), entry(of))).collect(),
            ..Lock::default()
        };
        let mut old = Inventory::default();
        let mut new = Inventory::default();
        for (inventory, files) in [
            (&mut old, [("a.crt", "1"), ("b.crt", "1"), ("c.crt", "1")]),
            (&mut new, [("a.crt", "1"), ("b.crt", "2"), ("d.crt", "1")]),
        ] {
            for (path, bytes) in files {
                inventory.add_read(path.to_owned(), 0o644, bytes.as_bytes().to_vec());
            }
            inventory.add_unusable("link.crt".to_owned(), "is a symbolic link".to_owned());
        }
        new.add_secret("a.key".to_owned(), PlainFile::default());
        let before = lock(&[("users/a", "1"), ("users/b", "1"), ("users/c", "1")]);
        let mut after = lock(&[("users/a", "1"), ("users/b", "2"), ("users/d", "1")]);
        after.cluster = Some("lab".to_owned());
        let found = touched((&before, &old), (&after, &new));
        let told: Vec<String> =
            found.iter().map(|one| format!("{:?} {}", one.how, one.what)).collect();
        assert_eq!(
            told,
            [
                "Changed cluster.lock: its first line",
                "Changed cluster.lock: users/b",
                "Removed cluster.lock: users/c",
                "Added cluster.lock: users/d",
                "Changed out/b.crt",
                "Removed out/c.crt",
                "Added out/d.crt",
                "Changed out/link.crt",
            ]
        );
        assert_eq!(touched((&after, &Inventory::default()), (&after, &Inventory::default())), []);
    }
}
