//! Every word of a description and of a policy, explained by the row that reads it.

use super::describe::SHAPES;
use super::files::INCLUDE;
use super::review_policy;
use super::shape::{Field, Shape, Takes, Unwritten, Values, written};

/// A word, and what there is to know of it.
#[derive(Debug, Clone)]
pub struct Word {
    /// `component.topology`, or with a name `component.etcd.topology`.
    pub path: String,
    /// Where it is written.
    pub stands: String,
    pub means: &'static str,
    pub takes: Takes,
    /// Of a block, what its name may be; none where it has no name.
    pub values: Option<Values>,
    pub unwritten: Unwritten,
    /// Lines of a description that have it.
    pub example: String,
    /// The words of its block.
    pub words: Vec<Meaning>,
}

/// A word or value, and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    pub word: &'static str,
    pub means: &'static str,
}

/// A block on the way to a word.
#[derive(Clone, Copy)]
struct Step {
    shape: &'static Shape,
    /// The one that is meant, where only one is.
    name: Option<&'static str>,
}

fn roots() -> impl Iterator<Item = &'static Shape> {
    SHAPES.into_iter().chain([&INCLUDE, &review_policy::SHAPE])
}

/// All words, each block in front of those in it.
pub fn all_words() -> Vec<Word> {
    let mut all = Vec::new();
    for shape in roots() {
        below(&[Step { shape, name: None }], &mut all);
    }
    all
}

/// Every path that can be asked for, also with the names of CAs and components: `component.etcd.topology`.
pub fn word_paths() -> Vec<String> {
    let mut all = Vec::new();
    for shape in roots() {
        let names = names(shape).into_iter().map(Some);
        for name in [None].into_iter().chain(names) {
            below(&[Step { shape, name }], &mut all);
        }
    }
    all.into_iter().map(|word| word.path).collect()
}

fn below(trail: &[Step], all: &mut Vec<Word>) {
    all.extend(of_block(trail));
    let Some(last) = trail.last() else { return };
    for field in last.shape.fields.iter().filter(|field| is_known(trail, field.word)) {
        match field.shape {
            Some(shape) => below(&with(trail, shape), all),
            None => all.extend(of_field(trail, field)),
        }
    }
}

/// The words of that path, or, of the end of one, those that end so.
pub fn find_words(path: &str) -> Vec<Word> {
    if let Some(word) = find(path) {
        return vec![word];
    }
    let end = format!(".{path}");
    let mut found = all_words();
    found.retain(|word| word.path.ends_with(&end));
    found
}

fn find(path: &str) -> Option<Word> {
    let mut segments = path.split('.');
    let first = segments.next()?;
    let mut trail = vec![Step { shape: roots().find(|shape| shape.word == first)?, name: None }];
    while let Some(segment) = segments.next() {
        let last = trail.last_mut()?;
        let name = names(last.shape).into_iter().find(|name| *name == segment);
        if name.is_some() && last.name.is_none() {
            last.name = name;
            continue;
        }
        let field = last.shape.fields.iter().find(|field| field.word == segment)?;
        if !is_known(&trail, field.word) {
            return None;
        }
        match field.shape {
            Some(shape) => trail = with(&trail, shape),
            None if segments.next().is_some() => return None,
            None => return of_field(&trail, field),
        }
    }
    of_block(&trail)
}

fn with(trail: &[Step], shape: &'static Shape) -> Vec<Step> {
    trail.iter().copied().chain([Step { shape, name: None }]).collect()
}

/// The few names that a block may have, if they are few.
fn names(shape: &Shape) -> Vec<&'static str> {
    match shape.names {
        Values::OneOf(names) => names().into_iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    }
}

/// The names that a block on the way may have for a word: all that know it.
fn fitting(trail: &[Step], at: usize, word: &str) -> Vec<&'static str> {
    let Some(step) = trail.get(at) else { return Vec::new() };
    let inner = trail.iter().skip(at + 1).map(|step| step.shape.word);
    let path: Vec<&str> = inner.chain([word].into_iter().filter(|word| !word.is_empty())).collect();
    let path = path.join(".");
    let usual = step.shape.example.into_iter();
    let mut all: Vec<_> = match step.name {
        Some(name) => vec![name],
        None => usual.chain(names(step.shape)).collect(),
    };
    all.retain(|name| path.is_empty() || (step.shape.knows)(name, &path));
    all.dedup();
    all
}

fn is_known(trail: &[Step], word: &str) -> bool {
    let nameless = |step: &Step| step.shape.example.is_none();
    trail
        .iter()
        .enumerate()
        .all(|(at, step)| nameless(step) || !fitting(trail, at, word).is_empty())
}

fn path(trail: &[Step], field: Option<&Field>) -> String {
    let steps = trail.iter().flat_map(|step| [Some(step.shape.word), step.name]);
    let words: Vec<&str> = steps.chain([field.map(|field| field.word)]).flatten().collect();
    words.join(".")
}

/// None of a word that nobody should write any more.
fn of_field(trail: &[Step], field: &'static Field) -> Option<Word> {
    (!field.sample.is_empty()).then(|| Word {
        path: path(trail, Some(field)),
        stands: format!("in {}", around(trail, field.word)),
        means: field.means,
        takes: field.takes,
        values: Some(field.values),
        unwritten: field.unwritten,
        example: example(trail, field),
        words: Vec::new(),
    })
}

fn of_block(trail: &[Step]) -> Option<Word> {
    let (last, outer) = trail.split_last()?;
    let shape = last.shape;
    let fields = shape.fields.iter().filter(|field| is_known(trail, field.word));
    let fields = fields.filter(|field| field.shape.is_some() || !field.sample.is_empty());
    let named = match (shape.names, last.name) {
        (Values::OneOf(names), Some(name)) => names().into_iter().find(|known| known.0 == name),
        _ => None,
    };
    let is_elsewhere = outer.first().is_some_and(|root| !shape.shows.contains(root.shape.word));
    let first = shape.fields.iter().find(|field| is_known(trail, field.word));
    let example = match (last.name, first) {
        (Some(_), Some(field)) => example(trail, field),
        (None, Some(field)) if is_elsewhere => example(trail, field),
        _ => shape.shows.to_owned(),
    };
    Some(Word {
        path: path(trail, None),
        stands: match outer {
            [] if shape.word == review_policy::SHAPE.word => "in a file for --policy".to_owned(),
            [] => "in cluster.kdl, or a file that it includes".to_owned(),
            outer => format!("in {}", around(outer, shape.word)),
        },
        means: named.map_or(shape.means, |(_, means)| means),
        takes: Takes::Blocks,
        values: shape.example.filter(|_| last.name.is_none()).map(|_| shape.names),
        unwritten: Unwritten::Nothing,
        example,
        words: fields.map(|field| Meaning { word: field.word, means: field.means }).collect(),
    })
}

/// `component "etcd"`, `leaf of a node`
fn around(trail: &[Step], word: &str) -> String {
    let inner = trail.iter().enumerate().rev().map(|(at, step)| {
        let fitting = fitting(trail, at, word);
        let all = names(step.shape);
        if fitting.is_empty() || all.is_empty() || all.iter().all(|name| fitting.contains(name)) {
            return step.shape.word.to_owned();
        }
        let fitting: Vec<_> = all.into_iter().filter(|name| fitting.contains(name)).collect();
        format!("{} {}", step.shape.word, either(&fitting))
    });
    inner.collect::<Vec<_>>().join(" of ")
}

fn either(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

/// The shortest lines in which a word may stand.
fn example(trail: &[Step], field: &Field) -> String {
    let mut text = String::new();
    for (at, step) in trail.iter().enumerate().rev() {
        let shape = step.shape;
        let is_last = at + 1 == trail.len();
        let (own, inner) = if is_last {
            (field.with, format!("{} {}", field.word, field.sample))
        } else {
            let beside = trail.get(at + 1).map_or(&[][..], |inner| inner.shape.beside);
            let field = if at + 2 == trail.len() { field.beside } else { &[] };
            (if field.is_empty() { beside } else { field }, text)
        };
        let word = inner.split(' ').next().unwrap_or("").to_owned();
        let is_other = |line: &&&str| line.split(' ').next() != Some(&word);
        let mut lines: Vec<&str> = shape.needs.iter().filter(is_other).copied().collect();
        lines.extend(own);
        let head = match fitting(trail, at, field.word).first() {
            Some(name) => format!("{} {}", shape.word, written(name)),
            None => shape.word.to_owned(),
        };
        text = if is_last && lines.is_empty() && is_one_value(field) {
            format!("{head} {}={}", field.word, field.sample)
        } else {
            lines.extend(inner.lines());
            format!("{head} {{\n    {}\n}}", lines.join("\n    "))
        };
    }
    let above = field.above.iter().copied();
    above.chain([text.as_str()]).collect::<Vec<_>>().join("\n")
}

fn is_one_value(field: &Field) -> bool {
    match field.takes {
        Takes::One => true,
        // A public key takes a line of its own.
        Takes::Many => !field.sample.contains("\" \"") && field.sample.len() < 50,
        Takes::Pairs | Takes::Blocks => false,
    }
}
