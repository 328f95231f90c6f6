//! Where each value of an inferred description was found.

use std::collections::BTreeMap;

/// A block of the description (`node "cp1"`) and a word in it; no word: the block itself.
pub type Note = (String, Option<&'static str>);

/// For each the place where it was found, in a few words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    all: BTreeMap<Note, String>,
}

impl Notes {
    pub fn add(&mut self, block: impl Into<String>, word: &'static str, text: impl Into<String>) {
        self.all.insert((block.into(), Some(word)), text.into());
    }

    pub fn add_block(&mut self, block: impl Into<String>, text: impl Into<String>) {
        self.all.insert((block.into(), None), text.into());
    }

    /// `None` as word: of the block itself.
    pub fn of(&self, block: &str, word: Option<&'static str>) -> Option<&str> {
        self.all.get(&(block.to_owned(), word)).map(String::as_str)
    }
}
