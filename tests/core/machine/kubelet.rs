use kpki::facts::pem::certificate_pem;
use kpki::machine::kubelet::{Fact, KubeletFacts, KubeletPair, KubeletSetting as Of};

use super::{file, machine};
use crate::testkit::made::Made;

/// kubernetes/release, `10-kubeadm.conf` of the Debian package.
const DROP_IN: &str = r#"# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
# This is a file that "kubeadm init" and "kubeadm join" generates at runtime
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"#;
const DROP_IN_PATH: &str = "usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf";
const UNIT: (&str, &str) =
    ("usr/lib/systemd/system/kubelet.service", "[Service]\nExecStart=/usr/bin/kubelet\n");
const CONFIG: (&str, &str) = (
    "var/lib/kubelet/config.yaml",
    "apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
clusterDomain: cluster.local
kind: KubeletConfiguration
rotateCertificates: true
serverTLSBootstrap: off
staticPodPath: /etc/kubernetes/manifests
",
);

fn facts(files: &[(&str, &str)]) -> KubeletFacts {
    let mut all = vec![CONFIG];
    all.extend(files);
    KubeletFacts::read(&machine(&all))
}

fn said(facts: &KubeletFacts, setting: Of) -> (String, String) {
    match facts.get(setting) {
        Fact::Said { value, at } => (value.clone(), at.to_string()),
        other => panic!("{setting:?}: {other:?}"),
    }
}

#[test]
fn what_kubeadm_sets_up_is_read_with_its_places() {
    let env = (
        "var/lib/kubelet/kubeadm-flags.env",
        "KUBELET_KUBEADM_ARGS=\"--node-ip=10.0.0.11 --pod-infra-container-image=x\"\n",
    );
    for with_unit in [true, false] {
        let mut files = vec![env];
        if with_unit {
            files.extend([UNIT, (DROP_IN_PATH, DROP_IN)]);
        }
        let facts = facts(&files);
        assert_eq!(facts.unit_is_assumed, !with_unit);
        assert_eq!(facts.unread, []);
        let config = |line: u32| format!("var/lib/kubelet/config.yaml:{line}");
        let pair = |value: &str, at: String| (value.to_owned(), at);
        assert_eq!(said(&facts, Of::ClientCaFile), pair("/etc/kubernetes/pki/ca.crt", config(4)));
        assert_eq!(said(&facts, Of::ClusterDomain), pair("cluster.local", config(5)));
        assert_eq!(said(&facts, Of::RotateCertificates), pair("true", config(7)));
        assert_eq!(said(&facts, Of::ServerTlsBootstrap), pair("false", config(8)));
        assert_eq!(said(&facts, Of::NodeIp), pair("10.0.0.11", format!("{}:1", env.0)));
        let kubeconfig = said(&facts, Of::Kubeconfig);
        assert_eq!(kubeconfig.0, "/etc/kubernetes/kubelet.conf");
        if with_unit {
            assert_eq!(kubeconfig.1, format!("{DROP_IN_PATH}:3"));
        }
        assert_eq!(*facts.get(Of::HostnameOverride), Fact::NotSaid);
        assert_eq!(*facts.get(Of::TlsCertFile), Fact::NotSaid);
    }
}

#[test]
fn flags_win_and_the_last_one_counts() {
    let facts = facts(&[
        UNIT,
        (DROP_IN_PATH, DROP_IN),
        (
            "var/lib/kubelet/kubeadm-flags.env",
            "KUBELET_KUBEADM_ARGS=--hostname-override=one --cluster-domain a.example",
        ),
        (
            "etc/default/kubelet",
            "# mine\nKUBELET_EXTRA_ARGS='--hostname_override two --rotate-certificates=F -v 2 --cert-dir /opt/pki'",
        ),
    ]);
    let path = "etc/default/kubelet:2".to_owned();
    assert_eq!(said(&facts, Of::HostnameOverride), ("two".to_owned(), path.clone()));
    assert_eq!(said(&facts, Of::RotateCertificates), ("false".to_owned(), path));
    assert_eq!(said(&facts, Of::ClusterDomain).0, "a.example");
    assert_eq!(said(&facts, Of::CertDir).0, "/opt/pki");
}

/// systemd.unit(5): a drop-in of /etc hides the one of the same name, and all are in the order of names.
#[test]
fn drop_ins_are_read_in_systemds_order() {
    let facts = facts(&[
        UNIT,
        (DROP_IN_PATH, DROP_IN),
        (
            "etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
            "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --node-ip=1.1.1.1 $MINE \\\n  --cert-dir=${DIR}/x\n[Install]\nExecStart=/bin/false\n",
        ),
        (
            "run/systemd/system/kubelet.service.d/20-mine.conf",
            "[Service]\nEnvironment=MINE=--node-ip=2.2.2.2 \"DIR=/a b\"\n",
        ),
        ("run/systemd/system/kubelet.service.d/20-mine.txt", "[Service]\nExecStart=\n"),
    ]);
    assert_eq!(
        said(&facts, Of::NodeIp),
        ("2.2.2.2".to_owned(), "run/systemd/system/kubelet.service.d/20-mine.conf:2".to_owned())
    );
    assert_eq!(said(&facts, Of::CertDir).0, "/a b/x");
    assert_eq!(*facts.get(Of::Kubeconfig), Fact::NotSaid);
    // No flag names a configuration file.
    assert_eq!(*facts.get(Of::ClientCaFile), Fact::NotSaid);
}

#[test]
fn what_is_not_known_is_not_absent() {
    let unread = |facts: &KubeletFacts, setting: Of| match facts.get(setting) {
        Fact::Unread { at, why } => format!("{at}: {why}"),
        other => panic!("{setting:?}: {other:?}"),
    };
    // One flag alone.
    let own = facts(&[(
        "etc/systemd/system/kubelet.service",
        "[Service]\nExecStart=/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --hostname-override=%H\n",
    )]);
    assert!(unread(&own, Of::HostnameOverride).contains("kubelet.service:2"));
    assert_eq!(said(&own, Of::ClusterDomain).0, "cluster.local");
    // Any flag at all.
    for (path, text) in [
        (
            "etc/systemd/system/kubelet.service",
            "[Service]\nExecStart=/bin/sh -c 'kubelet --node-ip=1.2.3.4'\n",
        ),
        ("etc/systemd/system/kubelet.service", "[Service]\nExecStart=/usr/bin/kubelet %I\n"),
        ("etc/systemd/system/kubelet.service", "[Service]\nExecStart=/usr/bin/kubelet 'x\n"),
        ("etc/default/kubelet", "KUBELET_EXTRA_ARGS=--node-ip=1.2.3.4 stray"),
        ("etc/default/kubelet", "KUBELET_EXTRA_ARGS=--x=\\\"y"),
    ] {
        let facts = facts(&[(path, text)]);
        assert!(unread(&facts, Of::NodeIp).starts_with(path), "{text}");
        assert!(!facts.unread.is_empty());
    }
    for config in [
        "a: [",
        "kind: Pod",
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n---\na: b\n",
    ] {
        let facts = KubeletFacts::read(&machine(&[(CONFIG.0, config)]));
        assert!(unread(&facts, Of::ClientCaFile).starts_with(CONFIG.0), "{config}");
    }
    let wrong = CONFIG.1.replace("true", "\"true\"").replace("cluster.local", "1.5");
    let facts = KubeletFacts::read(&machine(&[(CONFIG.0, &wrong)]));
    assert!(unread(&facts, Of::RotateCertificates).contains("config.yaml:7"));
    assert!(unread(&facts, Of::ClusterDomain).contains("config.yaml:5"));
    let mut hidden = machine(&[CONFIG]);
    hidden.add_unread("etc/default/kubelet", "it belongs to root");
    assert!(unread(&KubeletFacts::read(&hidden), Of::NodeIp).contains("it belongs to root"));
    let mut hidden = machine(&[CONFIG, UNIT]);
    hidden.add_unread("etc/systemd/system/kubelet.service.d", "it belongs to root");
    assert!(unread(&KubeletFacts::read(&hidden), Of::NodeIp).contains("it belongs to root"));
    let none = KubeletFacts::read(&machine(&[("etc/kubernetes/pki/ca.crt", "")]));
    assert_eq!(*none.get(Of::ClientCaFile), Fact::NotHandedOver);
    assert_eq!(*none.get(Of::HostnameOverride), Fact::NotHandedOver);
    assert_eq!(none.client, KubeletPair::NotHandedOver);
}

#[test]
fn the_kubelets_own_pair_names_the_node() {
    let pem = certificate_pem(&Made::leaf("system:node:worker-7").self_signed());
    let mut machine = machine(&[CONFIG]);
    let folder = "var/lib/kubelet/pki";
    machine.add_file(&format!("{folder}/kubelet-client-2026-01-02-03-04-05.pem"), file(&pem));
    machine.add_link(
        &format!("{folder}/kubelet-client-current.pem"),
        "/var/lib/kubelet/pki/kubelet-client-2026-01-02-03-04-05.pem",
    );
    let facts = KubeletFacts::read(&machine);
    assert_eq!(facts.client.node().as_deref(), Some("worker-7"));
    assert_eq!(facts.server, KubeletPair::Absent);
    machine.add_file(&format!("{folder}/kubelet.crt"), file("junk"));
    machine.add_link(&format!("{folder}/kubelet-server-current.pem"), "/elsewhere/x.pem");
    let facts = KubeletFacts::read(&machine);
    assert!(matches!(facts.self_signed, KubeletPair::Unread { .. }));
    assert!(
        matches!(&facts.server, KubeletPair::Unread { why, .. } if why.contains("/elsewhere/x.pem"))
    );
}

proptest::proptest! {
    #[test]
    fn no_text_stops_the_reader(text in "(\\[Service\\]\n|ExecStart=|Environment=|EnvironmentFile=-|kubelet|[-$%{}A\"'\\\\ =/\n#;x]){0,40}") {
        let _ = KubeletFacts::read(&machine(&[
            CONFIG,
            ("etc/systemd/system/kubelet.service", &text),
            ("etc/default/kubelet", &text),
        ]));
        let _ = KubeletFacts::read(&machine(&[("var/lib/kubelet/config.yaml", &text)]));
    }
}
