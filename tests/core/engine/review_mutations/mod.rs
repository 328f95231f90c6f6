//! Thousands of single changes, each planned: whatever changes what Kubernetes would do is told by a line of
//! its own, and what gives power stops.
//!
//! The judge knows nothing of the plan. Both projects are applied in memory, and their trees are compared by
//! what they mean: certificates by x509-parser, manifests, bindings and kubeconfigs as YAML values. What is
//! harmless in a static pod is written here by hand, from the reference pages of the components.
//!
//! `KPKI_MUTATIONS=3000` tries so many of each example; without it there are enough for every day.

mod judge;
mod mutate;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use kpki::name::{ArtifactName, TreePath};
use kpki::review::Review;

use crate::testkit::age::Key;
use crate::testkit::memory_project::{MemoryProject, Planned};

static OPERATOR: LazyLock<Key> = LazyLock::new(Key::age);

/// splitmix64: the same changes on every machine.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.next() % of.len()]
    }

    fn index(&mut self, length: usize) -> usize {
        self.next() % length
    }
}

/// One change, and whether it must stop unless the judge finds it harmless.
struct Mutation {
    what: String,
    project: MemoryProject,
    /// Whoever proposes it can gain something by it: it must stop, not only be told.
    is_power: bool,
}

/// A cluster that was applied once, and whose plan is empty.
struct Base {
    name: &'static str,
    project: MemoryProject,
    /// The same with its static pods as the operator's own manifests, where it has any.
    with_manifests: Option<MemoryProject>,
    node: String,
}

impl Base {
    fn of(name: &'static str) -> Self {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
        let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
        let mut project = MemoryProject::new(&String::from_utf8(read("cluster.kdl")).unwrap());
        for entry in crate::testkit::entries_of(&folder) {
            let file = entry.file_name().unwrap().to_str().unwrap();
            if entry.is_dir() {
                for inner in crate::testkit::entries_of(&entry) {
                    let inner_name = inner.file_name().unwrap().to_str().unwrap();
                    if inner.is_file() {
                        project
                            .extra
                            .insert(format!("{file}/{inner_name}"), std::fs::read(&inner).unwrap());
                    } else {
                        for last in crate::testkit::entries_of(&inner) {
                            let name = last.file_name().unwrap().to_str().unwrap();
                            let bytes = std::fs::read(&last).unwrap();
                            project.extra.insert(format!("{file}/{inner_name}/{name}"), bytes);
                        }
                    }
                }
            } else if file != "cluster.kdl" {
                project.extra.insert(file.to_owned(), read(file));
            }
        }
        // Whose secrets nobody here could open.
        if name == "gitops" {
            project.extra.insert("recipients.txt".into(), OPERATOR.recipient.clone().into_bytes());
        }
        if name == "lab" {
            project.seed = Some(String::from_utf8(read("lab.seed")).unwrap());
        }
        project.apply().unwrap();
        project.identity = (name == "gitops").then(|| OPERATOR.secret());
        let node = project.spec().nodes[0].name.to_string();
        let manifests = project.out.iter().filter_map(|(path, (bytes, _))| {
            let (node, file) =
                path.strip_prefix("nodes/")?.split_once("/etc/kubernetes/manifests/")?;
            Some((format!("m/{node}/{file}"), bytes.clone()))
        });
        let manifests: Vec<(String, Vec<u8>)> = manifests.collect();
        let with_manifests = (!manifests.is_empty()).then(|| {
            let mut project = project.clone();
            project.extra.retain(|path, _| !path.starts_with("manifests/"));
            project.extra.extend(manifests);
            let text = project.description.replace("manifests \"manifests/\"", "");
            project.description = format!("{text}\nmanifests \"m/\"\n");
            project.apply().unwrap();
            project.assert_converged();
            project
        });
        Base { name, project, with_manifests, node }
    }

    fn mutate(&self, draw: &mut Draw) -> Mutation {
        match (draw.index(3), &self.with_manifests) {
            (0, Some(base)) => {
                let files: Vec<&String> =
                    base.extra.keys().filter(|path| path.starts_with("m/")).collect();
                let file = files[draw.index(files.len())].clone();
                let text = std::str::from_utf8(&base.extra[&file]).unwrap();
                let (changed, what) = mutate::manifest(draw, text);
                let mut project = base.clone();
                project.extra.insert(file.clone(), changed.into_bytes());
                Mutation { what: format!("{file}: {what}"), project, is_power: true }
            }
            (1, _) => mutate::tree(draw, &self.project),
            _ => mutate::description(draw, &self.project, &self.node),
        }
    }
}

#[derive(Default, Debug)]
struct Count {
    refused: usize,
    nothing: usize,
    told: usize,
    stopped: usize,
}

/// What is wrong with how a change was told.
fn judge(base: &MemoryProject, mutation: &Mutation, count: &mut Count) -> Result<(), String> {
    let mut after = mutation.project.clone();
    if !after.is_described() {
        count.refused += 1;
        return Ok(());
    }
    let Planned { plan, review, graph } = after.plan();
    let stops = review.changes.iter().any(kpki::review::ReviewedChange::stops)
        || !plan.blocked.is_empty()
        || !plan.key_mismatches.is_empty()
        || !review.violations.is_empty();
    let before = judge::meaning(&base.out);
    if after.apply().is_err() {
        if plan.is_empty() {
            return Err("the plan is empty, and apply refuses".to_owned());
        }
        count.refused += 1;
        return Ok(());
    }
    let mut changes = judge::changes(&before, &judge::meaning(&after.out));
    let mut harmless = 0;
    for facts in
        changes.iter_mut().filter(|(path, _)| path.contains("/manifests/")).map(|(_, facts)| facts)
    {
        let all = facts.len();
        facts.retain(|(name, old, new)| !judge::is_harmless(name, old, new));
        harmless += all - facts.len();
    }
    changes.retain(|_, facts| !facts.is_empty());
    if stops {
        count.stopped += 1;
        return Ok(());
    }
    if changes.is_empty() {
        count.nothing += 1;
        return Ok(());
    }
    let is_named = |facts: &[(String, String, String)]| {
        facts.iter().all(|(name, _, new)| {
            let reasons = plan.steps.iter().flat_map(|step| &step.reasons);
            let flag =
                judge::flag(name).filter(|flag| new.is_empty() && !judge::CHECKS.contains(flag));
            flag.is_some_and(|flag| {
                let words = format!("--{flag}");
                reasons.map(ToString::to_string).any(|reason| reason.contains(&words))
            })
        })
    };
    if mutation.is_power && !changes.values().all(|facts| is_named(facts)) {
        return Err(format!("{harmless} harmless, and nothing stops: {}", in_words(&changes)));
    }
    for path in changes.keys() {
        let place = path.parse::<TreePath>().ok().and_then(|path| graph.placed_at(&path).cloned());
        let Some(place) = place else {
            continue;
        };
        let name = &graph.get(place.derivation).name;
        let mut steps = plan.steps.iter().filter(|step| step.derivation == place.derivation);
        let is_said = steps.any(|step| {
            step.reasons.iter().any(|reason| !reason.to_string().starts_with("content:"))
        });
        if !is_said && !is_told(&review, name) {
            return Err(format!("{name} says only content, or nothing: {}", in_words(&changes)));
        }
    }
    count.told += 1;
    Ok(())
}

fn is_told(review: &Review, name: &ArtifactName) -> bool {
    review.changes.iter().any(|change| change.artifacts.contains(name))
}

fn in_words(changes: &BTreeMap<String, Vec<(String, String, String)>>) -> String {
    let mut text = String::new();
    for (path, facts) in changes.iter().take(3) {
        for (name, old, new) in facts.iter().take(3) {
            let _ = write!(text, "\n      {path} {name}: {old} -> {new}");
        }
    }
    text
}

#[test]
fn no_single_change_passes_unsaid() {
    use rayon::prelude::*;

    let each: usize = match std::env::var("KPKI_MUTATIONS") {
        Ok(number) => number.parse().unwrap(),
        Err(_) => 80,
    };
    let names = [
        "large",
        "gitops",
        "minimal",
        "ha",
        "dual-stack",
        "external-etcd",
        "users",
        "static-pods",
        "lab",
        "lab-up",
    ];
    let wrong: Vec<String> = names
        .into_par_iter()
        .flat_map_iter(|name| {
            let base = Base::of(name);
            let mut draw = Draw(0x6b70_6b69 + each as u64);
            let mut count = Count::default();
            let mut wrong = Vec::new();
            // A large cluster takes long, and its nodes are alike.
            let times = if name == "large" { each / 20 } else { each };
            for _ in 0..times {
                let mutation = base.mutate(&mut draw);
                let of = match &base.with_manifests {
                    Some(own)
                        if mutation.project.extra.keys().any(|path| path.starts_with("m/")) =>
                    {
                        own
                    }
                    _ => &base.project,
                };
                if let Err(why) = judge(of, &mutation, &mut count) {
                    wrong.push(format!("{}: {}\n    {why}", base.name, mutation.what));
                }
            }
            // Else there was nothing to judge.
            let judged = count.told + count.stopped;
            assert!(judged * 3 > times && count.stopped > 0, "{}: {count:?}", base.name);
            eprintln!("{}: {count:?}, {} wrong", base.name, wrong.len());
            wrong.sort();
            wrong.dedup();
            wrong
        })
        .collect();
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}
