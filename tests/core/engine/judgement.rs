//! Single judgements that a table of changes does not show: time, absence, damage, merges.

use kpki::plan::{Action, Intent, Note, Orphan};
use kpki::time::Span;

use crate::testkit::memory_project::MemoryProject;

const MINIMAL: &str =
    "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n";

#[test]
fn a_leaf_renews_in_its_window_and_keeps_its_key() {
    let mut project = MemoryProject::applied(MINIMAL);
    let before = project.clone();
    project.later(Span::days(334));
    assert!(project.plan().plan.is_empty());
    project.later(Span::days(2));
    let planned = project.plan();
    let steps = planned.steps();
    assert!(steps.contains(&"Reissue nodes/cp1/apiserver".to_owned()), "{steps:?}");
    assert!(!steps.iter().any(|step| step.contains("ca/")), "{steps:?}");
    project.apply().unwrap();
    project.assert_converged();
    assert_eq!(before.out["ca/kubernetes.crt"], project.out["ca/kubernetes.crt"]);
    let key = "nodes/cp1/etc/kubernetes/pki/apiserver.key";
    assert_eq!(before.out[key], project.out[key]);
}

/// DESIGN: a CA renews when less is left than its longest leaf needs, with the same key, and nothing that it
/// issued is issued again for that.
#[test]
fn a_ca_renews_before_its_leaves_would_outlive_it() {
    let description = format!("{MINIMAL}ca \"kubernetes\" validity=\"3y\"\n");
    let mut project = MemoryProject::applied(&description);
    let before = project.clone();
    // 3 years less 395 days: the last moment at which a year's leaf and its window fit.
    project.later(Span::days(3 * 365 - 395 + 1));
    let steps = project.plan().steps();
    assert!(steps.contains(&"Reissue ca/kubernetes".to_owned()), "{steps:?}");
    assert!(steps.contains(&"Render bundle/kubernetes".to_owned()), "{steps:?}");
    project.apply().unwrap();
    project.assert_converged();
    assert_eq!(before.out["ca/kubernetes.key"], project.out["ca/kubernetes.key"]);
    assert_ne!(before.out["ca/kubernetes.crt"], project.out["ca/kubernetes.crt"]);
}

#[test]
fn a_leaf_never_outlives_its_ca_silently() {
    let description = format!("{MINIMAL}ca \"etcd\" validity=\"30d\"\n");
    let project = MemoryProject::new(&description);
    let planned = project.plan();
    let clamped =
        planned.plan.notes.iter().filter(|note| matches!(note, Note::Clamped { .. })).count();
    // apiserver-etcd-client, server, peer, healthcheck-client
    assert_eq!(clamped, 4);
}

#[test]
fn an_absent_key_plans_nothing_until_it_is_needed() {
    let mut project = MemoryProject::applied(MINIMAL);
    project.out.retain(|path, _| kpki::state::is_public(path));
    let planned = project.plan();
    assert!(planned.plan.is_empty());
    assert!(planned.plan.absent.len() > 10);
    // A changed SAN needs the CA's signature.
    project.description.push_str("component \"apiserver\" { san \"b.lab\" }\n");
    assert_eq!(project.plan().blocked(), ["ca/kubernetes replace:ca/kubernetes"]);
    assert!(project.apply().is_err());
}

/// A colleague with the CA key but without the nodes' keys renews what needs no private key.
#[test]
fn a_certificate_is_reissued_over_the_public_key_alone() {
    let mut project = MemoryProject::applied(MINIMAL);
    project.out.remove("nodes/cp1/etc/kubernetes/pki/apiserver.key");
    project.description.push_str("component \"apiserver\" { san \"b.lab\" }\n");
    assert_eq!(project.plan().steps(), ["Reissue nodes/cp1/apiserver"]);
    project.apply().unwrap();
    project.assert_converged();
}

#[test]
fn a_kubeconfig_needs_its_key() {
    let with_worker = format!("{MINIMAL}node \"w1\" address=\"10.0.0.21\"\n");
    let mut project = MemoryProject::applied(&with_worker);
    project.out.remove("nodes/w1/etc/kubernetes/kubelet.conf");
    project.assert_converged();
    project.description =
        with_worker.replace("cluster \"lab\"", "cluster \"lab\" { endpoint \"api.lab\" }");
    // Its server changed: a reviewer must see that, with the key or without.
    let blocked = project.plan().blocked();
    assert_eq!(blocked, ["nodes/w1/kubelet.conf lost-key:nodes/w1/kubelet"]);
    project.description.clone_from(&with_worker);
    project.assert_converged();
    // A new certificate would need a new kubeconfig, and its key is not here.
    let intent = Intent { renew: vec!["nodes/w1/kubelet".parse().unwrap()], ..Intent::default() };
    let blocked = project.plan_with(&intent).blocked();
    assert_eq!(blocked, ["nodes/w1/kubelet lost-key:nodes/w1/kubelet"]);
    let intent = Intent { allow: vec!["lost-key:nodes/w1/kubelet".parse().unwrap()], ..intent };
    project.apply_with(&intent, false).unwrap();
    project.assert_converged();
    assert!(project.out.contains_key("nodes/w1/etc/kubernetes/kubelet.conf"));
}

#[test]
fn a_damaged_copy_is_repaired_from_the_master_without_touching_a_key() {
    let project = MemoryProject::applied(MINIMAL);
    let before = project.clone();
    for path in [
        "nodes/cp1/etc/kubernetes/pki/ca.crt",
        "nodes/cp1/etc/kubernetes/pki/sa.pub",
        "nodes/cp1/etc/kubernetes/pki/ca.key",
        "cluster/cluster-role-bindings.yaml",
    ] {
        let mut damaged = before.clone();
        damaged.out.get_mut(path).unwrap().0 = b"damaged\n".to_vec();
        assert!(!damaged.plan().plan.is_empty(), "{path}");
        damaged.apply().unwrap();
        assert_eq!(before.out, damaged.out, "{path}");
    }
    // The master itself comes back from a node's copy.
    for path in ["ca/kubernetes.crt", "ca/kubernetes.key", "ca/sa.pub", "ca/sa.key", "ca/etcd.crt"]
    {
        let mut damaged = before.clone();
        damaged.out.remove(path);
        damaged.apply().unwrap();
        assert_eq!(before.out, damaged.out, "{path}");
    }
    project.assert_converged();
}

#[test]
fn a_modified_kubeconfig_is_written_again_around_the_same_key() {
    let mut project = MemoryProject::applied(MINIMAL);
    let before = project.clone();
    let path = "nodes/cp1/etc/kubernetes/admin.conf";
    let text = String::from_utf8(before.out[path].0.clone()).unwrap();
    project.out.get_mut(path).unwrap().0 =
        text.replace("server: https://10.0.0.11:6443", "server: https://evil:6443").into_bytes();
    project.apply().unwrap();
    assert_eq!(before.out, project.out);
}

#[test]
fn a_wrong_key_is_named_and_never_used() {
    let mut project = MemoryProject::applied(MINIMAL);
    let other = MemoryProject::applied(MINIMAL);
    let key = "ca/kubernetes.key";
    project.out.insert(key.into(), other.out[key].clone());
    project.out.remove("nodes/cp1/etc/kubernetes/pki/ca.key");
    project.description.push_str("component \"apiserver\" { san \"b.lab\" }\n");
    let before = project.out.clone();
    let error = project.apply().unwrap_err();
    assert!(
        error.to_string().contains("out/ca/kubernetes.key does not hold the private key"),
        "{error}"
    );
    assert_eq!(before, project.out);
}

/// One side's certificate beside the other side's lock.
#[test]
fn a_bad_merge_is_refused_by_name() {
    let mut project = MemoryProject::applied(MINIMAL);
    let other = MemoryProject::applied(MINIMAL);
    let path = "nodes/cp1/etc/kubernetes/pki/apiserver.crt";
    project.out.insert(path.into(), other.out[path].clone());
    let planned = project.plan();
    let mixed: Vec<_> =
        planned.plan.key_mismatches.iter().map(|mixed| mixed.path.as_str()).collect();
    assert_eq!(mixed, [path]);
    assert!(project.apply().is_err());
    let intent =
        Intent { rekey: vec!["nodes/cp1/apiserver".parse().unwrap()], ..Intent::default() };
    project.apply_with(&intent, false).unwrap();
    project.assert_converged();
}

#[test]
fn orphans_stay_until_they_are_pruned() {
    let with = format!("{MINIMAL}node \"w1\" address=\"10.0.0.21\"\n");
    let mut project = MemoryProject::applied(&with);
    project.out.insert("nodes/README".into(), (b"mine".to_vec(), 0o644));
    project.description = MINIMAL.into();
    project.apply().unwrap();
    project.assert_converged();
    let planned = project.plan();
    assert_eq!(planned.plan.foreign, ["nodes/README"]);
    let files =
        planned.plan.orphans.iter().filter(|orphan| matches!(orphan, Orphan::File { .. })).count();
    // ca.crt, kubelet.conf, the witness
    assert_eq!(files, 3);
    // It may come back with the files that it had; that it had left is told.
    let mut back = project.clone();
    back.description = with;
    let planned = back.plan();
    assert!(!planned.plan.steps.is_empty());
    assert!(planned.plan.steps.iter().all(|step| step.action == Action::Record));
    let out = back.out.clone();
    back.apply().unwrap();
    back.assert_converged();
    assert_eq!(back.out, out);
    project.apply_with(&Intent::default(), true).unwrap();
    project.assert_converged();
    assert!(project.plan().plan.orphans.is_empty());
    assert!(!project.out.keys().any(|path| path.starts_with("nodes/w1")));
    assert!(project.out.contains_key("nodes/README"));
}

#[test]
fn exposed_secrets_get_their_mode_back() {
    let mut project = MemoryProject::applied(MINIMAL);
    let before = project.clone();
    project.out.get_mut("ca/kubernetes.key").unwrap().1 = 0o644;
    project.out.get_mut("nodes/cp1/etc/kubernetes/admin.conf").unwrap().1 = 0o640;
    let planned = project.plan();
    assert!(planned.plan.steps.iter().all(|step| step.action == Action::Repair));
    assert_eq!(planned.plan.steps.len(), 2);
    project.apply().unwrap();
    assert_eq!(before.out, project.out);
}

#[test]
fn renew_and_rekey_do_what_they_say() {
    let base = MemoryProject::applied(MINIMAL);
    let (key, crt) = (
        "nodes/cp1/etc/kubernetes/pki/apiserver.key",
        "nodes/cp1/etc/kubernetes/pki/apiserver.crt",
    );
    let pattern = vec!["nodes/cp1/apiserver".parse().unwrap()];
    let mut renewed = base.clone();
    let intent = Intent { renew: pattern.clone(), ..Intent::default() };
    renewed.apply_with(&intent, false).unwrap();
    assert_eq!(base.out[key], renewed.out[key]);
    assert_ne!(base.out[crt], renewed.out[crt]);
    let mut rekeyed = base.clone();
    let intent = Intent { rekey: pattern, ..Intent::default() };
    rekeyed.apply_with(&intent, false).unwrap();
    assert_ne!(base.out[key], rekeyed.out[key]);
    rekeyed.assert_converged();
}

/// The patch that a minor was resolved to stands in the lock: a newer kpki that knows newer patches must not
/// reissue for that.
#[test]
fn a_resolved_minor_stays_resolved() {
    let mut project = MemoryProject::applied(
        &MINIMAL.replace("cluster \"lab\"", "cluster \"lab\" { kubernetes \"1.35\" }"),
    );
    project.assert_converged();
    // As an older kpki, whose table ended with 1.35.4, would have left it.
    let mut older = MemoryProject::applied(
        &MINIMAL.replace("cluster \"lab\"", "cluster \"lab\" { kubernetes \"1.35.4\" }"),
    );
    older.description = project.description.clone();
    older.assert_converged();
    // Written in full, the description decides.
    project.description = older.description.replace("1.35", "1.35.4");
    assert!(!project.plan().plan.is_empty());
}

const APISERVER_KEY: &str = "nodes/cp1/etc/kubernetes/pki/apiserver.key";
const APISERVER_CRT: &str = "nodes/cp1/etc/kubernetes/pki/apiserver.crt";

fn allowing(text: &str) -> Intent {
    Intent { allow: vec![text.parse().unwrap()], ..Intent::default() }
}

/// Whatever there is, of every recipe.
#[test]
fn a_lost_lock_writes_no_file() {
    let mut project = MemoryProject::applied(
        r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab.internal:6443" }
node "cp1" role="control-plane" address="10.0.0.11"
node "w1" address="10.0.0.21"
component "kubelet" config=#true
user "jane" { bind cluster-role="view" }
user "joe" { via "csr" }
"#,
    );
    project.lock = None;
    let planned = project.plan();
    for step in &planned.plan.steps {
        let name = &planned.graph.get(step.derivation).name;
        assert_eq!((step.action, step.writes.as_slice()), (Action::Record, &[][..]), "{name}");
    }
    // All but the certificate that joe waits for and the kubeconfig around it.
    assert_eq!(planned.plan.steps.len(), planned.graph.len() - 2);
}

/// A brought CA stands in the lock as every other: the plan after an apply is empty.
#[test]
fn a_brought_ca_converges_and_its_key_is_only_read() {
    let own = MemoryProject::applied(MINIMAL);
    let mut project =
        MemoryProject::new(&format!("{MINIMAL}ca \"front-proxy\" certificate=\"company.crt\" \n"));
    let certificate = own.out["ca/front-proxy.crt"].0.clone();
    project.extra.insert("company.crt".into(), certificate.clone());
    assert_eq!(project.plan().blocked(), ["ca/front-proxy -"]);
    let key = own.out["ca/front-proxy.key"].clone();
    project.out.insert("ca/front-proxy.key".into(), key.clone());
    project.apply().unwrap();
    project.assert_converged();
    assert_eq!(project.out["ca/front-proxy.crt"].0, certificate);
    assert_eq!(project.out["ca/front-proxy.key"], key);
    project.lock = None;
    project.apply().unwrap();
    project.assert_converged();
}

/// Who asks for a new key after a leak must get one, whatever else is lost.
#[test]
fn a_new_key_is_made_without_the_certificate_too() {
    let base = MemoryProject::applied(MINIMAL);
    let mut project = base.clone();
    project.out.remove(APISERVER_CRT);
    let intent =
        Intent { rekey: vec!["nodes/cp1/apiserver".parse().unwrap()], ..Intent::default() };
    project.apply_with(&intent, false).unwrap();
    project.assert_converged();
    assert_ne!(base.out[APISERVER_KEY], project.out[APISERVER_KEY]);
    for change in ["revision=2", "key=\"ecdsa-p384\""] {
        let mut project = base.clone();
        project.out.remove(APISERVER_CRT);
        project.description = format!("{MINIMAL}component \"apiserver\" {change}\n");
        project.apply().unwrap();
        project.assert_converged();
        assert_ne!(base.out[APISERVER_KEY], project.out[APISERVER_KEY], "{change}");
    }
}

/// An anchor whose public half is lost is still the one on record.
#[test]
fn an_anchor_is_not_changed_behind_a_lost_certificate() {
    let base = MemoryProject::applied(MINIMAL);
    for (lost, change, name) in [
        ("/sa.pub", "component \"service-account\" revision=2", "service-account"),
        ("etcd", "ca \"etcd\" revision=2", "ca/etcd"),
        ("etcd", "ca \"etcd\" common-name=\"other\"", "ca/etcd"),
    ] {
        let mut project = base.clone();
        let certificates = ["ca/etcd.crt", "nodes/cp1/etc/kubernetes/pki/etcd/ca.crt"];
        project.out.retain(|path, _| {
            !(path.ends_with(lost) || lost == "etcd" && certificates.contains(&path.as_str()))
        });
        project.description = format!("{MINIMAL}{change}\n");
        assert_eq!(project.plan().blocked(), [format!("{name} replace:{name}")], "{change}");
        let mut allowed = project.clone();
        allowed.apply_with(&allowing(&format!("replace:{name}")), false).unwrap();
        allowed.assert_converged();
    }
}

/// A permission that a refusal asked for is enough.
#[test]
fn what_a_refusal_asks_for_is_enough() {
    let base = MemoryProject::applied(MINIMAL);
    let mut project = base.clone();
    project.out.remove("ca/kubernetes.key");
    project.out.remove("nodes/cp1/etc/kubernetes/pki/ca.key");
    project.description = format!("{MINIMAL}component \"apiserver\" {{ san \"b.lab\" }}\n");
    let blocked = project.plan().blocked();
    assert_eq!(blocked, ["ca/kubernetes replace:ca/kubernetes"]);
    project.apply_with(&allowing("replace:ca/kubernetes"), false).unwrap();
    project.assert_converged();
    let mut project = base.clone();
    project.out.get_mut("nodes/cp1/etc/kubernetes/admin.conf").unwrap().0.clear();
    let blocked = project.plan().blocked();
    assert_eq!(blocked, ["nodes/cp1/admin.conf lost-key:nodes/cp1/admin"]);
    project.apply_with(&allowing("lost-key:nodes/cp1/admin"), false).unwrap();
    project.assert_converged();
}
