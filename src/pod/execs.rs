//! What the kubelet runs in the process's container besides the process: probes and hooks.

use super::PodError;
use super::locate::Pod;
use super::tree::Tree;

/// A word of such a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecWord {
    /// As `livenessProbe`.
    pub of: &'static str,
    pub text: String,
    pub line: usize,
}

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];
const HOOKS: [&str; 2] = ["postStart", "preStop"];

pub(super) fn read(tree: &Tree, pod: &Pod<'_>) -> Result<Vec<ExecWord>, PodError> {
    let lifecycle = tree.get(pod.container, "lifecycle");
    let hooks = HOOKS.iter().filter_map(|of| Some((lifecycle?, *of)));
    let mut words = Vec::new();
    for (within, of) in PROBES.iter().map(|of| (pod.container, *of)).chain(hooks) {
        let Some(handler) = tree.get(within, of) else { continue };
        let Some(exec) = tree.get(handler, "exec") else { continue };
        for node in tree.get_list(exec, "command")? {
            let text = tree.follow(node).text().unwrap_or_default().to_owned();
            words.push(ExecWord { of, text, line: node.line });
        }
    }
    Ok(words)
}
