//! What two values that are written by hand differ in.

use std::collections::BTreeMap;

use super::*;
use crate::pod::{FieldPath, FieldStep, PodFields};
use crate::profile::Process;
use crate::review::Credential;
use crate::review::name_owners::{NameOwners, Owner};
use crate::review::pod_access::{Own, PodAccess};
use crate::review::powers::Leads::{Elsewhere, ToItsNode, ToTheEndpoint};
use crate::review::powers::Removed;
use crate::review::roots::Root;
use crate::spec::CaName;

fn set(words: &str) -> BTreeSet<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

fn sans(names: &str) -> BTreeSet<San> {
    names.split_whitespace().map(|name| name.parse().unwrap()).collect()
}

fn certificate(credential: Credential) -> Power {
    Power::Certificate(Box::new(Certificate {
        credential,
        until: None,
        ca: CaName::Kubernetes,
        same_as: None,
        chosen: BTreeSet::new(),
        chosen_groups: BTreeSet::new(),
    }))
}

fn client(groups: &str) -> Power {
    let (common_name, groups) = ("jane".to_owned(), set(groups));
    certificate(Credential { common_name, groups, client: true, ..Credential::default() })
}

fn server(names: &str) -> Power {
    certificate(Credential { sans: sans(names), server: true, ..Credential::default() })
}

fn chosen(names: &str) -> Power {
    let Power::Certificate(mut certificate) = server(names) else { panic!("no certificate") };
    certificate.chosen = sans(names);
    Power::Certificate(certificate)
}

fn root(is_brought: bool, is_replaced: bool, issuer: &str) -> Power {
    let issuer = Some(issuer.to_owned()).filter(|issuer| !issuer.is_empty());
    let credential =
        issuer.map(|issuer| Credential { issuer: Some(issuer), ..Credential::default() });
    Power::Root(Box::new(Root { credential, is_brought, is_replaced, ..Root::default() }))
}

fn kubeconfig(server: &str, leads: Leads) -> Power {
    Power::Kubeconfig { server: server.to_owned(), leads }
}

fn pod(flags: &[(&str, &str)], image: &str) -> Power {
    let flag = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let path = ["spec", "containers", "kube-apiserver", "image"].map(str::to_owned);
    let [spec, list, name, key] = path;
    let step = FieldStep::Key;
    let path = FieldPath(vec![step(spec), step(list), FieldStep::Item(name), step(key)]);
    Power::StaticPod(PodAccess {
        process: Process::Apiserver,
        pod: Ok(PodFields {
            container: "kube-apiserver".into(),
            flags: flags.iter().map(flag).collect(),
            fields: BTreeMap::from([(path, image.to_owned())]),
        }),
        own: Box::new(Own {
            pod: PodFields {
                flags: [flag(&("anonymous-auth", "false"))].into(),
                ..PodFields::default()
            },
            image: Some(IMAGE.into()),
            version: Some("1.36.2".parse().unwrap()),
            ..Own::default()
        }),
    })
}

const EARLIER: &str = "registry.k8s.io/kube-apiserver:v1.36.1";
const IMAGE: &str = "registry.k8s.io/kube-apiserver:v1.36.2";

fn unreadable() -> Power {
    Power::StaticPod(PodAccess {
        process: Process::Apiserver,
        pod: Err("line 1: no YAML".into()),
        own: Box::default(),
    })
}

fn bindings(roles: &str) -> Power {
    let grant = |role| RoleGrant {
        is_cluster_role: true,
        role,
        namespace: None,
        is_group: false,
        subject: "jane".into(),
    };
    Power::Bindings(set(roles).into_iter().map(grant).collect())
}

fn one(name: &str, power: Power) -> ArtifactPower {
    ArtifactPower { artifact: name.parse().unwrap(), places: BTreeSet::new(), power }
}

/// A cluster of one control-plane node and a worker.
fn powers(artifacts: Vec<ArtifactPower>) -> Powers {
    let roles = [("cp1", Role::ControlPlane), ("w1", Role::Worker)];
    let roles = roles.map(|(name, role)| (name.to_owned(), role));
    let owners = [("api.lab", Owner::Apiserver), ("w1", Owner::Node("w1".into()))];
    let owners = owners.map(|(name, owner)| (name.parse().unwrap(), [owner].into()));
    Powers {
        artifacts,
        nodes: roles.clone().into(),
        names: NameOwners {
            owners: owners.into(),
            roles: roles.into(),
            endpoint: Some("10.0.0.9".parse().unwrap()),
            ..NameOwners::default()
        },
        ..Powers::default()
    }
}

fn lines(before: &Powers, after: &Powers) -> Vec<String> {
    let line = |difference: Difference| {
        let exempt = if difference.is_exempt { " (exempt)" } else { "" };
        format!("{} {}{exempt}", difference.principal, difference.access)
    };
    differences(before, after).into_iter().map(line).collect()
}

#[test]
fn one_artifact_before_and_after() {
    type Row<'a> = (&'a str, Option<Power>, Power, &'a [&'a str]);
    let web = "certificates/web";
    let kubelet = "nodes/w1/kubelet-server";
    let apiserver = "nodes/cp1/manifests/kube-apiserver";
    let rows: Vec<Row<'_>> = vec![
        ("users/jane", Some(client("dev")), client("dev"), &[]),
        (
            "users/jane",
            Some(client("dev")),
            client("ops"),
            &["jane gains the group ops", "jane loses the group dev"],
        ),
        (
            "users/jane/request",
            Some(client("system:masters")),
            client("system:masters ops"),
            &["jane gains the group ops (exempt)"],
        ),
        ("users/jane", None, client("dev"), &["jane is new: jane, in dev"]),
        ("users/jane", Some(bindings("view")), client(""), &["jane is new: jane"]),
        ("operator/super-admin", None, client("system:masters"), &[]),
        // Private names say nothing, unless somebody is known by them.
        (web, Some(server("")), server("10.1.1.1 localhost"), &[]),
        (web, Some(server("")), server("web.lab"), &["web can serve as web.lab"]),
        (web, Some(server("")), server("10.0.0.9"), &["web can serve as 10.0.0.9"]),
        (
            web,
            Some(server("")),
            server("api.lab"),
            &["web can serve as api.lab, and so in the place of the API server"; 2],
        ),
        (kubelet, Some(server("")), server("w1"), &["kubelet-server can serve as w1"]),
        // A part of a node that was there: only what somebody chose, and nobody had.
        (kubelet, None, server("w1"), &[]),
        (kubelet, None, chosen("w1"), &["kubelet-server can serve as w1"]),
        ("ca/etcd", None, root(false, false, "CN=etcd"), &["etcd is a new root of trust"]),
        ("ca/etcd", Some(root(false, false, "")), root(false, false, "CN=etcd"), &[]),
        (
            "ca/etcd",
            Some(root(true, false, "")),
            root(true, false, "CN=etcd"),
            &["etcd is a new root of trust"],
        ),
        (
            "ca/etcd",
            Some(root(false, false, "CN=a")),
            root(false, false, "CN=b"),
            &["etcd is issued by CN=b, was by CN=a"],
        ),
        (
            "ca/etcd",
            Some(root(false, false, "CN=a")),
            root(false, true, "CN=b"),
            &["etcd is replaced as a root of trust (exempt)"],
        ),
        (
            "users/jane/rbac.yaml",
            None,
            bindings("view"),
            &["jane gains cluster-role view everywhere"],
        ),
        (
            "users/jane/rbac.yaml",
            Some(bindings("view")),
            bindings(""),
            &["jane loses cluster-role view everywhere: delete the old binding in the cluster"],
        ),
        (
            "users/jane/kubeconfig",
            Some(kubeconfig("https://a", ToTheEndpoint)),
            kubeconfig("https://b", ToTheEndpoint),
            &["endpoint moves: kubeconfigs lead to https://b, led to https://a"],
        ),
        (
            "nodes/w1/kubelet.conf",
            Some(kubeconfig("https://a", ToTheEndpoint)),
            kubeconfig("https://10.0.0.1", ToItsNode),
            &[],
        ),
        ("users/jane/kubeconfig", None, kubeconfig("https://b", ToTheEndpoint), &[]),
        (
            "nodes/w1/kubelet.conf",
            Some(kubeconfig("https://a", ToTheEndpoint)),
            kubeconfig("https://b", Elsewhere),
            &["kubelet moves: kubeconfigs lead to https://b, led to https://a"],
        ),
        (
            "nodes/cp1/super-admin.conf",
            Some(kubeconfig("https://b", Elsewhere)),
            kubeconfig("https://b", Elsewhere),
            &[],
        ),
        (
            "users/jane/kubeconfig",
            None,
            kubeconfig("https://b", Elsewhere),
            &["jane may move: kubeconfigs lead to https://b, and nothing here says where they led"],
        ),
        // Of what kpki itself gives, nothing is told.
        (apiserver, None, pod(&[("anonymous-auth", "false")], IMAGE), &[]),
        (apiserver, Some(pod(&[], EARLIER)), pod(&[("anonymous-auth", "false")], IMAGE), &[]),
        // What somebody else gave goes back to it: told, and no gain.
        (
            apiserver,
            Some(pod(&[], "old")),
            pod(&[("anonymous-auth", "false")], IMAGE),
            &[
                "apiserver runs registry.k8s.io/kube-apiserver:v1.36.2 in container kube-apiserver, ran old",
            ],
        ),
        (apiserver, Some(pod(&[], IMAGE)), pod(&[("v", "2")], IMAGE), &[]),
        (
            apiserver,
            None,
            pod(&[("anonymous-auth", "true")], "evil.example/apiserver"),
            &[
                "apiserver runs with --anonymous-auth=true, ran with --anonymous-auth=false",
                "apiserver runs evil.example/apiserver in container kube-apiserver, ran no image",
            ],
        ),
        (
            apiserver,
            Some(pod(&[], "registry.k8s.io/kube-apiserver:v1.36.3")),
            pod(&[], "registry.k8s.io/kube-apiserver:v1.20.0"),
            &[
                "apiserver runs registry.k8s.io/kube-apiserver:v1.20.0 in container kube-apiserver, ran registry.k8s.io/kube-apiserver:v1.36.3",
            ],
        ),
        (
            apiserver,
            Some(pod(&[], IMAGE)),
            unreadable(),
            &["apiserver gets a manifest that cannot be read: line 1: no YAML"],
        ),
        (
            apiserver,
            Some(unreadable()),
            pod(&[], IMAGE),
            &["apiserver had a manifest that cannot be read: line 1: no YAML"],
        ),
    ];
    for (name, before, after, expected) in rows {
        let before = powers(before.into_iter().map(|power| one(name, power)).collect());
        assert_eq!(lines(&before, &powers(vec![one(name, after)])), expected, "{name}");
    }
}

#[test]
fn a_long_value_is_told_by_its_beginning_and_its_digest() {
    let told = |value: &str| {
        let path = "spec.x".to_owned();
        AccessChange::Pod { path, old: String::new(), new: value.to_owned() }.to_string()
    };
    assert_eq!(told(&"a".repeat(240)), format!("gets spec.x: {}", "a".repeat(240)));
    let (one, other) = (told(&"a".repeat(241)), told(&format!("{}b", "a".repeat(240))));
    assert!(one.starts_with(&format!("gets spec.x: {}... (241 bytes, ", "a".repeat(240))), "{one}");
    assert_ne!(one, other);
}

#[test]
fn a_node_that_joins_is_told_for_each_of_its_parts() {
    let after = powers(vec![
        one("nodes/w1/kubelet-server", chosen("w1.lab")),
        one("nodes/cp1/apiserver", server("cp1")),
    ]);
    let mut before = powers(Vec::new());
    before.nodes.clear();
    let joins = ["w1 joins as a worker", "w1 can serve as w1.lab"];
    let leads = "cp1 joins as a control-plane node: it holds CA keys and an administrator's";
    assert_eq!(lines(&before, &after), [&joins[..], &[leads]].concat());
    // A worker becomes one, and other kubelets had the name.
    before.nodes = after.nodes.keys().map(|name| (name.clone(), Role::Worker)).collect();
    let name = ("kubelet-server", "w1.lab".parse().unwrap());
    before.elsewhere.names.insert(name);
    assert_eq!(lines(&before, &after), [leads]);
}

#[test]
fn a_pod_on_a_new_node_is_held_against_the_same_elsewhere() {
    let after = || {
        powers(vec![one(
            "nodes/cp1/manifests/kube-apiserver",
            pod(&[("anonymous-auth", "true")], IMAGE),
        )])
    };
    let mut before = powers(Vec::new());
    assert_eq!(lines(&before, &after()).len(), 1);
    let Power::StaticPod(pod) = pod(&[("anonymous-auth", "true")], IMAGE) else {
        panic!("no static pod")
    };
    before.elsewhere.pods.insert(Process::Apiserver, pod);
    // A node that is known has what it had.
    assert_eq!(lines(&before, &after()).len(), 1);
    before.nodes.clear();
    assert!(lines(&before, &after()).is_empty());
}

#[test]
fn a_key_on_one_more_machine() {
    let placed = |nodes: &str| {
        let places = set(nodes).into_iter().map(|node| format!("nodes/{node}/etc/web.key"));
        let mut artifact = one("certificates/web", client("dev"));
        artifact.places = places.map(|path| path.parse().unwrap()).collect();
        powers(vec![artifact])
    };
    let moved = ["web has its key on w1 from now on"];
    assert_eq!(lines(&placed("cp1"), &placed("cp1 w1")), moved);
    assert!(lines(&placed("cp1 w1"), &placed("cp1")).is_empty());
}

#[test]
fn recipients_of_the_cluster_and_of_nodes_new_ones_too() {
    let sealed = |all: &[(Option<&str>, &str)]| Powers {
        recipients: Some(
            all.iter()
                .map(|(node, name)| (node.map(|node| node.parse().unwrap()), (*name).to_owned()))
                .collect(),
        ),
        ..powers(Vec::new())
    };
    let before = sealed(&[(None, "old")]);
    let after = sealed(&[(None, "new"), (Some("w1"), "ops"), (Some("w2"), "ops")]);
    assert_eq!(
        lines(&before, &after),
        [
            "secrets open to new from now on",
            "w1 open to ops from now on",
            "w2 open to ops from now on",
            "secrets closed to old from now on"
        ]
    );
    assert!(lines(&before, &powers(Vec::new())).is_empty());
}

#[test]
fn whoever_is_removed_is_the_node_or_what_was_on_it() {
    let mut before = powers(Vec::new());
    let names = ["users/jane", "nodes/w1/kubelet-server", "nodes/w2/kubelet-server"];
    before.removed = names
        .into_iter()
        .map(|name| Removed {
            grants: BTreeSet::new(),
            now_with: None,
            artifact: name.parse().unwrap(),
            groups: set(if name.starts_with("users/") { "dev" } else { "" }),
            until: None,
        })
        .collect();
    // One that stays with another role, and what there is once in a cluster.
    let removed = |name: &str, now_with: Option<&str>| Removed {
        artifact: name.parse().unwrap(),
        groups: BTreeSet::new(),
        until: None,
        grants: BTreeSet::new(),
        now_with: now_with.map(str::to_owned),
    };
    let mut demoted = powers(Vec::new());
    demoted.removed = ["etcd-server", "apiserver", "admin"]
        .map(|part| removed(&format!("nodes/w1/{part}"), None))
        .into();
    demoted.removed.push(removed("nodes/w1/super-admin", Some("cp1")));
    demoted.removed.push(removed("operator/super-admin", Some("cp1")));
    assert_eq!(
        lines(&demoted, &powers(Vec::new())),
        [
            ["w1 is no longer a control-plane node"; 4].as_slice(),
            &["super-admin lies with cp1 from now on, lay with the operator"],
        ]
        .concat()
    );
    demoted.removed = vec![removed("nodes/w1/etcd-server", None)];
    assert_eq!(lines(&demoted, &powers(Vec::new())), ["w1 is no longer an etcd member"]);
    assert_eq!(
        lines(&before, &powers(Vec::new())),
        [
            "jane is described no longer, was in dev",
            "kubelet-server is described no longer",
            "w2 is described no longer"
        ]
    );
}
