//! Users whose certificates the cluster signs.

use kpki::facts::KubeconfigFacts;
use kpki::plan::Intent;
use kpki::time::Span;

use crate::testkit::memory_project::MemoryProject;
use crate::testkit::signer::Signer;

const DAY: Span = Span::days(1);

fn description(settings: &str) -> String {
    format!(
        "cluster \"lab\"\ndefaults validity=\"9y\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n\
         user \"jane\" {{ via \"csr\"; group \"dev\" \"ops\"; {settings} }}\n"
    )
}

const REQUEST: &str = "users/jane/request/jane.csr";
const MANIFEST: &str = "users/jane/request/csr.yaml";
const CERTIFICATE: &str = "users/jane/jane.crt";
const KUBECONFIG: &str = "users/jane/jane.kubeconfig";
const KEY: &str = "users/jane/jane.key";

fn accepted(settings: &str, life: Span) -> MemoryProject {
    let mut project = MemoryProject::applied(&description(settings));
    let certificate = project.signed("jane", life);
    project.accept("jane", &certificate).unwrap();
    project.assert_converged();
    assert!(project.waiting().is_empty());
    project
}

/// Without its lock a project is what it was, and no file changes.
fn assert_rebuilt(project: &MemoryProject) {
    let mut lost = project.clone();
    lost.lock = None;
    lost.apply().unwrap();
    assert_eq!(lost.out, project.out);
    assert_eq!(lost.lock, project.lock);
    assert_eq!(lost.waiting(), project.waiting());
}

#[test]
fn a_certificate_from_request_to_renewal() {
    for key in ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048"] {
        let settings = format!("key {key:?}; validity \"90d\"");
        let mut project = MemoryProject::applied(&description(&settings));
        project.assert_converged();
        assert_eq!(project.waiting(), ["jane"]);
        assert!(!project.out.contains_key(KUBECONFIG));
        assert_rebuilt(&project);
        project.later(Span::days(400));
        project.assert_converged();

        let first = project.signed("jane", Span::days(90));
        project.accept("jane", &first).unwrap();
        assert!(project.waiting().is_empty());
        project.assert_converged();
        assert_rebuilt(&project);
        let config = KubeconfigFacts::from_yaml(&project.out[KUBECONFIG].0).unwrap();
        assert_eq!(config.client_certificate, first.as_bytes());
        assert!(config.client_key.unwrap().expose() == project.out[KEY].0);

        project.later(Span::days(59));
        project.assert_converged();
        project.later(DAY);
        let planned = project.plan();
        assert_eq!(planned.steps(), ["Reissue users/jane/request", "Render users/jane/csr.yaml"]);
        let before = project.out.clone();
        project.apply().unwrap();
        project.assert_converged();
        assert_eq!(project.waiting(), ["jane"]);
        assert_rebuilt(&project);
        for path in [CERTIFICATE, KUBECONFIG, KEY] {
            assert_eq!(before[path], project.out[path], "{path}");
        }
        // However long it takes, also beyond the end of the old one.
        project.later(Span::days(50));
        project.assert_converged();
        assert_rebuilt(&project);
        let again = project.accept("jane", &first).unwrap_err();
        assert!(again.contains("expired") || again.contains("already"), "{again}");

        let second = project.signed("jane", Span::days(90));
        project.accept("jane", &second).unwrap();
        project.assert_converged();
        assert!(project.waiting().is_empty());
        assert_ne!(before[KUBECONFIG], project.out[KUBECONFIG]);
        assert_eq!(before[KEY], project.out[KEY]);
    }
}

/// `--cluster-signing-duration` may be shorter than any `renew-before`.
#[test]
fn a_life_cut_short_is_renewed_in_its_last_third() {
    let mut project = accepted("validity \"365d\"; renew-before \"300d\"", Span::minutes(90));
    project.later(Span::minutes(54));
    project.assert_converged();
    project.later(Span::minutes(2));
    assert_eq!(project.plan().rebuilt(), ["users/jane/csr.yaml", "users/jane/request"]);
}

/// One that is due already when it comes leads to the next request at once.
#[test]
fn a_certificate_accepted_late_is_followed_by_the_next_request() {
    let mut project = MemoryProject::applied(&description("validity \"90d\""));
    let certificate = project.signed("jane", Span::days(90));
    project.later(Span::days(80));
    project.accept("jane", &certificate).unwrap();
    project.assert_converged();
    assert_eq!(project.waiting(), ["jane"]);
    assert!(project.out.contains_key(KUBECONFIG));
}

#[test]
fn what_changes_the_request_and_what_only_its_name() {
    let base = accepted("validity \"90d\"", Span::days(90));
    let changed = |settings: &str| {
        let mut project = base.clone();
        project.description = description(settings);
        let steps = project.plan().rebuilt_steps();
        project.apply().unwrap();
        project.assert_converged();
        assert_eq!(project.waiting(), ["jane"], "{settings}");
        assert_eq!(base.out[CERTIFICATE], project.out[CERTIFICATE]);
        assert_eq!(base.out[KUBECONFIG], project.out[KUBECONFIG]);
        assert_ne!(base.out[MANIFEST], project.out[MANIFEST]);
        let before = project.out.clone();
        let certificate = project.signed("jane", Span::days(30));
        project.accept("jane", &certificate).unwrap();
        project.assert_converged();
        assert!(project.waiting().is_empty());
        assert_ne!(before[KUBECONFIG], project.out[KUBECONFIG]);
        (steps, before)
    };
    let (steps, after) = changed("validity \"90d\"; group \"new\"");
    assert_eq!(steps, ["Reissue users/jane/request", "Render users/jane/csr.yaml"]);
    assert_eq!(base.out[KEY], after[KEY]);
    let (steps, after) = changed("validity \"90d\"; revision 2");
    assert_eq!(steps, ["Rekey users/jane/request", "Render users/jane/csr.yaml"]);
    assert_ne!(base.out[KEY], after[KEY]);
    let (steps, _) = changed("validity \"90d\"; key \"ecdsa-p384\"");
    assert_eq!(steps, ["Rekey users/jane/request", "Render users/jane/csr.yaml"]);
    let (steps, after) = changed("validity \"60d\"");
    assert_eq!(steps, ["Render users/jane/csr.yaml"]);
    assert_eq!(base.out[REQUEST], after[REQUEST]);
}

#[test]
fn asking_for_a_renewal_or_a_new_key_works_by_the_users_name() {
    for (intent, action) in [
        (Intent { renew: vec!["users/jane".parse().unwrap()], ..Intent::default() }, "Reissue"),
        (Intent { rekey: vec!["users/jane".parse().unwrap()], ..Intent::default() }, "Rekey"),
    ] {
        let mut project = accepted("", Span::days(365));
        let steps = project.plan_with(&intent).steps();
        assert_eq!(steps[0], format!("{action} users/jane/request"));
        project.apply_with(&intent, false).unwrap();
        project.assert_converged();
        assert_eq!(project.waiting(), ["jane"]);
    }
}

#[test]
fn a_certificate_that_answers_something_else_is_refused() {
    let project = MemoryProject::applied(&description("validity \"90d\""));
    let signer =
        Signer::new(&project.out["ca/kubernetes.crt"].0, &project.out["ca/kubernetes.key"].0);
    let stranger = MemoryProject::applied(&description("validity \"90d\""));
    let facts = |project: &MemoryProject| {
        kpki::facts::RequestFacts::from_pem(&project.out[REQUEST].0).unwrap()
    };
    let key = facts(&project).public_key;
    let groups = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let right = groups(&["dev", "ops"]);
    let now = project.now;
    let month = Span::days(30);
    let cases = [
        (signer.issue(&facts(&stranger).public_key, "jane", &right, now, month), "another key"),
        (signer.issue(&key, "joe", &right, now, month), "\"joe\""),
        (signer.issue(&key, "jane", &groups(&["dev"]), now, month), "{\"dev\"}"),
        (
            signer.issue(&key, "jane", &groups(&["dev", "ops", "system:masters"]), now, month),
            "system:masters",
        ),
        (signer.issue(&key, "jane", &right, now.minus(Span::days(40)), month), "expired"),
        (signer.issue(&key, "jane", &right, now.plus(DAY), month), "not valid before"),
        (
            Signer::new(&stranger.out["ca/kubernetes.crt"].0, &stranger.out["ca/kubernetes.key"].0)
                .issue(&key, "jane", &right, now, month),
            "signed by ca/kubernetes",
        ),
        (
            Signer::new(&project.out["ca/etcd.crt"].0, &project.out["ca/etcd.key"].0)
                .issue(&key, "jane", &right, now, month),
            "signed by ca/kubernetes",
        ),
        (text(&project, "ca/kubernetes.crt"), "another key"),
        (text(&project, KEY), "private key"),
        (text(&project, REQUEST), "not a certificate"),
        (String::new(), "empty"),
        ("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t".to_owned(), "base64 -d"),
        ("hello".to_owned(), "no certificate"),
    ];
    for (certificate, why) in cases {
        let mut tried = project.clone();
        let refused = tried.accept("jane", &certificate).unwrap_err();
        assert!(refused.contains(why), "{refused} / {why}");
        assert_eq!(tried.out, project.out);
        assert_eq!(tried.lock, project.lock);
    }
    // A chain behind it does no harm.
    let chain = project.signed("jane", month) + &text(&project, "ca/kubernetes.crt");
    project.clone().accept("jane", &chain).unwrap();
}

fn text(project: &MemoryProject, path: &str) -> String {
    String::from_utf8(project.out[path].0.clone()).unwrap()
}

/// Only the user's own files, whatever else the description asks for meanwhile.
#[test]
fn accepting_applies_nothing_else() {
    let mut project = MemoryProject::applied(&description("validity \"90d\""));
    project
        .description
        .push_str("component \"apiserver\" { san \"new.example.com\" }\nuser \"joe\"\n");
    let steps = project.plan().steps();
    let before = project.out.clone();
    let certificate = project.signed("jane", Span::days(90));
    project.accept("jane", &certificate).unwrap();
    assert_eq!(project.plan().steps(), steps);
    for (path, file) in &before {
        assert_eq!(Some(file), project.out.get(path), "{path}");
    }
}

/// A replaced CA makes a certificate worthless, however long it is valid.
#[test]
fn a_new_ca_needs_a_new_certificate() {
    let mut project = accepted("", Span::days(365));
    let intent = Intent {
        rekey: vec!["ca/kubernetes".parse().unwrap()],
        allow: vec!["replace:ca/kubernetes".parse().unwrap()],
        ..Intent::default()
    };
    project.apply_with(&intent, false).unwrap();
    project.assert_converged();
    assert_eq!(project.waiting(), ["jane"]);
    let certificate = project.signed("jane", Span::days(365));
    project.accept("jane", &certificate).unwrap();
    project.assert_converged();
}

/// A request made elsewhere, with its key.
fn brought(
    project: &mut MemoryProject,
    algorithm: kpki::algorithm::KeyAlgorithm,
) -> kpki::keys::PrivateKey {
    use kpki::keys::Entropy;
    let key = kpki::keys::PrivateKey::generate(algorithm, &Entropy::system()).unwrap();
    // In another order than kpki's.
    let subject = kpki::facts::DistinguishedName::new(["dev", "ops"], Some("jane"));
    let der = kpki::build::certificate::request(&subject, &key).unwrap();
    let pem = kpki::facts::request_pem(&der);
    project.extra.insert("jane.csr".into(), pem.into_bytes());
    key
}

#[test]
fn a_brought_request_keeps_its_key_away() {
    use kpki::algorithm::KeyAlgorithm;
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Ed25519] {
        let mut project = MemoryProject::new(&description("csr \"jane.csr\"; validity \"90d\""));
        let key = brought(&mut project, algorithm);
        project.apply().unwrap();
        project.assert_converged();
        assert_rebuilt(&project);
        assert_eq!(project.waiting(), ["jane"]);
        assert!(!project.out.contains_key(KEY));
        let certificate = project.signed("jane", Span::days(90));
        project.accept("jane", &certificate).unwrap();
        project.assert_converged();
        assert_rebuilt(&project);
        let config = text(&project, KUBECONFIG);
        assert!(config.ends_with("    client-key: jane.key\n"), "{config}");

        // Its owner puts the key beside the kubeconfig: not kpki's to delete.
        project.out.insert(KEY.into(), (key.to_pem().expose().to_vec(), 0o600));
        project.apply_with(&Intent::default(), true).unwrap();
        assert!(project.out.contains_key(KEY));

        // The renewal submits the same request again.
        let before = project.out.clone();
        project.later(Span::days(61));
        assert_eq!(project.plan().steps()[0], "Reissue users/jane/request");
        project.apply().unwrap();
        project.assert_converged();
        assert_eq!(project.waiting(), ["jane"]);
        assert_eq!(before, project.out);
        assert_rebuilt(&project);
        let refused = project.accept("jane", &certificate).unwrap_err();
        assert!(refused.contains("already"), "{refused}");
        let certificate = project.signed("jane", Span::days(90));
        project.accept("jane", &certificate).unwrap();
        project.assert_converged();

        // Another request is another key.
        let other = brought(&mut project, KeyAlgorithm::Rsa2048);
        project.apply().unwrap();
        project.assert_converged();
        assert_eq!(project.waiting(), ["jane"]);
        assert_eq!(text(&project, CERTIFICATE), certificate);
        let certificate = project.signed("jane", Span::days(90));
        project.accept("jane", &certificate).unwrap();
        project.assert_converged();
        assert!(project.waiting().is_empty());
        drop(other);
    }
}

/// Offline, over a key that never comes here.
#[test]
fn the_ca_signs_a_brought_request_at_once() {
    use kpki::algorithm::KeyAlgorithm;
    let settings = description("csr \"jane.csr\"; validity \"90d\"").replace("\"csr\";", "\"ca\";");
    let mut project = MemoryProject::new(&settings);
    let key = brought(&mut project, KeyAlgorithm::Rsa2048);
    project.apply().unwrap();
    project.assert_converged();
    assert_rebuilt(&project);
    assert!(!project.out.contains_key(KEY));
    let facts = |project: &MemoryProject| {
        let der = kpki::facts::certificates_in_pem(&project.out[CERTIFICATE].0).unwrap();
        kpki::facts::CertificateFacts::from_der(&der[0]).unwrap()
    };
    assert_eq!(facts(&project).public_key, *key.public_key());
    assert!(text(&project, KUBECONFIG).ends_with("    client-key: jane.key\n"));
    project.later(Span::days(61));
    assert_eq!(project.plan().rebuilt(), ["users/jane", "users/jane/kubeconfig"]);
    project.apply().unwrap();
    project.assert_converged();
    let other = brought(&mut project, KeyAlgorithm::EcdsaP384);
    project.apply().unwrap();
    project.assert_converged();
    assert_eq!(facts(&project).public_key, *other.public_key());
}

/// Every way of signing follows every other.
#[test]
fn the_way_of_signing_may_change() {
    let ways = [
        "via \"ca\"",
        "via \"csr\"",
        "via \"ca\"; csr \"jane.csr\"",
        "via \"csr\"; csr \"jane.csr\"",
    ];
    let describe = |way: &str| description("").replace("via \"csr\"", way);
    for from in ways {
        for to in ways {
            let mut project = MemoryProject::new(&describe(from));
            brought(&mut project, kpki::algorithm::KeyAlgorithm::EcdsaP256);
            project.apply().unwrap();
            for user in project.waiting() {
                let certificate = project.signed(&user, Span::days(365));
                project.accept(&user, &certificate).unwrap();
            }
            project.description = describe(to);
            let before = project.out.clone();
            project.apply().unwrap_or_else(|error| panic!("{from} -> {to}: {error}"));
            project.assert_converged();
            for user in project.waiting() {
                assert_eq!(before.get(KUBECONFIG), project.out.get(KUBECONFIG), "{from} -> {to}");
                let certificate = project.signed(&user, Span::days(365));
                project
                    .accept(&user, &certificate)
                    .unwrap_or_else(|why| panic!("{from} -> {to}: {why}"));
                project.assert_converged();
            }
            assert!(project.waiting().is_empty());
            let by_path = text(&project, KUBECONFIG).contains("client-key: jane.key");
            assert_eq!(by_path, to.contains("jane.csr"), "{from} -> {to}");
            project.apply_with(&Intent::default(), true).unwrap();
            project.assert_converged();
        }
    }
}

/// The object's name changes with everything that is asked for, and with nothing else.
#[test]
fn the_name_of_the_object_is_that_of_its_content() {
    let project = MemoryProject::applied(&description("validity \"90d\""));
    let name = |project: &MemoryProject| {
        let yaml = text(project, MANIFEST);
        let name = yaml.lines().find_map(|line| line.strip_prefix("  name: ")).unwrap();
        name.to_owned()
    };
    let first = name(&project);
    assert_eq!(first.len(), "jane-0123456789".len());
    let mut other = project.clone();
    other.description = description("validity \"91d\"");
    other.apply().unwrap();
    assert_ne!(name(&other), first);
    let mut same = project.clone();
    same.description.push_str("node \"w1\" address=\"10.0.0.21\"\n");
    same.apply().unwrap();
    assert_eq!(name(&same), first);
}

/// What the description changed is told as that, and not as damage.
#[test]
fn changed_bindings_are_a_change_and_edited_ones_damage() {
    let mut project = MemoryProject::applied(&description("bind cluster-role=\"view\""));
    project.description = description("bind cluster-role=\"edit\"");
    let reasons = |project: &MemoryProject| {
        let planned = project.plan();
        let reasons = planned.plan.steps.iter().flat_map(|step| step.reasons.clone());
        reasons.map(|reason| reason.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        reasons(&project),
        ["binding: -kpki:jane:cluster-role:view", "binding: +kpki:jane:cluster-role:edit"]
    );
    project.apply().unwrap();
    project.assert_converged();
    let file = &mut project.out.get_mut("users/jane/rbac.yaml").unwrap().0;
    file.extend(b"# mine\n");
    assert_eq!(reasons(&project), ["out/users/jane/rbac.yaml was modified"]);
}

/// Names come from people; YAML takes every one of them as a text.
#[test]
fn odd_names_stay_texts() {
    let mut text = description("");
    text.push_str(
        "user \"On_Call.x\" { common-name \"no\"; group \"1e3\"; group \"a: b\"; via \"csr\"; \
         bind cluster-role=\"true\" namespace=\"null\"; bind role=\"a:b\" namespace=\"y\" group=\"a: b\" }\n",
    );
    let project = MemoryProject::applied(&text);
    let rbac = self::text(&project, "users/On_Call.x/rbac.yaml");
    for line in [
        "  name: \"true\"",
        "  namespace: \"null\"",
        "  name: \"no\"",
        "  namespace: \"y\"",
        "  name: \"a: b\"",
        "  name: kpki:On_Call.x:role:a:b:group:a:-b",
    ] {
        assert!(rbac.contains(&format!("{line}\n")), "{line}\n{rbac}");
    }
    let manifest = self::text(&project, "users/On_Call.x/request/csr.yaml");
    assert!(manifest.contains("  name: on-call-x-"), "{manifest}");
    let certificate = project.signed("On_Call.x", Span::days(9));
    project.clone().accept("On_Call.x", &certificate).unwrap();
}
