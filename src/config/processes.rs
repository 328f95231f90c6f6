//! What the processes of the control plane would be told, as a function of a description without mistakes and
//! of what it asks for: manifests are patched for a try, and flags are held against the certificates.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::component::Places;
use super::held::{Review, hold};
use super::operators::{Operators, other_version};
use super::problem::suggestion;
use crate::graph::{Graph, PodSource, Recipe, StaticPod, flags_on};
use crate::manifest::merged;
use crate::name::NodeName;
use crate::pod::{self, PodError, PodWish, Trial};
use crate::profile::{Business, FLAGS, Process};
use crate::spec::{FlagSetting, Manifest, Spec};

pub fn review(spec: &Spec, graph: &Graph, places: &Places, review: &mut Review) {
    let nothing = BTreeMap::new();
    let wishes = wishes(spec, graph);
    let mut tried = Tried::default();
    for process in Process::ALL {
        let component = process.component();
        let given = spec.components.get(&component);
        let image = given.and_then(|settings| settings.image.as_deref());
        if let Some(what) = image.and_then(|image| other_version(spec, process, image))
            && let Some(at) = places.images.get(&component)
        {
            let place = review.shown(*at).unwrap_or_default();
            review.note(format!("{place}: {what}"));
        }
        let given = given.map_or(&nothing, |settings| &settings.flags);
        foreign_files(process, given, places, review);
        taken_away(spec, process, given, places, review);
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
                            let operators = Operators { spec, graph, node, process, manifest };
                            operators.review((&trial, wish), places, review);
                        }
                        Err(error) => review.pod_error(manifest, &error),
                    }
                }
                (None, None) if !given.is_empty() => {
                    let flags = merged(process, &flags_on(spec, node, process), given);
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
    given: &BTreeMap<String, FlagSetting>,
    places: &Places,
    review: &mut Review,
) {
    let component = process.component();
    for (flag, value) in given.iter().filter_map(|(flag, setting)| Some((flag, setting.value()?))) {
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

/// Flags that the description takes away.
fn taken_away(
    spec: &Spec,
    process: Process,
    given: &BTreeMap<String, FlagSetting>,
    places: &Places,
    review: &mut Review,
) {
    let component = process.component();
    let rows = || FLAGS.iter().filter(|row| row.process == process);
    for flag in given.iter().filter(|(_, setting)| setting.value().is_none()).map(|(flag, _)| flag)
    {
        let Some(at) = places.flags.get(&(component, flag.clone())).copied() else { continue };
        match rows().find(|row| row.name == flag).map(|row| row.business) {
            Some(Business::Own) => {
                let message = format!(
                    "--{flag} names a file that kpki issues for {}: it cannot be taken away",
                    process.name()
                );
                let help =
                    format!("delete this line, or name another file: flag \"{flag}\" \"/PATH\"");
                review.refuse(at, &message, &help);
            }
            Some(Business::Default) => {}
            // Of the operator's manifests it says what must not be there.
            None if spec.manifests.is_some() => {}
            None => {
                let message =
                    format!("kpki gives {} no --{flag} that could be taken away", process.name());
                let help = suggestion(flag, rows().map(|row| row.name));
                review.refuse(at, &message, &help);
            }
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
