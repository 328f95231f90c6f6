//! Who the process is to the files of its node: `securityContext` of the container, then of the Pod.

use std::collections::BTreeSet;

use super::PodError;
use super::locate::Pod;
use super::tree::{Node, Tree};

/// A process that is not root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunsAs {
    /// `None`: whom the image or an unreadable number says; by `runAsNonRoot` not root.
    pub user: Option<u32>,
    /// Its own and the additional ones. The kubelet gives a hostPath to no `fsGroup`, but the process has it.
    pub groups: BTreeSet<u32>,
    pub line: usize,
}

/// `None`: root, which the images of the control plane say.
pub(super) fn read(tree: &Tree, pod: &Pod<'_>) -> Result<Option<RunsAs>, PodError> {
    let whole = tree.get_map(pod.spec, CONTEXT)?;
    let own = tree.get_map(pod.container, CONTEXT)?;
    // Users of a namespace are others on the node.
    if tree.get_text(pod.spec, "hostUsers")? == Some("false") {
        return Ok(None);
    }
    let find = |key: &str| {
        let found = [own, whole].into_iter().flatten().filter_map(|map| tree.get(map, key));
        found.into_iter().next()
    };
    let user = find("runAsUser");
    let not_root = find("runAsNonRoot").filter(|node| node.text() == Some("true"));
    let Some(line) = user.or(not_root).map(|node| node.line) else {
        return Ok(None);
    };
    let user = match user.map(number) {
        Some(Some(0)) => return Ok(None),
        user => user.flatten(),
    };
    let mut groups = BTreeSet::from([find("runAsGroup").and_then(number).unwrap_or(0)]);
    if let Some(whole) = whole {
        groups.extend(tree.get(whole, "fsGroup").and_then(number));
        for group in tree.get_list(whole, "supplementalGroups")? {
            groups.extend(number(tree.follow(group)));
        }
    }
    Ok(Some(RunsAs { user, groups, line }))
}

const CONTEXT: &str = "securityContext";

fn number(node: &Node) -> Option<u32> {
    node.text()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use crate::pod::{Process, read};

    fn of(pod: &str, container: &str) -> Option<(Option<u32>, Vec<u32>, usize)> {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nspec:\n  securityContext: {{{pod}}}\n  containers:\n  - name: etcd\n    \
             command: [etcd]\n    securityContext: {{{container}}}\n"
        );
        let facts = read(text.as_bytes(), Process::Etcd).unwrap();
        facts.runs_as.map(|who| (who.user, who.groups.into_iter().collect(), who.line))
    }

    /// By the Pod's reference: the container's word counts more, groups of files are the Pod's.
    #[test]
    fn the_container_counts_before_its_pod() {
        let cases = [
            ("", "", None),
            ("seccompProfile: {type: RuntimeDefault}", "readOnlyRootFilesystem: true", None),
            ("runAsUser: 0", "", None),
            ("runAsUser: 65534", "runAsUser: 0", None),
            ("runAsUser: 65534", "", Some((Some(65534), vec![0], 4))),
            ("runAsUser: 0", "runAsUser: 7", Some((Some(7), vec![0], 8))),
            ("runAsNonRoot: true", "", Some((None, vec![0], 4))),
            ("runAsNonRoot: true", "runAsNonRoot: false", None),
            ("runAsUser: 7, runAsNonRoot: true", "runAsGroup: 9", Some((Some(7), vec![9], 4))),
            (
                "runAsUser: 7, runAsGroup: 8, fsGroup: 5, supplementalGroups: [6, 10]",
                "",
                Some((Some(7), vec![5, 6, 8, 10], 4)),
            ),
            ("runAsUser: nobody", "", Some((None, vec![0], 4))),
            ("runAsGroup: 9", "", None),
        ];
        for (pod, container, expected) in cases {
            assert_eq!(of(pod, container), expected, "{pod} | {container}");
        }
        let shared = "apiVersion: v1\nkind: Pod\nspec:\n  hostUsers: false\n  securityContext: {runAsUser: 7}\n  \
                      containers:\n  - name: etcd\n    command: [etcd]\n";
        assert_eq!(read(shared.as_bytes(), Process::Etcd).unwrap().runs_as, None);
    }
}
