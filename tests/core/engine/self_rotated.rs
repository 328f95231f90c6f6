//! `component "kubelet" client="self-rotated"`: kubelets that renew their own client certificates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kpki::plan::{Intent, Note, Orphan};
use kpki::profile::Reader;
use proptest::prelude::*;

use crate::testkit::memory_project::{MemoryProject, Planned};

const BASE: &str = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab:6443" }
node "cp1" role="control-plane" address="10.0.0.11" primary=#true
node "w1" address="10.0.0.21"
node "w2" address="10.0.0.22"
"#;
const SELF_ROTATED: &str = "component \"kubelet\" client=\"self-rotated\"\n";
const PAIR: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";

fn described(more: &str) -> MemoryProject {
    MemoryProject::new(&format!("{BASE}{more}"))
}

fn path(node: &str) -> String {
    format!("nodes/{node}/etc/kubernetes/kubelet.conf")
}

fn text(project: &MemoryProject, node: &str) -> String {
    String::from_utf8(project.out[&path(node)].0.clone()).unwrap()
}

fn authority(project: &MemoryProject) -> String {
    STANDARD.encode(&project.out["ca/kubernetes.crt"].0)
}

fn kubelets(planned: &Planned) -> Vec<String> {
    let all = planned.plan.restarts.iter().filter(|restart| restart.reader == Reader::Kubelet);
    all.map(|restart| restart.node.to_string()).collect()
}

/// As kubeadm 1.36 leaves it on its first node.
fn kubeadms(authority: &str, server: &str, node: &str) -> String {
    format!(
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {authority}
    server: {server}
  name: lab
contexts:
- context:
    cluster: lab
    user: system:node:{node}
  name: system:node:{node}@lab
current-context: system:node:{node}@lab
kind: Config
users:
- name: system:node:{node}
  user:
    client-certificate: {PAIR}
    client-key: {PAIR}
"
    )
}

/// As a kubelet itself writes it from bootstrap-kubelet.conf (kubelet's certificate/bootstrap), with what
/// somebody added by hand.
fn joined(authority: &str, server: &str) -> String {
    format!(
        "# joined 2024-11-26
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: '{authority}'
    server: \"{server}\"   # the load balancer
  name: default-cluster
contexts:
- context:
    cluster: default-cluster
    namespace: default
    user: default-auth
  name: default-context
current-context: default-context
kind: Config
preferences: {{}}
users:
- name: default-auth
  user:
    client-certificate: {PAIR}
    client-key: {PAIR}
"
    )
}

#[test]
fn without_a_copy_it_is_kubeadms_form_and_nothing_of_a_pair() {
    let mut project = described(SELF_ROTATED);
    project.apply().unwrap();
    project.assert_converged();
    for (node, server) in [
        ("cp1", "https://10.0.0.11:6443"),
        ("w1", "https://api.lab:6443"),
        ("w2", "https://api.lab:6443"),
    ] {
        let expected = kubeadms(&authority(&project), server, node);
        assert_eq!(text(&project, node), expected);
        assert_eq!(project.out[&path(node)].1, 0o600);
    }
    let lock = project.lock();
    let names: Vec<&str> = lock.entries.keys().map(kpki::name::ArtifactName::as_str).collect();
    assert!(!names.iter().any(|name| name.ends_with("/kubelet")), "{names:?}");
    assert!(
        !project
            .out
            .keys()
            .any(|path| path.starts_with("identities/") && path.ends_with("/kubelet.crt"))
    );
    assert!(!project.out.keys().any(|path| path.contains("/var/lib/kubelet/")));
    // Nothing is lost, and nothing is sealed or kept secret.
    project.lock = None;
    project.apply().unwrap();
    project.assert_converged();
}

/// A copy that says the same stays byte for byte, whatever its names and quotes are.
#[test]
fn a_copy_that_says_the_same_is_not_touched() {
    let mut project = described(&format!("{SELF_ROTATED}manifests \"manifests\"\n"));
    project.apply_without_copies();
    let authority = authority(&project);
    for server in ["https://api.lab:6443", "https://api.lab:6443/"] {
        let copy = joined(&authority, server);
        project.extra.insert("manifests/w1/kubelet.conf".into(), copy.clone().into_bytes());
        project.apply().unwrap();
        assert_eq!(text(&project, "w1"), copy);
        project.assert_converged();
    }
}

trait Copies {
    /// The CA is made first: a copy embeds it.
    fn apply_without_copies(&mut self);
}

impl Copies for MemoryProject {
    fn apply_without_copies(&mut self) {
        let path = "manifests/w2/kubelet.conf";
        self.extra.insert(path.into(), kubeadms("AAAA", "https://old:6443", "w2").into_bytes());
        self.apply().unwrap();
    }
}

/// CA and server alone are put right; a kubelet must restart for it.
#[test]
fn a_copy_is_patched_in_two_fields() {
    let mut project = described(&format!("{SELF_ROTATED}manifests \"manifests\"\n"));
    project.apply_without_copies();
    let authority = authority(&project);
    assert_eq!(text(&project, "w2"), kubeadms(&authority, "https://api.lab:6443", "w2"));
    for file in ["manifests/w1/kubelet.conf", "manifests/kubelet.conf"] {
        project.extra.insert(file.into(), joined("AAAA", "https://10.0.0.9:6443").into_bytes());
        assert_eq!(kubelets(&project.plan()).contains(&"w1".to_owned()), file.contains("w1"));
        project.apply().unwrap();
        assert_eq!(text(&project, "w1"), joined(&authority, "https://api.lab:6443"));
    }
    // The folder of all nodes serves who has none of its own.
    assert_eq!(text(&project, "cp1"), joined(&authority, "https://10.0.0.11:6443"));
    assert_eq!(text(&project, "w2"), kubeadms(&authority, "https://api.lab:6443", "w2"));
    project.assert_converged();
    project.description = project.description.replace("api.lab:6443", "new.lab:6443");
    assert_eq!(kubelets(&project.plan()), ["w1", "w2"]);
    project.apply().unwrap();
    assert_eq!(text(&project, "w1"), joined(&authority, "https://new.lab:6443"));
}

/// With the same CA and the same server, too.
#[test]
fn whatever_else_changes_in_a_copy_restarts_its_kubelet() {
    let mut project = described(&format!("{SELF_ROTATED}manifests \"manifests\"\n"));
    project.apply_without_copies();
    let copy = joined(&authority(&project), "https://api.lab:6443");
    let put = |project: &mut MemoryProject, copy: &str| {
        project.extra.insert("manifests/w1/kubelet.conf".into(), copy.as_bytes().to_vec());
    };
    put(&mut project, &copy);
    project.apply().unwrap();
    put(&mut project, &copy.replace("namespace: default", "namespace: other"));
    assert_eq!(kubelets(&project.plan()), ["w1"]);
}

/// The kubelet reads the embedded CA when it starts.
#[test]
fn another_ca_certificate_restarts_every_kubelet() {
    let mut project = described(SELF_ROTATED);
    project.apply().unwrap();
    project.later("1d".parse().unwrap());
    let renew = Intent { renew: vec!["ca/kubernetes".parse().unwrap()], ..Intent::default() };
    assert_eq!(kubelets(&project.plan_with(&renew)), ["cp1", "w1", "w2"]);
    project.apply_with(&renew, false).unwrap();
    project.assert_converged();
    assert!(text(&project, "w1").contains(&authority(&project)));
    // What was lost or damaged comes back, and nothing restarts.
    let before = project.out.clone();
    project.out.remove(&path("w1")).unwrap();
    project.out.get_mut(&path("w2")).unwrap().0.extend(b"# x\n");
    let planned = project.plan();
    assert_eq!(planned.steps(), ["Repair nodes/w1/kubelet.conf", "Repair nodes/w2/kubelet.conf"]);
    assert_eq!(kubelets(&planned), [""; 0]);
    project.apply().unwrap();
    assert_eq!(project.out, before);
}

/// A cluster that kpki made: the embedded pair goes, which the plan says, and nothing asks for a consent.
#[test]
fn turning_it_on_tells_what_becomes_of_the_pair_and_back_makes_new_ones() {
    let mut project = described("");
    project.apply().unwrap();
    let issued = project.out.clone();
    project.description.push_str(SELF_ROTATED);
    let planned = project.plan();
    let told = planned.plan.notes.iter();
    let told = told.filter(|note| matches!(note, Note::KubeletLooksAfterItself { .. }));
    assert_eq!(told.count(), 3);
    assert!(planned.plan.blocked.is_empty() && planned.plan.absent.is_empty());
    assert!(
        planned.review.changes.iter().all(|change| !change.stops()),
        "{:?}",
        planned.review.changes
    );
    assert_eq!(kubelets(&planned), ["cp1", "w1", "w2"]);
    let orphans = planned.plan.orphans.iter();
    let orphans: Vec<String> = orphans
        .map(|orphan| match orphan {
            Orphan::File { path, .. } => path.to_string(),
            Orphan::Line(name) => name.to_string(),
        })
        .collect();
    for node in ["cp1", "w1", "w2"] {
        assert!(orphans.contains(&format!("identities/nodes/{node}/kubelet.crt")), "{orphans:?}");
        assert!(orphans.contains(&format!("nodes/{node}/kubelet")), "{orphans:?}");
    }
    project.apply().unwrap();
    project.assert_converged();
    assert!(text(&project, "w1").contains(PAIR));
    assert_ne!(project.out[&path("w1")], issued[&path("w1")]);
    project.apply_with(&Intent::default(), true).unwrap();
    assert!(project.plan().plan.orphans.is_empty());
    project.assert_converged();
    // And back: the kubelets get pairs from kpki again.
    project.description = project.description.replace(SELF_ROTATED, "");
    project.apply().unwrap();
    project.assert_converged();
    assert!(text(&project, "w1").contains("client-key-data: "));
}

#[test]
fn the_kubelets_configuration_lets_it_rotate_and_serving_is_independent() {
    let mut project =
        described("component \"kubelet\" client=\"self-rotated\" config=#true serving=#true\n");
    project.apply().unwrap();
    let config = &project.out["nodes/w1/var/lib/kubelet/config.yaml"].0;
    let config = String::from_utf8(config.clone()).unwrap();
    assert!(
        config.contains("\nrotateCertificates: true\n") && config.contains("tlsCertFile"),
        "{config}"
    );
    assert!(project.out.contains_key("nodes/w1/etc/kubernetes/pki/kubelet.key"));
    project.assert_converged();
}

fn mistakes(copy: &str) -> String {
    let mut project = described(&format!("{SELF_ROTATED}manifests \"manifests\"\n"));
    project.extra.insert("manifests/w1/kubelet.conf".into(), copy.as_bytes().to_vec());
    project.mistakes()
}

/// Lists say what is harmless: whatever else stands in a copy is refused, with its line.
#[test]
fn what_is_not_known_to_be_harmless_is_refused_with_its_line() {
    let good = joined("AAAA", "https://api.lab:6443");
    assert_eq!(mistakes(&good), "");
    for (from, to, says, line) in [
        (
            "    client-key: /var",
            "    client-key-data: c2VjcmV0\n    client-key: /var",
            "holds a private key",
            21,
        ),
        (
            "    client-key: /var",
            "    client-certificate-data: YQ==\n    client-key: /var",
            "embeds a certificate",
            21,
        ),
        ("    client-key: /var", "    token: abc\n    client-key: /var", "holds a secret", 21),
        ("    client-key: /var", "    tokenFile: /x\n    client-key: /var", "names a secret", 21),
        (
            "    client-key: /var",
            "    exec: {command: x}\n    client-key: /var",
            "runs a program",
            21,
        ),
        (
            "    client-key: /var",
            "    auth-provider: {name: x}\n    client-key: /var",
            "runs a program",
            21,
        ),
        (
            "    client-key: /var",
            "    as: system:admin\n    client-key: /var",
            "acts as somebody else",
            21,
        ),
        (
            "    client-key: /var",
            "    \"to\\x6ben\": x\n    client-key: /var",
            "holds a secret",
            21,
        ),
        (
            "    server:",
            "    insecure-skip-tls-verify: true\n    server:",
            "believes any server",
            6,
        ),
        ("    server:", "    insecure-skip-tls-verify: yes\n    server:", "believes any server", 6),
        ("    server:", "    proxy-url: http://x\n    server:", "leads through a proxy", 6),
        ("    server:", "    tls-server-name: x\n    server:", "a server of another name", 6),
        (
            "    server:",
            "    certificate-authority: /srv/ca.crt\n    server:",
            "is not /etc/kubernetes/pki/ca.crt",
            6,
        ),
        (
            "    server:",
            "    certificate-authority: /etc/kubernetes/pki/ca.crt\n    server:",
            "embeds another CA",
            6,
        ),
        ("    server:", "    colour: red\n    server:", "does not know `colour` to be harmless", 6),
        (
            "kind: Config",
            "kind: Config\nextensions: [1]",
            "does not know `extensions` to be harmless",
            16,
        ),
        ("kind: Config", "kind: Secret", "is not Config", 15),
        ("current-context: default-context", "current-context: other", "no context of the name", 2),
        ("    user: default-auth", "    user: 12", "is no text", 12),
        (PAIR, "/etc/kubernetes/pki/kubelet.crt", "that the kubelet does not renew", 20),
        (PAIR, "/etc/kubernetes/kubelet-client-current.pem", "that the kubelet does not renew", 20),
        (
            PAIR,
            "/var/lib/../../etc/kubernetes/kubelet-client-current.pem",
            "that the kubelet does not renew",
            20,
        ),
        (PAIR, "kubelet-client-current.pem", "that the kubelet does not renew", 20),
        ("client-key: /var/lib", "client-key: /srv", "are not the same file", 20),
        ("    client-key:", "    x: {}\n    client-keys:", "to be harmless", 22),
        ("users:", "users: []\nuser:", "to be harmless", 18),
        ("- name: default-auth", "- name: default-auth\n- name: default-auth", "a second user", 19),
        ("apiVersion: v1", "apiVersion: v1\n---\nx: y", "second document", 3),
        ("    server:", "    <<: {}\n    server:", "merge key", 6),
        ("    server: ", "    server: !!str ", "", 0),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        let text = mistakes(&bad);
        if says.is_empty() {
            // Whatever kpki cannot change safely is refused as well.
            continue;
        }
        assert!(text.contains(says), "{to}\n{text}");
        assert!(
            text.contains(&format!("manifests/w1/kubelet.conf:{line}:")),
            "{to}: {line}\n{text}"
        );
        assert!(text.contains("help: "), "{text}");
        assert!(!text.contains("c2VjcmV0"), "{text}");
    }
    // The same name in another folder is the kubelet's with --cert-dir.
    assert_eq!(mistakes(&good.replace(PAIR, "/opt/kubelet/kubelet-client-current.pem")), "");
    // And so is the CA in the file that kpki places.
    let by_file = good.replace(
        "    certificate-authority-data: 'AAAA'\n",
        "    certificate-authority: /etc/kubernetes/pki/ca.crt\n",
    );
    assert_eq!(mistakes(&by_file), "");
}

#[test]
fn all_mistakes_of_a_copy_are_told_at_once() {
    let bad = joined("AAAA", "https://api.lab:6443")
        .replace(
            "    client-key: /var",
            "    token: abc\n    exec: {}\n    client-key-data: YQ==\n    client-key: /var",
        )
        .replace("    namespace: default\n", "    extensions: [x]\n");
    let text = mistakes(&bad);
    assert_eq!(text.matches("manifests/w1/kubelet.conf:").count(), 3, "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever somebody does to a copy: it is refused, or comes out with two fields exchanged and every line
    /// of the rest; a second time nothing changes. Nothing panics.
    #[test]
    fn a_copy_is_refused_or_keeps_every_other_byte(
        cuts in prop::collection::vec((0usize..900, prop::sample::select(vec!["", "\n", "  ", "x", "#", "'", "\"", "- ", ": ", "&a ", "*a", "|\n", "{", "}", "\r", "é"])), 0..4),
    ) {
        let mut copy = joined("AAAA", "https://old:6443");
        for (at, piece) in cuts {
            let at = copy.floor_char_boundary(at.min(copy.len()));
            copy.insert_str(at, piece);
        }
        let wish = kpki::pod::KubeletConfWish {
            server: "https://api.lab:6443".into(),
            authority: "-----BEGIN CERTIFICATE-----\n".into(),
        };
        if kpki::pod::refused_in_kubelet_conf(copy.as_bytes()).is_empty()
            && let Ok(once) = kpki::pod::patch_kubelet_conf(copy.as_bytes(), &wish)
        {
            // A quoted text may go on in the next line: what was the field's goes with it.
            let exchanged = ["certificate-authority-data", "server"];
            let values = ["AAAA", "https://old:6443"];
            let goes_on = |line: &str| {
                let part = line.split('#').next().unwrap_or_default().trim();
                let part = part.trim_matches(['\'', '"']);
                (!part.is_empty() || line.trim() == "'") && values.iter().any(|value| value.contains(part))
            };
            let is_kept = |line: &str| {
                !exchanged.iter().any(|part| line.contains(part)) && !goes_on(line)
            };
            let text = String::from_utf8(once.clone()).unwrap();
            let kept: Vec<&str> = copy.lines().filter(|line| is_kept(line)).collect();
            let now: Vec<&str> = text.lines().filter(|line| is_kept(line)).collect();
            prop_assert_eq!(kept, now);
            prop_assert!(text.contains("https://api.lab:6443"));
        }
    }
}
