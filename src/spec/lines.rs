//! Where the description says what gives power: for reviewers, and never hashed.

use std::collections::HashMap;

use super::Origin;

/// Places of blocks and of values in them.
#[derive(Debug, Clone, Default)]
pub struct Lines(HashMap<Box<str>, Origin>);

impl Lines {
    /// `user` `jane`
    pub fn add_block(&mut self, word: &str, name: &str, origin: Origin) {
        self.0.entry(key(&[word, name])).or_insert(origin);
    }

    /// `user` `jane` `group` `ops`
    pub fn add_value(&mut self, word: &str, name: &str, field: &str, value: &str, origin: Origin) {
        let key = key(&[word, name, field, value]);
        self.0.entry(key).or_insert(origin);
    }

    pub fn block(&self, word: &str, name: &str) -> Option<&Origin> {
        self.0.get(&key(&[word, name]))
    }

    pub fn value(&self, word: &str, name: &str, field: &str, value: &str) -> Option<&Origin> {
        self.0.get(&key(&[word, name, field, value]))
    }
}

/// No name or value holds a control character.
fn key(parts: &[&str]) -> Box<str> {
    parts.join("\n").into()
}
