//! What changes about the form in which secrets rest: one line for each kind of change, however many they
//! are.

use std::collections::BTreeSet;

use anstyle::Style;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::ChangeRow;
use super::exposure::{ExposureReport, exposure_report};
use super::style::{CHANGE, DANGER, MINOR};
use super::text::{counted, listed, some};
use crate::plan::{Change, Plan, World};
use crate::sealed::{Owner, Recipients};
use crate::spec::Spec;

/// Secrets whose form changes; what they hold stays.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SecretsReport {
    /// Files that take the place of secrets in the clear.
    pub seal: Vec<String>,
    /// Files that are sealed again, to other recipients.
    pub seal_again: Vec<String>,
    /// Files in the clear that take the place of sealed ones.
    pub unseal: Vec<String>,
    /// Files in the clear that lie beside their sealed form and go.
    pub remove: Vec<String>,
    /// Everybody that secrets are sealed to from now on.
    pub recipients: Vec<RecipientReport>,
    /// Recipients that cluster.lock does not name yet.
    pub added: Vec<RecipientReport>,
    /// Recipients that only cluster.lock names.
    pub removed: Vec<RecipientReport>,
    #[serde(flatten)]
    pub exposure: ExposureReport,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RecipientReport {
    /// `age1…`, or an ssh key's fingerprint and comment.
    pub recipient: String,
    /// Only of this node's secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

pub(super) fn secrets_report(world: World<'_>, spec: &Spec, plan: &Plan) -> SecretsReport {
    let files = |wanted: Change| -> Vec<String> {
        let seals = plan.seals.iter().filter(|seal| seal.change == wanted);
        seals
            .filter_map(|seal| {
                let place = world.graph.placed_at(&seal.path)?;
                Some(match wanted {
                    Change::RemoveTwin => format!("out/{}", place.path),
                    _ => format!("out/{}", place.file()),
                })
            })
            .collect()
    };
    SecretsReport {
        seal: files(Change::Seal),
        seal_again: files(Change::SealAgain),
        unseal: files(Change::Unseal),
        remove: files(Change::RemoveTwin),
        recipients: spec.recipients().iter().flat_map(recipients_of).collect(),
        added: plan.recipients.added.iter().map(recipient).collect(),
        removed: plan.recipients.removed.iter().map(recipient).collect(),
        exposure: exposure_report(world.graph, plan),
    }
}

fn recipients_of((owner, names): (&Owner, &BTreeSet<String>)) -> Vec<RecipientReport> {
    let names = names.iter();
    names.map(|name| recipient(&(owner.clone(), name.clone()))).collect()
}

fn recipient((owner, name): &(Owner, String)) -> RecipientReport {
    RecipientReport { recipient: name.clone(), node: owner.as_ref().map(ToString::to_string) }
}

impl SecretsReport {
    /// Rows of the table of changes; the action is told by a word of this place and one of the past.
    pub(super) fn rows(&self, past: bool) -> Vec<ChangeRow> {
        let mut rows = Vec::new();
        let mut row =
            |(sign, style, is_final): (&str, Style, bool), words: [&'static str; 2], why| {
                let [planned, done] = words;
                let action = if past { done } else { planned };
                let name = format!("{sign} secrets");
                rows.push(ChangeRow { name, action, style, why, is_final, family: None });
            };
        let (changes, records) = (("~", CHANGE, false), ("=", MINOR, false));
        // What is or was in the clear, others get to see, or saw.
        let opens = ("!", DANGER, true);
        let secrets = |files: &Vec<String>| counted(files.len(), "secret");
        if !self.seal.is_empty() {
            let what = format!("{} in the clear, for {}", secrets(&self.seal), self.everybody());
            row(changes, ["seal", "sealed"], what);
        }
        if !self.seal_again.is_empty() {
            let again = format!(
                "{} sealed again for {}{}",
                secrets(&self.seal_again),
                counted(self.recipients.len(), "recipient"),
                self.changed(": ")
            );
            row(changes, ["seal", "sealed"], again);
        }
        if !self.unseal.is_empty() {
            let what = format!("{} written in the clear", secrets(&self.unseal));
            row(opens, ["unseal", "unsealed"], what);
        }
        if !self.remove.is_empty() {
            let what = format!(
                "{} in the clear beside the sealed one: {}",
                counted(self.remove.len(), "file"),
                some(&self.remove)
            );
            row(opens, ["remove", "removed"], what);
        }
        let said = !self.seal.is_empty() || !self.seal_again.is_empty();
        let changed = !self.added.is_empty() || !self.removed.is_empty();
        if changed && !said {
            let what = format!("recipients {}", self.changed(""));
            row(records, ["record", "recorded"], what);
        }
        rows
    }

    /// `2 recipients: alice@laptop, age1ql3z7hjy5...`
    fn everybody(&self) -> String {
        let names: Vec<String> = self.recipients.iter().map(short).collect();
        let number = counted(names.len(), "recipient");
        format!("{number}: {}", listed(&names))
    }

    fn changed(&self, before: &str) -> String {
        let part = |word: &str, of: &Vec<RecipientReport>| {
            let names: Vec<String> = of.iter().map(short).collect();
            (!names.is_empty()).then(|| format!("{word} {}", listed(&names)))
        };
        let parts = [part("added", &self.added), part("removed", &self.removed)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return String::new();
        }
        format!("{before}{}", parts.join("; "))
    }

    /// `18 to seal`
    pub(super) fn totals(&self, past: bool) -> Vec<String> {
        let counts = [
            (self.seal.len() + self.seal_again.len(), "to seal", "sealed"),
            (self.unseal.len(), "to unseal", "unsealed"),
            (self.remove.len(), "to remove", "removed"),
        ];
        counts
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, to_do, done)| format!("{count} {}", if past { done } else { to_do }))
            .collect()
    }
}

fn short(recipient: &RecipientReport) -> String {
    let name = Recipients::short_name(&recipient.recipient);
    match &recipient.node {
        None => name,
        Some(node) => format!("{name} (node {node})"),
    }
}
