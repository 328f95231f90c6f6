//! What kubeadm v1.36.2 writes for the same clusters, copied by hand.

use serde_json::{Value, json};

use super::{Cluster, command, parse};
use kpki::profile::Process;

const PKI: &str = "/etc/kubernetes/pki";

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), value.replace("PKI", PKI))).collect()
}

#[rustfmt::skip] // one flag, one line
const ETCD_FLAGS: [(&str, &str); 19] = [
    ("advertise-client-urls", "https://192.168.5.11:2379"),
    ("cert-file", "PKI/etcd/server.crt"),
    ("client-cert-auth", "true"),
    ("data-dir", "/var/lib/etcd"),
    ("feature-gates", "InitialCorruptCheck=true"),
    ("initial-advertise-peer-urls", "https://192.168.5.11:2380"),
    ("initial-cluster", "kubemaster=https://192.168.5.11:2380"),
    ("key-file", "PKI/etcd/server.key"),
    ("listen-client-urls", "https://127.0.0.1:2379,https://192.168.5.11:2379"),
    ("listen-metrics-urls", "http://127.0.0.1:2381"),
    ("listen-peer-urls", "https://192.168.5.11:2380"),
    ("name", "kubemaster"),
    ("peer-cert-file", "PKI/etcd/peer.crt"),
    ("peer-client-cert-auth", "true"),
    ("peer-key-file", "PKI/etcd/peer.key"),
    ("peer-trusted-ca-file", "PKI/etcd/ca.crt"),
    ("snapshot-count", "10000"),
    ("trusted-ca-file", "PKI/etcd/ca.crt"),
    ("watch-progress-notify-interval", "5s"),
];

#[rustfmt::skip] // one flag, one line
const APISERVER_FLAGS: [(&str, &str); 27] = [
    ("advertise-address", "192.168.5.11"),
    ("allow-privileged", "true"),
    ("authorization-mode", "Node,RBAC"),
    ("client-ca-file", "PKI/ca.crt"),
    ("enable-admission-plugins", "NodeRestriction"),
    ("enable-bootstrap-token-auth", "true"),
    ("etcd-cafile", "PKI/etcd/ca.crt"),
    ("etcd-certfile", "PKI/apiserver-etcd-client.crt"),
    ("etcd-keyfile", "PKI/apiserver-etcd-client.key"),
    ("etcd-servers", "https://127.0.0.1:2379"),
    ("kubelet-client-certificate", "PKI/apiserver-kubelet-client.crt"),
    ("kubelet-client-key", "PKI/apiserver-kubelet-client.key"),
    ("kubelet-preferred-address-types", "InternalIP,ExternalIP,Hostname"),
    ("proxy-client-cert-file", "PKI/front-proxy-client.crt"),
    ("proxy-client-key-file", "PKI/front-proxy-client.key"),
    ("requestheader-allowed-names", "front-proxy-client"),
    ("requestheader-client-ca-file", "PKI/front-proxy-ca.crt"),
    ("requestheader-extra-headers-prefix", "X-Remote-Extra-"),
    ("requestheader-group-headers", "X-Remote-Group"),
    ("requestheader-username-headers", "X-Remote-User"),
    ("secure-port", "6443"),
    ("service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
    ("service-account-key-file", "PKI/sa.pub"),
    ("service-account-signing-key-file", "PKI/sa.key"),
    ("service-cluster-ip-range", "10.96.0.0/12"),
    ("tls-cert-file", "PKI/apiserver.crt"),
    ("tls-private-key-file", "PKI/apiserver.key"),
];

#[rustfmt::skip] // one flag, one line
const CONTROLLER_MANAGER_FLAGS: [(&str, &str); 15] = [
    ("authentication-kubeconfig", "/etc/kubernetes/controller-manager.conf"),
    ("authorization-kubeconfig", "/etc/kubernetes/controller-manager.conf"),
    ("bind-address", "127.0.0.1"),
    ("client-ca-file", "PKI/ca.crt"),
    ("cluster-name", "kubernetes"),
    ("cluster-signing-cert-file", "PKI/ca.crt"),
    ("cluster-signing-key-file", "PKI/ca.key"),
    ("controllers", "*,bootstrapsigner,tokencleaner"),
    ("kubeconfig", "/etc/kubernetes/controller-manager.conf"),
    ("leader-elect", "true"),
    ("requestheader-client-ca-file", "PKI/front-proxy-ca.crt"),
    ("root-ca-file", "PKI/ca.crt"),
    ("service-account-private-key-file", "PKI/sa.key"),
    ("service-cluster-ip-range", "10.96.0.0/12"),
    ("use-service-account-credentials", "true"),
];

#[rustfmt::skip] // one flag, one line
const SCHEDULER_FLAGS: [(&str, &str); 5] = [
    ("authentication-kubeconfig", "/etc/kubernetes/scheduler.conf"),
    ("authorization-kubeconfig", "/etc/kubernetes/scheduler.conf"),
    ("bind-address", "127.0.0.1"),
    ("kubeconfig", "/etc/kubernetes/scheduler.conf"),
    ("leader-elect", "true"),
];

#[test]
fn command_lines_are_kubeadms() {
    let cluster = Cluster::stacked();
    for (process, expected) in [
        (Process::Etcd, pairs(&ETCD_FLAGS)),
        (Process::Apiserver, pairs(&APISERVER_FLAGS)),
        (Process::ControllerManager, pairs(&CONTROLLER_MANAGER_FLAGS)),
        (Process::Scheduler, pairs(&SCHEDULER_FLAGS)),
    ] {
        let document = parse(&cluster.pod(process, &[]));
        assert_eq!(document["spec"]["containers"][0]["command"][0], process.name());
        assert_eq!(command(&document), expected, "{}", process.name());
    }
}

/// An external etcd changes one flag of the API server.
#[test]
fn external_etcd_is_dialled_at_every_member() {
    let document = parse(&Cluster::external().pod(Process::Apiserver, &[]));
    let mut expected = pairs(&APISERVER_FLAGS);
    for (name, value) in &mut expected {
        if name == "etcd-servers" {
            *value = "https://192.168.5.21:2379,https://192.168.5.22:2379".to_owned();
        }
    }
    assert_eq!(command(&document), expected);
}

fn http_get(host: &str, path: &str, scheme: &str) -> Value {
    json!({"host": host, "path": path, "port": "probe-port", "scheme": scheme})
}

/// Everything besides the command: process, host, scheme, port, liveness, readiness, startup, requests.
#[test]
fn the_rest_of_the_pod_is_kubeadms() {
    let node = "192.168.5.11";
    let loopback = "127.0.0.1";
    for (process, host, scheme, port, [live, ready, startup], requests, annotations) in [
        (
            Process::Etcd,
            loopback,
            "HTTP",
            2381,
            ["/livez", "/readyz", "/readyz"],
            json!({"cpu": "100m", "memory": "100Mi"}),
            json!({"kubeadm.kubernetes.io/etcd.advertise-client-urls": "https://192.168.5.11:2379"}),
        ),
        (
            Process::Apiserver,
            node,
            "HTTPS",
            6443,
            ["/livez", "/readyz", "/livez"],
            json!({"cpu": "250m"}),
            json!({"kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint": "192.168.5.11:6443"}),
        ),
        (
            Process::ControllerManager,
            loopback,
            "HTTPS",
            10257,
            ["/healthz", "", "/healthz"],
            json!({"cpu": "200m"}),
            Value::Null,
        ),
        (
            Process::Scheduler,
            loopback,
            "HTTPS",
            10259,
            ["/livez", "/readyz", "/livez"],
            json!({"cpu": "100m"}),
            Value::Null,
        ),
    ] {
        let name = process.name();
        let document = parse(&Cluster::stacked().pod(process, &[]));
        assert_eq!(document["apiVersion"], "v1");
        assert_eq!(document["kind"], "Pod");
        assert_eq!(document["status"], json!({}));
        let mut metadata = json!({
            "labels": {"component": name, "tier": "control-plane"},
            "name": name,
            "namespace": "kube-system",
        });
        if !annotations.is_null() {
            metadata["annotations"] = annotations;
        }
        assert_eq!(document["metadata"], metadata);
        let mut container = document["spec"]["containers"][0].clone();
        let container = container.as_object_mut().unwrap();
        container.remove("command");
        container.remove("volumeMounts");
        let image = match process {
            Process::Etcd => "registry.k8s.io/etcd:3.6.8-0".to_owned(),
            _ => format!("registry.k8s.io/{name}:v1.36.2"),
        };
        let slow = |path: &str, failures: u32| {
            json!({
                "failureThreshold": failures,
                "httpGet": http_get(host, path, scheme),
                "initialDelaySeconds": 10,
                "periodSeconds": 10,
                "timeoutSeconds": 15,
            })
        };
        let mut expected = json!({
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "livenessProbe": slow(live, 8),
            "name": name,
            "ports": [{"containerPort": port, "name": "probe-port", "protocol": "TCP"}],
            "resources": {"requests": requests},
            "startupProbe": slow(startup, 24),
        });
        if !ready.is_empty() {
            expected["readinessProbe"] = json!({
                "failureThreshold": 3,
                "httpGet": http_get(host, ready, scheme),
                "periodSeconds": 1,
                "timeoutSeconds": 15,
            });
        }
        assert_eq!(&Value::from(container.clone()), &expected, "{name}");
        let mut spec = document["spec"].clone();
        let spec = spec.as_object_mut().unwrap();
        spec.remove("containers");
        spec.remove("volumes");
        let expected = json!({
            "hostNetwork": true,
            "priority": 2_000_001_000,
            "priorityClassName": "system-node-critical",
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        });
        assert_eq!(Value::from(spec.clone()), expected);
    }
}

#[test]
fn mounts_are_kubeadms() {
    let trust = [
        ("ca-certs", "/etc/ssl/certs"),
        ("etc-ca-certificates", "/etc/ca-certificates"),
        ("k8s-certs", PKI),
        ("usr-local-share-ca-certificates", "/usr/local/share/ca-certificates"),
        ("usr-share-ca-certificates", "/usr/share/ca-certificates"),
    ];
    let mut manager = trust.to_vec();
    manager.insert(3, ("kubeconfig", "/etc/kubernetes/controller-manager.conf"));
    for (process, expected) in [
        (
            Process::Etcd,
            vec![("etcd-data", "/var/lib/etcd"), ("etcd-certs", "/etc/kubernetes/pki/etcd")],
        ),
        (Process::Apiserver, trust.to_vec()),
        (Process::ControllerManager, manager),
        (Process::Scheduler, vec![("kubeconfig", "/etc/kubernetes/scheduler.conf")]),
    ] {
        let document = parse(&Cluster::stacked().pod(process, &[]));
        let mounts: Vec<Value> = expected
            .iter()
            .map(|(name, path)| {
                if process == Process::Etcd {
                    json!({"mountPath": path, "name": name})
                } else {
                    json!({"mountPath": path, "name": name, "readOnly": true})
                }
            })
            .collect();
        assert_eq!(document["spec"]["containers"][0]["volumeMounts"], json!(mounts));
        let mut sorted = expected;
        sorted.sort_unstable();
        let volumes: Vec<Value> = sorted
            .iter()
            .map(|(name, path)| {
                let kind = if *name == "kubeconfig" { "FileOrCreate" } else { "DirectoryOrCreate" };
                json!({"hostPath": {"path": path, "type": kind}, "name": name})
            })
            .collect();
        assert_eq!(document["spec"]["volumes"], json!(volumes));
    }
}
