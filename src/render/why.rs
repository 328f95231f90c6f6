//! What an artifact depends on, and what changed.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::action::in_words;
use super::plan::{MixedReport, mixed_report};
use super::report::{FORMAT_VERSION, Report};
use super::show_text::{list, section};
use super::step::{BlockedReport, ReasonReport, blocked_report, reason_report};
use super::style::{DANGER, STRONG, paint};
use super::text::{Table, paragraph};
use super::turns::waits_in_words;
use crate::graph::{DerivationId, Graph};
use crate::hash::{Digest, Value};
use crate::name::TreePath;
use crate::plan::{Action, Change, Plan, World};
use crate::shell;
use crate::time::Span;

/// What `kpki why --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct WhyReport {
    /// Version of this format.
    pub format_version: u32,
    pub name: String,
    /// Certificate, kubeconfig and so on.
    pub kind: String,
    /// What apply would do: create, reissue and so on; absent where nothing.
    #[schemars(with = "Option<String>")]
    pub action: Option<Action>,
    pub reasons: Vec<ReasonReport>,
    /// Due, and not its turn: the nodes that are renewed first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<Vec<String>>,
    /// What apply would do about the form in which its secret rests.
    pub secrets: Vec<String>,
    /// What stops apply until a person decides.
    pub blocked: Vec<BlockedReport>,
    /// Its files do not belong together.
    pub mixed: Vec<MixedReport>,
    /// Its private key is known and not here.
    pub absent: bool,
    pub inputs: Vec<InputReport>,
    /// What is issued by it or embeds it.
    pub dependents: Vec<String>,
    /// Hash of the recipe.
    pub hash: Digest,
    /// Hash of the recipe that it was built from, as cluster.lock has it.
    pub built_from: Option<Digest>,
    /// What the hash covers.
    pub fields: Vec<FieldReport>,
}

/// Something that an artifact reads, and what that reads.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct InputReport {
    pub name: String,
    pub kind: String,
    pub inputs: Vec<InputReport>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FieldReport {
    pub name: String,
    pub value: String,
}

pub fn why_report(world: World<'_>, plan: &Plan, id: DerivationId) -> WhyReport {
    let graph = world.graph;
    let derivation = graph.get(id);
    let step = plan.steps.iter().find(|step| step.derivation == id);
    let waiting = plan.turns.as_ref().and_then(|turns| Some((turns, turns.waits(id)?)));
    let reasons = match (step, waiting) {
        (Some(step), _) => step.reasons.as_slice(),
        (None, Some((_, waiting))) => &waiting.reasons,
        (None, None) => &[],
    };
    WhyReport {
        format_version: FORMAT_VERSION,
        name: derivation.name.to_string(),
        kind: derivation.recipe.kind().to_owned(),
        action: step.map(|step| step.action),
        reasons: reasons.iter().map(reason_report).collect(),
        waits_for: waiting.map(|(turns, _)| turns.now.iter().map(ToString::to_string).collect()),
        secrets: plan
            .seals
            .iter()
            .filter(|seal| seal.derivation == id)
            .map(|seal| form(seal.change, &seal.path))
            .collect(),
        blocked: plan
            .blocked
            .iter()
            .filter(|blocked| blocked.derivation == id)
            .map(|blocked| blocked_report(world, blocked))
            .collect(),
        mixed: plan
            .key_mismatches
            .iter()
            .filter(|mixed| mixed.derivation == id)
            .map(|mixed| mixed_report(world, mixed))
            .collect(),
        absent: plan.absent.contains(&id),
        inputs: inputs(graph, id),
        dependents: graph
            .dependents(id)
            .map(|dependent| graph.get(dependent).name.to_string())
            .collect(),
        hash: derivation.hash,
        built_from: world.lock.entries.get(&derivation.name).map(|entry| entry.hash),
        fields: graph.fields(id).iter().map(|(name, value)| field(name, value)).collect(),
    }
}

fn form(change: Change, path: &TreePath) -> String {
    match change {
        Change::Seal => format!("out/{path} is in the clear: it is sealed"),
        Change::SealAgain => format!("out/{path}.age is sealed again, for other recipients"),
        Change::Unseal => format!("out/{path}.age is sealed: it is written in the clear"),
        Change::RemoveTwin => format!("out/{path} is in the clear beside out/{path}.age: it goes"),
    }
}

/// Three deep at most: a kubeconfig, its identity, the CA.
fn inputs(graph: &Graph, id: DerivationId) -> Vec<InputReport> {
    let report = |input: &DerivationId| InputReport {
        name: graph.get(*input).name.to_string(),
        kind: graph.get(*input).recipe.kind().to_owned(),
        inputs: inputs(graph, *input),
    };
    graph.get(id).inputs.iter().map(report).collect()
}

fn field(name: &str, value: &Value) -> FieldReport {
    FieldReport {
        name: name.to_owned(),
        value: match value {
            // The only numbers are spans.
            Value::Integer(seconds) => Span::seconds(*seconds).to_string(),
            Value::Recipe(digest) => format!("recipe {digest}"),
            Value::Text(_) | Value::Set(_) => value.to_string(),
        },
    }
}

impl Report for WhyReport {
    fn text(&self, columns: usize) -> String {
        let mut text = format!("{} ({})\n\n", paint(STRONG, &self.name), self.kind);
        text.push_str(&self.what_changed(columns));
        section(&mut text, "depends on");
        if self.inputs.is_empty() {
            text.push_str("  nothing but the description\n");
        }
        tree(&mut text, &self.inputs, 2);
        section(&mut text, "needed by");
        list(&mut text, &self.dependents);
        section(&mut text, &format!("its hash {} covers", self.hash));
        let mut table = Table::new();
        for field in &self.fields {
            table.row([field.name.as_str().into(), field.value.as_str().into()]);
        }
        text.push_str(&table.render("  ", columns));
        if let Some(built_from) = self.built_from.filter(|built| *built != self.hash) {
            let _ = writeln!(text, "\nbuilt from the hash {built_from}");
        }
        text
    }
}

impl WhyReport {
    fn what_changed(&self, columns: usize) -> String {
        let mut text = String::new();
        let stop = paint(DANGER, "apply stops here");
        for mixed in &self.mixed {
            let why =
                format!("{} has another key than cluster.lock says (a bad merge?)", mixed.path);
            let _ = writeln!(text, "{stop}:");
            text.push_str(&paragraph("  ", 2, &why, columns));
        }
        for blocked in &self.blocked {
            let _ = writeln!(text, "{stop}:");
            text.push_str(&paragraph("  ", 2, &blocked.why, columns));
            if let Some(allow) = &blocked.allow {
                let _ = writeln!(text, "  only with --allow {}", shell::quoted(allow));
            }
        }
        if let Some(action) = self.action.map(in_words) {
            let head = format!("{} {}", action.sign, action.planned);
            let _ = writeln!(text, "{} because:", paint(action.style, &head));
            for reason in &self.reasons {
                text.push_str(&paragraph("  ", 2, &reason.text, columns));
            }
        } else if let Some(now) = &self.waits_for {
            let _ = writeln!(text, "{}:", waits_in_words(now));
            for reason in &self.reasons {
                text.push_str(&paragraph("  ", 2, &reason.text, columns));
            }
        } else if text.is_empty() && self.secrets.is_empty() {
            text.push_str("nothing changed: apply leaves it as it is\n");
        }
        for form in &self.secrets {
            text.push_str(&paragraph("", 2, form, columns));
        }
        if self.absent {
            text.push_str("its private key is known, but not here\n");
        }
        text
    }
}

fn tree(text: &mut String, inputs: &[InputReport], indent: usize) {
    for input in inputs {
        let _ = writeln!(text, "{:indent$}{} ({})", "", input.name, input.kind);
        tree(text, &input.inputs, indent + 2);
    }
}
