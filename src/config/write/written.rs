//! A block of a description as text.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use crate::config::fields::{KEY, RENEW_BEFORE, REVISION, VALIDITY};
use crate::config::flags;
use crate::config::shape::{Field, Many, One, Shape};
use crate::name::Organization;
use crate::spec::{PolicyOverride, Setting};
use crate::visible::{is_hidden, printable};

/// What is said of a word in a block, or of the block itself, behind `//`.
pub type Remark<'a> = dyn Fn(&str, Option<&'static str>) -> Option<&'a str> + 'a;

/// One block: `word "name"` and its settings.
pub(super) struct Written {
    pub(super) head: String,
    /// Never in one line.
    pub(super) is_open: bool,
    pub(super) settings: Vec<(&'static str, Vec<String>)>,
    pub(super) blocks: Vec<Written>,
}

impl Written {
    pub(super) fn new(shape: &Shape) -> Self {
        Written {
            head: shape.word.to_owned(),
            is_open: false,
            settings: Vec::new(),
            blocks: Vec::new(),
        }
    }

    pub(super) fn named(shape: &Shape, name: &str) -> Self {
        Written { head: format!("{} {}", shape.word, quoted(name)), ..Written::new(shape) }
    }

    pub(super) fn says_something(&self) -> bool {
        !self.settings.is_empty() || !self.blocks.is_empty()
    }

    pub(super) fn put(&mut self, field: Field, values: Vec<String>) {
        if !values.is_empty() {
            self.settings.push((field.word, values));
        }
    }

    pub(super) fn one<T>(&mut self, one: One<T>, value: impl fmt::Display) {
        self.put(one.field, vec![quoted(&value.to_string())]);
    }

    pub(super) fn maybe<T>(&mut self, one: One<T>, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.one(one, value);
        }
    }

    pub(super) fn number<T: fmt::Display>(&mut self, one: One<T>, value: Option<&Setting<T>>) {
        self.put(one.field, value.iter().map(|value| value.value.to_string()).collect());
    }

    pub(super) fn many<T>(&mut self, many: Many<T>, values: impl IntoIterator<Item: fmt::Display>) {
        let values = values.into_iter().map(|value| quoted(&value.to_string()));
        self.put(many.field, values.collect());
    }

    pub(super) fn flag(&mut self, one: One<bool>, is: bool) {
        if is {
            self.put(one.field, vec!["#true".to_owned()]);
        }
    }

    /// What is not as it is without a word.
    pub(super) fn unusual(&mut self, one: One<bool>, is: bool, usual: bool) {
        if is != usual {
            self.put(one.field, vec![format!("#{is}")]);
        }
    }

    pub(super) fn groups(
        &mut self,
        word: Many<Organization>,
        all: Option<&Setting<BTreeSet<Organization>>>,
    ) {
        match all {
            Some(none) if none.value.is_empty() => {
                self.put(word.field, vec![flags::NOTHING.to_owned()]);
            }
            Some(some) => self.many(word, &some.value),
            None => {}
        }
    }

    pub(super) fn policy(&mut self, policy: &PolicyOverride) {
        let PolicyOverride { key, validity, renew_before } = policy;
        self.maybe(KEY, key.as_ref().map(|key| key.value));
        self.maybe(VALIDITY, validity.as_ref().map(|validity| validity.value));
        self.maybe(RENEW_BEFORE, renew_before.as_ref().map(|before| before.value));
    }

    pub(super) fn revision(&mut self, revision: u32) {
        if revision != 1 {
            self.put(REVISION.field, vec![revision.to_string()]);
        }
    }

    /// In one line where every word has one value, else with a line for each word.
    pub(super) fn text(&self, depth: usize, remark: &Remark<'_>) -> String {
        let indent = "    ".repeat(depth);
        let mut text = format!("{indent}{}", self.head);
        let of_block = remark(&self.head, None);
        let fits = self.blocks.is_empty() && self.settings.len() < LONG && !self.is_open;
        if fits && self.settings.iter().all(|(_, values)| values.len() == 1) {
            for (word, values) in &self.settings {
                let _ = write!(text, " {word}={}", values.concat()); // a String takes everything
            }
            let of_words = self.settings.iter().filter_map(|(word, _)| {
                remark(&self.head, Some(word)).map(|said| format!("{word}: {said}"))
            });
            let all: Vec<String> =
                of_block.map(str::to_owned).into_iter().chain(of_words).collect();
            return with_comment(&text, &indent, &all.join("; "));
        }
        let mut text = with_comment(&format!("{text} {{"), &indent, of_block.unwrap_or_default());
        for (word, values) in &self.settings {
            let line = format!("{indent}    {word} {}", values.join(" "));
            let said = remark(&self.head, Some(word)).unwrap_or_default();
            text.push_str(&with_comment(&line, &format!("{indent}    "), said));
        }
        text.extend(self.blocks.iter().map(|block| block.text(depth + 1, remark)));
        text + &indent + "}\n"
    }
}

/// Behind the line where there is room, else above it.
fn with_comment(line: &str, indent: &str, comment: &str) -> String {
    const WIDTH: usize = 110;
    let comment = printable(comment);
    if comment.is_empty() {
        format!("{line}\n")
    } else if line.chars().count() + comment.chars().count() + 4 <= WIDTH {
        format!("{line} // {comment}\n")
    } else {
        format!("{indent}// {comment}\n{line}\n")
    }
}

/// So many words are easier to read one below the other.
const LONG: usize = 6;

pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_hidden(c) => quoted.extend(c.escape_unicode()),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
