//! Losses that are gains for somebody: older versions, fewer checks, earlier keys, fewer roots of trust.

use kpki::config::load_policy;
use kpki::plan::Intent;
use kpki::sources::Sources;

use super::privileges::changes;
use crate::testkit::memory_project::MemoryProject;

const CLUSTER: &str = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab" }
node "cp1" role="control-plane" address="10.0.0.1" revision=2
node "w1" address="10.0.1.1"
component "kubelet" serving=#true config=#true
component "scheduler" revision=2
ca "etcd" revision=2
user "jane" revision=3
"#;

#[test]
fn a_table_of_losses() {
    let mut wrong = Vec::new();
    for (what, old, new, expected) in [
        (
            "a patch is rolled back",
            "1.36.2",
            "1.36.1",
            &["= cluster goes back from 1.36.2 to 1.36.1: what was mended since is open again :2"]
                [..],
        ),
        (
            "an older minor",
            "1.36.2",
            "1.33.12",
            &["x cluster goes back from 1.36.2 to 1.33.12: what was mended since is open again :2"],
        ),
        ("a newer one", "1.36.2", "1.36.3", &[]),
        (
            "kubelets without a certificate that anybody checks",
            "serving=#true config",
            "config",
            &[
                "x apiserver runs without --kubelet-certificate-authority, ran with --kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt",
                "= kubelet-server is described no longer",
            ],
        ),
        (
            "kubelets without a configuration",
            "serving=#true config=#true",
            "serving=#true",
            &[
                "x kubelet loses its configuration with the next --prune: without one it answers anonymous requests \
                 and lets everybody do everything :5",
            ],
        ),
        (
            "an earlier key of a user",
            "revision=3",
            "revision=2",
            &[
                "x jane goes back to revision 2, was 3: where keys follow from a seed, to the old key :8",
            ],
        ),
        (
            "of a component",
            "\"scheduler\" revision=2",
            "\"scheduler\"",
            &[
                "x scheduler goes back to revision 1, was 2: where keys follow from a seed, to the old key :3",
            ],
        ),
        (
            "of a node, once for all of its keys",
            "address=\"10.0.0.1\" revision=2",
            "address=\"10.0.0.1\"",
            &[
                "x cp1 goes back to revision 1, was 2: where keys follow from a seed, to the old key :3",
            ],
        ),
        (
            "of a CA, which has a permission of its own",
            "ca \"etcd\" revision=2",
            "",
            &[
                "= etcd is replaced as a root of trust",
                "= etcd goes back to revision 1, was 2: where keys follow from a seed, to the old key",
            ],
        ),
        ("a later one", "revision=3", "revision=4", &[]),
    ] {
        let mut project = MemoryProject::applied(CLUSTER);
        assert!(project.description.contains(old), "{what}");
        project.description = project.description.replacen(old, new, 1);
        let found = changes(&project.plan());
        if found != expected {
            wrong.push(format!("{what}: {found:#?} instead of {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whoever deletes the lock, or a manifest, hides nothing.
#[test]
fn a_loss_is_told_without_the_lock() {
    let mut project = MemoryProject::applied(CLUSTER);
    project.description = project.description.replace("1.36.2", "1.33.12");
    let expected =
        "x cluster goes back from 1.36.2 to 1.33.12: what was mended since is open again :2";
    project.lock = None;
    let found = changes(&project.plan());
    assert!(found.contains(&expected.to_owned()), "{found:#?}");
    let mut project = MemoryProject::applied(CLUSTER);
    project.description = project.description.replace("serving=#true", "");
    project.out.remove("nodes/cp1/etc/kubernetes/manifests/kube-apiserver.yaml");
    let found = changes(&project.plan());
    assert!(found[0].starts_with("x apiserver had a manifest that cannot be read"), "{found:#?}");
    assert!(found[1].starts_with("x kubelet is believed unchecked"), "{found:#?}");
}

/// Two certificates in a file of roots, as in the midst of a rotation.
#[test]
fn a_second_root_of_trust_is_missed() {
    let other = MemoryProject::applied(&CLUSTER.replace("lab", "other"));
    let second = |path: &str| other.out[path].0.clone();
    let with = |path: &str, more: Option<&[u8]>| {
        let mut project = MemoryProject::applied(CLUSTER);
        let file = &mut project.out.get_mut(path).unwrap().0;
        let twice = file.clone();
        file.extend_from_slice(more.unwrap_or(&twice));
        changes(&project.plan())
    };
    let (own, on_node) = ("ca/kubernetes.crt", "nodes/w1/etc/kubernetes/pki/ca.crt");
    let until = "drops a second root of trust: CN=kubernetes, good until ";
    let found = with(own, Some(&second(own)));
    assert!(found[0].starts_with(&format!("x kubernetes {until}")), "{found:#?}");
    let found = with(on_node, Some(&second(own)));
    assert!(found[0].starts_with(&format!("= kubernetes {until}")), "{found:#?}");
    // Over the CA's own key it is the same root.
    assert_eq!(with(on_node, None), [""; 0]);
    assert_eq!(with(own, None), [""; 0]);
    let mut project = MemoryProject::applied(CLUSTER);
    let intent = Intent { renew: vec!["ca/kubernetes".parse().unwrap()], ..Intent::default() };
    project.later(kpki::time::Span::days(40));
    let planned = project.plan_with(&intent);
    assert!(!planned.plan.steps.is_empty());
    assert_eq!(changes(&planned), [""; 0]);
}

const TEAM: &str = r#"
cluster "lab" { endpoint "api.lab" }
node "cp1" role="control-plane" address="10.0.0.1"
user "jane" { group "dev"; bind role="pager" namespace="ops"; bind cluster-role="deployer" { namespace "dev" "test" }; }
user "root" { bind cluster-role="everything"; bind role="leader" namespace="kube-system" }
"#;

/// Of a user who is new, without a policy and with one.
#[test]
fn a_table_of_roles() {
    let edit = ": the secrets and service accounts there";
    let admin = ": the secrets and service accounts there, and who else has roles in it";
    let mut wrong = Vec::new();
    for (policy, binding, expected) in [
        ("", "role=\"pager\" namespace=\"ops\"", "= role pager in ops"),
        ("", "role=\"pager\" namespace=\"dev\"", "x role pager in dev"),
        ("", "cluster-role=\"deployer\" namespace=\"test\"", "= cluster-role deployer in test"),
        ("", "cluster-role=\"deployer\" namespace=\"prod\"", "x cluster-role deployer in prod"),
        // A Role of that name is another.
        ("", "role=\"deployer\" namespace=\"dev\"", "x role deployer in dev"),
        ("", "cluster-role=\"everything\"", "x cluster-role everything everywhere"),
        ("", "role=\"leader\" namespace=\"kube-system\"", "x role leader in kube-system"),
        ("", "cluster-role=\"secret-admin\"", "x cluster-role secret-admin everywhere"),
        ("", "cluster-role=\"edit\"", "x cluster-role edit everywhere"),
        ("", "cluster-role=\"view\"", "= cluster-role view everywhere"),
        (
            "",
            "cluster-role=\"edit\" namespace=\"argocd\"",
            &format!("= cluster-role edit in argocd{edit}"),
        ),
        (
            "",
            "cluster-role=\"admin\" namespace=\"web\"",
            &format!("= cluster-role admin in web{admin}"),
        ),
        (
            "",
            "cluster-role=\"edit\" namespace=\"kube-node-lease\"",
            &format!("x cluster-role edit in kube-node-lease{edit}"),
        ),
        (
            "ordinary-role \"edit\" namespace=\"team-*\"",
            "cluster-role=\"edit\" namespace=\"argocd\"",
            &format!("x cluster-role edit in argocd{edit}"),
        ),
        (
            "ordinary-role \"edit\" namespace=\"team-*\"",
            "cluster-role=\"edit\" namespace=\"team-a\"",
            &format!("= cluster-role edit in team-a{edit}"),
        ),
        (
            "ordinary-role \"edit\" namespace=\"team-*\"",
            "cluster-role=\"edit\"",
            "x cluster-role edit everywhere",
        ),
        (
            "ordinary-role \"edit\" namespace=\"team-*\"",
            "role=\"pager\" namespace=\"ops\"",
            "x role pager in ops",
        ),
        (
            "ordinary-role \"edit\" namespace=\"team-*\"",
            "cluster-role=\"view\" namespace=\"web\"",
            "x cluster-role view in web",
        ),
        (
            "ordinary-role \"secret-*\"",
            "cluster-role=\"secret-admin\"",
            "= cluster-role secret-admin everywhere",
        ),
        (
            "max-validity \"2y\"",
            "cluster-role=\"view\" namespace=\"web\"",
            "= cluster-role view in web",
        ),
    ] {
        let mut project = MemoryProject::applied(TEAM);
        project.description = format!(
            "{}{}",
            project.description,
            format_args!("user \"ann\" {{ bind {binding} }}\n")
        );
        let planned = match policy {
            "" => project.plan(),
            rules => {
                let text = format!("policy {{ {rules} }}");
                let sources =
                    Sources::Memory([("policy.kdl".to_owned(), text.into_bytes())].into());
                let policy = load_policy(&sources, "policy.kdl");
                project.reviewed(&Intent::default(), &policy.map_err(|e| e.render(false)).unwrap())
            }
        };
        let found = changes(&planned);
        let line = |sign: &str, words: &str| format!("{sign} ann gains {words} :6");
        let (sign, words) = expected.split_once(' ').unwrap();
        if !found.contains(&line(sign, words))
            || !found.contains(&"= ann is new: ann :6".to_owned())
        {
            wrong.push(format!("{policy} {binding}: {found:#?} instead of {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Somebody leaves, and a colleague comes in the same change.
#[test]
fn a_colleague_takes_over_the_roles_of_one_who_leaves() {
    let mut project = MemoryProject::applied(TEAM);
    project.description =
        project.description.replace("user \"jane\" { group \"dev\";", "user \"ann\" {");
    let found = changes(&project.plan());
    assert!(found.iter().all(|line| !line.starts_with('x')), "{found:#?}");
}
