//! The etcd CA is rotated under a running etcd of three members that is written to all the time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::members::{Etcd, Identity};
use super::{DESCRIPTION, MEMBERS};
use crate::testkit::FolderProject;

/// Far above an election (etcd's default is one second) and etcdctl's own patience.
const LONGEST_GAP: Duration = Duration::from_secs(10);

const CLIENT: &str = "pki/apiserver-etcd-client";

/// What is installed on the nodes, and the API server of cp1: it reads its pair at each connection, and the
/// CAs of `--etcd-cafile` when it starts.
struct Machines {
    folder: tempfile::TempDir,
}

impl Machines {
    fn root(&self, node: &str) -> PathBuf {
        self.folder.path().join(node)
    }

    fn kubernetes(&self, node: &str) -> PathBuf {
        self.root(node).join("etc/kubernetes")
    }

    fn install(&self, project: &FolderProject, node: &str) {
        std::fs::create_dir_all(self.root(node)).unwrap();
        project.done(&["install", node, "--root", self.root(node).to_str().unwrap()]);
    }

    fn restart_api_server(&self) {
        let (ca, new) = (self.api_server().ca, self.folder.path().join("new"));
        std::fs::copy(self.kubernetes("cp1").join("pki/etcd/ca.crt"), &new).unwrap();
        std::fs::rename(new, ca).unwrap();
    }

    fn api_server(&self) -> Identity {
        let file = |end: &str| self.kubernetes("cp1").join(format!("{CLIENT}.{end}"));
        Identity {
            pair: Some((file("crt"), file("key"))),
            ca: self.folder.path().join("read by the API server"),
        }
    }

    fn keep(&self, stage: usize) -> Identity {
        let now = self.api_server();
        let copy = |path: &Path, end: &str| {
            let kept = self.folder.path().join(format!("{stage}.{end}"));
            std::fs::copy(path, &kept).unwrap();
            kept
        };
        let (certificate, key) = now.pair.unwrap();
        Identity {
            pair: Some((copy(&certificate, "crt"), copy(&key, "key"))),
            ca: copy(&now.ca, "ca"),
        }
    }
}

/// Writes until it is told to end: what was taken, how often a try was not, the longest time between two.
fn write(endpoints: &str, client: &Identity, is_over: &AtomicBool) -> (Vec<u32>, u32, Duration) {
    let (mut taken, mut refused, mut longest) = (Vec::new(), 0, Duration::ZERO);
    let mut last = Instant::now();
    for number in 0u32.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let text = number.to_string();
        let output = client.etcdctl(endpoints, &["put", &format!("/kept/{number:06}"), &text]);
        if output.status.success() {
            taken.push(number);
            longest = longest.max(last.elapsed());
            last = Instant::now();
        } else {
            refused += 1;
        }
    }
    (taken, refused, longest.max(last.elapsed()))
}

/// `what node` of all that restarts, in the plan's order.
fn restarts(project: &FolderProject, word: &str) -> Vec<(String, String)> {
    let plan = project.json(&["plan", "--all", "--allow", word]);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let all = plan["restarts"].as_array().unwrap().iter();
    all.map(|restart| (text(&restart["what"]), text(&restart["node"]))).collect()
}

#[test]
fn the_etcd_ca_is_rotated_and_no_write_is_lost() {
    let project = FolderProject::described(DESCRIPTION).applied();
    let machines = Machines { folder: tempfile::tempdir().unwrap() };
    let mut etcd = Etcd::new(&MEMBERS);
    for node in MEMBERS.map(|(name, _)| name) {
        machines.install(&project, node);
        etcd.start_on(&machines.kubernetes(node), node);
    }
    machines.install(&project, "cp1");
    machines.restart_api_server();
    let client = machines.api_server();
    etcd.wait_until_healthy(&client);

    let is_over = AtomicBool::new(false);
    let endpoints = etcd.urls(&MEMBERS.map(|(_, address)| address));
    let mut kept = vec![machines.keep(0)];
    let (taken, refused, longest) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| write(&endpoints, &client, &is_over));
        // The writer ends when this panics, too.
        let over = Over(&is_over);
        let of_all: Vec<(String, String)> = MEMBERS
            .iter()
            .map(|(name, _)| ("etcd".to_owned(), (*name).to_owned()))
            .chain([("kube-apiserver".to_owned(), "cp1".to_owned())])
            .collect();
        for (stage, expected) in [("trust", &of_all), ("promote", &vec![]), ("distrust", &of_all)] {
            project.done(&["rotate", "ca/etcd"]);
            let word = format!("{stage}:ca/etcd");
            // etcd first, on each node, then the API server; for leaves alone nothing.
            let restarts = restarts(&project, &word);
            assert_eq!(restarts, *expected, "{stage}");
            project.done(&["apply", "--all", "--allow", &word]);
            let what: BTreeMap<&str, &str> =
                restarts.iter().map(|(what, node)| (node.as_str(), what.as_str())).collect();
            for node in ["etcd1", "etcd2", "etcd3", "cp1"] {
                machines.install(&project, node);
                match what.get(node) {
                    Some(&"etcd") => etcd.restart_on(&machines.kubernetes(node), node),
                    Some(_) => machines.restart_api_server(),
                    // A member that starts among others of both stages joins them.
                    None if node == "etcd2" => {
                        etcd.restart_on(&machines.kubernetes(node), node);
                    }
                    None => {}
                }
                etcd.wait_until_healthy(&client);
            }
            kept.push(machines.keep(kept.len()));
        }
        drop(over);
        writer.join().unwrap()
    });
    assert!(longest < LONGEST_GAP, "{longest:?} without a write; {refused} tries were refused");
    assert!(taken.len() > 50, "{} writes, {refused} refused", taken.len());
    let read = ["get", "--prefix", "/kept/", "--print-value-only"];
    for (_, address) in MEMBERS {
        let found = etcd.done(&[address], &client, &read);
        let found: Vec<u32> = found.split_whitespace().map(|line| line.parse().unwrap()).collect();
        // A write whose answer was lost may have been taken all the same.
        let lost: Vec<&u32> = taken.iter().filter(|number| !found.contains(number)).collect();
        assert!(lost.is_empty(), "{address} lost {lost:?}");
    }

    // What the old CA signed is refused, and not for the CA that the client believes.
    let old = Identity { ca: client.ca.clone(), ..kept[0].clone() };
    etcd.refuses(MEMBERS[1], &old, "certificate signed by unknown authority");
    // A client that was there for the promotion is not.
    etcd.done(&[MEMBERS[1].1], &kept[2], &["get", "/kept/000000"]);
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
