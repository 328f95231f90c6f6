//! What comes after: changes by kpki, renewals by kubeadm, other kinds of sources, sealed secrets.

use std::collections::BTreeSet;
use std::process::Output;

use super::proof::Desk;
use crate::testkit::age::{self, Key};
use crate::testkit::kubeadm::{Cluster, ExtraArgument, Leaf, secrets, write_all};
use crate::testkit::leaks::Search;
use crate::testkit::{FolderProject, contents, fed, refused, said, tool};

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_new_name_reissues_the_api_servers_certificates_alone() {
    let desk = Desk::new(Cluster::large().trees());
    desk.adopted(&[]);
    desk.project.describe_more("component \"apiserver\" { san \"new.corp.example\"; }\n");
    let steps = ["nodes/cp1/apiserver", "nodes/cp2/apiserver", "nodes/cp3/apiserver"];
    // Whoever has this name is an API server to everybody: a person consents.
    let consent = ["--allow", "escalation:apiserver"];
    assert_eq!(desk.plan(&consent), set(&steps));
    desk.project.done(&["apply", consent[0], consent[1]]);
    assert_eq!(desk.plan(&[]), set(&[]));
    // The keys stay, and so does every other file.
    let changed: BTreeSet<String> = ["cp1", "cp2", "cp3", "w1"]
        .iter()
        .flat_map(|node| {
            let tree = &desk.trees[*node];
            let out = contents(&desk.project.out(&format!("nodes/{node}")));
            out.into_iter()
                .filter(|(path, bytes)| tree.bytes(path) != bytes)
                .map(|(path, _)| format!("{node}/{path}"))
                .collect::<Vec<_>>()
        })
        .collect();
    let certificates =
        ["cp1", "cp2", "cp3"].map(|node| format!("{node}/etc/kubernetes/pki/apiserver.crt"));
    assert_eq!(changed, certificates.into_iter().collect());
}

/// What `kubeadm certs renew all` renews on a node (`kubeadm certs check-expiration` lists it).
const RENEWED: [&str; 7] = [
    "apiserver",
    "apiserver-etcd-client",
    "apiserver-kubelet-client",
    "etcd/healthcheck-client",
    "etcd/peer",
    "etcd/server",
    "front-proxy-client",
];
const RENEWED_CONFIGS: [&str; 4] =
    ["admin.conf", "super-admin.conf", "controller-manager.conf", "scheduler.conf"];

/// New keys under the same names, on one node: exactly that is taken in.
#[test]
fn what_kubeadm_renewed_is_taken_in() {
    let mut desk = Desk::new(Cluster::large().trees());
    desk.adopted(&[]);
    let before = contents(desk.project.folder());
    let renewed = RENEWED.iter().chain(&RENEWED_CONFIGS).map(|name| Leaf {
        node: Some("cp1"),
        name,
        renewal: Some(1),
        days: Some((0, 365)),
        ..Leaf::default()
    });
    let cluster = Cluster { leaves: renewed.collect(), ..Cluster::large() };
    desk.trees = cluster.trees();
    write_over(&desk);
    desk.adopted(&[]);
    let after = contents(desk.project.folder());
    let mut changed: BTreeSet<&str> = after
        .iter()
        .filter(|(path, bytes)| before.get(*path) != Some(bytes))
        .map(|(path, _)| path.as_str())
        .collect();
    assert!(before.keys().all(|path| after.contains_key(path)), "files went away");
    // The certificates inside kubeconfigs are kept beside them.
    changed.retain(|path| !path.starts_with("out/identities/nodes/cp1/"));
    let folder = "out/nodes/cp1/etc/kubernetes";
    let pairs = RENEWED
        .iter()
        .flat_map(|stem| [format!("{folder}/pki/{stem}.crt"), format!("{folder}/pki/{stem}.key")]);
    let configs = RENEWED_CONFIGS.iter().map(|name| format!("{folder}/{name}"));
    let mut expected: BTreeSet<String> = pairs.chain(configs).collect();
    expected.insert("cluster.lock".to_owned());
    assert_eq!(changed.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), expected);
    assert_eq!(desk.plan(&[]), set(&[]));
    desk.installs_nothing();
    desk.verify_finds_no_error(false);
}

/// The nodes' folders hold what the trees say now.
fn write_over(desk: &Desk) {
    std::fs::remove_dir_all(desk.path("nodes")).unwrap();
    write_all(&desk.trees, &desk.path("nodes"));
}

/// The operator's own line in the description survives, byte for byte.
#[test]
fn a_description_that_a_person_wrote_on_stays_as_it_is() {
    let mut desk = Desk::new(Cluster::large().trees());
    desk.adopted(&[]);
    desk.project.describe_more("\n// asked for by the network team\n");
    let description = desk.project.text("cluster.kdl");
    let renewed =
        Leaf { name: "apiserver", renewal: Some(1), days: Some((0, 365)), ..Leaf::default() };
    desk.trees = Cluster { leaves: vec![renewed], ..Cluster::large() }.trees();
    write_over(&desk);
    desk.adopted(&[]);
    assert_eq!(desk.project.text("cluster.kdl"), description);
    assert_eq!(desk.plan(&[]), set(&[]));
}

#[test]
fn with_a_recipient_no_secret_lies_in_the_clear() {
    let desk = Desk::new(Cluster::small().trees());
    let key = Key::age();
    desk.adopted(&["--recipient", &key.recipient]);
    let search = Search::of(&secrets(&desk.trees));
    let mut sealed = 0;
    for (path, bytes) in contents(desk.project.folder()) {
        assert!(!search.finds_in(&bytes), "{path} holds a secret in the clear");
        if path.ends_with(".age") {
            sealed += 1;
            let opened = age::open(&bytes, &key).unwrap();
            assert!(search.finds_in(&opened), "{path}");
        }
    }
    assert!(sealed > 10, "{sealed} sealed files");
    assert_eq!(desk.plan(&[]), set(&[]));
    let before = contents(desk.project.folder());
    let mut again = vec!["--recipient", &key.recipient];
    let identity = key.file();
    let opened = ["--identity", identity.to_str().unwrap()];
    let words = desk.project.kpki(&["adopt", "--help"]);
    if said(&words).contains("--identity") {
        again.extend(opened);
    }
    desk.adopted(&again);
    assert_eq!(contents(desk.project.folder()), before, "sealed anew");
}

/// What the copy line of docs/adopt.md makes, plus what stands in it for kubelets of packages.
fn tar(desk: &Desk, node: &str) -> Vec<u8> {
    let folder = desk.node(node);
    let parts: Vec<_> =
        ["etc", "var", "usr"].into_iter().filter(|part| folder.join(part).exists()).collect();
    let output = tool("tar").arg("-C").arg(&folder).args(["-cf", "-"]).args(parts).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", said(&output));
    output.stdout
}

fn adopt_into(desk: &Desk, name: &str, sources: &[String], input: &[u8]) -> FolderProject {
    let folder = desk.path(name);
    std::fs::create_dir(&folder).unwrap();
    let project = FolderProject::at(folder);
    let mut command = project.command(&["adopt", "--write"]);
    let output: Output = fed(command.args(sources), input);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    project
}

#[test]
fn a_tar_and_standard_input_give_what_a_folder_gives() {
    let desk = Desk::new(Cluster::large().trees());
    desk.adopted(&[]);
    let folders: Vec<String> =
        desk.trees.keys().map(|name| format!("{name}={}", desk.node(name).display())).collect();
    let mut tars = Vec::new();
    for name in desk.trees.keys() {
        let path = desk.path(&format!("{name}.tar"));
        std::fs::write(&path, tar(&desk, name)).unwrap();
        tars.push(format!("{name}={}", path.display()));
    }
    let mut standard_input = folders;
    standard_input[0] = "cp1=-".to_owned();
    let expected = contents(desk.project.folder());
    let differing = |project: &FolderProject| -> Vec<String> {
        let found = contents(project.folder());
        let names: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
        names.into_iter().filter(|name| found.get(*name) != expected.get(*name)).cloned().collect()
    };
    assert_eq!(differing(&adopt_into(&desk, "tars", &tars, b"")), [""; 0]);
    let input = tar(&desk, "cp1");
    assert_eq!(differing(&adopt_into(&desk, "input", &standard_input, &input)), [""; 0]);
}

/// `cp1=<(ssh cp1 sudo tar …)`: a shell hands over the path of a pipe for each. Once by a named pipe, too.
#[test]
fn pipes_give_what_a_folder_gives() {
    let desk = Desk::new(Cluster::large().trees());
    desk.adopted(&[]);
    let expected = contents(desk.project.folder());
    let tars: Vec<_> = desk.trees.keys().map(|name| desk.path(&format!("{name}.tar"))).collect();
    for (name, path) in desk.trees.keys().zip(&tars) {
        std::fs::write(path, tar(&desk, name)).unwrap();
    }
    let folder = desk.path("piped");
    std::fs::create_dir(&folder).unwrap();
    let fifo = desk.path("w1.pipe");
    assert!(tool("mkfifo").arg(&fifo).status().unwrap().success());
    let project = FolderProject::at(folder);
    let kpki = project.command(&["adopt", "--write"]);
    let script = "kpki=$1; shift; cat \"$4\" > \"$5\" &\n\
        \"$kpki\" adopt --write cp1=<(cat \"$1\") cp2=<(cat \"$2\") cp3=<(cat \"$3\") w1=\"$5\"";
    let mut bash = tool("bash");
    bash.args(["-c", script, "bash"]).arg(kpki.get_program()).args(&tars).arg(&fifo);
    bash.current_dir(project.folder());
    for (name, value) in kpki.get_envs() {
        if let Some(value) = value {
            bash.env(name, value);
        }
    }
    let output = bash.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let found = contents(project.folder());
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (path, bytes) in &expected {
        assert!(found[path] == *bytes, "{path}");
    }
}

/// The first adoption copied it; what kubeadm wrote since is not taken in silently.
#[test]
fn a_manifest_that_differs_from_its_copy_is_told_and_nothing_is_written() {
    let mut desk = Desk::new(Cluster::large().trees());
    desk.adopted(&[]);
    let before = contents(desk.project.folder());
    let path = "etc/kubernetes/manifests/kube-apiserver.yaml";
    let tree = desk.trees.get_mut("cp2").unwrap();
    let text = tree.text(path);
    let other = text.replace("- --allow-privileged=true", "- --allow-privileged=true\n    - --v=4");
    assert_ne!(text, other);
    tree.set(path, other.clone());
    write_over(&desk);
    for words in [&[][..], &["--write"]] {
        let told = refused(&desk.adopt(words), 1);
        assert!(told.contains("cp2"), "{told}");
        assert!(told.contains("/etc/kubernetes/manifests/kube-apiserver.yaml"), "{told}");
        assert!(told.contains("manifests/cp2/kube-apiserver.yaml"), "{told}");
        assert!(!told.contains("cp1:") && !told.contains("cp3:"), "{told}");
        assert_eq!(contents(desk.project.folder()), before);
    }
    // What the message says: the copy is the node's again, and then nothing is left to do.
    std::fs::write(desk.project.path("manifests/cp2/kube-apiserver.yaml"), other).unwrap();
    desk.adopted(&[]);
    assert_eq!(desk.plan(&[]), set(&[]));
    desk.installs_nothing();
}

/// A file of the operator's own is on the node alone: from `out/` nobody can tell. One of kubeadm's can.
#[test]
fn files_that_lie_on_the_node_alone_are_no_error_in_out() {
    let policy = ExtraArgument {
        node: None,
        component: "kube-apiserver",
        name: "audit-policy-file",
        value: "/etc/kubernetes/pki/audit.yaml",
    };
    let cluster = Cluster { arguments: vec![policy], ..Cluster::large() };
    let mut trees = cluster.trees();
    for node in ["cp1", "cp2", "cp3"] {
        trees.get_mut(node).unwrap().file("etc/kubernetes/pki/audit.yaml", 0o600, "kind: Policy\n");
    }
    let desk = Desk::new(trees);
    desk.adopted(&[]);
    let found = |words: &[&str]| -> Vec<(String, String)> {
        let words = [&["verify", "--format", "json"], words].concat();
        let output = desk.project.kpki(&words);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let findings = report["findings"].as_array().unwrap().iter();
        let all = findings.map(|one| (text(&one["id"]), text(&one["severity"])));
        all.filter(|(id, _)| id.starts_with("flag-")).collect()
    };
    let told = ("flag-file-elsewhere".to_owned(), "warning".to_owned());
    assert_eq!(found(&[]), vec![told.clone(); 3]);
    let out = desk.project.path("out");
    let out = out.to_str().unwrap();
    assert_eq!(found(&[out]), vec![told.clone(); 3]);
    assert_eq!(found(&[&format!("{out}/nodes/cp1")]), vec![told.clone()]);
    // On the node it is there; where it is not, that is an error.
    let node = desk.node("cp1").join("etc/kubernetes");
    let node = node.to_str().unwrap();
    assert_eq!(found(&[node]), []);
    std::fs::remove_file(desk.node("cp1").join("etc/kubernetes/pki/audit.yaml")).unwrap();
    let missing = ("flag-missing-file".to_owned(), "error".to_owned());
    assert_eq!(found(&[node]), vec![missing.clone()]);
    // What kubeadm sets is in `out/`, or it is missing.
    let own = "out/nodes/cp2/etc/kubernetes/pki/apiserver-etcd-client.crt";
    std::fs::remove_file(desk.project.path(own)).unwrap();
    let all = found(&[]);
    assert!(all.contains(&missing), "{all:?}");
    assert_eq!(all.iter().filter(|one| **one == told).count(), 3, "{all:?}");
}

#[test]
fn mistakes_of_the_command_line() {
    let desk = Desk::new(Cluster::small().trees());
    let cp1 = format!("cp1={}", desk.node("cp1").display());
    let nowhere = format!("cp1={}", desk.path("nowhere").display());
    for (words, code, says) in [
        (vec!["adopt"], 64, "NODE=SOURCE"),
        (vec!["adopt", "cp1"], 64, "NODE=SOURCE"),
        (vec!["adopt", "=x"], 64, ""),
        (vec!["adopt", "cp1=-", "w1=-"], 64, ""),
        (vec!["adopt", &cp1, &cp1], 64, "cp1"),
        (vec!["adopt", "CP_1=x"], 64, "CP_1"),
        (vec!["adopt", &nowhere], 1, "nowhere"),
        (vec!["adopt", "--recipient", "age1x", &cp1], 64, "age1x"),
    ] {
        let text = refused(&desk.project.kpki(&words), code);
        assert!(text.contains(says), "{words:?}: {text}");
    }
    assert_eq!(contents(desk.project.folder()).len(), 0);
}

/// A description that is there already and says something else is not written over.
#[test]
fn another_clusters_project_is_not_written_over() {
    let desk = Desk::new(Cluster::small().trees());
    desk.project
        .describe("cluster \"other\"\nnode \"x\" role=\"control-plane\" address=\"10.9.9.9\"\n");
    desk.project.done(&["apply"]);
    let before = contents(desk.project.folder());
    let output = desk.adopt(&["--write"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(contents(desk.project.folder()), before);
}

/// The same names, another cluster: no key of this one is written over.
#[test]
fn another_clusters_node_of_the_same_name_is_refused() {
    let desk = Desk::new(Cluster::small().trees());
    desk.adopted(&[]);
    let before = contents(desk.project.folder());
    let foreign = Cluster { material: "another cluster", ..Cluster::small() };
    let other = Desk::new(foreign.trees());
    let source = format!("cp1={}", other.node("cp1").display());
    let text = refused(&desk.project.kpki(&["adopt", "--write", &source]), 1);
    assert!(text.contains("/etc/kubernetes/pki/ca.crt is not the ca/kubernetes"), "{text}");
    assert!(text.contains("is not the service-account"), "{text}");
    assert_eq!(contents(desk.project.folder()), before);
}

/// What was renewed here and is not installed yet is not undone by the node's older files.
#[test]
fn what_out_has_newer_stays() {
    let desk = Desk::new(Cluster::small().trees());
    desk.adopted(&[]);
    desk.project.done(&["apply", "--renew", "nodes/cp1/apiserver"]);
    desk.project.done(&["apply", "--renew", "nodes/cp1/admin"]);
    let before = contents(desk.project.folder());
    let told = desk.adopted(&[]);
    assert!(told.contains("nodes/cp1/apiserver: out/ has a newer one"), "{told}");
    assert!(told.contains("nodes/cp1/admin: out/ has a newer one"), "{told}");
    assert_eq!(contents(desk.project.folder()), before);
}
