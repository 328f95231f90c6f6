//! Processes that are not root, and the files that flags tell them to read.
//!
//! A copy of a tree seldom keeps who owns its files. They count where the tree is this machine's own folder,
//! or where a file belongs to a user or group that a Pod of it names.

use super::finding::Findings;
use super::kubernetes_folder::{KubernetesFolder, Pod};
use super::rules::{KEY_OUT_OF_REACH, KEY_PERHAPS_OUT_OF_REACH};
use super::tree::{File, Where};
use super::world::World;
use crate::first_few::names;
use crate::pod::RunsAs;

/// Files that a finding names.
const SHOWN: usize = 3;

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    for folder in &world.folders {
        for pod in &folder.pods {
            if let Some(who) = &pod.facts.runs_as {
                files(world, findings, folder, pod, who);
            }
        }
    }
}

fn files(
    world: &World<'_>,
    findings: &mut Findings,
    folder: &KubernetesFolder<'_>,
    pod: &Pod<'_>,
    who: &RunsAs,
) {
    let owners_count = world.tree.is_this_machines() || world.tree.has_owner(who);
    let mut unread: Vec<String> = Vec::new();
    for named in folder.flags.iter().filter(|named| named.manifest == pod.path) {
        let Where::At(path) = &named.file else { continue };
        let Some(file) = world.tree.file(path) else { continue };
        if may_read(file, who, owners_count) {
            continue;
        }
        let owner = match Some(file.access.owner).filter(|_| owners_count) {
            Some((user, group)) => format!("user {user}, group {group}, "),
            None => String::new(),
        };
        let words = format!("{} ({owner}mode {:04o})", world.tree.shown(path), file.access.mode);
        if !unread.contains(&words) {
            unread.push(words);
        }
    }
    if unread.is_empty() {
        return;
    }
    let rule = if owners_count { &KEY_OUT_OF_REACH } else { &KEY_PERHAPS_OUT_OF_REACH };
    let user = who.user.map_or_else(|| "not root".to_owned(), |user| format!("user {user}"));
    let detail = format!("line {}: {user}: {}", who.line, names(SHOWN, unread));
    findings.add(rule, pod.path, detail);
}

/// As Linux judges it: the owner's bits for the owner, the group's for the group, the last ones for others.
/// Where it cannot be told, yes.
fn may_read(file: &File, who: &RunsAs, owners_count: bool) -> bool {
    let mode = file.access.mode;
    if mode & 0o004 != 0 {
        return true;
    }
    match (Some(file.access.owner).filter(|_| owners_count), who.user) {
        (Some((owner, _)), Some(user)) if owner == user => mode & 0o400 != 0,
        (Some((_, group)), Some(_)) => mode & 0o040 != 0 && who.groups.contains(&group),
        // Whoever it is, it is not root.
        (Some((owner, _)), None) => owner != 0 || mode & 0o040 != 0,
        (None, _) => mode & 0o040 != 0,
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::{Tree, lint};
    use crate::state::Access;
    use crate::time::Timestamp;

    const POD: &str = "apiVersion: v1\nkind: Pod\nspec:\n  securityContext: {CONTEXT}\n  containers:\n  - name: \
         etcd\n    command: [etcd, --key-file=/etc/kubernetes/pki/etcd/server.key]\n    volumeMounts:\n    - \
         {mountPath: /etc/kubernetes/pki/etcd, name: c}\n  volumes:\n  - {name: c, hostPath: {path: \
         /etc/kubernetes/pki/etcd}}\n";

    fn found(base: &str, context: &str, mode: u32, owner: (u32, u32)) -> Option<&'static str> {
        let mut tree = Tree::new(base);
        let pod = POD.replace("CONTEXT", context);
        tree.add("manifests/etcd.yaml", Access::of(0o600), pod.as_bytes());
        tree.add("pki/etcd/server.key", Access { owner, ..Access::of(mode) }, b"");
        let found = lint(&tree, Timestamp::from_unix(1_800_000_000));
        found.iter().map(|one| one.rule.id).find(|id| id.ends_with("out-of-reach"))
    }

    /// By hand, from chmod(1) and the Pod's reference.
    #[test]
    fn owners_count_where_they_are_the_machines() {
        const ERROR: Option<&str> = Some("key-out-of-reach");
        const PERHAPS: Option<&str> = Some("key-perhaps-out-of-reach");
        let machine = "/etc/kubernetes";
        let copy = "/home/me/copy";
        for (base, context, mode, owner, expected) in [
            (machine, "", 0o600, (0, 0), None),
            (machine, "runAsUser: 0", 0o600, (0, 0), None),
            (machine, "readOnlyRootFilesystem: true", 0o600, (0, 0), None),
            (machine, "runAsUser: 65534", 0o600, (0, 0), ERROR),
            (machine, "runAsUser: 65534", 0o600, (65534, 0), None),
            (machine, "runAsUser: 65534", 0o000, (65534, 0), ERROR),
            (machine, "runAsUser: 65534", 0o604, (0, 0), None),
            (machine, "runAsUser: 65534", 0o640, (0, 0), None),
            (machine, "runAsUser: 65534", 0o640, (0, 9), ERROR),
            (machine, "runAsUser: 65534, runAsGroup: 9", 0o640, (0, 9), None),
            (machine, "runAsUser: 65534, runAsGroup: 9", 0o640, (0, 0), ERROR),
            (machine, "runAsUser: 65534, supplementalGroups: [9]", 0o640, (0, 9), None),
            (machine, "runAsUser: 65534, fsGroup: 9", 0o640, (0, 9), None),
            (machine, "runAsUser: 65534, fsGroup: 9", 0o600, (0, 0), ERROR),
            (machine, "runAsNonRoot: true", 0o600, (0, 0), ERROR),
            (machine, "runAsNonRoot: true", 0o600, (7, 0), None),
            (copy, "runAsUser: 65534", 0o600, (1000, 1000), PERHAPS),
            (copy, "runAsUser: 65534", 0o600, (0, 0), PERHAPS),
            (copy, "runAsUser: 65534", 0o600, (65534, 0), None),
            (copy, "runAsUser: 65534, runAsGroup: 9", 0o600, (0, 9), ERROR),
            (copy, "runAsUser: 65534", 0o644, (1000, 1000), None),
            (copy, "", 0o600, (1000, 1000), None),
        ] {
            assert_eq!(
                found(base, context, mode, owner),
                expected,
                "{base} {context} {mode:o} {owner:?}"
            );
        }
    }
}
