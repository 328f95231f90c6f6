//! kubectl reads what kpki writes, and talks with it to a TLS server as to an API server.

use std::net::TcpListener;
use std::process::Output;

use crate::testkit::api_server::{ApiServer, kubectl, subject_of};
use crate::testkit::kubeconfig::Kubeconfig;
use crate::testkit::{FolderProject, copy, printed, said};

/// Files of examples/ha, with the server that each must dial.
const KUBECONFIGS: [(&str, &str, &str); 21] = [
    ("nodes/cp1/etc/kubernetes/admin.conf", "kubernetes-admin", BALANCER),
    ("nodes/cp1/etc/kubernetes/super-admin.conf", "kubernetes-super-admin", BALANCER),
    ("nodes/cp1/etc/kubernetes/kubelet.conf", "system:node:cp1", "https://10.10.0.11:6443"),
    ("nodes/cp1/etc/kubernetes/kube-proxy.conf", "system:kube-proxy", BALANCER),
    ("nodes/cp1/etc/kubernetes/controller-manager.conf", MANAGER, "https://10.10.0.11:6443"),
    ("nodes/cp1/etc/kubernetes/scheduler.conf", SCHEDULER, "https://10.10.0.11:6443"),
    ("nodes/cp2/etc/kubernetes/admin.conf", "kubernetes-admin", BALANCER),
    ("nodes/cp2/etc/kubernetes/kubelet.conf", "system:node:cp2", "https://10.10.0.12:6443"),
    ("nodes/cp2/etc/kubernetes/kube-proxy.conf", "system:kube-proxy", BALANCER),
    ("nodes/cp2/etc/kubernetes/controller-manager.conf", MANAGER, "https://10.10.0.12:6443"),
    ("nodes/cp2/etc/kubernetes/scheduler.conf", SCHEDULER, "https://10.10.0.12:6443"),
    ("nodes/cp3/etc/kubernetes/admin.conf", "kubernetes-admin", BALANCER),
    ("nodes/cp3/etc/kubernetes/kubelet.conf", "system:node:cp3", "https://10.10.0.13:6443"),
    ("nodes/cp3/etc/kubernetes/kube-proxy.conf", "system:kube-proxy", BALANCER),
    ("nodes/cp3/etc/kubernetes/controller-manager.conf", MANAGER, "https://10.10.0.13:6443"),
    ("nodes/cp3/etc/kubernetes/scheduler.conf", SCHEDULER, "https://10.10.0.13:6443"),
    ("nodes/w1/etc/kubernetes/kubelet.conf", "system:node:w1", BALANCER),
    ("nodes/w1/etc/kubernetes/kube-proxy.conf", "system:kube-proxy", BALANCER),
    ("nodes/w2/etc/kubernetes/kubelet.conf", "system:node:w2", BALANCER),
    ("nodes/w2/etc/kubernetes/kube-proxy.conf", "system:kube-proxy", BALANCER),
    ("users/jane/jane.kubeconfig", "jane", BALANCER),
];
const OTHERS: [(&str, &str, &str); 2] = [
    ("users/omar/omar.kubeconfig", "omar@example.com", BALANCER),
    ("users/deploy-bot/deploy-bot.kubeconfig", "deploy-bot", BALANCER),
];
const BALANCER: &str = "https://api.prod.example.com:6443";
const MANAGER: &str = "system:kube-controller-manager";
const SCHEDULER: &str = "system:kube-scheduler";

#[test]
fn kubectl_reads_every_kubeconfig() {
    let project = FolderProject::example("ha").applied();
    let home = tempfile::tempdir().unwrap();
    let count = project.files(".conf").len() + project.files(".kubeconfig").len();
    assert_eq!(count, KUBECONFIGS.len() + OTHERS.len());
    for (path, user, server) in KUBECONFIGS.into_iter().chain(OTHERS) {
        let file = project.out(path);
        let text = printed(
            kubectl(home.path())
                .arg("--kubeconfig")
                .arg(&file)
                .args(["config", "view", "--raw", "-o", "json"]),
        );
        let seen = Kubeconfig::from_value(&serde_json::from_str(&text).unwrap());
        assert_eq!(seen.user, user, "{path}");
        assert_eq!(seen.server, server, "{path}");
        assert_eq!(seen.cluster, "prod", "{path}");
        let context = printed(
            kubectl(home.path()).arg("--kubeconfig").arg(&file).args(["config", "current-context"]),
        );
        assert_eq!(context, format!("{user}@prod\n"), "{path}");
    }
}

/// kubectl decodes the objects by its own types; `--local` asks no server.
#[test]
fn kubectl_reads_the_role_bindings() {
    let project = FolderProject::example("ha").applied();
    let home = tempfile::tempdir().unwrap();
    let text = printed(
        kubectl(home.path())
            .args(["annotate", "--local", "-o", "json", "seen=yes", "-f"])
            .arg(project.out("cluster/cluster-role-bindings.yaml")),
    );
    let objects: Vec<serde_json::Value> =
        serde_json::Deserializer::from_str(&text).into_iter().collect::<Result<_, _>>().unwrap();
    // What kubeadm 1.36.2 creates: without them admin.conf and `kubectl logs` are Forbidden.
    let expected = [
        (
            "kubeadm:apiserver-kubelet-client",
            "system:kubelet-api-admin",
            "User",
            "kube-apiserver-kubelet-client",
        ),
        ("kubeadm:cluster-admins", "cluster-admin", "Group", "kubeadm:cluster-admins"),
    ];
    assert_eq!(objects.len(), expected.len(), "{text}");
    for (object, (name, role, kind, subject)) in objects.iter().zip(expected) {
        let group = "rbac.authorization.k8s.io";
        assert_eq!(object["kind"], "ClusterRoleBinding");
        assert_eq!(object["metadata"]["name"], name);
        let reference = serde_json::json!({"apiGroup": group, "kind": "ClusterRole", "name": role});
        assert_eq!(object["roleRef"], reference);
        let subjects = serde_json::json!([{"apiGroup": group, "kind": kind, "name": subject}]);
        assert_eq!(object["subjects"], subjects);
    }
}

/// The API server of `lab`, on a port of this machine.
fn description(port: u16) -> String {
    format!(
        r#"
        cluster "lab" {{ endpoint "localhost:{port}"; }}
        node "cp1" role="control-plane" address="127.0.0.1"
        component "apiserver" port={port}
        user "jane" {{ group "dev" "oncall"; }}
        user "omar" key="ed25519"
        user "robot" key="rsa-2048"
        "#
    )
}

#[test]
fn the_server_sees_who_kubectl_is() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let project = FolderProject::described(&description(port)).applied();
    let server = ApiServer::start(listener, &project);
    let home = tempfile::tempdir().unwrap();
    // RFC 2253 order: the last first.
    for (path, subject) in [
        ("nodes/cp1/etc/kubernetes/admin.conf", "CN=kubernetes-admin,O=kubeadm:cluster-admins"),
        ("nodes/cp1/etc/kubernetes/kubelet.conf", "CN=system:node:cp1,O=system:nodes"),
        ("users/jane/jane.kubeconfig", "CN=jane,O=oncall,O=dev"),
        ("users/omar/omar.kubeconfig", "CN=omar"),
        ("users/robot/robot.kubeconfig", "CN=robot"),
    ] {
        let file = project.out(path);
        let output = kubectl(home.path())
            .arg("--kubeconfig")
            .arg(&file)
            .args(["version", "-o", "json"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{path}\n{}\n{:?}", said(&output), server.next());
        let version: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(version["serverVersion"]["gitVersion"], "v1.36.2", "{path}");
        let client = server.next().unwrap_or_else(|why| panic!("{path}: {why}"));
        assert_eq!(subject_of(&client, home.path()), subject, "{path}");
    }
}

/// A node's own clients dial its address, not the endpoint.
#[test]
fn the_local_address_is_in_the_certificate() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let project = FolderProject::described(&description(port)).applied();
    let server = ApiServer::start(listener, &project);
    let home = tempfile::tempdir().unwrap();
    let file = project.on_node("cp1", "scheduler.conf");
    let output = kubectl(home.path())
        .arg("--kubeconfig")
        .arg(&file)
        // The description has no port for it: kube-apiserver's 6443 may be taken here.
        .args(["--server", &format!("https://127.0.0.1:{port}")])
        .args(["version", "-o", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let client = server.next().unwrap();
    assert_eq!(subject_of(&client, home.path()), "CN=system:kube-scheduler");
    // The check is real: a name that is not in the certificate is refused.
    let output = kubectl(home.path())
        .arg("--kubeconfig")
        .arg(&file)
        .args(["--server", &format!("https://127.0.0.1:{port}"), "--tls-server-name", "elsewhere"])
        .args(["version", "-o", "json"])
        .output()
        .unwrap();
    refused(&output, "certificate is valid for");
}

#[test]
fn another_clusters_kubeconfig_is_refused_by_both_sides() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let project = FolderProject::described(&description(port)).applied();
    let stranger = FolderProject::described(&description(port)).applied();
    let server = ApiServer::start(listener, &project);
    let home = tempfile::tempdir().unwrap();
    let theirs = stranger.out("users/jane/jane.kubeconfig");

    // kubectl does not know the server.
    let output = kubectl(home.path())
        .arg("--kubeconfig")
        .arg(&theirs)
        .args(["version", "-o", "json"])
        .output()
        .unwrap();
    refused(&output, "certificate signed by unknown authority");
    let why = server.next().unwrap_err();
    // Go has the one alert for every bad certificate until 1.20, then this one as well.
    assert!(why.contains("BadCertificate") || why.contains("UnknownCA"), "{why}");

    // The server does not know kubectl: our CA, their client.
    let output = kubectl(home.path())
        .arg("--kubeconfig")
        .arg(&theirs)
        .arg("--certificate-authority")
        .arg(project.on_node("cp1", "pki/ca.crt"))
        .args(["version", "-o", "json"])
        .output()
        .unwrap();
    // Both CAs are called `kubernetes`, as kubeadm's are, so it is the signature that is wrong.
    refused(&output, "tls: error decrypting message");
    let why = server.next().unwrap_err();
    assert!(why.contains("BadSignature"), "{why}");

    // Nor somebody without a certificate, whatever token is shown.
    let output = kubectl(home.path())
        .args(["--kubeconfig", "/dev/null", "--server", &format!("https://localhost:{port}")])
        .arg("--certificate-authority")
        .arg(project.on_node("cp1", "pki/ca.crt"))
        .args(["--token", "anything"])
        .args(["version", "-o", "json"])
        .output()
        .unwrap();
    refused(&output, "tls: certificate required");
    let why = server.next().unwrap_err();
    assert!(why.contains("no certificates"), "{why}");
}

fn refused(output: &Output, why: &str) {
    let text = said(output);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains(why), "{text}");
    assert!(!text.contains("v1.36.2"), "{text}");
}

/// Kubeconfigs and servers of neighbouring stages take each other while the cluster CA is rotated.
#[test]
fn kubectl_talks_through_a_rotation_of_the_cluster_ca() {
    let listeners: Vec<_> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports: Vec<u16> =
        listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
    let project = FolderProject::described(&description(ports[0])).applied();
    let mut stages = vec![snapshot(&project)];
    for stage in ["trust", "promote", "distrust"] {
        project.done(&["rotate", "ca/kubernetes"]);
        let word = format!("{stage}:ca/kubernetes");
        project.done(&["apply", "--all", "--allow", &word]);
        stages.push(snapshot(&project));
    }
    let servers: Vec<ApiServer> = (listeners.into_iter().zip(&stages))
        .map(|(listener, stage)| ApiServer::start(listener, stage))
        .collect();
    let home = tempfile::tempdir().unwrap();
    let mut asked = 0;
    for (of_file, files) in stages.iter().enumerate() {
        for (of_server, server) in servers.iter().enumerate() {
            let is_near = of_file.abs_diff(of_server) < 2;
            for (file, subject) in [
                (files.on_node("cp1", "scheduler.conf"), "CN=system:kube-scheduler"),
                (files.out("users/jane/jane.kubeconfig"), "CN=jane,O=oncall,O=dev"),
            ] {
                // Strangers are refused the same way, whoever they are.
                if !is_near && subject != "CN=system:kube-scheduler" {
                    continue;
                }
                let output = kubectl(home.path())
                    .arg("--kubeconfig")
                    .arg(&file)
                    .args(["--server", &format!("https://localhost:{}", ports[of_server])])
                    .args(["version", "-o", "json"])
                    .output()
                    .unwrap();
                let what = format!("{of_file} -> {of_server}: {}", said(&output));
                let client = server.next();
                assert_eq!(output.status.success(), is_near, "{what}");
                assert_eq!(client.is_ok(), is_near, "{what}\n{client:?}");
                if let Ok(client) = client {
                    assert_eq!(subject_of(&client, home.path()), subject, "{what}");
                }
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 26);
}

/// `out/` as it is now.
fn snapshot(project: &FolderProject) -> FolderProject {
    let kept = FolderProject::empty();
    std::fs::create_dir(kept.out("")).unwrap();
    copy(&project.out(""), &kept.out(""));
    kept
}
