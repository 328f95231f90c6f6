//! What kpki makes beside what `kubeadm init` writes for the same machine, version by version.
//!
//! `tests/kubeadm/VERSION/facts.txt` tells what lay in a real /etc/kubernetes (node `kubemaster`,
//! 192.168.5.11, stacked etcd); `tests/kubeadm/facts.sh` told it, and tells the same of kpki's files here.
//! The manifests beside are compared in `static_pods`.

use crate::testkit::kubeconfig::Kubeconfig;
use crate::testkit::{FolderProject, files_below, printed, tool};

const NODE: &str = "kubemaster";

/// With the operator, in out/ca/: no process on the node reads these two keys.
const WITH_THE_OPERATOR: [(&str, &str); 2] =
    [("./pki/etcd/ca.key", "etcd.key"), ("./pki/front-proxy-ca.key", "front-proxy.key")];

/// examples/minimal of that version, with kubeadm's name of the cluster.
fn applied(version: &str) -> FolderProject {
    let project = FolderProject::example("minimal");
    let path = project.path("cluster.kdl");
    let description = std::fs::read_to_string(&path).unwrap();
    let cluster = format!("cluster \"kubernetes\" {{ kubernetes \"{version}\"; }}");
    std::fs::write(path, description.replace("cluster \"lab\"", &cluster)).unwrap();
    project.applied()
}

/// What a line says, in any order. kubeadm writes the usage keyEncipherment for keys that encipher nothing,
/// too.
fn comparable(line: &str) -> Vec<String> {
    let line = line.replace(" | ", " X509v3 ").replace(" X509v3 X509v3 ", " X509v3 ");
    let parts = line.split(" X509v3 ").filter(|part| !part.starts_with("Key Usage:"));
    let mut words: Vec<String> =
        parts.flat_map(|part| part.split(", ")).map(str::to_owned).collect();
    words.sort_unstable();
    words
}

#[test]
fn the_same_files_modes_certificates_and_kubeconfigs() {
    let mut versions = 0;
    for entry in std::fs::read_dir("tests/kubeadm").unwrap() {
        let folder = entry.unwrap().path();
        let Ok(expected) = std::fs::read_to_string(folder.join("facts.txt")) else { continue };
        versions += 1;
        let version = folder.file_name().unwrap().to_str().unwrap();
        let project = applied(version);
        let found =
            printed(tool("sh").arg("tests/kubeadm/facts.sh").arg(project.on_node(NODE, "")));
        let with_the_operator = |line: &&str| {
            WITH_THE_OPERATOR.iter().any(|(path, _)| line.split(' ').nth(1) == Some(path))
        };
        let expected = expected.lines().filter(|line| !with_the_operator(line));
        let expected: Vec<_> = expected.map(comparable).collect();
        let found: Vec<_> = found.lines().map(comparable).collect();
        assert_eq!(found, expected, "{version}");
        for (_, path) in WITH_THE_OPERATOR {
            let mode =
                project.entries().into_iter().find(|entry| entry.path == format!("ca/{path}"));
            assert_eq!(mode.map(|entry| entry.mode), Some(0o600), "{version} {path}");
        }
    }
    assert!(versions > 0);
}

#[test]
fn kubeconfigs_embed_the_bundle_and_certificates_are_backdated_by_5_minutes() {
    let project = applied("1.36.2");
    let bundle = project.read(&format!("nodes/{NODE}/etc/kubernetes/pki/ca.crt"));
    for path in files_below(&project.on_node(NODE, "")) {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("conf") => assert_eq!(Kubeconfig::read(&path).authority, bundle, "{path:?}"),
            Some("crt") => {
                let dates = ["x509", "-noout", "-dates", "-dateopt", "iso_8601", "-in"];
                let text = printed(tool("openssl").args(dates).arg(&path));
                let format = time::macros::format_description!(
                    "[year]-[month]-[day] [hour]:[minute]:[second]Z"
                );
                let dates = text.lines().map(|line| line.split_once('=').unwrap().1);
                let dates: Vec<_> = dates
                    .map(|date| time::PrimitiveDateTime::parse(date, format).unwrap())
                    .collect();
                let minutes = (dates[1] - dates[0]).whole_minutes();
                assert_eq!(minutes % (24 * 60), 5, "{path:?}");
            }
            _ => {}
        }
    }
}
