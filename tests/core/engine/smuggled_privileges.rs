//! Power that a pull request tries to smuggle past a plan: forged files under `out/`, a forged or missing
//! lock, names that others have.

use std::collections::{BTreeMap, BTreeSet};

use kpki::hash::Digest;
use kpki::lock;
use kpki::plan::Intent;
use kpki::sealed::Owner;
use kpki::time::Span;

use super::privileges::{changes, with_policy};
use crate::testkit::age::Key;
use crate::testkit::memory_project::MemoryProject;

const CLUSTER: &str = r#"
cluster "lab" { endpoint "10.0.0.100" }
node "cp1" role="control-plane" address="10.0.0.1" primary=#true
node "w1" address="10.0.1.1"
component "kubelet" serving=#true
user "jane" { group "dev"; bind cluster-role="view" namespace="dev" }
user "omar" { via "csr"; group "dev" }
certificate "web" { san "web.lab" }
"#;

fn edited(description: &str, old: &str, new: &str) -> String {
    let edited = description.replace(old, new);
    assert_ne!(edited, description, "{old}");
    edited
}

fn after(old: &str, new: &str) -> MemoryProject {
    let mut project = MemoryProject::applied(CLUSTER);
    project.description = edited(CLUSTER, old, new);
    project
}

/// Lines of `of` below `prefix` as another cluster of the same description has them.
fn forge(project: &mut MemoryProject, prefix: &str, with_lines: bool) {
    let wish = MemoryProject::applied(&project.description);
    let files: Vec<_> = wish
        .out
        .range(prefix.to_owned()..)
        .take_while(|(path, _)| path.starts_with(prefix))
        .collect();
    assert!(!files.is_empty(), "{prefix}");
    for (path, file) in files {
        if kpki::state::is_public(path) {
            project.out.insert(path.clone(), file.clone());
        }
    }
    if with_lines {
        let (mut old, new) = (project.lock(), wish.lock());
        for (name, entry) in new.entries {
            if name.as_str().starts_with(prefix) {
                old.entries.insert(name, entry);
            }
        }
        project.lock = Some(lock::render(&old));
    }
}

/// A certificate that no CA of the cluster signed says nothing about who had power.
#[test]
fn a_forged_certificate_has_no_power_to_keep() {
    let mut project =
        after("group \"dev\"; bind", "group \"dev\" \"system:masters\"; allow-masters #true; bind");
    forge(&mut project, "users/jane", false);
    let mut lock = project.lock();
    for entry in lock.entries.values_mut() {
        // Else the forged key is noticed.
        entry.public_key = None;
    }
    project.lock = Some(lock::render(&lock));
    let expected = "x jane is new: jane, in dev, system:masters :6";
    // A request whose line names no key is on no record either.
    let unknown = "x jane has lost half its record, a file under out/ or its line of cluster.lock: what it \
                   could do before cannot be told :6";
    assert_eq!(changes(&project.plan()), [expected, unknown, "x omar is new: omar, in dev :7"]);
    // With a lock that knows it the forged one stays; nothing is issued until it ends.
    forge(&mut project, "users/jane", true);
    project.later(Span::days(350));
    let found = changes(&project.plan());
    assert!(found.contains(&expected.to_owned()), "{found:#?}");
}

/// What ended long ago and is put back from the history.
#[test]
fn an_expired_certificate_has_no_power_to_keep() {
    let powerful = edited(
        CLUSTER,
        "group \"dev\"; bind",
        "group \"dev\" \"system:masters\"; allow-masters #true; bind",
    );
    let mut project = MemoryProject::applied(&powerful);
    project.later(Span::days(366));
    let found = changes(&project.plan());
    let expected = "x jane is new: jane, in dev, system:masters :6";
    assert_eq!(found[0], expected);
    assert!(found[1..].iter().all(|line| line.starts_with('=')), "{found:#?}");
}

/// Anybody can sign a request for any group.
#[test]
fn a_forged_request_has_no_power_to_keep() {
    let mut project = after(
        "via \"csr\"; group \"dev\"",
        "via \"csr\"; group \"dev\" \"kubeadm:cluster-admins\"",
    );
    let expected = "x omar gains the group kubeadm:cluster-admins :7";
    assert_eq!(changes(&project.plan()), [expected]);
    // Of another key, which the lock does not know.
    forge(&mut project, "users/omar/request/omar.csr", false);
    assert!(!project.plan().plan.key_mismatches.is_empty());
    // With a lock that knows it nothing is made; the next request asks for the same.
    forge(&mut project, "users/omar", true);
    assert!(project.plan().steps().is_empty());
    project.description = project.description.replace("via \"csr\";", "via \"csr\"; revision 2;");
    let found = changes(&project.plan());
    assert!(found.contains(&expected.to_owned()), "{found:#?}");
}

/// The file holds the binding already; the lock does not know it so.
#[test]
fn forged_bindings_have_no_power_to_keep() {
    let mut project =
        after("cluster-role=\"view\" namespace=\"dev\"", "cluster-role=\"cluster-admin\"");
    forge(&mut project, "users/jane/rbac.yaml", false);
    let expected = "x jane gains cluster-role cluster-admin everywhere :6";
    assert_eq!(changes(&project.plan()), [expected]);
}

/// Keys in the clear stay out of Git; sealed ones lie there for whoever the change names.
#[test]
fn whoever_can_open_what_is_sealed_first_is_told() {
    let mallory = Key::age();
    let secrets = format!("secrets {{ recipient {:?} }}\n", mallory.recipient);
    let mut project = after("user \"jane\"", &format!("{secrets}user \"jane\""));
    let expected = format!("x secrets open to {} from now on :6", mallory.recipient);
    assert_eq!(changes(&project.plan()), [expected.as_str()]);
    project.apply().unwrap();
    let alice = Key::ssh("ed25519", "alice", "");
    let both = format!("{:?} {:?}", mallory.recipient, alice.recipient);
    project.description = edited(&project.description, &format!("{:?}", mallory.recipient), &both);
    let honest = changes(&project.plan());
    assert!(honest[0].starts_with("x secrets open to SHA256:"), "{honest:#?}");
    let mut lock = project.lock();
    // A lock that names her already, and every file as sealed to her.
    let (recipients, digest) = sealed_to(&project);
    lock.recipients = recipients;
    let rests = lock.entries.values_mut().filter_map(|entry| entry.rest.as_mut());
    for rest in rests.chain(lock.copies.values_mut()) {
        rest.recipients = digest;
    }
    project.lock = Some(lock::render(&lock));
    let found = changes(&project.plan());
    assert!(found.contains(&honest[0]), "{found:#?}");
}

fn sealed_to(project: &MemoryProject) -> (BTreeMap<Owner, BTreeSet<String>>, Digest) {
    let wish = MemoryProject::applied(&project.description).lock();
    let mut rests = wish.entries.values().filter_map(|entry| entry.rest);
    (wish.recipients, rests.next().unwrap().recipients)
}

/// Power without a group of Kubernetes' own, and names that others are dialled by.
#[test]
fn a_table_of_disguises() {
    let end = "certificate \"web\"";
    let mut wrong = Vec::new();
    for (what, old, new, expected) in [
        (
            "a component's user name",
            end,
            "certificate \"x\" { usage \"client\"; common-name \"system:kube-controller-manager\" }\ncertificate \"web\"",
            &[
                "x x is new: system:kube-controller-manager, to Kubernetes the same as nodes/cp1/controller-manager :8",
            ][..],
        ),
        (
            "one that no certificate has",
            end,
            "certificate \"x\" { usage \"client\"; common-name \"system:kube-proxy\" }\ncertificate \"web\"",
            &["x x is new: system:kube-proxy, as a component of Kubernetes :8"],
        ),
        (
            "a user's name",
            end,
            "certificate \"x\" { usage \"client\"; common-name \"jane\" }\ncertificate \"web\"",
            &["x x is new: jane, to Kubernetes the same as users/jane :8"],
        ),
        (
            "a client of another CA is another",
            end,
            "certificate \"x\" { ca \"etcd\"; usage \"client\"; common-name \"jane\" }\ncertificate \"web\"",
            &["x x is new: jane, for the etcd CA :8"],
        ),
        (
            "a role for everybody",
            "bind cluster-role=\"view\"",
            "bind cluster-role=\"reader\" group=\"system:authenticated\"; bind cluster-role=\"view\"",
            &[
                "x jane gains cluster-role reader everywhere, for all of group system:authenticated :6",
            ],
        ),
        (
            "the API server's private address on a further certificate",
            "\"web.lab\"",
            "\"web.lab\" \"10.0.0.1\"",
            &["x web can serve as 10.0.0.1, and so in the place of node cp1 :8"],
        ),
        (
            "a private endpoint on a worker",
            "address=\"10.0.1.1\"",
            "address=\"10.0.1.1\" san=\"10.0.0.100\"",
            &["x kubelet-server can serve as 10.0.0.100, and so in the place of the API server :4"],
        ),
        (
            "the service address as a worker's own",
            "node \"w1\"",
            "node \"w2\" address=\"10.0.1.2\" san=\"10.96.0.1\"\nnode \"w1\"",
            &[
                "x kubelet-server can serve as 10.96.0.1, and so in the place of the API server :4",
                "= w2 joins as a worker :4",
            ],
        ),
        (
            "the API server's name as a worker's own",
            "node \"w1\"",
            "node \"kubernetes.default.svc\" address=\"10.0.1.2\"\nnode \"w1\"",
            &[
                "x kubernetes.default.svc can serve as kubernetes.default.svc, and so in the place of the API server :4",
                "= kubernetes.default.svc joins as a worker :4",
            ],
        ),
        (
            "another worker's address",
            "node \"w1\"",
            "node \"w2\" address=\"10.0.1.2\" san=\"10.0.1.1\"\nnode \"w1\"",
            &[
                "x kubelet-server can serve as 10.0.1.1, and so in the place of node w1 :4",
                "= w2 joins as a worker :4",
            ],
        ),
        (
            "its own address on the node's own certificate",
            "certificate \"web\"",
            "certificate \"exporter\" { san \"10.0.1.1\"; node \"w1\" }\ncertificate \"web\"",
            &["= exporter is a new server :8"],
        ),
        (
            "another private address of a worker",
            "address=\"10.0.1.1\"",
            "address=\"10.0.1.9\"",
            &[],
        ),
    ] {
        let found = changes(&after(old, new).plan());
        if found != expected {
            wrong.push(format!("{what}: {found:#?} instead of {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Its group was bound to everything before.
#[test]
fn somebody_new_has_the_roles_of_their_group() {
    let bound = edited(
        CLUSTER,
        "cluster-role=\"view\" namespace=\"dev\"",
        "cluster-role=\"cluster-admin\" group=\"dev\"",
    );
    let mut project = MemoryProject::applied(&bound);
    project.description.push_str("user \"ann\" { group \"dev\" }\n");
    assert_eq!(
        changes(&project.plan()),
        ["x ann is new: ann, in dev, by its group bound to cluster-admin :9"]
    );
}

/// A foreign certificate in the tree of a node makes it no node that was here before.
#[test]
fn a_forged_node_is_no_known_node() {
    let mut project = after(
        "node \"w1\"",
        "node \"cp2\" role=\"control-plane\" address=\"10.0.0.2\"\nnode \"w1\"",
    );
    let honest = changes(&project.plan());
    assert_eq!(honest.len(), 1);
    let other = MemoryProject::applied(&project.description);
    let path = "nodes/cp2/etc/kubernetes/pki/apiserver.crt";
    project.out.insert(path.into(), other.out[path].clone());
    assert_eq!(changes(&project.plan()), honest);
    // Nor is a worker of ours whose tree holds another cluster's API server.
    let mut project = after("node \"w1\"", "node \"w1\" role=\"control-plane\"");
    let honest = changes(&project.plan());
    let path = "nodes/w1/etc/kubernetes/pki/apiserver.crt";
    project
        .out
        .insert(path.into(), other.out["nodes/cp2/etc/kubernetes/pki/apiserver.crt"].clone());
    assert_eq!(changes(&project.plan()), honest);
}

/// The lock claims that kubeconfigs lead there already.
#[test]
fn a_private_endpoint_is_told_whatever_the_lock_says() {
    let mut project = after("10.0.0.100", "10.66.6.6");
    let mut lock = project.lock();
    for entry in lock.entries.values_mut() {
        if entry.server.is_some() {
            entry.server = Some("https://10.66.6.6:6443".into());
        }
    }
    project.lock = Some(lock::render(&lock));
    assert_eq!(changes(&project.plan()), ["x apiserver can serve as 10.66.6.6 :2"]);
}

/// Who had the key of a client's certificate on one machine has it on two.
#[test]
fn a_client_s_key_on_one_more_machine() {
    let backup = "certificate \"backup\" { ca \"etcd\"; usage \"client\"; node \"cp1\" }\n";
    let mut project = MemoryProject::applied(&format!("{CLUSTER}{backup}"));
    project.description = edited(&project.description, "node \"cp1\" }", "node \"cp1\" \"w1\" }");
    assert_eq!(changes(&project.plan()), ["x backup has its key on w1 from now on :9"]);
    // A public copy put there hides nothing from whoever has the keys.
    let copy = project.out["nodes/cp1/etc/kubernetes/pki/backup.crt"].clone();
    project.out.insert("nodes/w1/etc/kubernetes/pki/backup.crt".into(), copy);
    assert_eq!(changes(&project.plan()), ["x backup has its key on w1 from now on :9"]);
}

/// A brought CA whose certificate was another, or is gone.
#[test]
fn a_brought_ca_is_told_whatever_is_here() {
    let bring = "ca \"front-proxy\" certificate=\"proxy.crt\"\n";
    let mut project = MemoryProject::applied(CLUSTER);
    let own = project.out["ca/front-proxy.crt"].0.clone();
    project.extra.insert("proxy.crt".into(), own);
    project.description.push_str(bring);
    project.apply().unwrap();
    project.assert_converged();
    // The same key with other constraints.
    let mut longer = project.clone();
    longer.description = CLUSTER.to_owned();
    let renew = Intent { renew: vec!["ca/front-proxy".parse().unwrap()], ..Intent::default() };
    longer.later(Span::days(1));
    longer.apply_with(&renew, false).unwrap();
    let other = longer.out["ca/front-proxy.crt"].0.clone();
    project.extra.insert("proxy.crt".into(), other);
    assert_eq!(
        changes(&project.plan()),
        [
            "x front-proxy has another certificate over the same key: it may be good for more than before :9"
        ]
    );
    // Another CA, and no file that says what was trusted before.
    let foreign = MemoryProject::applied(CLUSTER).out["ca/front-proxy.crt"].0.clone();
    project.extra.insert("proxy.crt".into(), foreign);
    project.out.retain(|path, _| !path.contains("front-proxy"));
    let mut lock = project.lock();
    lock.entries.retain(|name, _| {
        !name.as_str().ends_with("front-proxy") || name.as_str() == "ca/front-proxy"
    });
    lock.entries.get_mut("ca/front-proxy").unwrap().public_key = None;
    project.lock = Some(lock::render(&lock));
    let found = changes(&project.plan());
    assert!(found.contains(&"x front-proxy is a new root of trust :9".to_owned()), "{found:#?}");
}

/// However an operator's manifest writes it, and in whichever container.
#[test]
fn an_image_is_told_in_every_form_that_yaml_has() {
    let own = MemoryProject::applied(CLUSTER);
    let folder = "nodes/cp1/etc/kubernetes/manifests/";
    let mut project = own.clone();
    for (path, (bytes, _)) in &own.out {
        if let Some(file) = path.strip_prefix(folder) {
            project.extra.insert(format!("manifests/{file}"), bytes.clone());
        }
    }
    project.description.push_str("manifests \"manifests/\"\n");
    let file = "manifests/kube-scheduler.yaml";
    let text = String::from_utf8(project.extra[file].clone()).unwrap();
    let line = text.lines().find(|line| line.contains("image: ")).unwrap();
    let containers = "  containers:\n";
    for (what, old, new) in [
        ("plain", line, "    image: evil.example/s:1"),
        ("a quoted key", line, "    \"image\": evil.example/s:1"),
        ("space", line, "    image :   'evil.example/s:1@sha256:00'"),
        (
            "before the process starts",
            containers,
            "  initContainers: [{name: first, image: \"evil.example:443/s\"}]\n  containers:\n",
        ),
        (
            "beside it",
            containers,
            "  containers:\n  - {\"name\": other, \"image\": evil.example/s}\n",
        ),
    ] {
        let changed = edited(&text, old, new).into_bytes();
        project.extra.insert(file.into(), changed);
        let found = changes(&project.plan());
        assert!(
            found.iter().any(|line| line.starts_with("x scheduler runs evil.example")),
            "{what}: {found:#?}"
        );
    }
}

#[test]
fn flags_and_images_of_static_pods() {
    let end = "user \"jane\"";
    let mut wrong = Vec::new();
    for (what, line, expected) in [
        (
            "everybody may do everything",
            "component \"apiserver\" { flag \"authorization-mode\" \"AlwaysAllow\" }",
            &[
                "x apiserver runs with --authorization-mode=AlwaysAllow, ran with --authorization-mode=Node,RBAC :6",
            ][..],
        ),
        (
            "whoever has a line of a file",
            "component \"apiserver\" { flag \"token-auth-file\" \"/etc/tokens\" }",
            &[
                "x apiserver runs with --token-auth-file=/etc/tokens, ran without --token-auth-file :6",
            ],
        ),
        (
            "etcd open to all",
            "component \"etcd\" { flag \"client-cert-auth\" \"false\" }",
            &["x etcd runs with --client-cert-auth=false, ran with --client-cert-auth=true :6"],
        ),
        (
            "another's image",
            "component \"etcd\" image=\"registry.example.com/etcd:3.6.8-0\"",
            &[
                "x etcd runs registry.example.com/etcd:3.6.8-0 in container etcd, ran registry.k8s.io/etcd:3.6.8-0 :6",
            ],
        ),
        (
            "an audit log",
            "component \"apiserver\" { flag \"audit-log-path\" \"/var/log/audit.log\" }",
            &[],
        ),
    ] {
        let mut project = after(end, &format!("{line}\n{end}"));
        let found = changes(&project.plan());
        if found != expected {
            wrong.push(format!("{what}: {found:#?} instead of {expected:#?}"));
        }
        // Once is enough: the next change of the same process is no gain.
        project.apply().unwrap();
        project.description.push_str("component \"scheduler\" { flag \"v\" \"2\" }\n");
        project.description = edited(
            &project.description,
            "cluster \"lab\" {",
            "cluster \"lab\" { kubernetes \"1.36.1\";",
        );
        let again = changes(&project.plan());
        let about: Vec<_> =
            again.iter().filter(|line| line.starts_with('x') && line.contains(" runs ")).collect();
        assert!(about.is_empty(), "{what}: {about:#?}");
        // Nor where one more node runs it.
        project.description.push_str("node \"cp2\" role=\"control-plane\" address=\"10.0.0.2\"\n");
        let again = changes(&project.plan());
        let about: Vec<_> = again.iter().filter(|line| line.contains(" runs ")).collect();
        assert!(about.is_empty(), "{what}: {about:#?}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_brought_ca_obeys_the_policy_and_wildcards_cover_what_is_forbidden() {
    let mut project = MemoryProject::applied(CLUSTER);
    project.extra.insert("proxy.crt".into(), project.out["ca/front-proxy.crt"].0.clone());
    project.description.push_str("ca \"front-proxy\" certificate=\"proxy.crt\"\n");
    project.description = edited(&project.description, "\"web.lab\"", "\"*.web.lab\"");
    let rules = "min-key \"ecdsa-p384\"; except \"nodes/*\" \"users/*\" \"ca/kubernetes\" \"ca/etcd\" \"service-account\"";
    let planned =
        with_policy(&project, &format!("policy {{ {rules}; forbid-san \"api.web.lab\" }}"));
    let found: Vec<&str> =
        planned.review.violations.iter().map(|found| found.what.as_str()).collect();
    assert_eq!(
        found,
        ["has a key of ecdsa-p256, ecdsa-p384 is the least", "has the forbidden name *.web.lab"]
    );
    let artifacts = planned.review.violations[0].artifacts.iter().map(ToString::to_string);
    assert!(artifacts.collect::<Vec<_>>().contains(&"ca/front-proxy".to_owned()));
}

/// Four hundred changes that stop, and one that is the cluster.
#[test]
fn the_gravest_stands_first() {
    let mut project = MemoryProject::applied(CLUSTER);
    let groups = (0..40).map(|n| format!("user \"u{n}\" {{ group \"dev\" }}\n"));
    project.description.push_str(&groups.collect::<String>());
    project.description.push_str("user \"zoe\" { group \"dev\" }\n");
    project.apply().unwrap();
    project.description =
        project.description.replace("{ group \"dev\" }", "{ group \"dev\" \"ops\" }");
    let zoe = "user \"zoe\" { group \"dev\" \"ops\"";
    project.description =
        edited(&project.description, zoe, &format!("{zoe} \"kubeadm:cluster-admins\""));
    let found = changes(&project.plan());
    assert_eq!(found.len(), 42);
    assert!(found[0].starts_with("x zoe gains the group kubeadm:cluster-admins"), "{found:#?}");
    assert!(found[1].starts_with("x zoe gains the group ops"), "{found:#?}");
}
