//! Secrets in the clear, as a report.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::history::HistoryReport;
use super::report::{FORMAT_VERSION, Report};
use super::style::{DANGER, STRONG, paint};
use super::text::{Cell, Table, counted, paragraph};
use crate::facts::Plaintext;

/// What `kpki check --no-plaintext --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PlaintextReport {
    /// Version of this format.
    pub format_version: u32,
    /// Nothing was found that is in the clear now, and nothing in the history that is still in use.
    pub clean: bool,
    /// Whether the project folder is in a Git repository. If not, no file counts as ignored.
    pub repository: bool,
    /// How many files were looked into.
    pub files: usize,
    /// Sorted by path.
    pub plaintext: Vec<FoundReport>,
    /// Files of which only the start was looked into.
    pub too_large: Vec<String>,
    /// With `--history`: what Git ever had below the project folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryReport>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FoundReport {
    pub path: String,
    #[serde(rename = "where")]
    pub place: Where,
    pub kinds: Vec<Plaintext>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Where {
    /// In Git's index: committed, or about to be.
    Tracked,
    /// In the working copy of a tracked file.
    Changed,
    /// Neither tracked nor ignored.
    Untracked,
}

impl Where {
    fn text(self) -> &'static str {
        match self {
            Where::Tracked => "tracked",
            Where::Changed => "changed, not staged",
            Where::Untracked => "not ignored",
        }
    }
}

impl PlaintextReport {
    pub fn new(
        repository: bool,
        files: usize,
        mut plaintext: Vec<FoundReport>,
        mut too_large: Vec<String>,
        history: Option<HistoryReport>,
    ) -> Self {
        plaintext.sort();
        plaintext.dedup();
        too_large.sort();
        too_large.dedup();
        PlaintextReport {
            format_version: FORMAT_VERSION,
            clean: plaintext.is_empty()
                && !history.as_ref().is_some_and(HistoryReport::has_keys_in_use),
            repository,
            files,
            plaintext,
            too_large,
            history,
        }
    }
}

impl Report for PlaintextReport {
    fn text(&self, columns: usize) -> String {
        let mut table = Table::new();
        for found in &self.plaintext {
            let kinds: Vec<String> = found.kinds.iter().map(ToString::to_string).collect();
            table.row([
                Cell::new(DANGER, format!("x {}", found.place.text())),
                kinds.join(", ").into(),
                found.path.as_str().into(),
            ]);
        }
        let mut text = table.render("", columns);
        if !text.is_empty() {
            text.push('\n');
        }
        for path in &self.too_large {
            let note = format!("note: {path} is large: only its first 64 MiB were looked into");
            text.push_str(&paragraph("", 2, &note, columns));
        }
        if !self.repository {
            text.push_str("note: no Git repository is here, so no file counts as ignored\n");
        }
        if self.plaintext.is_empty() {
            let _ = writeln!(
                text,
                "no secret in the clear: {} looked into",
                counted(self.files, "file")
            );
        } else {
            let secrets = counted(self.plaintext.len(), "secret");
            let _ = writeln!(text, "{secrets} in the clear");
            if self.repository {
                text.push_str(&self.next(columns));
            }
        }
        if let Some(history) = &self.history {
            text.push('\n');
            text.push_str(&history.text(columns));
        }
        text
    }
}

impl PlaintextReport {
    fn next(&self, columns: usize) -> String {
        let has = |place| self.plaintext.iter().any(|found| found.place == place);
        let mut orders = Vec::new();
        if has(Where::Tracked) {
            orders.push("git rm --cached what is tracked");
        }
        if has(Where::Changed) {
            orders.push("take the secret out of what is changed");
        }
        if has(Where::Untracked) || has(Where::Tracked) {
            orders.push("name it in .gitignore");
        }
        let mut text = paint(STRONG, "next:");
        let _ = write!(text, " {}", orders.join(", then "));
        if has(Where::Tracked) {
            text.push_str(
                "; a key that was ever pushed is known: --history tells which, and what makes others",
            );
        }
        paragraph("", 2, &text, columns)
    }
}
