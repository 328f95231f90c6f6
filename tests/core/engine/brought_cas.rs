//! CAs that a company brings: which file holds how much of a chain, and what a change of it does.

use kpki::algorithm::KeyAlgorithm;
use kpki::build::certificate::Purpose;
use kpki::facts::{CertificateFacts, DistinguishedName, certificate_pem, certificates_in_pem};
use kpki::keys::PrivateKey;
use kpki::plan::Note;
use kpki::time::Span;

use crate::testkit::kubeconfig::Kubeconfig;
use crate::testkit::memory_project::MemoryProject;
use crate::testkit::{Authority, Wish, generate, sans};

const MINIMAL: &str = "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n\
    node \"w1\" address=\"10.0.0.21\"\nuser \"jane\" { group \"dev\" }\n";
const PKI: &str = "nodes/cp1/etc/kubernetes/pki";

/// A root, an intermediate below it, and a CA below that.
struct Company {
    root: Vec<u8>,
    middle: Vec<u8>,
    signer: Vec<u8>,
    key: PrivateKey,
}

impl Company {
    fn new() -> Self {
        let root = Authority::new("ACME Root", KeyAlgorithm::EcdsaP384);
        let below = |issuer: &Authority, name: &str| {
            let key = generate(KeyAlgorithm::EcdsaP256);
            let now = MemoryProject::new("").now;
            let wish = Wish {
                subject: DistinguishedName::new(["ACME"], Some(name)),
                purpose: Purpose::Authority,
                sans: sans(&[]),
                not_before: now.minus(Span::days(1)),
                not_after: now.plus(Span::days(3000)),
            };
            Authority::brought(issuer.issue(&wish, &key), key)
        };
        let middle = below(&root, "ACME Issuing");
        let signer = below(&middle, "Kubernetes");
        Company {
            root: root.certificate,
            middle: middle.certificate,
            signer: signer.certificate,
            key: signer.key,
        }
    }

    /// The first so many certificates of its chain.
    fn chain(&self, length: usize) -> Vec<u8> {
        let all = [&self.signer, &self.middle, &self.root];
        all.into_iter().take(length).map(|der| certificate_pem(der)).collect::<String>().into()
    }

    fn brought(&self, ca: &str, length: usize) -> MemoryProject {
        let description = format!("{MINIMAL}ca {ca:?} certificate=\"chain.crt\"\n");
        let mut project = MemoryProject::new(&description);
        project.extra.insert("chain.crt".into(), self.chain(length));
        let key = self.key.to_pem().expose().to_vec();
        project.out.insert(format!("ca/{ca}.key"), (key, 0o600));
        project
    }
}

fn subjects(pem: &[u8]) -> Vec<String> {
    let all = certificates_in_pem(pem).unwrap();
    all.iter().map(|der| CertificateFacts::from_der(der).unwrap().subject.to_string()).collect()
}

fn in_kubeconfig(project: &MemoryProject, path: &str) -> Vec<String> {
    let value: serde_json::Value = serde_saphyr::from_slice(&project.out[path].0).unwrap();
    subjects(Kubeconfig::from_value(&value).authority.as_bytes())
}

const SIGNER: &[&str] = &["O=ACME, CN=Kubernetes"];
const WHOLE: &[&str] = &["O=ACME, CN=Kubernetes", "O=ACME, CN=ACME Issuing", "CN=ACME Root"];

#[test]
fn clients_get_the_chain_and_servers_the_signer_alone() {
    let mut project = Company::new().brought("kubernetes", 3);
    project.apply().unwrap();
    project.assert_converged();
    // Whoever the root has certified elsewhere is no client of this cluster, and the controller-manager signs
    // with a file of exactly one certificate.
    for path in
        ["ca/kubernetes.crt", &format!("{PKI}/ca.crt"), "nodes/w1/etc/kubernetes/pki/ca.crt"]
    {
        assert_eq!(subjects(&project.out[path].0), SIGNER, "{path}");
    }
    assert_eq!(subjects(&project.out[&format!("{PKI}/ca-chain.crt")].0), WHOLE);
    for file in ["controller-manager.conf", "scheduler.conf", "kubelet.conf"] {
        let path = format!("nodes/cp1/etc/kubernetes/{file}");
        assert_eq!(in_kubeconfig(&project, &path), SIGNER, "{file}");
    }
    for path in ["nodes/cp1/etc/kubernetes/admin.conf", "users/jane/jane.kubeconfig"] {
        assert_eq!(in_kubeconfig(&project, path), WHOLE, "{path}");
    }
    let pod = "nodes/cp1/etc/kubernetes/manifests/kube-controller-manager.yaml";
    let pod = String::from_utf8(project.out[pod].0.clone()).unwrap();
    for flag in [
        "--root-ca-file=/etc/kubernetes/pki/ca-chain.crt",
        "--client-ca-file=/etc/kubernetes/pki/ca.crt",
        "--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt",
    ] {
        assert!(pod.contains(&format!("- {flag}\n")), "{flag}\n{pod}");
    }
    // A lost lock changes nothing.
    let before = project.out.clone();
    project.lock = None;
    project.apply().unwrap();
    project.assert_converged();
    assert_eq!(before, project.out);
}

/// All readers of etcd's and the front proxy's CA are Go.
#[test]
fn other_cas_need_no_chain() {
    for (ca, file) in [("etcd", "etcd/ca.crt"), ("front-proxy", "front-proxy-ca.crt")] {
        let company = Company::new();
        let mut project = company.brought(ca, 3);
        project.apply().unwrap();
        project.assert_converged();
        assert_eq!(subjects(&project.out[&format!("{PKI}/{file}")].0), SIGNER);
        assert!(!project.out.contains_key(&format!("{PKI}/ca-chain.crt")));
        // Of the same CA with and without those above it nothing differs.
        project.extra.insert("chain.crt".into(), company.chain(1));
        project.assert_converged();
    }
}

#[test]
fn another_chain_renders_what_clients_read_and_reissues_nothing() {
    let company = Company::new();
    let mut project = company.brought("kubernetes", 1);
    project.apply().unwrap();
    project.assert_converged();
    let readers = [
        "Render nodes/cp1/admin.conf",
        "Render nodes/cp1/manifests/kube-controller-manager",
        "Render nodes/cp1/super-admin.conf",
        "Render users/jane/kubeconfig",
    ];
    let told: [(usize, &[&str]); 4] = [
        (3, &["CN=ACME Root", "O=ACME, CN=ACME Issuing"]),
        (2, &[]),
        (3, &["CN=ACME Root"]),
        (3, &[]),
    ];
    for (length, told) in told {
        let before = project.out.clone();
        let is_another = project.extra["chain.crt"] != company.chain(length);
        project.extra.insert("chain.crt".into(), company.chain(length));
        // Whoever has clients trust one more root is asked.
        let planned = project.plan();
        let changes = planned.review.changes.iter().filter(|change| change.stops());
        let mut changes: Vec<String> = changes.map(|change| change.access.to_string()).collect();
        changes.sort();
        let told = told.iter().map(|root| {
            format!(
                "has clients trust {root}, too: what that CA certifies can pass for a server here"
            )
        });
        assert_eq!(changes, told.collect::<Vec<_>>(), "{length}");
        if !is_another {
            project.assert_converged();
            continue;
        }
        let mut expected: Vec<&str> = [&["Render chain/kubernetes"], &readers[..]].concat();
        expected.sort_unstable();
        assert_eq!(project.plan().steps(), expected, "{length}");
        let id = planned.graph.find(&"users/jane/kubeconfig".parse().unwrap()).unwrap();
        let step = planned.plan.steps.iter().find(|step| step.derivation == id).unwrap();
        assert_eq!(step.reasons[0].to_string(), "follows chain/kubernetes");
        project.apply().unwrap();
        project.assert_converged();
        let same = |path: &str| before[path] == project.out[path];
        assert!(same("users/jane/jane.crt") && same(&format!("{PKI}/ca.crt")));
        assert_eq!(subjects(&project.out[&format!("{PKI}/ca-chain.crt")].0), &WHOLE[..length]);
    }
    // Without the chain its file is nobody's any more.
    project.extra.insert("chain.crt".into(), company.chain(1));
    assert_eq!(project.plan().steps(), readers);
    project.apply_with(&kpki::plan::Intent::default(), true).unwrap();
    project.assert_converged();
    assert!(!project.out.contains_key(&format!("{PKI}/ca-chain.crt")));
    assert_eq!(in_kubeconfig(&project, "users/jane/jane.kubeconfig"), SIGNER);
}

#[test]
fn what_ends_above_a_ca_is_told() {
    let company = Company::new();
    let mut project = company.brought("kubernetes", 3);
    project.apply().unwrap();
    let ending = |project: &MemoryProject| -> Vec<String> {
        let notes = project.plan().plan.notes.into_iter();
        let notes = notes.filter_map(|note| match note {
            Note::ChainExpiring { subject, .. } => Some(subject),
            _ => None,
        });
        notes.collect()
    };
    assert_eq!(ending(&project), [""; 0]);
    project.later(Span::days(2700));
    assert_eq!(ending(&project), ["O=ACME, CN=ACME Issuing"]);
}
