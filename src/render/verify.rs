//! What is wrong with a tree, and the rules that tell.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::report::{FORMAT_VERSION, Report};
use super::style::{CHANGE, DANGER, GOOD, STRONG, paint};
use super::text::{Table, counted, harmless, paragraph, printable};
use crate::first_few::more;
use crate::lint::{Counts, Finding, Severity};
use crate::time::Timestamp;

/// Of one rule so many files are shown; JSON has them all.
const SHOWN: usize = 8;

/// What `kpki verify --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct VerifyReport {
    /// Version of this format.
    pub format_version: u32,
    /// The folder that was judged, as it was named.
    pub tree: String,
    /// The time that it was judged for (RFC 3339).
    pub now: Timestamp,
    pub files: usize,
    pub certificates: usize,
    pub keys: usize,
    pub kubeconfigs: usize,
    pub manifests: usize,
    /// Sealed files, which were not looked into.
    pub sealed: usize,
    pub errors: usize,
    pub warnings: usize,
    /// Errors first, by rule, then by path.
    pub findings: Vec<FindingReport>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FindingReport {
    /// The rule, as `kpki explain` knows it.
    pub id: String,
    pub severity: SeverityReport,
    pub title: String,
    /// Relative to the folder that was judged.
    pub path: String,
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SeverityReport {
    Error,
    Warning,
}

pub fn verify_report(
    tree: &str,
    now: Timestamp,
    counts: Counts,
    findings: &[Finding],
) -> VerifyReport {
    let of =
        |severity| (findings.iter()).filter(|finding| finding.rule.severity == severity).count();
    VerifyReport {
        format_version: FORMAT_VERSION,
        tree: printable(tree),
        now,
        files: counts.files,
        certificates: counts.certificates,
        keys: counts.keys,
        kubeconfigs: counts.kubeconfigs,
        manifests: counts.manifests,
        sealed: counts.sealed,
        errors: of(Severity::Error),
        warnings: of(Severity::Warning),
        findings: findings
            .iter()
            .map(|finding| FindingReport {
                id: finding.rule.id.to_owned(),
                severity: match finding.rule.severity {
                    Severity::Error => SeverityReport::Error,
                    Severity::Warning => SeverityReport::Warning,
                },
                title: finding.rule.title.to_owned(),
                path: printable(&finding.path),
                // The names in it are escaped already.
                detail: harmless(&finding.detail),
            })
            .collect(),
    }
}

impl VerifyReport {
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }
}

impl Report for VerifyReport {
    fn text(&self, columns: usize) -> String {
        let mut text = String::new();
        for group in self.findings.chunk_by(|one, other| one.id == other.id) {
            let Some(first) = group.first() else { continue };
            let (style, word) = match first.severity {
                SeverityReport::Error => (DANGER, "error"),
                SeverityReport::Warning => (CHANGE, "warning"),
            };
            let head = format!("{word} {}", first.id);
            let heading = paragraph("", 4, &format!("{head}: {}", first.title), columns);
            text.push_str(&paint(style, &head));
            text.push_str(heading.strip_prefix(&head).unwrap_or(&heading));
            let mut table = Table::new();
            for finding in group.iter().take(SHOWN) {
                table.row([finding.path.as_str().into(), finding.detail.as_str().into()]);
            }
            text.push_str(&table.render("  ", columns));
            if let Some(more) = more(group.len(), SHOWN) {
                let _ = writeln!(text, "  {more}");
            }
        }
        if !text.is_empty() {
            text.push('\n');
        }
        let looked = format!(
            "{}, {}, {}, {}",
            counted(self.certificates, "certificate"),
            counted(self.keys, "key"),
            counted(self.kubeconfigs, "kubeconfig"),
            counted(self.manifests, "manifest"),
        );
        let found = match (self.errors, self.warnings) {
            (0, 0) => paint(GOOD, "nothing found"),
            (errors, warnings) => {
                format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"))
            }
        };
        let sealed = match self.sealed {
            0 => String::new(),
            1 => "; 1 sealed file was not looked into".to_owned(),
            sealed => format!("; {sealed} sealed files were not looked into"),
        };
        let end = format!("{found} in {looked}{sealed} ({})", self.tree);
        text.push_str(&paragraph("", 2, &end, columns));
        if !self.findings.is_empty() {
            let _ =
                writeln!(text, "{STRONG}next:{STRONG:#} kpki explain ID tells why, and what to do");
        }
        text
    }
}
