//! The operator's copies of kubelet.conf, of kubelets that renew their own certificates: what may not stand
//! there, and that the rest lets itself be changed.

use std::sync::Arc;

use super::held::Review;
use crate::graph::{Graph, KubeletConf, Recipe, Rendered};
use crate::pod::{self, KubeletConfWish};
use crate::spec::{Component, Manifest, Spec};

pub fn review(spec: &Spec, graph: &Graph, review: &mut Review) {
    for id in graph.ids() {
        let Recipe::Rendered(Rendered::KubeletConf(recipe)) = &graph.get(id).recipe else {
            continue;
        };
        let KubeletConf { node, server, .. } = recipe;
        let Some(copy) = spec.manifest_of(node, Component::Kubelet) else {
            continue;
        };
        let shown = without_values(copy);
        let refused = pod::refused_in_kubelet_conf(&copy.bytes);
        for error in &refused {
            review.pod_error(&shown, error);
        }
        // What the CA's certificate will be, nobody knows yet: its place is that of any.
        let wish = KubeletConfWish { server: server.url(), authority: String::new() };
        if refused.is_empty()
            && let Err(error) = pod::patch_kubelet_conf(&copy.bytes, &wish)
        {
            review.pod_error(&shown, &error);
        }
    }
}

/// A report quotes lines, and what stands in these may be a key, a token or a password of any form: of each
/// line its beginning up to the first colon.
fn without_values(copy: &Manifest) -> Manifest {
    let text = String::from_utf8_lossy(&copy.bytes);
    let line = |line: &str| {
        let indent = line.len() - line.trim_start_matches([' ', '-']).len();
        let key = line.find(':').map_or(indent, |colon| colon + 1);
        let end = if line.ends_with('\n') { "\n" } else { "" };
        let rest = line.get(key..).is_some_and(|rest| !rest.trim().is_empty());
        let hidden = if rest { " …" } else { "" };
        format!("{}{hidden}{end}", line.get(..key).unwrap_or_default())
    };
    let text: String = text.split_inclusive('\n').map(line).collect();
    Manifest { path: copy.path.clone(), bytes: Arc::from(text.into_bytes()) }
}
