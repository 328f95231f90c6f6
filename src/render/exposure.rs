//! Keys that others can read, and what makes new ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::style::{STRONG, paint};
use super::text::{counted, listed, paragraph, some};
use crate::first_few::more;
use crate::graph::{DerivationId, Graph, Recipe};
use crate::plan::Plan;
use crate::sealed::Recipients;

/// What removed recipients could read, until each of these keys is another one. No change: apply alone does
/// nothing.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ExposureReport {
    /// Artifacts whose keys a removed recipient could read. Old files cannot be taken back.
    pub exposed: Vec<String>,
    /// Those who could: `age1…`, or an ssh key's fingerprint and comment.
    pub exposed_to: Vec<String>,
    /// What makes new keys for them.
    pub rekey: Vec<String>,
}

pub(super) fn exposure_report(graph: &Graph, plan: &Plan) -> ExposureReport {
    let name = |id: &DerivationId| graph.get(*id).name.to_string();
    let readers: BTreeSet<&String> = plan.exposed.values().flatten().collect();
    ExposureReport {
        exposed: plan.exposed.keys().map(name).collect(),
        exposed_to: readers.into_iter().cloned().collect(),
        rekey: rekey(graph, &plan.exposed.keys().copied().collect()),
    }
}

/// Names that one command takes: what is left then, the next plan lists.
const PATTERNS: usize = 20;
/// Commands that are shown.
const COMMANDS: usize = 3;

/// Leaves by their patterns; anchors must be named one by one, and take all that they signed with them.
pub(super) fn rekey(graph: &Graph, exposed: &BTreeSet<DerivationId>) -> Vec<String> {
    // A key that follows from a seed is made anew by its revision alone.
    if graph.not_before().is_some() {
        return Vec::new();
    }
    let name = |id: &DerivationId| graph.get(*id).name.as_str();
    let (anchors, others): (BTreeSet<DerivationId>, _) =
        exposed.iter().partition(|id| graph.get(**id).recipe.is_anchor());
    let own = |id: &DerivationId| !matches!(graph.get(*id).recipe, Recipe::ImportedCa(_));
    let leaves: Vec<String> =
        patterns(graph, &others).into_iter().map(|name| format!("--rekey {name}")).collect();
    let anchors: Vec<String> = anchors
        .into_iter()
        .filter(own)
        .map(|id| format!("--rekey {0} --allow replace:{0}", name(&id)))
        .collect();
    leaves
        .chunks(PATTERNS)
        .chain(anchors.chunks(PATTERNS))
        .map(|orders| format!("kpki apply {}", orders.join(" ")))
        .collect()
}

/// `'nodes/w1/*'` where all keys below are meant, else names.
fn patterns(graph: &Graph, wanted: &BTreeSet<DerivationId>) -> Vec<String> {
    let has_key = |id: &DerivationId| {
        graph.key_places(*id).next().is_some()
            && matches!(graph.get(*id).recipe, Recipe::Leaf(_) | Recipe::Request(_))
    };
    // By node, of all others by their kind: what a pattern can name.
    let mut groups: BTreeMap<(bool, String), (Vec<&str>, usize)> = BTreeMap::new();
    for id in graph.ids().filter(has_key) {
        let derivation = graph.get(id);
        let name = derivation.name.as_str();
        let group = match derivation.artifact.node() {
            Some(node) => (true, format!("nodes/{node}")),
            None => (false, name.split('/').next().unwrap_or(name).to_owned()),
        };
        let (members, all) = groups.entry(group).or_default();
        *all += 1;
        if wanted.contains(&id) {
            members.push(name);
        }
    }
    let whole = |(members, all): &(Vec<&str>, usize)| members.len() == *all;
    let mut of_nodes = groups.iter().filter(|((is_node, _), _)| *is_node).peekable();
    if of_nodes.peek().is_some() && of_nodes.all(|(_, members)| whole(members)) {
        groups.retain(|(is_node, _), _| !*is_node);
        groups.insert((true, "nodes".to_owned()), (vec!["nodes"], 1));
    }
    let mut groups: Vec<(String, (Vec<&str>, usize))> =
        groups.into_iter().map(|((_, group), members)| (group, members)).collect();
    groups.sort();
    groups
        .into_iter()
        .flat_map(|(group, members)| {
            if whole(&members) {
                vec![format!("'{group}/*'")]
            } else {
                members.0.into_iter().map(str::to_owned).collect()
            }
        })
        .collect()
}

impl ExposureReport {
    pub(super) fn in_words(&self) -> Option<String> {
        if self.exposed.is_empty() {
            return None;
        }
        let names = self.exposed_to.iter();
        let names: Vec<String> = names.map(|name| Recipients::short_name(name)).collect();
        let help = if self.rekey.is_empty() {
            "; new keys help (by a higher `revision`; of a CA that is brought, by another one), and nothing else"
        } else {
            "; new keys help, and nothing else:"
        };
        Some(format!(
            "{} could read {} ({}), and still can in old files, which Git keeps{help}",
            listed(&names),
            counted(self.exposed.len(), "key"),
            some(&self.exposed)
        ))
    }

    pub(super) fn text(&self, columns: usize) -> String {
        let Some(what) = self.in_words() else {
            return String::new();
        };
        let mut text = format!("{} ", paint(STRONG, "exposed:"));
        text.push_str(&paragraph("", 2, &what, columns.saturating_sub(9)));
        text.push_str(&commands(&self.rekey, "kpki plan lists what is left"));
        text
    }
}

/// As many as a person runs before looking again.
pub(super) fn commands(all: &[String], then: &str) -> String {
    let mut text = String::new();
    for command in all.iter().take(COMMANDS) {
        let _ = writeln!(text, "  {command}");
    }
    if let Some(more) = more(all.len(), COMMANDS) {
        let _ = writeln!(text, "  {more} ({then})");
    }
    text
}
