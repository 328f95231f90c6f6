//! `$(NAME)` on a command line: the kubelet puts the value of a variable there before the process reads it.

use super::PodError;
use super::locate::Pod;
use super::tree::Tree;

/// What the kubelet knows of the Pod and its node, and no manifest can choose: an address or a node's name is
/// no flag. Annotations and labels are whatever somebody writes there.
const OF_THE_NODE: [&str; 5] =
    ["spec.nodeName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"];

const HELP: &str = "write the value out; of variables only a fieldRef to status.podIP, status.hostIP or spec.nodeName is taken";

/// Refuses what the process would read in another way than it is written.
pub(super) fn check(tree: &Tree, pod: &Pod<'_>, word: &str, line: usize) -> Result<(), PodError> {
    if word.contains("$$") {
        return Err(PodError::at(line, "`$$`, of which the kubelet leaves one `$`").help(HELP));
    }
    for rest in word.split("$(").skip(1) {
        let known = match rest.split_once(')') {
            Some((name, _)) => is_of_the_node(tree, pod, name)?,
            None => false,
        };
        if !known {
            let variable = rest.split_once(')').map_or(rest, |(name, _)| name);
            let flag = word.split('=').next().filter(|flag| flag.starts_with('-'));
            let flag = flag.unwrap_or("a flag");
            let message = format!("{flag} takes its value from the variable $({variable})");
            return Err(PodError::at(line, message).help(HELP));
        }
    }
    Ok(())
}

/// Of several with one name the last counts: all must be.
fn is_of_the_node(tree: &Tree, pod: &Pod<'_>, name: &str) -> Result<bool, PodError> {
    let mut found = false;
    for item in tree.get_list(pod.container, "env")? {
        let item = tree.follow(item);
        if tree.get_text(item, "name")? != Some(name) {
            continue;
        }
        let path = match tree.get_map(item, "valueFrom")? {
            Some(from) => match tree.get_map(from, "fieldRef")? {
                Some(field) => tree.get_text(field, "fieldPath")?,
                None => None,
            },
            None => None,
        };
        if tree.get(item, "value").is_some()
            || !path.is_some_and(|path| OF_THE_NODE.contains(&path))
        {
            return Ok(false);
        }
        found = true;
    }
    Ok(found)
}
