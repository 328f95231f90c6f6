//! Who gains and loses power, and what a policy forbids: what a reviewer reads first.

use std::fmt::Write as _;

use anstyle::Style;
use schemars::JsonSchema;
use serde::Serialize;

use super::style::{CHANGE, DANGER, GOOD, MINOR, STRONG, paint};
use super::text::{harmless, paragraph, printable, some};
use crate::plan::Allow;
use crate::review::{Consent, Direction, Gain, PrivilegeChange, Violation};
use crate::shell;
use crate::time::Timestamp;

/// A change in power.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PrivilegeReport {
    /// A user, component, node, certificate, CA, or the cluster's endpoint or secrets.
    pub holder: String,
    /// subject, group, common-name, name, others-name, wildcard, usage, ca-bit, longer-life, issuer,
    /// another-key, anchor, anchor-replaced, anchor-reissued, anew, key-on, flag, image, role, endpoint,
    /// recipient, joined, lost-group, lost-role, lost-recipient or left.
    pub code: String,
    /// escalation, gain or loss.
    pub direction: String,
    /// Reads after the holder.
    pub text: String,
    pub artifacts: Vec<String>,
    /// File and line of the description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Until when the certificate that holds it is good (RFC 3339): Kubernetes revokes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// missing, given or not-needed.
    pub consent: String,
    /// What `--allow` takes, where consent is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<String>,
}

/// A rule of the policy that the description breaks.
#[derive(Debug, Serialize, JsonSchema)]
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

pub(super) fn privilege_report(change: &PrivilegeChange) -> PrivilegeReport {
    let asked = change.consent != Consent::NotNeeded;
    PrivilegeReport {
        holder: change.holder.to_string(),
        code: change.gain.code().to_owned(),
        direction: word(change.gain.direction()).to_owned(),
        // Groups and names out of certificates that anybody may have made.
        text: printable(&change.gain.to_string()),
        artifacts: change.artifacts.iter().map(ToString::to_string).collect(),
        origin: change.origin.as_ref().map(ToString::to_string),
        until: change.until.map(|until| until.to_string()),
        consent: match change.consent {
            Consent::Missing => "missing",
            Consent::Given => "given",
            Consent::NotNeeded => "not-needed",
        }
        .to_owned(),
        allow: asked.then(|| change.allow().to_string()),
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
        holder: String,
        direction: Direction,
        gain: &Gain,
        paths: Vec<String>,
        until: Option<Timestamp>,
    ) -> Self {
        PrivilegeReport {
            holder,
            code: gain.code().to_owned(),
            direction: word(direction).to_owned(),
            text: printable(&gain.to_string()),
            artifacts: paths,
            origin: None,
            until: until.map(|until| until.to_string()),
            consent: "not-needed".to_owned(),
            allow: None,
        }
    }
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Escalation => "escalation",
        Direction::Gain => "gain",
        Direction::Loss => "loss",
    }
}

/// Gains and losses that stop nothing and are shown one by one.
const SHOWN: usize = 12;

/// Every change that stops, and the first of the others.
pub(super) fn privilege_text(changes: &[PrivilegeReport], columns: usize) -> String {
    let mut text = String::new();
    let (stopping, others): (Vec<_>, Vec<_>) =
        changes.iter().partition(|change| change.consent == "missing");
    let hidden = others.len().saturating_sub(SHOWN);
    let mut shown = stopping.into_iter().chain(others.into_iter().take(SHOWN)).peekable();
    while let Some(change) = shown.next() {
        line(&mut text, change, columns);
        let said_again = shown
            .peek()
            .is_some_and(|next| next.holder == change.holder && next.consent == change.consent);
        if let Some(allow) = &change.allow
            && change.consent == "missing"
            && !said_again
        {
            let _ = writeln!(text, "    only with --allow {}", shell::quoted(allow));
        }
    }
    if hidden > 0 {
        let _ = writeln!(text, "{} {hidden} more that stop nothing", paint(MINOR, "+"));
    }
    if text.is_empty() {
        return text;
    }
    format!("{STRONG}authority{STRONG:#}\n{text}\n")
}

fn line(text: &mut String, change: &PrivilegeReport, columns: usize) {
    let (sign, style): (&str, Style) = match (change.consent.as_str(), change.direction.as_str()) {
        ("missing", _) => ("x", DANGER),
        (_, "escalation") => ("!", CHANGE),
        (_, "gain") => ("+", GOOD),
        _ => ("-", MINOR),
    };
    text.push_str(&paragraph(
        &format!("{} ", paint(style, sign)),
        2,
        &harmless(&in_words(change)),
        columns,
    ));
}

pub(super) fn in_words(change: &PrivilegeReport) -> String {
    let mut words = format!("{} {}", change.holder, change.text);
    if let Some(until) = &change.until {
        let date: String = until.chars().take(10).collect();
        let _ = match change.direction.as_str() {
            "loss" => write!(words, "; the old certificate is good until {date}"),
            _ => write!(words, "; nothing can revoke it until {date}"),
        };
    }
    if let Some(origin) = &change.origin {
        let _ = write!(words, " ({origin})");
    }
    if change.artifacts.len() > 1 {
        let _ = write!(words, ": {}", some(&change.artifacts));
    }
    words
}

pub(super) fn violations_text(violations: &[ViolationReport], columns: usize) -> String {
    let mut text = String::new();
    for violation in violations {
        text.push_str(&paragraph(
            &format!("{} ", paint(DANGER, "x")),
            2,
            &harmless(&violation.in_words()),
            columns,
        ));
    }
    if text.is_empty() {
        return text;
    }
    format!("{STRONG}against the policy{STRONG:#}\n{text}\n")
}

impl ViolationReport {
    pub(super) fn in_words(&self) -> String {
        let mut words = format!("{} {}", some(&self.artifacts), self.text);
        if let Some(origin) = &self.origin {
            let _ = write!(words, " ({origin})");
        }
        let _ = write!(words, "; the rule is {}", self.rule);
        words
    }
}

impl PrivilegeChange {
    /// What lets apply go on.
    pub fn allow(&self) -> Allow {
        Allow::Escalation(self.holder.as_artifact())
    }
}
