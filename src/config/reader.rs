//! Values to types, each with its origin; what cannot be one becomes a problem and reading goes on.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str::FromStr;

use super::block::Block;
use super::fields::{RENEW_BEFORE, VALIDITY};
use super::problem::{At, Problem, quoted, suggestion};
use super::report::SourceFile;
use super::shape::{Many, One};
use super::tree::{Scalar, Value};
use crate::name::NameError;
use crate::spec::{Origin, Setting};
use crate::words::Worded;

pub struct Reader<'f> {
    files: &'f [SourceFile],
    pub problems: Vec<Problem>,
    pub notes: Vec<String>,
}

/// Names in lower case, and where each was first written: two that differ in case only would be one file
/// on some disks, and one name to a person.
pub type Seen = HashMap<String, (String, At)>;

impl<'f> Reader<'f> {
    pub fn new(files: &'f [SourceFile], problems: Vec<Problem>) -> Self {
        Reader { files, problems, notes: Vec::new() }
    }

    pub fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    pub fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub fn origin(&self, at: At) -> Origin {
        match self.files.get(at.file) {
            Some(file) => Origin::File { file: file.name.clone(), line: file.line(at.start) },
            None => Origin::Default,
        }
    }

    pub fn setting<T>(&self, value: T, at: At) -> Setting<T> {
        Setting { value, origin: self.origin(at) }
    }

    /// Each entry of a list with its own origin.
    pub fn origins<T: Ord>(&self, list: Vec<(T, At)>) -> BTreeMap<T, Origin> {
        list.into_iter().map(|(value, at)| (value, self.origin(at))).collect()
    }

    /// The folder of the file that a place stands in.
    pub fn folder(&self, at: At) -> &'f str {
        let name = self.files.get(at.file).map_or("", |file| &*file.name);
        name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    pub fn text<'v>(&mut self, value: &'v Value, word: &str) -> Option<&'v str> {
        let found = match &value.scalar {
            Scalar::Text(text) => return Some(text),
            Scalar::Integer(number) => number.to_string(),
            Scalar::Fraction(number) => number.to_string(),
            Scalar::Bool(value) => format!("#{value}"),
            Scalar::Null => "#null".to_owned(),
        };
        let help = match value.scalar {
            Scalar::Integer(_) if [VALIDITY.word(), RENEW_BEFORE.word()].contains(&word) => {
                format!("write a number and a unit in quotes: \"{found}d\"")
            }
            Scalar::Integer(_) | Scalar::Fraction(_) => format!("put it in quotes: \"{found}\""),
            _ => "write a text in quotes, or leave the whole setting out".to_owned(),
        };
        self.problem(
            Problem::new(value.at, format!("`{word}` takes a text, not {found}")).help(help),
        );
        None
    }

    pub fn parsed<T: FromStr<Err = NameError>>(&mut self, value: &Value, word: &str) -> Option<T> {
        let text = self.text(value, word)?;
        match text.parse() {
            Ok(parsed) => Some(parsed),
            Err(why) => {
                self.problem(Problem::refused(value.at, text, &why.to_string()));
                None
            }
        }
    }

    pub fn one<T: FromStr<Err = NameError>>(
        &mut self,
        block: &Block<'_>,
        one: One<T>,
    ) -> Option<Setting<T>> {
        let word = one.word();
        let value = block.one(one)?;
        let parsed = self.parsed(value, word)?;
        Some(self.setting(parsed, value.at))
    }

    /// A list in the order written; the same entry twice is a mistake, most often of copying.
    pub fn list<T: FromStr<Err = NameError> + Ord + Clone>(
        &mut self,
        block: &Block<'_>,
        many: Many<T>,
    ) -> Vec<(T, At)> {
        let word = many.word();
        let mut list: Vec<(T, At)> = Vec::new();
        let mut seen = BTreeSet::new();
        for value in block.many(many) {
            let Some(parsed) = self.parsed::<T>(value, word) else {
                continue;
            };
            if seen.insert(parsed.clone()) {
                list.push((parsed, value.at));
            } else if let Some((_, first)) = list.iter().find(|(known, _)| *known == parsed) {
                let message = match &value.scalar {
                    Scalar::Text(text) => format!("{} stands twice in this list", quoted(text)),
                    _ => "this stands twice in the list".to_owned(),
                };
                self.problem(
                    Problem::new(value.at, message)
                        .label("again")
                        .first(*first)
                        .help("delete one of the two"),
                );
            }
        }
        list
    }

    /// One of a few words; `default` where none is written.
    pub fn choice_or<T: Worded>(
        &mut self,
        block: &Block<'_>,
        one: One<T>,
        default: T,
    ) -> Option<T> {
        let word = one.word();
        match block.one(one) {
            Some(value) => self.choice(value, word, T::WORDS),
            None => Some(default),
        }
    }

    /// Which of a few words a value is.
    pub fn choice<T: Copy>(
        &mut self,
        value: &Value,
        word: &str,
        known: &[(T, &'static str)],
    ) -> Option<T> {
        let text = self.text(value, word)?;
        let found = known.iter().find(|(_, name)| *name == text);
        if found.is_none() {
            let help = suggestion(text, known.iter().map(|(_, name)| *name));
            self.problem(
                Problem::new(value.at, format!("unknown {word} {}", quoted(text))).help(help),
            );
        }
        found.map(|(choice, _)| *choice)
    }

    pub fn flag(&mut self, block: &Block<'_>, one: One<bool>) -> Option<(bool, At)> {
        let word = one.word();
        let value = block.one(one)?;
        if let Scalar::Bool(flag) = value.scalar {
            return Some((flag, value.at));
        }
        self.problem(
            Problem::new(value.at, format!("`{word}` takes #true or #false"))
                .help("keywords carry a `#` and no quotes"),
        );
        None
    }

    /// Whether this name is the first of its kind; else a problem.
    pub fn once(&mut self, block: &Block<'_>, name: &Value, seen: &mut Seen) -> bool {
        let word = block.shape.word;
        let Scalar::Text(text) = &name.scalar else {
            return true;
        };
        match seen.entry(text.to_ascii_lowercase()) {
            Entry::Vacant(free) => {
                free.insert((text.to_string(), name.at));
                true
            }
            Entry::Occupied(known) => {
                let (first, at) = known.get();
                let message = if **first == **text {
                    format!("{word} {} is described twice", quoted(text))
                } else {
                    format!("{word} {} differs from {} only in case", quoted(text), quoted(first))
                };
                let problem = Problem::new(name.at, message).label("again").first(*at);
                let help = match word {
                    "ca" | "component" | "leaf" => "merge the two",
                    _ => "rename or delete one of the two",
                };
                self.problem(problem.help(help));
                false
            }
        }
    }

    /// A block's name, once among its kind.
    pub fn name<T: FromStr<Err = NameError>>(
        &mut self,
        block: &Block<'_>,
        seen: &mut Seen,
    ) -> Option<T> {
        let value = block.name?;
        self.text(value, block.shape.word)?;
        if !self.once(block, value, seen) {
            return None;
        }
        self.parsed(value, block.shape.word)
    }
}
