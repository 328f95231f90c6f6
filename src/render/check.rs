//! What `apply --check` found.

use schemars::JsonSchema;
use serde::Serialize;

use super::report::{FORMAT_VERSION, Report};
use super::text::printable;

/// How a file is not what the description and the seed make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// It is not there.
    Missing,
    /// Its bytes are others.
    Content,
    /// It is sealed and should not be, or the other way round, or for others than described.
    Form,
    /// It is a secret that others can read.
    Exposed,
    /// It is no plain file that can be read.
    Unreadable,
    /// Nothing describes it.
    NotDescribed,
}

impl Difference {
    fn in_words(self) -> &'static str {
        match self {
            Difference::Missing => "is missing",
            Difference::Content => "differs",
            Difference::Form => "is right, but does not rest as described",
            Difference::Exposed => "is right, but others can read it",
            Difference::Unreadable => "cannot be read",
            Difference::NotDescribed => "is not described",
        }
    }
}

/// What `kpki apply --check --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CheckReport {
    /// Version of this format.
    pub format_version: u32,
    /// How many files were built again and compared.
    pub compared: usize,
    pub differences: Vec<DifferenceReport>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DifferenceReport {
    /// Below the project folder.
    pub path: String,
    pub what: Difference,
}

impl CheckReport {
    /// Paths are below `out/`.
    pub fn new(compared: usize, differences: Vec<(String, Difference)>) -> Self {
        let differences = differences.into_iter();
        CheckReport {
            format_version: FORMAT_VERSION,
            compared,
            differences: differences
                .map(|(path, what)| DifferenceReport { path: format!("out/{path}"), what })
                .collect(),
        }
    }

    pub fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }
}

impl Report for CheckReport {
    fn text(&self, _columns: usize) -> String {
        let mut lines: Vec<String> = self
            .differences
            .iter()
            .map(|found| format!("{} {}", printable(&found.path), found.what.in_words()))
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
}
