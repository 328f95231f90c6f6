//! What `apply --check` found.

use schemars::JsonSchema;
use serde::Serialize;

use super::{FORMAT_VERSION, json, printable};
use crate::engine::{Checked, Difference};

fn in_words(difference: Difference) -> &'static str {
    match difference {
        Difference::Missing => "is missing",
        Difference::Content => "differs",
        Difference::Form => "is right, but does not rest as described",
        Difference::Exposed => "is right, but others can read it",
        Difference::Unreadable => "cannot be read",
        Difference::NotDescribed => "is not described",
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckReport {
    /// Version of this document's format.
    pub format_version: u32,
    /// How many files were built again and compared.
    pub compared: usize,
    pub differences: Vec<DifferenceReport>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DifferenceReport {
    /// Below the project folder.
    pub path: String,
    pub what: Difference,
}

impl CheckReport {
    pub fn new(checked: Checked) -> Self {
        let differences = checked.differences.into_iter();
        CheckReport {
            format_version: FORMAT_VERSION,
            compared: checked.compared,
            differences: differences
                .map(|(path, what)| DifferenceReport { path: format!("out/{path}"), what })
                .collect(),
        }
    }

    pub fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }

    pub fn text(&self) -> String {
        let mut lines: Vec<String> = self
            .differences
            .iter()
            .map(|found| format!("{} {}", printable(&found.path), in_words(found.what)))
            .collect();
        lines.push(match self.differences.len() {
            0 => format!(
                "{} files are what the description and the seed make",
                self.compared
            ),
            count => format!(
                "\n{count} of {} files compared are not what the description and the seed make\nnext: kpki plan",
                self.compared
            ),
        });
        lines.join("\n") + "\n"
    }

    pub fn json(&self) -> String {
        json(self)
    }
}
