//! The copy of a node: read from tars and folders that may be a stranger's.

mod archive;
mod folder;
mod kubeadm_config;
mod kubelet;

use kpki::machine::{Look, Machine, MachineFile, MachineFolder, layout_of, normal};
use kpki::secret::Secret;

fn file(bytes: impl AsRef<[u8]>) -> MachineFile {
    MachineFile { mode: 0o644, owner: (0, 0), bytes: Secret::new(bytes.as_ref().to_vec()) }
}

fn machine(files: &[(&str, &str)]) -> Machine {
    let mut machine = Machine::default();
    for (path, bytes) in files {
        machine.add_file(path, file(bytes));
    }
    machine
}

fn text(machine: &Machine, path: &str) -> Option<String> {
    let (_, file) = machine.file(path)?;
    Some(String::from_utf8(file.bytes.expose().to_vec()).unwrap())
}

/// path_resolution(7), with the copy's root as the root.
#[test]
fn links_lead_where_they_do_on_the_machine() {
    let mut machine = machine(&[("opt/k8s/ca.crt", "ca"), ("etc/kubernetes/pki/sa.key", "sa")]);
    machine.add_link("etc/kubernetes/pki/ca.crt", "/opt/k8s/ca.crt");
    machine.add_link("etc/kubernetes/pki/up.crt", "../../../../../../opt/k8s/ca.crt");
    machine.add_link("etc/kubernetes/pki/in", "sa.key");
    machine.add_link("srv", "/etc/kubernetes");
    machine.add_link("srv2", "srv/pki");
    machine.add_link("round", "round2");
    machine.add_link("round2", "/round");
    machine.add_link("gone", "/not/here");
    machine.add_unread("etc/kubernetes/secret", "it belongs to root");
    for (path, expected) in [
        ("etc/kubernetes/pki/ca.crt", Some("ca")),
        ("/etc//kubernetes/./pki/ca.crt", Some("ca")),
        ("etc/kubernetes/pki/up.crt", Some("ca")),
        ("srv/pki/in", Some("sa")),
        ("srv2/in", Some("sa")),
        // `..` behind a link goes up from where the link leads.
        ("srv2/../pki/sa.key", Some("sa")),
        ("../../etc/kubernetes/pki/sa.key", Some("sa")),
        ("round", None),
        ("gone", None),
        ("etc/kubernetes/pki", None),
        ("etc/kubernetes/pki/sa.key/x", None),
    ] {
        assert_eq!(text(&machine, path).as_deref(), expected, "{path}");
    }
    assert_eq!(machine.file("srv/pki/in").unwrap().0, "etc/kubernetes/pki/sa.key");
    assert!(matches!(machine.look("round"), Look::Circle));
    assert!(matches!(machine.look("gone"), Look::LeadsAway { link: "gone", target: "/not/here" }));
    assert!(matches!(machine.look("etc/kubernetes/pki"), Look::Folder("etc/kubernetes/pki")));
    assert!(matches!(machine.look("etc"), Look::Folder("etc")));
    assert!(matches!(machine.look("nowhere"), Look::Absent));
    // Below what could not be read nothing is absent.
    let Look::Unread(path, why) = machine.look("srv/secret/a/b") else { panic!() };
    assert_eq!((path, why), ("etc/kubernetes/secret", "it belongs to root"));
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let mut machine = machine(&[("l0", "end")]);
    for n in 1..=41 {
        machine.add_link(&format!("l{n}"), &format!("l{}", n - 1));
    }
    assert_eq!(text(&machine, "l40").as_deref(), Some("end"));
    assert!(matches!(machine.look("l41"), Look::Circle));
}

#[test]
fn a_path_is_written_in_one_way() {
    assert_eq!(normal("/etc//./x/").as_deref(), Some("etc/x"));
    assert_eq!(normal("./").as_deref(), Some(""));
    assert_eq!(normal("a/../b"), None);
    assert_eq!(normal(&"a/".repeat(4000)), None);
}

#[test]
fn other_layouts_are_named() {
    for (sign, name) in [
        ("var/lib/rancher/k3s/server/tls/client-ca.crt", Some("a k3s server")),
        ("var/lib/rancher/rke2/server/tls/client-ca.crt", Some("an RKE2 server")),
        ("var/lib/rancher/k3s/agent/client-kubelet.crt", Some("a k3s agent")),
        ("var/lib/k0s/pki/ca.crt", Some("a k0s controller")),
        ("etc/kubernetes/ssl/kube-ca.pem", Some("a node of RKE")),
        ("srv/kubernetes/ca.crt", Some("a kops machine")),
        ("etc/kubernetes/pki/ca.crt", None),
    ] {
        let found = layout_of(&machine(&[(sign, "")])).map(|layout| layout.name);
        assert_eq!(found, name, "{sign}");
    }
    let mut microk8s = Machine::default();
    microk8s.add_link("var/snap/microk8s/current", "1234");
    microk8s.add_folder("var/snap", MachineFolder { mode: 0o755, owner: (0, 0) });
    assert!(layout_of(&microk8s).unwrap().name.contains("MicroK8s"));
}
