//! What other distributions and guides leave on a machine: the right tree has no error, and each mistake in
//! it has exactly its finding. Paths, names, CAs and usages are copied by hand from their sources, which each
//! file names.

mod cfssl;
mod files;
mod hard_way;
mod k0s;
mod k3s;
mod kops;
mod minikube;
mod openssl_recipe;
mod rke;
mod rke2;
mod talos;
mod typhoon;

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use kpki::lint::{Finding, Severity, Tree, lint};
use kpki::state::Access;
use kpki::time::Timestamp;

use self::files::Files;
use super::tree::verify;

/// The files of one of the right trees.
pub fn contents(which: usize) -> Vec<(String, Vec<u8>)> {
    let files = (LAYOUTS[which % LAYOUTS.len()].files)().render();
    files.into_iter().map(|(path, (_, bytes))| (path, bytes)).collect()
}

pub struct Layout {
    pub name: &'static str,
    pub files: fn() -> Files,
    /// Folders that somebody would name, below the machine's root. The first holds everything.
    pub views: &'static [&'static str],
    /// Of the right tree.
    pub warnings: &'static [&'static str],
    pub wrong: &'static [Wrong],
}

/// Id, the file that must be named, a part of what is said of it, the mistake.
pub type Wrong = (&'static str, &'static str, &'static str, fn(&mut Files));

const LAYOUTS: &[Layout] = &[
    k3s::LAYOUT,
    rke2::LAYOUT,
    k0s::LAYOUT,
    rke::LAYOUT,
    minikube::LAYOUT,
    typhoon::MACHINE,
    typhoon::ASSETS,
    talos::MACHINE,
    talos::SECRETS,
    kops::MACHINE,
    kops::STORE,
    hard_way::GUIDE,
    hard_way::MACHINES,
    cfssl::LAYOUT,
];

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix(i64::try_from(now.as_secs()).unwrap())
}

/// A folder of the machine, in its own place or copied away.
fn judge(files: &Files, view: &str, root: &str) -> Vec<Finding> {
    let start = if view.is_empty() { String::new() } else { format!("{view}/") };
    let mut tree = Tree::new(&format!("{root}/{view}"));
    let mut count = 0;
    for (path, (mode, bytes)) in files.render() {
        if let Some(below) = path.strip_prefix(&start) {
            tree.add(below, Access::of(mode), &bytes);
            count += 1;
        }
    }
    for (path, target) in &files.links {
        if let Some(below) = path.strip_prefix(&start) {
            tree.add_link(below, target);
        }
    }
    assert!(count > 0, "{view} is empty");
    lint(&tree, now())
}

fn is_error(finding: &Finding) -> bool {
    finding.rule.severity == Severity::Error
}

fn shown(findings: &[Finding]) -> String {
    let line =
        |found: &Finding| format!("\n    {} {}  {}", found.rule.id, found.path, found.detail);
    findings.iter().map(line).collect()
}

#[test]
fn a_right_tree_has_no_error_whichever_folder_of_it_is_named() {
    let mut wrong = Vec::new();
    for layout in LAYOUTS {
        for root in ["", "/backup/host-1"] {
            let files = (layout.files)();
            for (at, view) in layout.views.iter().enumerate() {
                let found = judge(&files, view, root);
                let ids: BTreeSet<&str> = found.iter().map(|found| found.rule.id).collect();
                let known: BTreeSet<&str> = layout.warnings.iter().copied().collect();
                if found.iter().any(is_error) || at == 0 && ids != known {
                    wrong.push(format!("{}: {root}/{view}{}", layout.name, shown(&found)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_mistake_of_a_layout_has_exactly_its_finding() {
    let mut wrong = Vec::new();
    for layout in LAYOUTS {
        for (id, path, says, make) in layout.wrong {
            let mut files = (layout.files)();
            make(&mut files);
            let start = layout.views[0];
            let path = path.strip_prefix(start).unwrap().trim_start_matches('/');
            let found = judge(&files, start, "");
            let errors: Vec<&Finding> = found.iter().filter(|found| is_error(found)).collect();
            let named = |found: &&&Finding| found.path == path && found.detail.contains(says);
            if errors.iter().any(|found| found.rule.id != *id)
                || errors.iter().find(named).is_none()
            {
                let name = layout.name;
                wrong.push(format!("{name}: {id} {path} ({says}){}", shown(&found)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every layout as a machine of its own in one tree: what one has says nothing about another.
#[test]
fn machines_side_by_side() {
    let mut tree = Tree::new("/backup");
    for layout in LAYOUTS {
        let files = (layout.files)();
        for (path, (mode, bytes)) in files.render() {
            tree.add(&format!("{}/{path}", layout.name), Access::of(mode), &bytes);
        }
        for (path, target) in &files.links {
            tree.add_link(&format!("{}/{path}", layout.name), target);
        }
    }
    let found = lint(&tree, now());
    assert!(!found.iter().any(is_error), "{}", shown(&found));
}

/// On disk, by the binary, as a copy of the machine: something was looked at, and the exit code says what was
/// found.
#[test]
fn the_binary_ends_as_its_findings_say() {
    for layout in LAYOUTS {
        let files = (layout.files)();
        let desk = tempfile::tempdir().unwrap();
        files.write(desk.path());
        let folder = desk.path().join(layout.views[0]);
        let (report, code) = verify(&folder, &[]);
        assert_eq!((code, &report["errors"]), (0, &0.into()), "{}: {report:#}", layout.name);
        let rendered = files.render();
        let is_certificate =
            |path: &&String| path.starts_with(layout.views[0]) && path.ends_with(".crt");
        let certificates = rendered.keys().filter(is_certificate).count();
        assert!(report["certificates"].as_u64().unwrap() > 0, "{}: {report:#}", layout.name);
        assert!(report["certificates"].as_u64().unwrap() * 2 >= certificates as u64, "{report:#}");

        let (id, _, _, make) = layout.wrong[0];
        let mut files = (layout.files)();
        make(&mut files);
        let desk = tempfile::tempdir().unwrap();
        files.write(desk.path());
        let (report, code) = verify(&desk.path().join(layout.views[0]), &[]);
        assert_eq!(code, 2, "{}: {report:#}", layout.name);
        let found = report["findings"].as_array().unwrap();
        assert!(found.iter().any(|found| found["id"] == id), "{}: {report:#}", layout.name);
    }
}
