//! `component "kubelet" config=#true`: the kubelet's own configuration file.

use kpki::plan::Restart;
use kpki::profile::Reader;

use crate::testkit::memory_project::MemoryProject;

const BASE: &str = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab:6443" }
component "etcd" topology="external"
node "cp1" role="control-plane" address="10.0.0.11"
node "e1" role="etcd" address="10.0.0.31"
node "w1" address="10.0.0.21"
node "w2" address="10.0.0.22"
"#;

/// By hand, from the reference of kubelet.config.k8s.io/v1beta1 and what kubeadm sets.
const EXPECTED: &str = "\
apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false
  webhook:
    enabled: true
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
authorization:
  mode: Webhook
cgroupDriver: systemd
clusterDNS:
- 10.96.0.10
clusterDomain: cluster.local
kind: KubeletConfiguration
rotateCertificates: false
staticPodPath: /etc/kubernetes/manifests
";

fn described(more: &str) -> MemoryProject {
    MemoryProject::applied(&format!("{BASE}{more}"))
}

fn configs(project: &MemoryProject) -> Vec<(&str, &str, u32)> {
    let files = project.out.iter();
    files
        .filter(|(path, _)| path.contains("/var/lib/kubelet/"))
        .map(|(path, (bytes, mode))| (path.as_str(), std::str::from_utf8(bytes).unwrap(), *mode))
        .collect()
}

fn services(project: &MemoryProject) -> Vec<String> {
    let plan = project.plan().plan;
    let kubelets = plan.restarts.iter().filter(|Restart { reader, .. }| *reader == Reader::Kubelet);
    kubelets.map(|restart| restart.node.to_string()).collect()
}

#[test]
fn every_kubelet_gets_one_and_nobody_else() {
    let project = described("component \"kubelet\" config=#true\n");
    assert_eq!(
        configs(&project),
        ["cp1", "w1", "w2"]
            .map(|node| format!("nodes/{node}/var/lib/kubelet/config.yaml"))
            .iter()
            .map(|path| (path.as_str(), EXPECTED, 0o644))
            .collect::<Vec<_>>()
    );
    project.assert_converged();
    assert_eq!(configs(&described("")), []);
    assert_eq!(configs(&described("component \"kubelet\" config=#false\n")), []);
}

/// kubeadm writes `clientCAFile` from `certificatesDir` (componentconfigs/kubelet.go).
#[test]
fn it_names_the_folder_of_certificates() {
    let base = BASE.replace("; endpoint", "; certificates-dir \"/srv/tls\"; endpoint");
    let project = MemoryProject::applied(&format!(
        "{base}component \"kubelet\" config=#true serving=#true\n"
    ));
    let expected = format!(
        "{}tlsCertFile: /srv/tls/kubelet.crt\ntlsPrivateKeyFile: /srv/tls/kubelet.key\n",
        EXPECTED.replace("/etc/kubernetes/pki/ca.crt", "/srv/tls/ca.crt")
    );
    for (path, text, _) in configs(&project) {
        assert_eq!(text, expected, "{path}");
    }
    for file in ["kubelet.crt", "kubelet.key", "ca.crt"] {
        assert!(project.out.contains_key(&format!("nodes/w1/srv/tls/{file}")), "{file}");
    }
}

#[test]
fn a_serving_certificate_is_named_where_there_is_one() {
    let project = described("component \"kubelet\" config=#true serving=#true\n");
    let expected = format!(
        "{EXPECTED}tlsCertFile: /etc/kubernetes/pki/kubelet.crt\ntlsPrivateKeyFile: /etc/kubernetes/pki/kubelet.key\n"
    );
    for (path, text, _) in configs(&project) {
        assert_eq!(text, expected);
        for file in ["kubelet.crt", "kubelet.key", "ca.crt"] {
            let node = path.split('/').nth(1).unwrap();
            let named = format!("nodes/{node}/etc/kubernetes/pki/{file}");
            assert!(project.out.contains_key(&named), "{named}");
        }
    }
}

/// The tenth address of the first network; kubeadm refuses a network without one, kpki leaves it to the
/// operator.
#[test]
fn the_dns_address_follows_the_first_network() {
    for (networks, expected) in [
        ("\"10.43.0.0/16\"", "clusterDNS:\n- 10.43.0.10\n"),
        ("\"fd00:10::/108\" \"10.96.0.0/12\"", "clusterDNS:\n- fd00:10::a\n"),
        ("\"10.0.9.0/28\"", "clusterDNS:\n- 10.0.9.10\n"),
        ("\"10.0.9.0/29\"", "cgroupDriver: systemd\nclusterDomain: cluster.local\n"),
    ] {
        let base = BASE.replace(
            "kubernetes \"1.36.2\"",
            &format!("service-cidr {networks}; kubernetes \"1.36.2\""),
        );
        // A control plane's address is of the first network's family.
        let is_v6 = networks.starts_with("\"fd00");
        let base = if is_v6 { base.replace("10.0.0.11", "fd00::11") } else { base };
        let project =
            MemoryProject::applied(&format!("{base}component \"kubelet\" config=#true\n"));
        let text = configs(&project)[0].1;
        assert!(text.contains(expected), "{networks}\n{text}");
    }
}

/// The kubelet reads it when it starts.
#[test]
fn a_changed_configuration_restarts_every_kubelet() {
    let mut project = described("component \"kubelet\" config=#true\n");
    project.description =
        project.description.replace("kubernetes", "dns-domain \"x.lab\"; kubernetes");
    assert_eq!(services(&project), ["cp1", "w1", "w2"]);
    let planned = project.plan();
    let rebuilt = planned.rebuilt();
    assert!(rebuilt.contains(&"kubelet-config".to_owned()), "{rebuilt:?}");

    // A file that somebody lost comes back as it was: nothing restarts.
    let mut project = described("component \"kubelet\" config=#true\n");
    let before = project.out.clone();
    project.out.remove("nodes/w1/var/lib/kubelet/config.yaml").unwrap();
    assert_eq!(services(&project), [""; 0]);
    project.apply().unwrap();
    assert_eq!(project.out, before);
}
