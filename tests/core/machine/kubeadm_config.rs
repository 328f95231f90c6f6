use kpki::machine::kubeadm_config::{KubeadmConfig, LISTS, TEXTS};

const V4: &str = "apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration:
  name: cp1
---
# the cluster
apiServer:
  certSANs:
  - api.example.com
  - \"10.0.0.1\"
  extraArgs:
  - name: oidc-issuer-url
    value: https://x
  - name: audit-log-path
    value: /x
apiVersion: kubeadm.k8s.io/v1beta4
caCertificateValidityPeriod: 87600h0m0s
certificateValidityPeriod: 8760h0m0s
certificatesDir: /etc/kubernetes/pki
clusterName: prod
controlPlaneEndpoint: api.example.com:6443
encryptionAlgorithm: RSA-2048
etcd:
  local:
    serverCertSANs: [etcd.example.com]
    peerCertSANs: []
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
networking:
  dnsDomain: cluster.local
  podSubnet: 10.244.0.0/16
  serviceSubnet: 10.96.0.0/12
";

fn read(text: &str) -> Result<KubeadmConfig, Vec<String>> {
    KubeadmConfig::read("kubeadm.yaml", text.as_bytes()).map_err(|mistakes| {
        mistakes.iter().map(|mistake| format!("{}: {}", mistake.at, mistake.message)).collect()
    })
}

#[test]
fn every_value_has_its_place() {
    let config = read(V4).unwrap();
    assert_eq!((config.version, config.at.line), ("v1beta4", 7));
    let text = |path: &str| {
        let found = config.text(path).unwrap();
        (found.value.as_str(), found.at.line)
    };
    assert_eq!(text("clusterName"), ("prod", 20));
    assert_eq!(text("kubernetesVersion"), ("v1.36.2", 28));
    assert_eq!(text("networking.serviceSubnet"), ("10.96.0.0/12", 32));
    assert_eq!(text("encryptionAlgorithm"), ("RSA-2048", 22));
    assert_eq!(config.text("etcd.external.caFile"), None);
    let list = |path: &str| -> Vec<(&str, usize)> {
        config.list(path).iter().map(|item| (item.value.as_str(), item.at.line)).collect()
    };
    assert_eq!(list("apiServer.certSANs"), [("api.example.com", 9), ("10.0.0.1", 10)]);
    assert_eq!(list("etcd.local.serverCertSANs"), [("etcd.example.com", 25)]);
    assert_eq!(list("etcd.local.peerCertSANs"), []);
    let names: Vec<_> =
        config.extra_args["kube-apiserver"].iter().map(|name| name.value.as_str()).collect();
    assert_eq!(names, ["audit-log-path", "oidc-issuer-url"]);
    assert!(config.unknown_kinds.is_empty());
}

/// As kubectl prints it, and as an editor with other quotes leaves it.
#[test]
fn it_is_read_out_of_the_config_map() {
    let inner = V4.split("---\n").nth(1).unwrap();
    let indented = format!("    {}\n", inner.trim_end().replace('\n', "\n    "));
    let map = format!(
        "apiVersion: v1\ndata:\n  ClusterConfiguration: |\n{indented}kind: ConfigMap\nmetadata:\n  name: kubeadm-config\n"
    );
    let config = read(&map).unwrap();
    let name = config.text("clusterName").unwrap();
    assert_eq!((name.value.as_str(), name.at.line), ("prod", 18));
    assert_eq!(map.lines().nth(17).unwrap().trim(), "clusterName: prod");
    let quoted =
        format!("apiVersion: v1\nkind: ConfigMap\ndata:\n  ClusterConfiguration: {inner:?}\n");
    assert_eq!(read(&quoted).unwrap().text("clusterName").unwrap().at.line, 4);
}

#[test]
fn the_older_form_has_arguments_in_a_mapping() {
    let config = read(
        "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nscheduler:\n  extraArgs:\n    v: \"2\"\n    bind-address: 0.0.0.0\netcd:\n  external:\n    endpoints:\n    - https://10.0.0.1:2379\n    caFile: /x/ca.crt\n---\napiVersion: example.com/v1\nkind: Mystery\n",
    )
    .unwrap();
    let names: Vec<_> = config.extra_args["kube-scheduler"]
        .iter()
        .map(|name| (name.value.as_str(), name.at.line))
        .collect();
    assert_eq!(names, [("bind-address", 6), ("v", 5)]);
    assert_eq!(config.list("etcd.external.endpoints").len(), 1);
    assert_eq!(config.unknown_kinds[0].value, "Mystery of example.com/v1");
    assert_eq!(config.unknown_kinds[0].at.line, 13);
}

#[test]
fn all_mistakes_are_told_with_their_lines() {
    let mistakes = read(
        "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nkubernetesVersion: 1.36\nencryptionAlgorithm: RSA-2048\nnetworking: flat\napiServer:\n  certSANs: x\n  extraArgs:\n  - name: v\n---\na: [\n",
    )
    .unwrap_err();
    for start in [
        "kubeadm.yaml:3: kubernetesVersion: not a text",
        "kubeadm.yaml:4: encryptionAlgorithm is not a field of v1beta3",
        "kubeadm.yaml:5: not a mapping",
        "kubeadm.yaml:7: apiServer.certSANs is not a list",
        "kubeadm.yaml:9: apiServer.extraArgs is not a mapping",
    ] {
        assert!(
            mistakes.iter().any(|mistake| mistake.starts_with(start)),
            "{start}: {mistakes:#?}"
        );
    }
    assert_eq!(mistakes.len(), 6, "{mistakes:#?}");
    for (text, says) in [
        ("", "holds no ClusterConfiguration"),
        (
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n",
            "holds no ClusterConfiguration",
        ),
        ("apiVersion: v1\nkind: Secret\n", "but Secret of v1"),
        (
            "apiVersion: kubeadm.k8s.io/v1beta2\nkind: ClusterConfiguration\n",
            "kubeadm config migrate",
        ),
        ("apiVersion: v1\nkind: ConfigMap\ndata: {}\n", "without data.ClusterConfiguration"),
        ("x: y\n", "without apiVersion"),
        ("apiVersion: a\napiVersion: b\n", "given twice"),
    ] {
        let mistakes = read(text).unwrap_err();
        assert!(mistakes.iter().any(|mistake| mistake.contains(says)), "{says}: {mistakes:?}");
    }
    let twice = format!("{V4}---\n{}", V4.split("---\n").nth(1).unwrap());
    assert!(read(&twice).unwrap_err()[0].contains("a second ClusterConfiguration"));
    assert!(KubeadmConfig::read("x", b"\xff").is_err());
}

#[test]
fn paths_are_of_known_fields() {
    for path in TEXTS.iter().chain(LISTS) {
        assert!(path.chars().all(|c| c.is_ascii_alphanumeric() || c == '.'), "{path}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_stops_the_reader(text in "(kind: ClusterConfiguration\n|apiVersion: kubeadm.k8s.io/v1beta4\n|---\n|etcd:|[ a:\\[\\]{}\"'|&*\n-]){0,30}") {
        let _ = KubeadmConfig::read("x", text.as_bytes());
    }
}
