//! What `kpki explain` prints: words of a description, and rules of verify.

use schemars::JsonSchema;
use serde::Serialize;

use super::report::FORMAT_VERSION;
use super::verify::SeverityReport;
use crate::config::{Meaning, Takes, Unwritten, Values, Word};
use crate::lint::{Rule, Severity};

/// What `kpki explain --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ExplainReport {
    /// Version of this format.
    pub format_version: u32,
    /// Words of a description and of a policy, each block in front of those in it.
    pub words: Vec<WordReport>,
    /// Rules of `kpki verify`, errors first.
    pub rules: Vec<RuleReport>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct WordReport {
    /// `component.topology`
    pub name: String,
    /// Where it is written.
    pub stands: String,
    pub means: String,
    pub takes: TakesReport,
    /// How a value is written, or a block's name; nothing where it takes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// All values, or names of a block, where they are few.
    pub values: Vec<MeaningReport>,
    /// Without the word it is as with this value, as a description writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What holds without the word, where that follows from something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without: Option<String>,
    /// Whether leaving it out is a mistake.
    pub required: bool,
    /// Lines of a description, or of a policy, that have it.
    pub example: String,
    /// The words of its block.
    pub words: Vec<MeaningReport>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TakesReport {
    Value,
    Values,
    /// A name and a value, as often as needed.
    Pairs,
    Block,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MeaningReport {
    pub word: String,
    pub means: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RuleReport {
    pub id: String,
    pub severity: SeverityReport,
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// Where the reason can be looked up.
    pub source: String,
}

impl ExplainReport {
    pub fn new(words: &[Word], rules: &[&Rule]) -> Self {
        ExplainReport {
            format_version: FORMAT_VERSION,
            words: words.iter().map(WordReport::from).collect(),
            rules: rules.iter().map(|rule| RuleReport::from(*rule)).collect(),
        }
    }
}

impl WordReport {
    /// What its values are called.
    pub fn label(&self) -> &'static str {
        match self.takes {
            TakesReport::Value => "value",
            TakesReport::Values => "values",
            TakesReport::Pairs => "each",
            TakesReport::Block => "name",
        }
    }
}

impl From<&Word> for WordReport {
    fn from(word: &Word) -> Self {
        let (mut form, mut values) = (None, Vec::new());
        match word.values {
            Some(Values::Flag) => form = Some("#true or #false".to_owned()),
            Some(Values::Number { from, to }) => {
                form = Some(format!("a whole number from {from} to {to}"));
            }
            Some(Values::OneOf(all)) => {
                values = all().into_iter().map(|(word, means)| meaning(word, means)).collect();
            }
            Some(Values::Text(how)) => form = Some(how.to_owned()),
            None => {}
        }
        let (mut default, mut without) = (None, None);
        match word.unwritten {
            Unwritten::Same(value) => default = Some(value.to_owned()),
            Unwritten::Follows(from) => without = Some(from.to_owned()),
            Unwritten::Nothing | Unwritten::Mistake => {}
        }
        WordReport {
            name: word.path.clone(),
            stands: word.stands.clone(),
            means: word.means.to_owned(),
            takes: match word.takes {
                Takes::One => TakesReport::Value,
                Takes::Many => TakesReport::Values,
                Takes::Pairs => TakesReport::Pairs,
                Takes::Blocks => TakesReport::Block,
            },
            form,
            values,
            default,
            without,
            required: matches!(word.unwritten, Unwritten::Mistake),
            example: word.example.clone(),
            words: word.words.iter().map(|Meaning { word, means }| meaning(word, means)).collect(),
        }
    }
}

fn meaning(word: &str, means: &str) -> MeaningReport {
    MeaningReport { word: word.to_owned(), means: means.to_owned() }
}

impl From<&Rule> for RuleReport {
    fn from(rule: &Rule) -> Self {
        RuleReport {
            id: rule.id.to_owned(),
            severity: match rule.severity {
                Severity::Error => SeverityReport::Error,
                Severity::Warning => SeverityReport::Warning,
            },
            title: rule.title.to_owned(),
            why: rule.reason.to_owned(),
            fix: rule.fix.to_owned(),
            source: rule.source.to_owned(),
        }
    }
}
