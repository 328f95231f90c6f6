//! Who gains and loses power, and what a policy forbids: what a reviewer reads first.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::{Entry, Sign};
use super::style::{MINOR, STRONG, paint};
use super::text::{harmless, printable, some};
use crate::plan::Allow;
use crate::review::{AccessChange, Consent, Direction, ReviewedChange, Violation};
use crate::time::Timestamp;

/// A change in power.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PrivilegeReport {
    /// A user, component, node, certificate, CA, or the cluster's endpoint or secrets.
    pub holder: String,
    /// subject, group, common-name, name, others-name, wildcard, usage, ca-bit, longer-life, issuer,
    /// another-key, anchor, anchor-replaced, anchor-reissued, anchor-for-clients, anew, unrecorded,
    /// key-on, key-folder, flag, image, pod, unreadable, role, endpoint, recipient, joined, moved,
    /// older-kubernetes, kubelet-unchecked, kubelet-unconfigured, lower-revision, anchor-dropped,
    /// lost-group, lost-role, lost-recipient, demoted, relocated or left.
    pub code: String,
    /// escalation, gain or loss.
    #[schemars(with = "String")]
    pub direction: Direction,
    /// Reads after the holder.
    pub text: String,
    pub artifacts: Vec<String>,
    /// File and line of the description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Until when the certificate that holds it is good (RFC 3339): Kubernetes revokes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// missing, given or not-needed.
    #[schemars(with = "String")]
    pub consent: Consent,
    /// What `--allow` takes, where consent is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<String>,
}

/// A rule of the policy that the description breaks.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ViolationReport {
    /// Reads after the artifacts.
    pub text: String,
    pub artifacts: Vec<String>,
    /// File and line of the policy.
    pub rule: String,
    /// File and line of the description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

pub(super) fn privilege_report(change: &ReviewedChange) -> PrivilegeReport {
    let asked = change.consent != Consent::NotNeeded;
    PrivilegeReport {
        holder: change.principal.to_string(),
        code: change.access.code().to_owned(),
        direction: change.access.direction(),
        text: text(&change.access),
        artifacts: change.artifacts.iter().map(ToString::to_string).collect(),
        origin: change.origin.as_ref().map(ToString::to_string),
        until: change.until,
        consent: change.consent,
        allow: asked.then(|| change.allow().to_string()),
    }
}

/// Groups and names out of certificates that anybody may have made. Where it quotes a distinguished name,
/// that is escaped already.
fn text(change: &AccessChange) -> String {
    let text = change.to_string();
    match change {
        AccessChange::Issuer { .. } | AccessChange::RootDropped { .. } => harmless(&text),
        _ => printable(&text),
    }
}

pub(super) fn violation_report(violation: &Violation) -> ViolationReport {
    ViolationReport {
        text: violation.what.clone(),
        artifacts: violation.artifacts.iter().map(ToString::to_string).collect(),
        rule: violation.rule.to_string(),
        origin: violation.origin.as_ref().map(ToString::to_string),
    }
}

impl PrivilegeReport {
    /// Of files that nobody describes so.
    pub(super) fn of_files(
        principal: String,
        direction: Direction,
        change: &AccessChange,
        paths: Vec<String>,
        until: Option<Timestamp>,
    ) -> Self {
        PrivilegeReport {
            holder: principal,
            code: change.code().to_owned(),
            direction,
            text: text(change),
            artifacts: paths,
            origin: None,
            until,
            consent: Consent::NotNeeded,
            allow: None,
        }
    }

    /// It stops apply.
    pub(super) fn stops(&self) -> bool {
        self.consent == Consent::Missing
    }

    /// Without the consent that it takes.
    pub(super) fn entry(&self) -> Entry {
        let sign = match (self.consent, self.direction) {
            (Consent::Missing, _) => Sign::STOPS,
            (_, Direction::Escalation) => Sign::ESCALATION,
            (_, Direction::Gain) => Sign::GAIN,
            (_, Direction::Loss) => Sign::LOSS,
        };
        Entry::new(sign, self.in_words())
    }

    fn in_words(&self) -> String {
        let mut words = format!("{} {}", self.holder, self.text);
        if let Some(until) = self.until.map(Timestamp::date) {
            let _ = match self.direction {
                Direction::Loss => write!(words, "; the old certificate is good until {until}"),
                _ => write!(words, "; nothing can revoke it until {until}"),
            };
        }
        if let Some(origin) = &self.origin {
            let _ = write!(words, " ({origin})");
        }
        match nodes_of(&self.artifacts) {
            _ if self.artifacts.len() < 2 => {}
            Some(nodes) if nodes == [self.holder.as_str()] => {}
            Some(nodes) => {
                let _ = write!(words, ": {}", some(&nodes));
            }
            None => {
                let _ = write!(words, ": {}", some(&self.artifacts));
            }
        }
        words
    }
}

/// The nodes alone, where that says all: it is the same part on each of them, or all of it is one node's.
fn nodes_of(artifacts: &[String]) -> Option<Vec<&str>> {
    let mut nodes = Vec::new();
    let mut parts = BTreeSet::new();
    for artifact in artifacts {
        let (node, part) = artifact.strip_prefix("nodes/")?.split_once('/')?;
        parts.insert(part);
        if nodes.last() != Some(&node) {
            nodes.push(node);
        }
    }
    (parts.len() == 1 || nodes.len() == 1).then_some(nodes)
}

/// Gains and losses that stop nothing and are shown one by one.
const SHOWN: usize = 12;

/// Every change that stops, and the first of the others.
pub(super) fn privilege_text(changes: &[PrivilegeReport], columns: usize) -> String {
    let mut text = String::new();
    let (stopping, others): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.stops());
    let hidden = others.len().saturating_sub(SHOWN);
    let mut shown = stopping.into_iter().chain(others.into_iter().take(SHOWN)).peekable();
    while let Some(change) = shown.next() {
        let said_again = shown
            .peek()
            .is_some_and(|next| next.holder == change.holder && next.consent == change.consent);
        let allow = change.allow.as_deref().filter(|_| change.stops() && !said_again);
        text.push_str(&change.entry().only_with(allow).text(columns));
    }
    if hidden > 0 {
        let _ = writeln!(text, "{} {hidden} more that stop nothing", paint(MINOR, "+"));
    }
    if text.is_empty() {
        return text;
    }
    format!("{STRONG}authority{STRONG:#}\n{text}\n")
}

pub(super) fn violations_text(violations: &[ViolationReport], columns: usize) -> String {
    if violations.is_empty() {
        return String::new();
    }
    let entries = violations.iter().map(|violation| violation.entry().text(columns));
    format!("{STRONG}against the policy{STRONG:#}\n{}\n", entries.collect::<String>())
}

impl ViolationReport {
    pub(super) fn entry(&self) -> Entry {
        let mut words = format!("{} {}", some(&self.artifacts), self.text);
        if let Some(origin) = &self.origin {
            let _ = write!(words, " ({origin})");
        }
        let _ = write!(words, "; the rule is {}", self.rule);
        Entry::new(Sign::STOPS, words)
    }
}

impl ReviewedChange {
    /// What lets apply go on.
    pub fn allow(&self) -> Allow {
        Allow::Escalation(self.principal.as_artifact())
    }
}
