//! An interrupted apply in a plan: what finishing it would do, and what it needs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::{Entry, Sign};
use super::text::{counted, out};
use crate::first_few;
use crate::plan::{Finishing, Interruption};

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct InterruptedReport {
    /// Names all that finishing it would do; `--allow interrupted:…` takes it.
    pub identity: String,
    /// apply, consent or nobody: who finishes it.
    pub finished_by: String,
    /// Why the next apply does not finish it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// Files under out/ that finishing it writes.
    pub writes: Vec<String>,
    /// Files under out/ that finishing it deletes.
    pub removes: Vec<String>,
    /// Files under out/ whose mode alone changes.
    pub modes: Vec<String>,
    /// Roots of trust that would get another key, without consent so far.
    pub replaces: Vec<String>,
    /// What `--allow` must be given so that apply goes on.
    pub asks: Vec<String>,
    /// Apply does not go on before a person decides.
    pub stops: bool,
}

pub fn interrupted_report(interruption: &Interruption) -> InterruptedReport {
    let (finished_by, doubt) = match &interruption.finishing {
        Finishing::ByItself => ("apply", None),
        Finishing::Consent { why, .. } => ("consent", Some(why.clone())),
        Finishing::Never { why, .. } => ("nobody", Some(why.clone())),
    };
    InterruptedReport {
        identity: interruption.identity.to_string(),
        finished_by: finished_by.to_owned(),
        doubt,
        writes: interruption.writes.iter().map(out).collect(),
        removes: interruption.removes.iter().map(out).collect(),
        modes: interruption.modes.iter().map(out).collect(),
        replaces: interruption.replaces.iter().map(ToString::to_string).collect(),
        asks: interruption.asks(),
        stops: interruption.stops(),
    }
}

/// More files than these are counted; JSON has them all.
const SHOWN: usize = 20;

impl InterruptedReport {
    /// The state in one line.
    fn headline(&self) -> String {
        match (&self.doubt, self.stops) {
            (Some(doubt), true) => format!("an interrupted apply is not finished: {doubt}"),
            (Some(doubt), false) => {
                format!("an interrupted apply is finished by consent, though {doubt}")
            }
            (None, true) => "an interrupted apply is not finished without consent".to_owned(),
            (None, false) => {
                "an apply was interrupted half-way; the next apply finishes it first".to_owned()
            }
        }
    }

    /// What finishing does, a sentence each.
    fn sentences(&self) -> Vec<String> {
        let files = |what: &str, files: &[String]| {
            (!files.is_empty()).then(|| {
                let shown = first_few::names(SHOWN, files);
                format!("finishing it {what} {}: {shown}", counted(files.len(), "file"))
            })
        };
        let mut sentences: Vec<String> = [
            files("writes", &self.writes),
            files("deletes", &self.removes),
            files("changes the mode of", &self.modes),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !self.replaces.is_empty() {
            let names = self.replaces.join(", ");
            sentences.push(format!(
                "other private keys would take the place of those on record: {names}; all that they signed is void"
            ));
        }
        if self.stops && !self.asks.is_empty() {
            sentences.push(
                "if it is yours (begun under another HOME, say), and every file of it is as you left it, this \
                 finishes it:"
                    .to_owned(),
            );
        }
        sentences
    }

    /// What consents to it: one line, to be copied.
    fn command(&self) -> Option<String> {
        let asks: Vec<String> = self.asks.iter().map(|ask| format!(" --allow {ask}")).collect();
        (self.stops && !asks.is_empty()).then(|| format!("kpki apply{}", asks.concat()))
    }

    pub(super) fn entry(&self) -> Entry {
        let sign = if self.stops { Sign::STOPS } else { Sign::GOES_ON };
        let entry = Entry::new(sign, self.headline());
        entry.sentences(self.sentences()).copied(self.command())
    }

    pub(super) fn next(&self) -> Option<String> {
        self.stops.then(|| {
            "kpki discard sets the interrupted apply aside; apply refuses until then".into()
        })
    }
}
