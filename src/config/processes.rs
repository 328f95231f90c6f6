//! What the processes of the control plane would be told, as a function of a description without mistakes and
//! of what it asks for: manifests are patched for a try, and flags are held against the certificates.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use super::component::Places;
use super::problem::{At, Problem};
use super::report::SourceFile;
use crate::graph::{Graph, PodSource, Recipe, Severity, StaticPod, contradictions, flags_on};
use crate::manifest::{folder_of_flag, merged};
use crate::name::NodeName;
use crate::pod::{self, PodError, PodFacts, PodWish, Trial};
use crate::profile::{Business, FLAGS, Process};
use crate::spec::{Manifest, Node, Spec};

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
    fn place(&mut self, manifest: &Manifest, line: Option<usize>) -> At {
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

    fn refuse(&mut self, at: At, message: &str, help: &str) {
        let problem = Problem::new(at, message);
        self.problem(match help {
            "" => problem,
            help => problem.help(help),
        });
    }

    fn pod_error(&mut self, manifest: &Manifest, error: &PodError) {
        let at = self.place(manifest, error.line);
        self.refuse(
            at,
            &error.message,
            error.help.as_deref().unwrap_or("correct it in that manifest"),
        );
    }
}

pub fn review(spec: &Spec, graph: &Graph, places: &Places, review: &mut Review) {
    let nothing = BTreeMap::new();
    let wishes = wishes(spec, graph);
    let mut tried = Tried::default();
    for process in Process::ALL {
        let component = process.component();
        let given = spec.components.get(&component);
        let given = given.map_or(&nothing, |settings| &settings.flags);
        foreign_files(process, given, places, review);
        if spec.manifests.is_some()
            && let Some(at) = places.images.get(&component)
        {
            let help = "write the image there, or delete this line";
            review.refuse(*at, "the operator's manifests say which image runs", help);
        }
        let hosts = process.hosts();
        for node in spec.nodes.iter().filter(|node| hosts.include(node, spec)) {
            match (&spec.manifests, spec.manifest_of(&node.name, component)) {
                (_, Some(manifest)) => {
                    let Some(wish) = wishes.get(&(process, &node.name)) else { continue };
                    match tried.patch(manifest, wish) {
                        Ok(trial) => {
                            operators(spec, node, process, (manifest, &trial), places, review);
                        }
                        Err(error) => review.pod_error(manifest, &error),
                    }
                }
                (None, None) if !given.is_empty() => {
                    let flags = merged(&flags_on(spec, node, process), given);
                    hold(
                        spec,
                        node,
                        process,
                        &flags,
                        &|flag, _: &mut Review| {
                            let place = (component, flag.to_owned());
                            places.flags.get(&place).copied()
                        },
                        review,
                    );
                }
                _ => {}
            }
        }
    }
}

/// Flags of the description that lead a process away from kpki's own files.
fn foreign_files(
    process: Process,
    given: &BTreeMap<String, String>,
    places: &Places,
    review: &mut Review,
) {
    let component = process.component();
    for (flag, value) in given {
        let own = FLAGS
            .iter()
            .any(|row| row.process == process && row.name == flag && row.business == Business::Own);
        if own {
            let place = places.flags.get(&(component, flag.clone()));
            let place = place.and_then(|at| {
                let file = review.files.get(at.file)?;
                Some(format!(" ({}:{})", file.name, file.line(at.start)))
            });
            review.note(format!(
                "component {}: --{flag} is {value}{}; kpki does not look after that file",
                component.as_str(),
                place.unwrap_or_default()
            ));
        }
    }
}

/// What each of the operator's manifests must say.
fn wishes<'g>(spec: &Spec, graph: &'g Graph) -> HashMap<(Process, &'g NodeName), &'g PodWish> {
    if spec.manifests.is_none() {
        return HashMap::new();
    }
    let patched = graph.ids().filter_map(|id| match &graph.get(id).recipe {
        Recipe::StaticPod(StaticPod { process, node, source, .. }) => match source {
            PodSource::Patched { wish, .. } => Some(((*process, node), wish)),
            PodSource::Own { .. } => None,
        },
        _ => None,
    });
    patched.collect()
}

/// Nodes share manifests, and mostly what these must say.
#[derive(Default)]
struct Tried<'a>(Vec<(&'a Manifest, &'a PodWish, Rc<Trial>)>);

impl<'a> Tried<'a> {
    fn patch(&mut self, manifest: &'a Manifest, wish: &'a PodWish) -> Result<Rc<Trial>, PodError> {
        let known = self.0.iter().find(|(of, wished, _)| *of == manifest && *wished == wish);
        if let Some((.., trial)) = known {
            return Ok(trial.clone());
        }
        let trial = Rc::new(pod::try_patch(&manifest.bytes, wish)?);
        self.0.push((manifest, wish, trial.clone()));
        Ok(trial)
    }
}

/// A manifest of the operator's, patched as apply will patch it.
fn operators(
    spec: &Spec,
    node: &Node,
    process: Process,
    (manifest, trial): (&Manifest, &Trial),
    places: &Places,
    review: &mut Review,
) {
    let Trial { findings, before, after } = trial;
    for finding in findings {
        let (path, line) = (&manifest.path, finding.line);
        review.note(format!("{path}:{line}: {}", finding.message()));
    }
    let flags: BTreeMap<String, String> =
        after.flags.iter().map(|flag| (flag.name.clone(), flag.value.clone())).collect();
    let line = |flag: &str| {
        let mut written = before.flags.iter().filter(|known| known.name == flag);
        written.next_back().map(|flag| flag.line)
    };
    unseen_files(after, manifest, &line, review);
    hold(
        spec,
        node,
        process,
        &flags,
        &|flag, review| {
            let place = (process.component(), flag.to_owned());
            let described = places.flags.get(&place).copied();
            Some(described.unwrap_or_else(|| review.place(manifest, line(flag))))
        },
        review,
    );
}

/// Files that flags name and no mount shows: they would have to be in the image.
fn unseen_files(
    facts: &PodFacts,
    manifest: &Manifest,
    line: &dyn Fn(&str) -> Option<usize>,
    review: &mut Review,
) {
    for flag in &facts.flags {
        let seen = |path: &str| {
            facts.mounts.iter().any(|mount| {
                let rest = path.strip_prefix(mount.path.trim_end_matches('/'));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        if folder_of_flag(&flag.name, &flag.value).is_some() && !seen(&flag.value) {
            let place = match line(&flag.name) {
                Some(line) => format!("{}:{line}", manifest.path),
                None => manifest.path.to_string(),
            };
            review.note(format!(
                "{place}: --{} names {}, which is on no mount: the process sees there what its image has",
                flag.name, flag.value
            ));
        }
    }
}

/// Holds a process's flags against the certificates that it and others use.
fn hold(
    spec: &Spec,
    node: &Node,
    process: Process,
    flags: &BTreeMap<String, String>,
    place: &dyn Fn(&str, &mut Review) -> Option<At>,
    review: &mut Review,
) {
    for found in contradictions(spec, node, process, flags) {
        let at = place(found.flag, review);
        match (found.severity, at) {
            (Severity::Refused, at) => {
                let at = at.unwrap_or(At::whole(0));
                review.refuse(at, &found.message, &found.help);
            }
            (Severity::Remark, at) => {
                let place = at.and_then(|at| {
                    let file = review.files.get(at.file)?;
                    Some(match at.start {
                        usize::MAX => format!("{}: ", file.name),
                        start => format!("{}:{}: ", file.name, file.line(start)),
                    })
                });
                review.note(place.unwrap_or_default() + &found.message);
            }
        }
    }
}
