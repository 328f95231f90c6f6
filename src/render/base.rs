//! What a proposal itself changes of what only an apply writes: told before everything else, since all that a
//! plan says of before hangs on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::{Entry, Sign};
use super::markdown::{COLUMNS, Section};
use super::style::STRONG;
use super::text::{counted, paragraph, printable};
use crate::diff::{Touch, Touched};
use crate::first_few;
use crate::shell;

/// What a plan was held against.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BaseReport {
    /// As it was given.
    pub revision: String,
    /// The commit that it names.
    pub commit: String,
    /// What is not as it is there, of what only `kpki apply` writes. Lines of the lock first.
    pub changes: Vec<TouchedReport>,
    /// Changes in authority that stop against the base, and that the working tree's own lock and files would
    /// hide from an apply.
    pub hidden: usize,
    /// Of the changes, lines and files that are new and of nothing that is described: whoever is described later
    /// would seem to have been there.
    pub undescribed: usize,
    /// What is checked out does not come from it.
    pub aside: bool,
}

/// A line of the lock or a file below `out/`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TouchedReport {
    /// `out/users/jane/jane.crt` or `cluster.lock: users/jane`.
    pub what: String,
    /// added, changed or removed.
    #[schemars(with = "String")]
    pub how: Touch,
}

/// More is counted: a pull request that brings a whole cluster is not read line by line.
const SHOWN: usize = 20;

impl BaseReport {
    pub fn new(
        revision: &str,
        commit: &str,
        touched: &[Touched],
        hidden: usize,
        aside: bool,
    ) -> Self {
        let changes = touched.iter();
        let changes = changes.map(|one| TouchedReport { what: one.what.clone(), how: one.how });
        BaseReport {
            revision: revision.to_owned(),
            commit: commit.to_owned(),
            changes: changes.collect(),
            hidden,
            undescribed: 0,
            aside,
        }
    }

    /// Merged as it is, nobody would be asked for a gain that stops.
    pub fn hides(&self) -> bool {
        self.hidden > 0 || self.undescribed > 0
    }

    pub(super) fn text(&self, columns: usize) -> String {
        let mut text = format!("{STRONG}{}{STRONG:#}\n", printable(&self.title()));
        for entry in self.entries() {
            text.push_str(&entry.text(columns));
        }
        text + "\n"
    }

    pub(super) fn section(&self) -> Section {
        let entries = self.entries().into_iter().map(|entry| entry.markdown(COLUMNS));
        let head =
            paragraph("", 2, &super::markdown::line(&format!("# {}", self.title())), COLUMNS);
        Section::open(
            if self.changes.is_empty() {
                "Against the base: what only `kpki apply` writes is as it is there"
            } else {
                "Against the base: this changes what only `kpki apply` writes"
            },
            std::iter::once(head).chain(entries).collect(),
        )
    }

    fn title(&self) -> String {
        format!("against {} ({})", self.revision, self.commit.get(..12).unwrap_or(&self.commit))
    }

    fn entries(&self) -> Vec<Entry> {
        let sign = |how| match how {
            Touch::Added => (Sign::GAIN, "is new"),
            Touch::Changed => (Sign::GOES_ON, "is another"),
            Touch::Removed => (Sign::LOSS, "is gone"),
        };
        let mut entries: Vec<Entry> = Vec::new();
        for change in self.changes.iter().take(SHOWN) {
            let (sign, how) = sign(change.how);
            entries.push(Entry::new(sign, format!("{} {how}", change.what)));
        }
        if let Some(more) = first_few::more(self.changes.len(), SHOWN) {
            entries.push(Entry::new(Sign::GOES_ON, more));
        }
        if self.changes.is_empty() {
            let nothing = "nothing of cluster.lock and out/ is changed";
            entries.push(Entry::new(Sign::KEPT, nothing.to_owned()));
        } else {
            let mut hidden = String::new();
            if self.hidden > 0 {
                let gains = counted(self.hidden, "gain");
                hidden +=
                    &format!(" merged as it is, apply would not ask for {gains} of those below;");
            }
            if self.undescribed > 0 {
                hidden += &format!(
                    " {} of them of nothing that is described: whoever is described later would seem to have \
                     been there before;",
                    self.undescribed
                );
            }
            let advice = format!("only kpki apply writes these;{hidden} this puts them back:");
            let sign = if self.hides() { Sign::STOPS } else { Sign::ESCALATION };
            entries.push(Entry::new(sign, advice).copied([self.restore()]));
        }
        if self.aside {
            let aside = format!(
                "what is checked out does not come from {}: what that has since is told as if this took it \
                 back; merge it first",
                self.revision
            );
            entries.push(Entry::new(Sign::ESCALATION, aside));
        }
        entries
    }

    /// Files that the base lacks are removed, too (git-restore(1), --no-overlay).
    pub(super) fn restore(&self) -> String {
        let source = shell::quoted(&format!("--source={}", self.revision));
        format!("git restore {source} --staged --worktree -- cluster.lock out")
    }
}
