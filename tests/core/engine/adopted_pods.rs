//! Static pods that ran before kpki knew them: their manifests have no annotation, and stay as they are until
//! something else changes them.

use std::collections::BTreeMap;

use kpki::lock;
use kpki::name::ArtifactName;
use kpki::plan::Intent;
use kpki::pod::DIGEST_ANNOTATION;
use kpki::state::{Entry, Lock};

use super::operators_manifests::{NODES, kubeadm_like, placed, with_manifests};
use crate::testkit::memory_project::{MemoryProject, Planned, Tree};

const PODS: &str = "/etc/kubernetes/manifests/";

fn is_pod(name: &ArtifactName) -> bool {
    name.as_str().contains("/manifests/")
}

fn edit_lock(project: &mut MemoryProject, edit: impl FnOnce(&mut Lock)) {
    let mut lock = project.lock();
    edit(&mut lock);
    project.lock = Some(lock::render(&lock));
}

/// As if kubeadm had written every manifest: `kpki adopt` finds them so, and no line of the lock names one.
fn found(mut project: MemoryProject) -> MemoryProject {
    project.apply().unwrap();
    let source = kubeadm_like();
    for (path, (bytes, _)) in &mut project.out {
        let Some((node, file)) = path.strip_prefix("nodes/").and_then(|path| path.split_once(PODS))
        else {
            continue;
        };
        bytes.clone_from(&source[&format!("manifests/{node}/{file}")]);
    }
    edit_lock(&mut project, |lock| lock.entries.retain(|name, _| !is_pod(name)));
    project
}

/// With the operator's manifests, and with kpki's own where these say the same.
fn both() -> [MemoryProject; 2] {
    [found(with_manifests(kubeadm_like(), "")), found(MemoryProject::new(NODES))]
}

fn adopted() -> [MemoryProject; 2] {
    both().map(|mut project| {
        project.apply().unwrap();
        project
    })
}

fn lines(project: &MemoryProject) -> BTreeMap<ArtifactName, Entry> {
    project.lock().entries.into_iter().filter(|(name, _)| is_pod(name)).collect()
}

fn restarts(planned: &Planned) -> Vec<String> {
    let restarts = planned.plan.restarts.iter();
    restarts.map(|restart| format!("{} {}", restart.what(), restart.node)).collect()
}

fn pods(out: &Tree) -> Vec<(&String, &Vec<u8>)> {
    let pods = out.iter().filter(|(path, _)| path.contains(PODS));
    pods.map(|(path, (bytes, _))| (path, bytes)).collect()
}

fn annotated(project: &MemoryProject) -> Vec<String> {
    let has = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(DIGEST_ANNOTATION);
    let pods = pods(&project.out).into_iter().filter(|(_, bytes)| has(bytes));
    pods.map(|(path, _)| path.replace("/etc/kubernetes/manifests", "").replace("nodes/", ""))
        .collect()
}

#[test]
fn they_are_recorded_and_no_byte_changes() {
    for mut project in both() {
        let before = project.out.clone();
        let planned = project.plan();
        let steps = planned.steps();
        assert_eq!(steps.len(), 8, "{steps:?}");
        assert!(steps.iter().all(|step| step.starts_with("Record nodes/")), "{steps:?}");
        assert_eq!(restarts(&planned), [""; 0]);
        project.apply().unwrap();
        assert_eq!(project.out, before);
        project.assert_converged();
        assert!(project.lock.as_ref().unwrap().starts_with("{\"kpki-lock\":4"));
        assert!(lines(&project).values().all(|entry| entry.restart_digest.is_some()));
        // Nor is anything to do once the whole lock is gone.
        project.lock = None;
        project.apply().unwrap();
        assert_eq!(project.out, before);
        assert!(lines(&project).values().all(|entry| entry.restart_digest.is_some()));
    }
}

/// The process needs the restart anyway: the annotation comes with it, and the lock forgets the digest.
#[test]
fn what_a_process_reads_at_its_start_brings_the_annotation() {
    for mut project in adopted() {
        project.later("1d".parse().unwrap());
        let renew = Intent { renew: vec!["ca/etcd".parse().unwrap()], ..Intent::default() };
        let restarted = ["etcd cp1", "etcd cp2", "kube-apiserver cp1", "kube-apiserver cp2"];
        assert_eq!(restarts(&project.plan_with(&renew)), restarted);
        project.apply_with(&renew, false).unwrap();
        project.apply().unwrap();
        project.assert_converged();
        let mut named = annotated(&project);
        named.sort();
        assert_eq!(
            named,
            [
                "cp1/etcd.yaml",
                "cp1/kube-apiserver.yaml",
                "cp2/etcd.yaml",
                "cp2/kube-apiserver.yaml"
            ]
        );
        for (name, entry) in lines(&project) {
            let is_annotated = named.iter().any(|file| {
                format!("nodes/{}", file.replace('/', "/manifests/")) == format!("{name}.yaml")
            });
            assert_eq!(entry.restart_digest.is_none(), is_annotated, "{name}");
        }
    }
}

#[test]
fn what_a_manifest_says_otherwise_brings_the_annotation() {
    for mut project in adopted() {
        project.description.push_str("component \"scheduler\" { flag \"v\" \"4\"; }\n");
        let planned = project.plan();
        assert_eq!(restarts(&planned), ["kube-scheduler cp1", "kube-scheduler cp2"]);
        project.apply().unwrap();
        project.assert_converged();
        let mut named = annotated(&project);
        named.sort();
        assert_eq!(named, ["cp1/kube-scheduler.yaml", "cp2/kube-scheduler.yaml"]);
        // And it stays: who takes the flag back has a pod with another history.
        project.description =
            project.description.replace("component \"scheduler\" { flag \"v\" \"4\"; }\n", "");
        project.apply().unwrap();
        assert_eq!(annotated(&project).len(), 2);
        project.assert_converged();
    }
}

/// A file that is gone or damaged comes back as it was, and nothing restarts for it.
#[test]
fn a_lost_or_changed_file_comes_back_as_it_was() {
    let path = "nodes/cp1/etc/kubernetes/manifests/etcd.yaml";
    for mut project in adopted() {
        let before = project.out.clone();
        project.out.remove(path).unwrap();
        let planned = project.plan();
        assert_eq!(planned.steps(), ["Repair nodes/cp1/manifests/etcd"]);
        assert_eq!(restarts(&planned), [""; 0]);
        project.apply().unwrap();
        assert_eq!(project.out, before);
        let changed =
            placed(&project, "cp1", "etcd").replace("--data-dir=/var/lib/etcd", "--data-dir=/srv");
        project.out.get_mut(path).unwrap().0 = changed.into_bytes();
        assert_eq!(project.plan().steps(), ["Repair nodes/cp1/manifests/etcd"]);
        project.apply().unwrap();
        assert_eq!(project.out, before);
        project.assert_converged();
    }
}

/// Who has no line in the lock and is not what is wished is written as any other manifest is.
#[test]
fn a_manifest_that_says_something_else_is_not_recorded_as_it_is() {
    let path = "nodes/cp1/etc/kubernetes/manifests/etcd.yaml";
    for mut project in both() {
        let other = placed(&project, "cp1", "etcd")
            .replace("priorityClassName: system-node-critical", "priorityClassName: mine");
        project.out.get_mut(path).unwrap().0 = other.into_bytes();
        let steps = project.plan().rebuilt_steps();
        assert_eq!(steps, ["Render nodes/cp1/manifests/etcd"]);
        project.apply().unwrap();
        assert_eq!(annotated(&project), ["cp1/etcd.yaml"]);
        project.assert_converged();
    }
}

/// One that has an annotation of kpki's says itself what it was started with.
#[test]
fn an_annotation_of_another_day_is_not_taken_for_none() {
    let path = "manifests/cp1/etcd.yaml";
    let mut files = kubeadm_like();
    let stale = String::from_utf8(files[path].clone()).unwrap();
    let stale = stale
        .replace("  annotations:\n", &format!("  annotations:\n    {DIGEST_ANNOTATION}: old\n"));
    assert!(stale.contains(DIGEST_ANNOTATION));
    files.insert(path.to_owned(), stale.clone().into_bytes());
    let mut project = found(with_manifests(files, ""));
    let place = "nodes/cp1/etc/kubernetes/manifests/etcd.yaml";
    project.out.get_mut(place).unwrap().0 = stale.into_bytes();
    assert_eq!(project.plan().rebuilt_steps(), ["Render nodes/cp1/manifests/etcd"]);
}

/// The lock may be anybody's: another digest there restarts, a missing one does, and the one that fits what
/// is there now hides a restart and nothing else.
#[test]
fn an_edited_digest_hides_a_restart_at_most() {
    let name: ArtifactName = "nodes/cp1/manifests/etcd".parse().unwrap();
    for mut project in adopted() {
        let right = project.lock().entries[&name].restart_digest;
        for wrong in [None, Some(kpki::hash::Digest::of(b"other"))] {
            edit_lock(&mut project, |lock| {
                lock.entries.get_mut(&name).unwrap().restart_digest = wrong;
            });
            let planned = project.plan();
            assert_eq!(planned.steps(), ["Render nodes/cp1/manifests/etcd"]);
            assert_eq!(restarts(&planned), ["etcd cp1"]);
        }
        // With the right digest a manifest that says something else is put right all the same.
        edit_lock(&mut project, |lock| {
            let entry = lock.entries.get_mut(&name).unwrap();
            entry.restart_digest = right;
        });
        let before = project.out.clone();
        let path = "nodes/cp1/etc/kubernetes/manifests/etcd.yaml";
        let evil = placed(&project, "cp1", "etcd")
            .replace("--client-cert-auth=true", "--client-cert-auth=false");
        let digest = kpki::hash::Digest::of(evil.as_bytes());
        project.out.get_mut(path).unwrap().0 = evil.into_bytes();
        edit_lock(&mut project, |lock| {
            lock.entries.get_mut(&name).unwrap().content = Some(digest);
        });
        let planned = project.plan();
        assert_eq!(planned.steps(), ["Render nodes/cp1/manifests/etcd"]);
        project.apply().unwrap();
        let text = placed(&project, "cp1", "etcd");
        assert!(text.contains("--client-cert-auth=true") && text.contains(DIGEST_ANNOTATION));
        project.out.insert(path.to_owned(), before[path].clone());
    }
}
