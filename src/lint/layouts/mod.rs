//! How distributions and guides lay out what kubeadm puts into /etc/kubernetes: a row says which file plays
//! which part of kubeadm's, and which CAs each reader loads. A folder is laid out so where the signs are
//! there.

mod distributions;
mod guides;
mod layout;

use super::places::start_of;
use super::tree::{Tree, Where};
pub(super) use layout::{Layout, ReaderKey};

fn layouts() -> impl Iterator<Item = &'static Layout> {
    distributions::LAYOUTS.iter().chain(guides::LAYOUTS).copied()
}

/// The folders that are laid out so, each with a slash at its end or empty. Of several for one folder the
/// first counts.
pub(super) fn found(tree: &Tree) -> Vec<(String, &'static Layout)> {
    let mut all: Vec<(String, &'static Layout)> = Vec::new();
    for layout in layouts() {
        for signs in layout.signs {
            let Some((first, others)) = signs.split_first() else { continue };
            for start in tree.files.keys().filter_map(|path| start_of(path, first)) {
                let is_there = |sign: &&str| tree.file(&format!("{start}{sign}")).is_some();
                if others.iter().all(is_there) && !all.iter().any(|(known, _)| known == start) {
                    all.push((start.to_owned(), layout));
                }
            }
        }
    }
    all
}

impl Layout {
    /// Every file of the tree that it gives a part to, in a folder that is laid out so.
    pub fn files(&self, tree: &Tree, start: &str) -> Vec<String> {
        let leaves = self.leaves.iter().flat_map(|(_, paths)| *paths);
        let bundles = self.loads.iter().flat_map(|(_, paths)| *paths);
        let rest = self.service_account.iter().chain(self.idle);
        leaves.chain(bundles).chain(rest).flat_map(|path| at(tree, start, path)).collect()
    }

    /// Those that hold certificates.
    pub fn certificates(&self, tree: &Tree, start: &str) -> Vec<String> {
        let leaves = self.leaves.iter().flat_map(|(_, paths)| *paths);
        let bundles = self.loads.iter().flat_map(|(_, paths)| *paths);
        let is_certificate =
            |path: &&&str| matches!(path.rsplit_once('.'), Some((_, "crt" | "pem")));
        let paths = leaves.chain(bundles).filter(is_certificate);
        paths.flat_map(|path| at(tree, start, path)).collect()
    }

    /// What a reader loads its CAs from. `None`: it is not known.
    pub fn loaded(&self, tree: &Tree, start: &str, reader: ReaderKey) -> Option<String> {
        let (_, paths) = self.loads.iter().find(|(readers, _)| readers.contains(&reader))?;
        paths.iter().find_map(|path| at(tree, start, path).into_iter().next())
    }
}

/// The files of the tree that a row's path means: below the folder, or from the machine's root with a slash
/// in front. One `*` stands for a part of a name, of no `NAME-key.pem`.
pub(super) fn at(tree: &Tree, start: &str, path: &str) -> Vec<String> {
    if path.starts_with('/') {
        return match tree.named(&format!("{start}."), path) {
            Where::At(path) => vec![path],
            Where::Missing(_) | Where::Hidden | Where::Unknown => Vec::new(),
        };
    }
    let whole = format!("{start}{path}");
    let Some((before, after)) = whole.rsplit_once('*') else {
        return if tree.file(&whole).is_some() { vec![whole] } else { Vec::new() };
    };
    let is_part = |found: &&String| {
        let rest = found.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        rest.is_some_and(|part| !part.contains('/')) && !found.ends_with("-key.pem")
    };
    let near = tree.files.range(before.to_owned()..).map(|(found, _)| found);
    near.take_while(|found| found.starts_with(before)).filter(is_part).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::readers::READERS;
    use crate::profile::LEAVES;
    use crate::state::Access;
    use std::collections::BTreeSet;

    #[test]
    fn rows_name_leaves_and_files() {
        for layout in layouts() {
            for (name, paths) in layout.leaves {
                assert!(LEAVES.iter().any(|row| row.name == *name), "{name}");
                assert!(!paths.is_empty(), "{name}");
            }
            let names: BTreeSet<&str> = layout.leaves.iter().map(|(name, _)| *name).collect();
            assert_eq!(names.len(), layout.leaves.len());
            let bundles = layout.loads.iter().flat_map(|(_, paths)| *paths);
            let all: BTreeSet<&str> = layout
                .leaves
                .iter()
                .flat_map(|(_, paths)| *paths)
                .chain(bundles)
                .copied()
                .collect();
            for path in all {
                assert!(path.matches('*').count() < 2, "{path}");
                assert!(!path.starts_with('/') || !path.contains('*'), "{path}");
            }
            for reader in layout.loads.iter().flat_map(|(readers, _)| *readers) {
                assert!(READERS.iter().any(|row| row.flag == *reader), "{reader:?}");
            }
            assert!(!layout.signs.is_empty());
            for sign in layout.signs.iter().flat_map(|signs| *signs) {
                assert!(!sign.contains('*') && !sign.starts_with('/'), "{sign}");
            }
        }
    }

    #[test]
    fn a_star_is_a_part_of_one_name() {
        let mut tree = Tree::new("/home/jane");
        for path in ["m/profiles/a/x.crt", "m/profiles/b/x.crt", "m/profiles/b/c/x.crt", "m/x.crt"]
        {
            tree.add(path, Access::of(0o600), b"");
        }
        assert_eq!(
            at(&tree, "m/", "profiles/*/x.crt"),
            ["m/profiles/a/x.crt", "m/profiles/b/x.crt"]
        );
        assert_eq!(at(&tree, "m/", "x.crt"), ["m/x.crt"]);
        assert_eq!(at(&tree, "m/", "y.crt"), [""; 0]);
        assert_eq!(at(&tree, "", "/home/jane/m/x.crt"), ["m/x.crt"]);
    }
}
