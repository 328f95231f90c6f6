//! Flags that exclude or need each other, defaults that are taken away, and files that flags name.

use std::collections::BTreeMap;

use super::operators_manifests::{NODES, kubeadm_like, notes, placed, with_manifests};
use crate::testkit::memory_project::MemoryProject;

const API: &str = "kube-apiserver";
const CM: &str = "kube-controller-manager";

fn has(manifest: &str, flag: &str) -> bool {
    manifest.lines().any(|line| {
        let rest = line.trim().strip_prefix("- --").and_then(|line| line.strip_prefix(flag));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    })
}

fn described(block: &str) -> MemoryProject {
    let mut project = MemoryProject::new(&format!("{NODES}{block}\n"));
    project.apply().unwrap();
    assert!(project.plan().steps().is_empty(), "{block}");
    project
}

/// What is described, of which process, and what of kpki's own is then left out.
#[test]
fn a_described_flag_leaves_out_the_default_that_it_excludes() {
    let cases: [(&str, &str, &[&str]); 5] = [
        (
            "component \"apiserver\" { flag \"authorization-config\" \"/etc/authz/c.yaml\"; }",
            API,
            &["authorization-mode"],
        ),
        (
            "component \"apiserver\" { flag \"service-account-signing-endpoint\" \"/run/sign/s.sock\"; }",
            API,
            &["service-account-key-file", "service-account-signing-key-file"],
        ),
        (
            "component \"controller-manager\" { \
             flag \"cluster-signing-kubelet-client-cert-file\" \"/etc/k/a.crt\"; \
             flag \"cluster-signing-kubelet-client-key-file\" \"/etc/k/a.key\"; }",
            CM,
            &["cluster-signing-cert-file", "cluster-signing-key-file"],
        ),
        (
            "component \"etcd\" { flag \"discovery-srv\" \"lab.example.com\"; }",
            "etcd",
            &["initial-cluster"],
        ),
        // Not excluded: a flag of OIDC is no configuration file.
        (
            "component \"apiserver\" { flag \"authentication-config\" \"/etc/authn/c.yaml\"; }",
            API,
            &[],
        ),
    ];
    let own = described("");
    for (block, process, left_out) in cases {
        let project = described(block);
        let (before, after) = (placed(&own, "cp1", process), placed(&project, "cp1", process));
        for line in before.lines().filter(|line| line.contains("- --")) {
            let name = line.trim().trim_start_matches("- --").split('=').next().unwrap();
            assert_eq!(has(&after, name), !left_out.contains(&name), "{block}: {name}");
        }
    }
}

#[test]
fn a_default_is_taken_away_and_an_empty_value_is_one() {
    let project = described("component \"apiserver\" { flag \"authorization-mode\" #null; }");
    assert!(!has(&placed(&project, "cp1", API), "authorization-mode"));
    let project = described("component \"apiserver\" { flag \"authorization-mode\" \"\"; }");
    assert!(placed(&project, "cp1", API).contains("- --authorization-mode=\n"));
    let project = described("component \"scheduler\" { flag \"leader-elect\" #null; }");
    assert!(!has(&placed(&project, "cp2", "kube-scheduler"), "leader-elect"));
    assert!(has(&placed(&project, "cp2", CM), "leader-elect"));
    let project = described("component \"etcd\" { flag \"initial-cluster\" #null; }");
    let etcd = placed(&project, "cp1", "etcd");
    assert!(!has(&etcd, "initial-cluster") && !has(&etcd, "initial-cluster-state"), "{etcd}");
}

/// A check that goes is seen where the manifest was there before.
#[test]
fn what_is_taken_away_stands_in_the_plan() {
    let mut project = MemoryProject::new(NODES);
    project.apply().unwrap();
    project.description += "component \"apiserver\" { flag \"authorization-mode\" #null; }\n";
    let planned = format!("{:?}", project.plan().plan);
    assert!(planned.contains("--authorization-mode=Node,RBAC"), "{planned}");
}

#[test]
fn every_folder_of_a_named_file_is_mounted_once() {
    let project = described(
        "component \"apiserver\" { \
         flag \"tls-sni-cert-key\" \"/srv/a/tls.crt,/srv/b/tls.key:*.example.com\"; \
         flag \"service-account-signing-endpoint\" \"@signer\"; \
         flag \"kubelet-certificate-authority\" \"/srv/a/kubelet.crt\"; \
         flag \"audit-log-path\" \"/srv/log/audit.log\"; flag \"oidc-ca-file\" \"/etc/kubernetes/pki/oidc.crt\"; }\n\
         component \"etcd\" { flag \"auth-token\" \"jwt,pub-key=/srv/t/p.pem,priv-key=/srv/t/k.pem\"; }",
    );
    let mounts = |process: &str| {
        let text = placed(&project, "cp1", process);
        let document: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        let mounts = document["spec"]["containers"][0]["volumeMounts"].as_array().unwrap().clone();
        let of = |mount: &serde_json::Value| {
            let path = mount["mountPath"].as_str().unwrap().to_owned();
            (path, mount["readOnly"] == true)
        };
        mounts
            .iter()
            .map(of)
            .filter(|(path, _)| path.starts_with("/srv"))
            .collect::<BTreeMap<_, _>>()
    };
    let expected = [("/srv/a", true), ("/srv/b", true), ("/srv/log", false)];
    assert_eq!(mounts(API), expected.map(|(path, read)| (path.to_owned(), read)).into());
    assert_eq!(mounts("etcd"), [("/srv/t".to_owned(), true)].into());
}

/// kubeadm's manifests with lines exchanged in cp1's.
fn edited(process: &str, edits: &[(&str, &str)]) -> MemoryProject {
    let mut files = kubeadm_like();
    let path = format!("manifests/cp1/{process}.yaml");
    let mut text = String::from_utf8(files[&path].clone()).unwrap();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    files.insert(path, text.into_bytes());
    let mut project = with_manifests(files, "");
    project.apply().unwrap();
    assert!(project.plan().steps().is_empty());
    project
}

/// Each member of a group that kpki sets goes with the others, or was there.
#[test]
fn a_group_of_flags_is_completed() {
    let line = |flag: &str| format!("    - --{flag}\n");
    let issuer = line("service-account-issuer=https://kubernetes.default.svc.cluster.local");
    let project = edited(API, &[(&issuer, "")]);
    assert!(placed(&project, "cp1", API).contains(&issuer));

    let headers = [
        line("requestheader-allowed-names=front-proxy-client"),
        line("requestheader-extra-headers-prefix=X-Remote-Extra-"),
        line("requestheader-group-headers=X-Remote-Group"),
        line("requestheader-username-headers=X-Remote-User"),
    ];
    let ca = line("requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt");
    let without: Vec<(&str, &str)> =
        headers.iter().chain([&ca]).map(|line| (line.as_str(), "")).collect();
    let project = edited(API, &without);
    let text = placed(&project, "cp1", API);
    for line in headers.iter().chain([&ca]) {
        assert!(text.contains(line), "{line}{text}");
    }
    // The operator's choice, where the CA stands there without them: it is told.
    let project = edited(API, &without[..4]);
    assert!(!has(&placed(&project, "cp1", API), "requestheader-group-headers"));
    assert!(notes(&project).iter().any(|note| note.contains(
        "kube-apiserver has --requestheader-client-ca-file without --requestheader-group-headers"
    )));
}

#[test]
fn the_front_proxy_client_gets_its_allowed_name() {
    let names = "--requestheader-allowed-names=front-proxy-client";
    let project = edited(API, &[(names, "--requestheader-allowed-names=aggregator,other")]);
    let wished = "- --requestheader-allowed-names=aggregator,other,front-proxy-client\n";
    assert!(placed(&project, "cp1", API).contains(wished));
    // An empty list allows every name.
    let project = edited(API, &[(names, "--requestheader-allowed-names=")]);
    assert!(placed(&project, "cp1", API).contains("- --requestheader-allowed-names=\n"));
}

#[test]
fn signers_of_their_own_keep_the_common_one_out() {
    let files = ["cert-file=/etc/kubernetes/pki/ca.crt", "key-file=/etc/kubernetes/pki/ca.key"];
    let edits = files.map(|file| {
        let (plain, own) = (format!("signing-{file}"), format!("signing-legacy-unknown-{file}"));
        (plain, own)
    });
    let edits: Vec<(&str, &str)> =
        edits.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let project = edited(CM, &edits);
    let text = placed(&project, "cp1", CM);
    assert!(!has(&text, "cluster-signing-cert-file") && !has(&text, "cluster-signing-key-file"));
    assert!(has(&text, "cluster-signing-legacy-unknown-key-file"));
}

/// What stays behind with a file of other hands, and what cannot be judged.
#[test]
fn what_stays_behind_is_said() {
    let probe = "    env:\n    - name: POD_IP\n      valueFrom:\n        fieldRef:\n          \
                 fieldPath: status.podIP\n    livenessProbe:\n      exec:\n        command:\n        - /bin/sh\n        - -c\n        \
                 - kubectl --client-key=/srv/tls/kubelet.key --kubeconfig /etc/kubernetes/scheduler.conf\n    \
                 unused:\n";
    let project = edited(
        API,
        &[
            (
                "--kubelet-client-key=/etc/kubernetes/pki/apiserver-kubelet-client.key",
                "--kubelet-client-key=/srv/tls/kubelet.key",
            ),
            (
                "    - --allow-privileged=true\n",
                "    - --kubelet-certificate-authority=/srv/kubelet/ca.crt\n",
            ),
            ("--advertise-address=10.0.0.11", "--advertise-address=$(POD_IP)"),
            ("kube-apiserver:v1.36.2", "kube-apiserver:v1.19.1"),
            ("    livenessProbe:\n", probe),
        ],
    );
    let found = notes(&project);
    let text =
        String::from_utf8(project.extra["manifests/cp1/kube-apiserver.yaml"].clone()).unwrap();
    let line = |what: &str| 1 + text.lines().position(|line| line.contains(what)).unwrap();
    let at = |what: &str| format!("manifests/cp1/kube-apiserver.yaml:{}: ", line(what));
    let expected = [
        at("--kubelet-client-key")
            + "--kubelet-client-key changed from /srv/tls/kubelet.key to \
               /etc/kubernetes/pki/apiserver-kubelet-client.key",
        at("--kubelet-certificate-authority")
            + "--kubelet-certificate-authority names /srv/kubelet/ca.crt, which is on no mount: the process \
               sees there what its image has",
        at("--kubelet-certificate-authority")
            + "--kubelet-certificate-authority stays /srv/kubelet/ca.crt; kpki does not look after that file",
        at("kubectl --client-key")
            + "livenessProbe runs with /srv/tls/kubelet.key, which stays as it was: kpki led flags away \
               from that folder",
        "manifests/cp1/kube-apiserver.yaml: the image registry.k8s.io/kube-apiserver:v1.19.1 is not of \
         Kubernetes 1.36.2, whose rules kpki follows: see `kubernetes` in the description"
            .to_owned(),
    ];
    let mut found = found;
    found.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(found, expected);
}

/// The controller manager's serving certificate is nobody's but the operator's.
#[test]
fn a_pair_that_kpki_does_not_make_is_said() {
    let mine = "    - --tls-cert-file=/etc/kubernetes/pki/cm.crt\n    - \
                --tls-private-key-file=/etc/kubernetes/pki/cm.key\n    - --leader-elect=true\n";
    let project = edited(CM, &[("    - --leader-elect=true\n", mine)]);
    let found = notes(&project);
    for flag in ["tls-cert-file", "tls-private-key-file"] {
        let said = format!("--{flag} stays /etc/kubernetes/pki/cm.");
        assert!(found.iter().any(|note| note.contains(&said)), "{found:#?}");
    }
    // What a certificate block puts there is looked after.
    let mut files = kubeadm_like();
    let path = format!("manifests/{CM}.yaml");
    let text =
        String::from_utf8(files["manifests/cp1/kube-controller-manager.yaml"].clone()).unwrap();
    files.retain(|path, _| !path.contains(CM));
    files.insert(path, text.replace("    - --leader-elect=true\n", mine).into_bytes());
    let block = "certificate \"cm\" { san \"cm\"; node \"cp1\" \"cp2\"; }\n";
    assert_eq!(notes(&with_manifests(files, block)), [""; 0]);
}

#[test]
fn an_image_of_another_version_is_said() {
    let image = |component: &str, image: &str| {
        notes(&MemoryProject::new(&format!(
            "{NODES}component \"{component}\" image=\"registry.lab/{image}\"\n"
        )))
    };
    assert_eq!(
        image("scheduler", "kube-scheduler:v1.35.9-lab"),
        [
            "cluster.kdl:5: the image registry.lab/kube-scheduler:v1.35.9-lab is not of Kubernetes 1.36.2, \
             whose rules kpki follows: see `kubernetes` in the description"
        ]
    );
    assert_eq!(image("scheduler", "kube-scheduler:v1.36.2-lab"), [""; 0]);
    assert_eq!(image("scheduler", "kube-scheduler@sha256:00"), [""; 0]);
    assert_eq!(image("etcd", "etcd:1.2.3"), [""; 0]);
}

/// Where kpki does not say which image runs, an older one may know the flag: it is told and not refused. The
/// refusal is `bad-descriptions/flags-that-are-gone`.
#[test]
fn a_flag_that_is_gone_is_said() {
    let described = |version: &str, more: &str| {
        let nodes = NODES.replace("1.36.2", version);
        notes(&MemoryProject::new(&format!("{nodes}{more}\n")))
    };
    let gone = "is not known since";
    for (version, block, said) in [
        (
            "1.37.2",
            r#""etcd" image="registry.lab/etcd:3.6.8-0" { flag "experimental-peer-skip-client-san-verification" #true }"#,
            true,
        ),
        (
            "1.36.2",
            r#""etcd" { flag "experimental-peer-skip-client-san-verification" #true }"#,
            false,
        ),
        (
            "1.37.2",
            r#""controller-manager" image="registry.lab/kcm:v1.37.2" { flag "concurrent-service-syncs" 2 }"#,
            true,
        ),
        ("1.36.2", r#""controller-manager" { flag "concurrent-service-syncs" 2 }"#, false),
        (
            "1.33.4",
            r#""apiserver" image="registry.lab/api:v1.33.4" { flag "cloud-config" "/etc/kubernetes/cloud.conf" }"#,
            true,
        ),
        ("1.32.13", r#""apiserver" { flag "cloud-provider" "external" }"#, false),
        // The controller-manager still has it.
        ("1.37.2", r#""controller-manager" { flag "cloud-provider" "external" }"#, false),
    ] {
        let found = described(version, &format!("component {block}"));
        let is_said = found.iter().any(|note| note.contains(gone));
        assert_eq!(is_said, said, "{version} {block}: {found:?}");
    }
    let mut files = kubeadm_like();
    for (path, text) in &mut files {
        if path.ends_with("etcd.yaml") {
            let old = String::from_utf8(text.clone()).unwrap();
            let flag = "    - --experimental-compaction-batch-limit=500\n    - --key-file";
            *text = old.replace("    - --key-file", flag).into_bytes();
        }
    }
    let mut project = with_manifests(files, "");
    project.description = project.description.replace("1.36.2", "1.37.2");
    let found: Vec<String> =
        notes(&project).into_iter().filter(|note| note.contains(gone)).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("manifests/cp1/etcd.yaml:"), "{found:?}");
}
