//! The copy of a node as a tree to be judged.

use crate::machine::Machine;
use crate::profile::KUBERNETES_FOLDER;
use crate::state::{Access, Loose, Reach};

use super::tree::Tree;

/// No flag and no link names it, so what they name is looked for below the copy's root, and what was not
/// handed over is not missing.
const NOWHERE: &str = "/\0";

/// Names of files that nobody reads a certificate from are no loss where the file is too large.
const ENDS: [&str; 7] = ["crt", "key", "pem", "conf", "kubeconfig", "yaml", "pub"];

/// Everything that Kubernetes reads of it; what [`is_set_aside`] is not judged.
pub fn tree_of(machine: &Machine) -> Tree {
    let mut tree = Tree::new(NOWHERE);
    let host = machine.folders().find(|(path, _)| *path == KUBERNETES_FOLDER);
    let host = host.map_or(0, |(_, folder)| folder.owner.0);
    for (path, file) in machine.files().filter(|(path, _)| !is_set_aside(path)) {
        let above = machine.folders().filter(|(folder, _)| {
            path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        });
        let reach = above.fold(Reach::Everyone, |reach, (_, folder)| reach.through(folder.mode));
        let stranger = Some(file.owner.0).filter(|owner| ![0, host].contains(owner));
        let access = Access { mode: file.mode & 0o777, reach, owner: file.owner, stranger };
        tree.add(path, access, file.bytes.expose());
    }
    for (path, folder) in machine.folders().filter(|(path, _)| !is_set_aside(path)) {
        if let Some(loose) = Loose::of(folder.mode, folder.owner.0, 0, Some(host)) {
            tree.add_loose_folder(path, loose);
        }
    }
    for (path, target) in machine.links().filter(|(path, _)| !is_set_aside(path)) {
        tree.add_link(path, target);
    }
    for (path, why) in machine.unread().filter(|(path, _)| !is_set_aside(path)) {
        let end = path.rsplit('.').next().unwrap_or_default();
        if !why.starts_with("larger than ") || ENDS.contains(&end) {
            tree.add_unread(path, why);
        }
    }
    tree
}

/// Copies that people and kubeadm make: keys may lie in them, and no process reads them.
pub fn is_set_aside(path: &str) -> bool {
    let Some(rest) = path.strip_prefix(KUBERNETES_FOLDER) else {
        return path.starts_with("root/");
    };
    !rest.is_empty() && !rest.starts_with('/') || rest == "/tmp" || rest.starts_with("/tmp/")
}
