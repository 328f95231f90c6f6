//! What only the cluster itself can take away: the roles of who leaves, and the name that clients dial.

use crate::testkit::FolderProject;

const LAB: &str = r#"
cluster "lab" { endpoint "api.lab:6443" }
node "cp1" role="control-plane" address="10.0.0.11"
user "jane" { bind cluster-role="view"; bind cluster-role="edit" namespace="web"; }
"#;

const BOB: &str = r#"user "bob" { group "dev"; bind cluster-role="view"; bind role="ops" namespace="web"; }
"#;

fn with_bob() -> FolderProject {
    FolderProject::described(&format!("{LAB}{BOB}")).applied()
}

#[test]
fn a_leaver_is_locked_out_before_the_files_go() {
    let project = with_bob();
    project.describe(LAB);
    let text = project.says("plan");
    let lines = [
        "bob: to take the roles away now, before --prune\n  kubectl delete -k out/users/bob\n",
        "  the certificate of O=dev, CN=bob is good until 20",
    ];
    for line in lines {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(project.path("out/users/bob/kustomization.yaml").exists());
    let comment = project.says("plan --format markdown");
    assert!(
        comment.contains("<details><summary>What only the cluster can take away</summary>"),
        "{comment}"
    );
    assert!(comment.contains("bob: kubectl delete -k out/users/bob\n"), "{comment}");
    // Its record goes with the files, and so do the words: that is why they name each object.
    let text = project.says("apply --prune");
    let lines = [
        "  kubectl delete clusterrolebinding kpki:bob:cluster-role:view\n",
        "  kubectl delete rolebinding --namespace=web kpki:bob:role:ops\n",
    ];
    for line in lines {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("kubectl delete -k"), "{text}");
    let text = project.says("plan --detailed-exitcode");
    assert!(text.contains("nothing to do"), "{text}");
}

/// A file that goes deletes nothing in the cluster: what must be deleted there is kept until it is.
#[test]
fn bindings_that_the_cluster_must_lose_are_kept() {
    const KEPT: &str = "cluster/removed-bindings.yaml";
    let project = with_bob();
    let rbac = project.read("users/bob/rbac.yaml");
    let described = |text: &str| {
        project.describe(text);
        let consent: &[&str] =
            if text.contains("bob") { &["--allow", "escalation:bob"] } else { &[] };
        project.done(&[&["apply", "--prune"], consent].concat());
        project.says("plan --detailed-exitcode")
    };
    let plan = described(LAB);
    let note = "out/cluster/removed-bindings.yaml holds 2 role bindings that nothing describes any more: \
                kubectl delete --ignore-not-found -f out/cluster/removed-bindings.yaml takes the roles away, \
                then delete the file";
    assert!(plan.replace("\n  ", " ").contains(note), "{plan}");
    // Byte for byte what kubectl was given, whatever order.
    let documents = |text: &str| {
        let all = text.split("---\n").filter(|document| !document.starts_with('#'));
        all.map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(documents(&project.read(KEPT)), documents(&rbac));

    // One role less of somebody who stays comes to them.
    described(&LAB.replace(" bind cluster-role=\"edit\" namespace=\"web\";", ""));
    let kept = project.read(KEPT);
    assert_eq!(documents(&kept).len(), 3);
    assert!(kept.contains("name: kpki:jane:cluster-role:edit"), "{kept}");
    // What is described again must not be deleted.
    described(&format!("{LAB}{}", BOB.replace("group \"dev\"; ", "")));
    assert!(!project.path(&format!("out/{KEPT}")).exists());

    // Nothing but a binding of ours is ever handed on, and what cannot be read is left alone.
    described(LAB);
    let ours = project.read(KEPT);
    let strange = ours.replace("name: kpki:bob:role:ops", "name: system:node");
    project.write(&format!("out/{KEPT}"), &strange);
    let plan = project.says("plan").replace("\n  ", " ");
    assert!(plan.contains("is out of date: kpki apply first"), "{plan}");
    project.done(&["apply"]);
    assert_eq!(documents(&project.read(KEPT)).len(), 1);
    // A binding that is described must not go, whoever put it there.
    let janes = project.read("users/jane/rbac.yaml");
    project.write(&format!("out/{KEPT}"), format!("{ours}---\n{janes}"));
    let plan = project.says("plan").replace("\n  ", " ");
    assert!(plan.contains("is out of date: kpki apply first"), "{plan}");
    project.done(&["apply"]);
    assert_eq!(project.read(KEPT), ours);
    // Other objects, also behind a separator that only YAML knows, are nothing of ours.
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: kpki:x\n";
    for strange in [
        "{".to_owned(),
        format!("{ours}---\n{namespace}"),
        format!("{ours}--- \n{namespace}"),
        format!("{ours}--- # and\n{namespace}"),
        format!("{ours}...\n{namespace}"),
        ours.replace("kind: ClusterRoleBinding", "kind: ClusterRole"),
    ] {
        assert_ne!(strange, ours);
        project.write(&format!("out/{KEPT}"), &strange);
        project.done(&["apply"]);
        assert_eq!(project.read(KEPT), strange);
        let plan = project.says("plan --detailed-exitcode");
        assert!(plan.contains("is not as kpki wrote it"), "{strange}\n{plan}");
    }
}

/// The objects are those that the files made, whatever a YAML reader thinks.
#[test]
fn each_binding_of_the_files_is_named() {
    let project = with_bob();
    let rbac = project.read("users/bob/rbac.yaml");
    let names = rbac.lines().filter_map(|line| line.strip_prefix("  name: "));
    let names: Vec<&str> = names.filter(|name| name.contains("kpki:")).collect();
    assert_eq!(names.len(), 2);
    project.describe(LAB);
    let plan = project.json(&["plan"]);
    let leaver = &plan["leavers"][0];
    let commands = leaver["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 2);
    for name in names {
        let mut named = commands.iter();
        let is_named =
            named.any(|command| command.as_str().unwrap().ends_with(name.trim_matches('"')));
        assert!(is_named, "{name}");
    }
}

/// Whoever stays keeps a role in the cluster that the file no longer has.
#[test]
fn a_role_that_is_taken_from_somebody_who_stays() {
    let project = with_bob();
    project.edit("cluster.kdl", "; bind cluster-role=\"edit\" namespace=\"web\"", "");
    let line = "jane: to take the roles away in the cluster\n  kubectl delete rolebinding --namespace=web \
                kpki:jane:cluster-role:edit\n";
    for command in ["plan", "apply"] {
        let text = project.says(command);
        assert!(text.contains(line), "{text}");
        assert!(!text.contains("certificate of"), "{text}");
        assert!(!text.contains("cluster-role:view"), "{text}");
    }
    assert!(!project.says("plan").contains("jane: "));
    // All of them: the file itself goes.
    project.edit("cluster.kdl", "bind cluster-role=\"view\"; }\nuser \"bob\"", "}\nuser \"bob\"");
    let text = project.says("plan");
    assert!(
        text.contains("  kubectl delete clusterrolebinding kpki:jane:cluster-role:view\n"),
        "{text}"
    );
}

/// Another name in the description makes other objects.
#[test]
fn a_user_who_is_called_otherwise() {
    let project = with_bob();
    project.describe(&format!("{LAB}{}", BOB.replace("\"bob\"", "\"robert\"")));
    let text = project.says("plan");
    assert!(text.contains("  kubectl delete -k out/users/bob\n"), "{text}");
    assert!(!text.contains("kpki:robert"), "{text}");
}

/// No file of somebody else's becomes a command.
#[test]
fn bindings_that_kpki_did_not_write_are_not_read() {
    let project = with_bob();
    project.describe(LAB);
    let rbac = project.read("users/bob/rbac.yaml");
    project.write("out/users/bob/rbac.yaml", rbac.replace("kpki:bob", "kpki:bob; reboot"));
    assert!(!project.says("plan").contains("reboot"));
    let rbac = project.read("users/jane/rbac.yaml");
    project.write("out/users/jane/rbac.yaml", rbac.replace("kpki:jane", "cluster-admin"));
    assert!(!project.says("plan").contains("kubectl delete clusterrolebinding"));
}

#[test]
fn masters_are_held_by_no_binding() {
    let masters = "user \"root\" { group \"system:masters\"; allow-masters #true; }\n";
    let project = FolderProject::described(&format!("{LAB}{masters}")).applied();
    project.describe(LAB);
    let text = project.says("plan");
    let says =
        "no binding holds system:masters back, so only another CA key (--rekey ca/kubernetes) does";
    assert!(text.contains(says), "{text}");
}

const NOTE: &str = "note: clients still dial";

#[test]
fn a_name_that_clients_dial_and_the_api_server_loses() {
    let keep = |name: &str| format!("component \"apiserver\" {{ san \"{name}\" }}\n");
    for (from, to, more, told) in [
        // Another endpoint.
        ("api.lab:6443", "api.new:6443", String::new(), Some("api.lab")),
        // The same, and the old name stays.
        ("api.lab:6443", "api.new:6443", keep("api.lab"), None),
        // Another port is no other name.
        ("api.lab:6443", "api.lab:7443", String::new(), None),
        // The address that the node's own kubeconfigs dial.
        ("10.0.0.11", "10.0.0.12", String::new(), Some("10.0.0.11")),
    ] {
        let project = FolderProject::described(LAB).applied();
        project.describe(&(LAB.replace(from, to) + &more));
        let text = project.says("plan");
        let note = told.map(|name| {
            format!(
                "{NOTE} {name} until their kubeconfigs are replaced, and the API server's certificate loses it: \
                 keep it so long with component \"apiserver\" {{ san \"{name}\" }}\n"
            )
        });
        match note {
            Some(note) => assert!(text.contains(&note), "{to}\n{text}"),
            None => assert!(!text.contains(NOTE), "{to}\n{text}"),
        }
    }
}

/// What nobody here dialled may go in silence.
#[test]
fn a_name_that_no_kubeconfig_has() {
    let with = format!("{LAB}component \"apiserver\" {{ san \"other.lab\" }}\n");
    let project = FolderProject::described(&with).applied();
    project.describe(LAB);
    let text = project.says("plan");
    assert!(text.contains("san: -other.lab") && !text.contains(NOTE), "{text}");
}

/// An endpoint of IPv6, and a node that had none.
#[test]
fn names_of_other_kinds() {
    let six = LAB.replace("api.lab:6443", "[fd00::10]:6443");
    let project = FolderProject::described(&six).applied();
    project.describe(LAB);
    let text = project.says("plan");
    assert!(text.contains(&format!("{NOTE} fd00::10 until")), "{text}");
    let none = LAB.replace(" { endpoint \"api.lab:6443\" }", "");
    let project = FolderProject::described(&none).applied();
    project.describe(LAB);
    let text = project.says("plan");
    assert!(!text.contains(NOTE), "{text}");
}
