//! What is wrong, and where.

use std::collections::BTreeSet;

use super::rules::Rule;

/// One mistake, in one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub rule: &'static Rule,
    /// Relative to the tree.
    pub path: String,
    pub detail: String,
}

#[derive(Default)]
pub(super) struct Findings(BTreeSet<Finding>);

impl Findings {
    pub fn add(&mut self, rule: &'static Rule, path: &str, detail: impl Into<String>) {
        self.0.insert(Finding { rule, path: path.to_owned(), detail: detail.into() });
    }

    pub fn has(&self, rule: &'static Rule, path: &str) -> bool {
        let first = Finding { rule, path: path.to_owned(), detail: String::new() };
        let mut from = self.0.range(first..);
        from.next().is_some_and(|found| found.rule == rule && found.path == path)
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::collections::btree_set::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
