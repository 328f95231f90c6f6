//! Keys that Git ever had in the clear, as a report.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::exposure::{commands, rekey};
use super::style::{DANGER, MINOR, paint};
use super::text::{Cell, Table, counted, paragraph};
use crate::first_few::more;
use crate::graph::{DerivationId, Graph};

/// What `--history` adds.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct HistoryReport {
    /// How many different files the history has below the project folder.
    pub files: usize,
    /// Those still in use first.
    pub keys: Vec<KeyInHistory>,
    /// What makes new keys for all that are still in use.
    pub rekey: Vec<String>,
}

/// A private key that was in the clear.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct KeyInHistory {
    #[serde(skip)]
    unused: bool,
    /// The artifact whose key it still is.
    pub artifact: Option<String>,
    /// The recipient whose identity it is: it opens what is sealed for that one.
    pub recipient: Option<String>,
    /// Still in use here.
    pub in_use: bool,
    pub path: Option<String>,
    /// The first commit with it; absent where only a tag names the file itself.
    pub commit: Option<String>,
    /// Digest of the public half, as in cluster.lock; of an identity the recipient; absent where kpki cannot
    /// read the key.
    pub public_key: Option<String>,
    /// What makes a new key.
    pub rekey: Option<String>,
}

/// Whose key it is today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOf {
    Artifact(DerivationId),
    Recipient(String),
    Nothing,
}

impl KeyInHistory {
    pub fn new(
        graph: &Graph,
        of: &KeyOf,
        public_key: Option<String>,
        commit: Option<String>,
        path: Option<String>,
    ) -> Self {
        let (artifact, recipient, command) = match of {
            KeyOf::Artifact(id) => (
                Some(graph.get(*id).name.to_string()),
                None,
                rekey(graph, &BTreeSet::from([*id])).pop(),
            ),
            KeyOf::Recipient(recipient) => (None, Some(recipient.clone()), None),
            KeyOf::Nothing => (None, None, None),
        };
        KeyInHistory {
            unused: *of == KeyOf::Nothing,
            in_use: *of != KeyOf::Nothing,
            artifact,
            recipient,
            public_key,
            commit,
            path,
            rekey: command,
        }
    }

    fn row(&self) -> [Cell; 3] {
        let (state, whose) = match (&self.artifact, &self.recipient, &self.public_key) {
            (Some(artifact), ..) => ("x in use", artifact.clone()),
            (None, Some(recipient), _) => ("x in use", format!("identity of {recipient}")),
            (None, None, Some(_)) => ("- no longer used", "private key".to_owned()),
            (None, None, None) => ("- not a key of kpki\'s", "private key".to_owned()),
        };
        let style = if self.in_use { DANGER } else { MINOR };
        let path = self.path.as_deref().unwrap_or("a file without a path");
        let commit = self.commit.as_deref().map_or_else(String::new, |commit| {
            format!(" in {}", commit.get(..SHORT).unwrap_or(commit))
        });
        [Cell::new(style, state), whose.into(), format!("{path}{commit}").into()]
    }
}

const SHORT: usize = 16;
/// Rows of either kind.
const SHOWN: usize = 20;

impl HistoryReport {
    pub fn new(
        graph: &Graph,
        files: usize,
        mut keys: Vec<KeyInHistory>,
        in_use: &BTreeSet<DerivationId>,
    ) -> Self {
        keys.sort();
        HistoryReport { files, keys, rekey: rekey(graph, in_use) }
    }

    pub fn has_keys_in_use(&self) -> bool {
        self.keys.iter().any(|key| key.in_use)
    }

    pub(super) fn text(&self, columns: usize) -> String {
        let (used, unused): (Vec<_>, Vec<_>) = self.keys.iter().partition(|key| key.in_use);
        let mut table = Table::new();
        for keys in [&used, &unused] {
            for key in keys.iter().take(SHOWN) {
                table.row(key.row());
            }
        }
        let mut text = table.render("", columns);
        let hidden = used.len().saturating_sub(SHOWN) + unused.len().saturating_sub(SHOWN);
        if let Some(more) = more(hidden, 0) {
            let _ = writeln!(text, "{more} (--format json has all)");
        }
        if !text.is_empty() {
            text.push('\n');
        }
        let looked = counted(self.files, "file");
        let summary = match (used.len(), unused.len()) {
            (0, 0) => format!("no private key in the history: {looked} looked into\n"),
            (0, gone) => format!(
                "no key in use was ever in the clear: {looked} of the history looked into, {} in it\n",
                counted(gone, "other private key")
            ),
            (used, gone) => {
                let gone = if gone > 0 { format!(" and {gone} not") } else { String::new() };
                let what = format!(
                    "{} in use{gone}, in {looked} of the history: whoever has the repository has them, and new keys help, \
                     and nothing else{}",
                    counted(used, "key"),
                    if self.rekey.is_empty() { "" } else { ":" }
                );
                paragraph("", 2, &what, columns)
            }
        };
        text.push_str(&summary);
        text.push_str(&commands(&self.rekey, "look again then"));
        if used.iter().any(|key| key.recipient.is_some()) {
            let what = format!(
                "{} an identity opens all that is sealed for it: take its recipient out of the description, and kpki plan \
                 lists what it could read",
                paint(super::style::STRONG, "next:")
            );
            text.push_str(&paragraph("", 2, &what, columns));
        } else if !used.is_empty() && self.rekey.is_empty() {
            text.push_str("next: raise the `revision` of each\n");
        }
        text
    }
}
