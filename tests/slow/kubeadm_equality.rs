//! What kpki makes beside what kubeadm makes for the same machine, version by version.
//!
//! `tests/kubeadm/VERSION/facts.txt` tells what lies in the /etc/kubernetes of a node `kubemaster`,
//! 192.168.5.11, with stacked etcd; `ha/facts.txt` the same with a load balancer in front. Those that are not
//! by hand `tests/kubeadm/facts.sh` told of a real one; it tells the same of kpki's files here. `files.txt`
//! tells less: no subjects, servers and contexts. docs/kubeadm.md says which are real, and what is not
//! compared and why.
//! The manifests beside are compared in `static_pods`.

use crate::testkit::kubeconfig::Kubeconfig;
use crate::testkit::{FolderProject, entries_of, files_below, printed, tool};

const NODE: &str = "kubemaster";

/// With the operator, in out/ca/: no process on the node reads these two keys.
const WITH_THE_OPERATOR: [(&str, &str); 2] =
    [("./pki/etcd/ca.key", "etcd.key"), ("./pki/front-proxy-ca.key", "front-proxy.key")];

/// Of an external etcd kubeadm takes these from the operator, wherever they are.
const OF_AN_EXTERNAL_ETCD: [&str; 4] = [
    "./pki/apiserver-etcd-client.crt",
    "./pki/apiserver-etcd-client.key",
    "./pki/etcd",
    "./pki/etcd/ca.crt",
];

/// To etcd a group says nothing. kubeadm 1.28 gave these one (k/k#119859, k/k#120521).
const WITHOUT_A_GROUP: [&str; 2] = ["kube-apiserver-etcd-client", "kube-etcd-healthcheck-client"];

fn single(version: &str) -> String {
    format!(
        r#"cluster "kubernetes" {{ kubernetes "{version}" }}
node "{NODE}" role="control-plane" address="192.168.5.11"
"#
    )
}

fn behind_a_load_balancer(version: &str) -> String {
    format!(
        r#"cluster "kubernetes" {{ kubernetes "{version}"; endpoint "lb.k8s.example.com:6443" }}
node "{NODE}" role="control-plane" address="192.168.5.11"
component "apiserver" {{ san "api.example.com" "203.0.113.7" }}
"#
    )
}

const WITH_EXTERNAL_ETCD: &str = r#"cluster "kubernetes" {
    kubernetes "1.36.2"; endpoint "lb.k8s.example.com:6443"
}
node "master-1" role="control-plane" address="192.168.5.11"
node "etcd-1" role="etcd" address="192.168.5.21"
node "etcd-2" role="etcd" address="192.168.5.22"
component "etcd" topology="external"
component "apiserver" { san "192.168.5.30" "192.168.5.12" "127.0.0.1" }
"#;

fn applied(description: &str) -> FolderProject {
    let project = FolderProject::example("minimal");
    std::fs::write(project.path("cluster.kdl"), description).unwrap();
    project.applied()
}

/// What lies on a node, and the modes of the keys that stay with the operator.
fn told(project: &FolderProject, node: &str) -> String {
    for (_, path) in WITH_THE_OPERATOR {
        let mode = project.entries().into_iter().find(|entry| entry.path == format!("ca/{path}"));
        assert_eq!(mode.map(|entry| entry.mode), Some(0o600), "{path}");
    }
    printed(tool("sh").arg("tests/kubeadm/facts.sh").arg(project.on_node(node, "")))
}

fn path_of(line: &str) -> &str {
    line.split(' ').nth(1).unwrap()
}

/// The lines of a file, without those of what lies elsewhere by design.
fn expected_lines(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let with_the_operator =
        |line: &str| WITH_THE_OPERATOR.iter().any(|(path, _)| path_of(line) == *path);
    let lines = text.lines().filter(|line| !line.starts_with('#') && !with_the_operator(line));
    lines.map(str::to_owned).collect()
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

fn all_comparable<'l>(lines: impl IntoIterator<Item = &'l str>) -> Vec<Vec<String>> {
    lines.into_iter().map(comparable).collect()
}

#[test]
fn the_same_files_modes_certificates_and_kubeconfigs() {
    let mut versions = 0;
    for folder in entries_of("tests/kubeadm").into_iter().filter(|path| path.is_dir()) {
        let version = folder.file_name().unwrap().to_str().unwrap();
        versions += 1;
        for (shape, description) in
            [("", single(version)), ("/ha", behind_a_load_balancer(version))]
        {
            let mut expected = expected_lines(&format!("tests/kubeadm/{version}{shape}/facts.txt"));
            for line in &mut expected {
                for name in WITHOUT_A_GROUP {
                    let name = format!("CN={name}");
                    *line = line.replace(&format!("{name},O=system:masters "), &format!("{name} "));
                }
            }
            let found = told(&applied(&description), NODE);
            let expected = all_comparable(expected.iter().map(String::as_str));
            assert_eq!(all_comparable(found.lines()), expected, "{version}{shape}");
        }
    }
    assert_eq!(versions, 10, "a folder for each minor from 1.28 to 1.37");
}

/// Of a line only what `files.txt` tells.
fn without_subjects(line: &str) -> String {
    let parts = line.split(" | ").enumerate();
    let parts = parts.filter(|(at, part)| *at == 0 || part.starts_with("X509v3 "));
    parts.map(|(_, part)| part).collect::<Vec<_>>().join(" | ")
}

#[test]
fn the_same_files_beside_an_external_etcd() {
    let expected = expected_lines("tests/kubeadm/1.36.2/external-etcd/files.txt");
    let found = told(&applied(WITH_EXTERNAL_ETCD), "master-1");
    let (brought, found): (Vec<&str>, Vec<&str>) =
        found.lines().partition(|line| OF_AN_EXTERNAL_ETCD.contains(&path_of(line)));
    assert_eq!(brought.len(), OF_AN_EXTERNAL_ETCD.len());
    let found: Vec<String> = found.into_iter().map(without_subjects).collect();
    assert_eq!(
        all_comparable(found.iter().map(String::as_str)),
        all_comparable(expected.iter().map(String::as_str))
    );
}

/// With keys on P-256, which are kpki's default too.
#[test]
fn the_same_files_with_elliptic_curves() {
    let expected = expected_lines("tests/kubeadm/1.36.2/pod-network/files.txt");
    let found = told(&applied(&single("1.36.2")), NODE);
    let found: Vec<String> = found.lines().map(without_subjects).collect();
    assert_eq!(
        all_comparable(found.iter().map(String::as_str)),
        all_comparable(expected.iter().map(String::as_str))
    );
}

#[test]
fn kubeconfigs_embed_the_bundle_and_certificates_are_backdated_by_5_minutes() {
    let project = applied(&single("1.36.2"));
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
