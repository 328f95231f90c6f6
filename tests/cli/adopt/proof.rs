//! What is asked of every shape: no byte on a node changes, and nothing is left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Output;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::shape::{Outcome, Shape};
use crate::testkit::kubeadm::{NodeTrees, secrets, snapshot, write_all};
use crate::testkit::leaks::Search;
use crate::testkit::{FolderProject, contents, mode, said};

/// A cluster's nodes in folders, and a project folder.
pub struct Desk {
    pub project: FolderProject,
    pub trees: NodeTrees,
    folder: tempfile::TempDir,
}

impl Desk {
    pub fn new(trees: NodeTrees) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_all(&trees, &folder.path().join("nodes"));
        std::fs::create_dir_all(folder.path().join("nodes")).unwrap();
        let project = folder.path().join("project");
        std::fs::create_dir(&project).unwrap();
        Desk { project: FolderProject::at(project), trees, folder }
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub fn node(&self, name: &str) -> std::path::PathBuf {
        self.path("nodes").join(name)
    }

    /// `kpki adopt` of all nodes, by their folders.
    pub fn adopt(&self, more: &[&str]) -> Output {
        let nodes = self.trees.keys().map(|name| format!("{name}={}", self.node(name).display()));
        let sources: Vec<String> = nodes.collect();
        let mut words = vec!["adopt"];
        words.extend_from_slice(more);
        words.extend(sources.iter().map(String::as_str));
        self.project.kpki(&words)
    }

    #[track_caller]
    pub fn adopted(&self, more: &[&str]) -> String {
        let output = self.adopt(&[&["--write"], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        said(&output)
    }

    /// The names of the plan's steps; the exit code must agree with them.
    #[track_caller]
    pub fn plan(&self, more: &[&str]) -> BTreeSet<String> {
        let words = [&["plan", "--detailed-exitcode", "--format", "json"], more].concat();
        let output = self.project.kpki(&words);
        let text = String::from_utf8_lossy(&output.stdout);
        let plan: serde_json::Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
        let steps = plan["steps"].as_array().unwrap();
        let names: BTreeSet<String> =
            steps.iter().map(|step| step["name"].as_str().unwrap().to_owned()).collect();
        let code = if names.is_empty() { 0 } else { 2 };
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        names
    }

    /// Each node's files as install would leave them: nothing to do, and nothing done.
    #[track_caller]
    pub fn installs_nothing(&self) {
        for (name, tree) in &self.trees {
            let copy = tempfile::tempdir().unwrap();
            tree.write(copy.path());
            let before = snapshot(copy.path());
            let root = copy.path().to_str().unwrap();
            let words = ["install", name, "--root", root, "--dry-run", "--format", "json"];
            let output = self.project.kpki(&words);
            assert_eq!(output.status.code(), Some(0), "install {name}: {}", said(&output));
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(report["empty"], true, "install {name}: {report:#}");
            assert_eq!(snapshot(copy.path()), before, "install {name} --dry-run wrote");
        }
    }

    #[track_caller]
    pub fn verify_finds_no_error(&self, is_expired: bool) {
        let output = self.project.kpki(&["verify", "--format", "json"]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
        if !is_expired {
            assert_eq!(report["errors"], 0, "{report:#}");
        }
        let findings = report["findings"].as_array().unwrap();
        let wrong: Vec<_> = findings
            .iter()
            .filter(|finding| finding["severity"] == "error" && finding["id"] != "expired")
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    /// Private keys lie below `out/` alone, closed to others.
    #[track_caller]
    pub fn secrets_are_in_their_places(&self) {
        let secrets = secrets(&self.trees);
        let search = Search::of(&secrets);
        let mut found = 0;
        for (path, bytes) in contents(self.project.folder()) {
            if !search.finds_in(&bytes) {
                continue;
            }
            found += 1;
            let is_secret_file = path.ends_with(".key") || path.ends_with(".conf");
            assert!(path.starts_with("out/") && is_secret_file, "{path} holds a private key");
            assert_eq!(mode(self.project.path(&path)), 0o600, "{path}");
        }
        assert!(found > 0, "no key was taken over");
    }
}

/// Modes and bytes, without the times.
fn state(folder: &Path) -> BTreeMap<String, (String, Vec<u8>)> {
    let without_time = |(about, bytes): (String, Vec<u8>)| {
        let kind = about.split(' ').next().unwrap().to_owned();
        (kind, bytes)
    };
    snapshot(folder).into_iter().map(|(path, it)| (path, without_time(it))).collect()
}

/// `whole`: what costs most and differs least between rows is done, too.
fn prove(shape: &Shape, whole: bool) {
    let desk = Desk::new(shape.trees());
    let mut more = shape.words.to_vec();
    let config = desk.path("kubeadm.yaml");
    if let Some(text) = shape.kubeadm_config {
        std::fs::write(&config, text).unwrap();
        more.extend(["--kubeadm-config", config.to_str().unwrap()]);
    }
    let before = snapshot(&desk.path("nodes"));
    let empty = snapshot(desk.project.folder());
    let is_refused = matches!(shape.outcome, Outcome::Refused { .. });
    let dry = (whole || !is_refused).then(|| desk.adopt(&more));
    assert_eq!(snapshot(desk.project.folder()), empty, "a dry run wrote");
    match shape.outcome {
        Outcome::Refused { node, file, words } => {
            let written = desk.adopt(&[&["--write"], &more[..]].concat());
            for output in dry.into_iter().chain([written]) {
                let text = said(&output);
                assert_eq!(output.status.code(), Some(1), "{text}");
                let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
                for word in [node, file].iter().chain(words) {
                    assert!(flowing.contains(word), "it does not say {word:?}: {text}");
                }
                assert!(!text.contains("panicked"), "{text}");
            }
            assert_eq!(
                snapshot(desk.project.folder()),
                empty,
                "refused, but something was written"
            );
        }
        Outcome::Adopted(steps) => {
            let dry = dry.unwrap();
            let text = said(&dry);
            assert_eq!(dry.status.code(), Some(0), "{text}");
            let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for word in shape.says {
                assert!(flowing.contains(word), "it does not say {word:?}: {text}");
            }
            assert!(flowing.contains("cluster \""), "no description: {text}");
            desk.adopted(&more);
            let expected: BTreeSet<String> = steps.iter().map(|step| (*step).to_owned()).collect();
            let kdl = desk.project.text("cluster.kdl");
            assert_eq!(desk.plan(&[]), expected, "{kdl}");
            desk.installs_nothing();
            desk.verify_finds_no_error(!steps.is_empty());
            desk.secrets_are_in_their_places();
            if whole {
                let first = state(desk.project.folder());
                desk.adopted(&more);
                assert!(
                    state(desk.project.folder()) == first,
                    "the second adopt --write changed something"
                );
            }
        }
    }
    assert!(snapshot(&desk.path("nodes")) == before, "a node's file changed");
}

/// Of so many rows of a table one is proven whole.
const WHOLE: usize = 4;

/// All rows, several at a time; all that are wrong are told.
pub fn prove_all(shapes: &[Shape]) {
    let names: BTreeSet<&str> = shapes.iter().map(|shape| shape.name).collect();
    assert_eq!(names.len(), shapes.len(), "two rows of one name");
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let work = || {
        loop {
            let row = next.fetch_add(1, Ordering::Relaxed);
            let Some(shape) = shapes.get(row) else { break };
            let whole = row.is_multiple_of(WHOLE);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| prove(shape, whole))) {
                let text = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                wrong.lock().unwrap().push((shape.name, text.unwrap_or_default()));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, std::num::NonZero::get) {
            scope.spawn(work);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    let told: Vec<String> =
        wrong.iter().map(|(name, text)| format!("=== {name}\n{text}")).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), shapes.len(), told.join("\n"));
}
