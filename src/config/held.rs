//! What is found where a description meets manifests and certificates, and where it stands.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::problem::{At, Problem};
use super::report::SourceFile;
use crate::graph::{Severity, contradictions};
use crate::pod::PodError;
use crate::profile::Process;
use crate::spec::{Manifest, Node, Origin, Spec};

/// Problems and notes, in files that grow as manifests are shown.
pub struct Review {
    pub files: Vec<SourceFile>,
    pub problems: Vec<Problem>,
    pub notes: Vec<String>,
    by_path: HashMap<Arc<str>, usize>,
}

impl Review {
    pub fn new(files: Vec<SourceFile>, notes: Vec<String>) -> Self {
        Review { files, problems: Vec::new(), notes, by_path: HashMap::new() }
    }

    /// Nodes share manifests, and so their mistakes.
    pub fn problem(&mut self, problem: Problem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    pub fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// A line of a manifest, which becomes one of the files that a report can show.
    pub(super) fn place(&mut self, manifest: &Manifest, line: Option<usize>) -> At {
        let next = self.files.len();
        let index = *self.by_path.entry(manifest.path.clone()).or_insert(next);
        if index == next {
            let text = String::from_utf8_lossy(&manifest.bytes);
            self.files.push(SourceFile::new(manifest.path.clone(), text.into()));
        }
        let range = line.and_then(|line| Some(self.files.get(index)?.range(line)));
        match range {
            Some(range) => At::new(index, range.start, range.end),
            None => At::whole(index),
        }
    }

    /// A line of the description.
    pub(super) fn at(&self, origin: &Origin) -> At {
        let found = match origin {
            Origin::File { file, line } => {
                self.files.iter().position(|known| known.name == *file).map(|at| (at, *line))
            }
            Origin::Default | Origin::Derived(_) => None,
        };
        let place = found.and_then(|(index, line)| {
            let range = self.files.get(index)?.range(line);
            Some(At::new(index, range.start, range.end))
        });
        place.unwrap_or(At::whole(0))
    }

    /// `FILE:LINE`
    pub(super) fn shown(&self, at: At) -> Option<String> {
        let file = self.files.get(at.file)?;
        Some(match at.start {
            usize::MAX => file.name.to_string(),
            start => format!("{}:{}", file.name, file.line(start)),
        })
    }

    pub(super) fn refuse(&mut self, at: At, message: &str, help: &str) {
        let problem = Problem::new(at, message);
        self.problem(match help {
            "" => problem,
            help => problem.help(help),
        });
    }

    pub(super) fn pod_error(&mut self, manifest: &Manifest, error: &PodError) {
        let at = self.place(manifest, error.line);
        self.refuse(
            at,
            &error.message,
            error.help.as_deref().unwrap_or("correct it in that manifest"),
        );
    }
}

/// Holds a process's flags against the certificates that it and others use.
pub(super) fn hold(
    spec: &Spec,
    node: &Node,
    process: Process,
    flags: &BTreeMap<String, String>,
    place: &dyn Fn(&str, &mut Review) -> Option<At>,
    review: &mut Review,
) {
    for found in contradictions(spec, node, process, flags) {
        let at = place(&found.flag, review);
        let other = found.other.as_deref().and_then(|flag| place(flag, review));
        // One that kpki adds stands in no line yet.
        let (at, other) = match (at, other) {
            (Some(at), Some(other)) if at.start == usize::MAX => (Some(other), Some(at)),
            found => found,
        };
        match (found.severity, at.or(other)) {
            (Severity::Refused, at) => {
                let mut problem = Problem::new(at.unwrap_or(At::whole(0)), &found.message);
                if let Some(other) =
                    other.filter(|other| Some(*other) != at && other.start != usize::MAX)
                {
                    problem = problem.other(other, "the other one");
                }
                review.problem(problem.help(&found.help));
            }
            (Severity::Remark, at) => {
                let place = at.and_then(|at| review.shown(at));
                let place = place.map_or_else(String::new, |place| place + ": ");
                review.note(place + &found.message);
            }
        }
    }
}
