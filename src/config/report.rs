//! All problems of a run as one text for a person.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::excerpt::Excerpt;
use super::problem::{At, Problem};
use crate::visible::{harmless, lines, without_keys};

/// More would scroll the first one, usually the cause of the others, off the screen.
const SHOWN: usize = 5;
const WIDTH: usize = 80;

/// One file of the description, and where its lines begin.
#[derive(Debug, Clone)]
pub struct SourceFile {
    pub name: Arc<str>,
    pub text: Arc<str>,
    line_starts: Vec<usize>,
}

impl SourceFile {
    pub fn new(name: Arc<str>, text: Arc<str>) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1))
            .collect();
        SourceFile { name, text, line_starts }
    }

    /// Counted from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// The bytes of a line counted from 1, without its indentation and end.
    pub fn range(&self, line: usize) -> Range<usize> {
        let whole = self.text.lines().nth(line.saturating_sub(1)).unwrap_or("");
        let start = self.line_starts.get(line.saturating_sub(1));
        let start = start.copied().unwrap_or(self.text.len());
        let indent = whole.len() - whole.trim_start().len();
        start + indent..start + whole.trim_end().len().max(indent)
    }

    fn line_before(&self, start: usize) -> &str {
        let before = self.text.get(..start).unwrap_or("");
        before.lines().next_back().unwrap_or("")
    }

    /// The bytes of the lines from that of `from` to that of `to`.
    fn lines(&self, from: usize, to: usize) -> Range<usize> {
        let start = self.line_starts.get(self.line(from).saturating_sub(1));
        let end = self.line_starts.get(self.line(to));
        start.copied().unwrap_or(0)..end.map_or(self.text.len(), |end| end - 1)
    }
}

/// Every problem found, sorted by file and place.
#[derive(Debug, Clone)]
pub struct Report {
    files: Vec<SourceFile>,
    problems: Vec<Problem>,
}

impl Report {
    pub fn new(files: Vec<SourceFile>, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.at);
        problems.dedup();
        Report { files, problems }
    }

    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The first five problems with their source lines, then how many more there are.
    /// What a file holds is shown as an excerpt, and what may be a key not at all.
    pub fn render(&self, color: bool) -> String {
        self.render_first(SHOWN, color)
    }

    /// Whether [`Report::render`] leaves problems out.
    pub fn is_shortened(&self) -> bool {
        self.problems.len() > SHOWN
    }

    /// Every problem with its source lines.
    pub fn render_all(&self, color: bool) -> String {
        self.render_first(usize::MAX, color)
    }

    fn render_first(&self, shown: usize, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
        let mut out = String::new();
        for problem in self.problems.iter().take(shown) {
            let marks = self.marks(problem);
            out.push_str(&renderer.render(&[Report::group(problem, &marks)]));
            out.push_str("\n\n");
        }
        let more = self.problems.len().saturating_sub(shown);
        if more > 0 {
            let _ = writeln!(
                out,
                "and {more} more {}\n",
                if more == 1 { "problem" } else { "problems" }
            );
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }

    /// The pictures of a problem, each with the places in it.
    fn marks(&self, problem: &Problem) -> Vec<Picture> {
        let primary = (problem.at, shown(&problem.label), AnnotationKind::Primary);
        let other =
            problem.other.map(|(at, label)| (at, label.to_owned(), AnnotationKind::Context));
        match other {
            // Both in one picture where they are near.
            Some(other) if self.near(problem.at, other.0) => {
                vec![self.picture(vec![primary, other])]
            }
            Some(other) => vec![self.picture(vec![primary]), self.picture(vec![other])],
            None => vec![self.picture(vec![primary])],
        }
    }

    fn group<'a>(problem: &Problem, pictures: &'a [Picture]) -> Group<'a> {
        let title = Level::ERROR.primary_title(shown(&problem.message));
        let mut group =
            pictures.iter().fold(Group::with_title(title), |group, picture| picture.add_to(group));
        if pictures.iter().any(|picture| picture.hides_key) {
            let why = "what stands there is not shown: it may be a key";
            group = group.element(Level::NOTE.message(why));
        }
        match &problem.help {
            Some(help) => group.element(Level::HELP.message(shown(help))),
            None => group,
        }
    }

    fn near(&self, a: At, b: At) -> bool {
        let line = |at: At| self.files.get(at.file).map(|file| file.line(at.start));
        a.file == b.file && line(a).zip(line(b)).is_some_and(|(a, b)| a.abs_diff(b) <= 30)
    }

    /// Only the lines that matter are handed over: a file may have a million.
    fn picture(&self, marks: Vec<Mark>) -> Picture {
        let mut picture = Picture::default();
        let Some(file) = marks.first().and_then(|(at, ..)| self.files.get(at.file)) else {
            return picture;
        };
        picture.name = Some(harmless(&file.name));
        let from = marks.iter().map(|(at, ..)| at.start).min().unwrap_or(0);
        let to = marks.iter().map(|(at, ..)| at.start).max().unwrap_or(0);
        let range = file.lines(from, to);
        let Some(text) =
            file.text.get(range.clone()).filter(|_| !file.text.is_empty() && to <= file.text.len())
        else {
            return picture;
        };
        let near: Vec<usize> =
            marks.iter().map(|(at, ..)| at.start.saturating_sub(range.start)).collect();
        let excerpt = Excerpt::of(text, file.line_before(range.start), &near);
        picture.line = file.line(from);
        for (at, label, kind) in marks {
            // A mark ends with its line: a block's whole body would fill the screen.
            let line = file.lines(at.start, at.start);
            let end = text.ceil_char_boundary(at.end.min(line.end).saturating_sub(range.start));
            let start = text.floor_char_boundary(at.start.saturating_sub(range.start)).min(end);
            let span = excerpt.offset(text, start)..excerpt.offset(text, end);
            picture.marks.push((span, label, kind));
        }
        picture.hides_key = excerpt.hides_key;
        picture.text = Some(excerpt.text);
        picture
    }
}

/// A message for a reader: in lines, since a manifest's parser may write several.
fn shown(text: &str) -> String {
    lines(&without_keys(text))
}

type Mark = (At, String, AnnotationKind);

/// Lines of one file with their marks.
#[derive(Default)]
struct Picture {
    name: Option<String>,
    text: Option<String>,
    line: usize,
    marks: Vec<(Range<usize>, String, AnnotationKind)>,
    hides_key: bool,
}

impl Picture {
    fn add_to<'a>(&'a self, group: Group<'a>) -> Group<'a> {
        let Some(name) = self.name.as_deref() else {
            return group;
        };
        let Some(text) = self.text.as_deref() else {
            return group.element(Origin::path(name));
        };
        let snippet = Snippet::source(text).path(name).line_start(self.line);
        let marks = self.marks.iter();
        group.element(marks.fold(snippet, |snippet, (span, label, kind)| {
            let label = Some(label.as_str()).filter(|label| !label.is_empty());
            snippet.annotation(kind.span(span.clone()).label(label))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str, problems: Vec<Problem>) -> Report {
        Report::new(vec![SourceFile::new("cluster.kdl".into(), text.into())], problems)
    }

    #[test]
    fn problems_stand_in_the_order_of_the_file_and_once() {
        let problem = |start| Problem::new(At::new(0, start, start + 1), "wrong");
        let report = report("a\nb\n", vec![problem(2), problem(0), problem(2)]);
        let starts: Vec<_> = report.problems().iter().map(|problem| problem.at.start).collect();
        assert_eq!(starts, [0, 2]);
    }

    #[test]
    fn a_far_first_place_gets_its_own_picture() {
        let text = format!("a\n{}b\n", "// x\n".repeat(100));
        let end = text.len();
        let problem = Problem::new(At::new(0, end - 2, end - 1), "twice").first(At::new(0, 0, 1));
        let text = report(&text, vec![problem]).render(false);
        assert!(text.contains("cluster.kdl:102:1") && text.contains("cluster.kdl:1:1"), "{text}");
        assert!(text.lines().count() < 15, "{text}");
    }

    #[test]
    fn places_outside_the_text_are_harmless() {
        for (start, end) in
            [(0, 0), (0, 99), (2, 1), (3, 3), (99, 99), (1, 2), (usize::MAX, usize::MAX)]
        {
            let text =
                report("é\n", vec![Problem::new(At::new(0, start, end), "wrong")]).render(true);
            assert!(text.contains("wrong"));
        }
        let elsewhere = Problem::new(At::new(7, 0, 1), "wrong");
        assert!(report("", vec![elsewhere]).render(false).contains("wrong"));
    }

    #[test]
    fn lines_are_counted_from_one() {
        let file = SourceFile::new("f".into(), "a\nbc\n".into());
        assert_eq!([0, 1, 2, 3, 4, 5].map(|at| file.line(at)), [1, 1, 2, 2, 2, 3]);
    }
}
