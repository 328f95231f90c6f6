//! CAs that somebody else made: what they forbid, how they are named, and what is kept of them.

use kpki::config;
use kpki::facts::pem::certificates_in_pem;
use kpki::facts::{CertificateFacts, certificate_pem};
use kpki::plan::Reason;
use kpki::sources::Sources;
use kpki::time::{Span, Timestamp};

use crate::testkit::made::{
    CLIENT, DIGITAL_SIGNATURE, KEY_CERT_SIGN, Made, SERVER, START, UTF8, element, name, oid,
    sequence, signing_key,
};
use crate::testkit::memory_project::MemoryProject;

const MINIMAL: &str = "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n\
    node \"w1\" address=\"10.0.0.21\"\nuser \"jane\" { group \"dev\" }\n";

/// The private key of this number, as openssl writes it (RFC 5915 3).
fn key_pem(number: u32) -> Vec<u8> {
    let curve = element(0xa0, &[&oid("1.2.840.10045.3.1.7")]);
    let point = signing_key(number).verifying_key().to_sec1_point(false);
    let public = element(0xa1, &[&element(3, &[&[0], point.as_bytes()])]);
    let scalar = element(4, &[&signing_key(number).to_bytes()]);
    let der = sequence(&[&element(2, &[&[1]]), &scalar, &curve, &public]);
    let text = certificate_pem(&der);
    text.replace("CERTIFICATE", concat!("EC PRIVATE", " KEY")).into_bytes()
}

fn brought(ca: &str, made: &Made) -> MemoryProject {
    let mut project = MemoryProject::new(&format!("{MINIMAL}ca {ca:?} certificate=\"ca.crt\"\n"));
    project.extra.insert("ca.crt".into(), certificate_pem(&made.self_signed()).into_bytes());
    project.out.insert(format!("ca/{ca}.key"), (key_pem(made.key), 0o600));
    project
}

/// The report of a description, or its notes.
fn read(project: &MemoryProject) -> Result<String, String> {
    let mut files = project.extra.clone();
    files.insert("cluster.kdl".into(), project.description.clone().into_bytes());
    match config::load(&Sources::Memory(files), "cluster.kdl", None) {
        Ok(loaded) => Ok(loaded.notes.join("\n")),
        Err(report) => Err(report.render(false)),
    }
}

/// Each of these Go refuses with the CA as an anchor (crypto/x509), or does not even parse.
#[test]
fn what_a_ca_forbids_is_told_where_it_is_named() {
    type Change<'a> = &'a dyn Fn(&mut Made);
    let octets = |id: u8| element(4, &[&[id; 20]]);
    let authority = sequence(&[&element(0x80, &[&[1; 20]])]);
    let cases: &[(&str, Change<'_>, &str)] = &[
        (
            "kubernetes",
            &|ca| ca.usages = Some(vec![SERVER]),
            "ca.crt: its extended key usage is server alone, so what is below it cannot be a client",
        ),
        (
            "etcd",
            &|ca| ca.usages = Some(vec![CLIENT]),
            "ca.crt: its extended key usage is client alone, so what is below it cannot be a server",
        ),
        (
            "kubernetes",
            &|ca| ca.permitted = vec!["DNS:acme.internal".into()],
            "ca.crt: its name constraints do not permit the DNS name \"cp1\", which CN=kube-apiserver has",
        ),
        (
            "kubernetes",
            &|ca| ca.excluded = vec!["IP:10.96.0.0/255.240.0.0".into()],
            "ca.crt: its name constraints exclude 10.96.0.0/12, and CN=kube-apiserver has the IP address 10.96.0.1",
        ),
        (
            "etcd",
            &|ca| ca.excluded = vec!["DNS:localhost".into()],
            "ca.crt: its name constraints exclude localhost",
        ),
        (
            "front-proxy",
            &|ca| ca.permitted = vec!["dir:ACME".into()],
            "ca.crt: its critical extension name constraints (2.5.29.30) is one",
        ),
        (
            "front-proxy",
            &|ca| ca.more = vec![("1.2.3.4", true, vec![5, 0])],
            "ca.crt: its critical extension 1.2.3.4 is one",
        ),
        (
            "kubernetes",
            &|ca| ca.more = vec![("2.5.29.14", true, octets(7))],
            "ca.crt holds a certificate with the extension",
        ),
        (
            "kubernetes",
            &|ca| ca.more = vec![("2.5.29.35", true, authority.clone())],
            "ca.crt holds a certificate with the extension",
        ),
        ("kubernetes", &|ca| ca.serial = vec![0x80], "ca.crt holds a certificate with a negative"),
        (
            "kubernetes",
            &|ca| ca.key_usage = Some(DIGITAL_SIGNATURE),
            "ca.crt may not sign certificates",
        ),
        (
            "kubernetes",
            &|ca| ca.constraints = Some((false, None)),
            "ca.crt is not a CA certificate",
        ),
    ];
    for (ca, change, said) in cases {
        let mut made = Made::ca("company", 1);
        change(&mut made);
        let report = read(&brought(ca, &made)).unwrap_err();
        assert!(report.contains(&format!("error: {said}")), "{said}\n{report}");
        assert!(report.contains("--> cluster.kdl:5:"), "{report}");
        assert!(report.contains("= help: "), "{report}");
    }
}

#[test]
fn what_a_ca_allows_is_taken() {
    type Change = fn(&mut Made);
    let cases: &[(&str, Change, &str)] = &[
        ("kubernetes", |ca| ca.key_usage = Some(KEY_CERT_SIGN), ""),
        // The Kubernetes documentation's own recipe (Certificates, openssl).
        ("kubernetes", |_| {}, "ca.crt: CN=company has no keyUsage;"),
        ("front-proxy", |ca| ca.usages = Some(vec![CLIENT]), "has no keyUsage"),
        ("kubernetes", |ca| ca.usages = Some(vec![CLIENT, SERVER]), "has no keyUsage"),
        ("kubernetes", |ca| ca.constraints = Some((true, Some(0))), "has no keyUsage"),
        (
            "kubernetes",
            |ca| ca.permitted = ["DNS:", "IP:10.0.0.0/255.0.0.0"].map(str::to_owned).into(),
            "has no keyUsage",
        ),
        ("kubernetes", |ca| ca.more = vec![("1.2.3.4", false, vec![5, 0])], "has no keyUsage"),
    ];
    for (ca, change, noted) in cases {
        let mut made = Made { subject_key_id: Some(vec![1, 2, 3]), ..Made::ca("company", 1) };
        change(&mut made);
        let mut project = brought(ca, &made);
        let notes = read(&project).unwrap();
        assert!(notes.contains(noted) && (!noted.is_empty() || notes.is_empty()), "{notes}");
        project.apply().unwrap();
        project.assert_converged();
    }
}

#[test]
fn a_ca_that_is_not_valid_now_signs_nothing() {
    let now = MemoryProject::new("").now;
    for (from, until, said) in [
        (START, now.unix() - 1, "ca.crt expired on 2026-11-24T11:59:59Z: bring a certificate"),
        (
            now.unix() + 1,
            now.unix() + 10_000_000,
            "ca.crt is not valid before 2026-11-24T12:00:01Z",
        ),
    ] {
        let project = brought("etcd", &Made { from, until, ..Made::ca("company", 1) });
        let planned = project.plan();
        let blocked = &planned.plan.blocked;
        assert_eq!(blocked.len(), 1, "{blocked:?}");
        assert!(blocked[0].why.starts_with(said), "{}", blocked[0].why);
    }
}

/// Go finds an issuer by its bytes, so they are copied whatever they are.
#[test]
fn the_name_of_a_ca_is_copied_byte_for_byte() {
    let pair = |number: &str, tag: u8, text: &str| {
        sequence(&[&oid(number), &element(tag, &[text.as_bytes()])])
    };
    let rdn = |pairs: &[&[u8]]| element(0x31, pairs);
    let (common, organization) = ("2.5.4.3", "2.5.4.10");
    let subjects = [
        name(UTF8, "company"),
        name(0x14, "company"),
        sequence(&[
            &rdn(&[&pair("0.9.2342.19200300.100.1.25", 0x16, "com")]),
            &rdn(&[&pair("0.9.2342.19200300.100.1.25", 0x16, "acme")]),
            &rdn(&[&pair(common, UTF8, "company")]),
        ]),
        sequence(&[
            &rdn(&[&pair(common, UTF8, "company"), &pair(organization, 0x13, "ACME, Inc.")]),
            &rdn(&[&pair("1.2.840.113549.1.9.1", 0x16, "pki@acme.example")]),
        ]),
    ];
    for subject in subjects {
        let made = Made {
            subject: subject.clone(),
            subject_key_id: Some(vec![9, 8, 7]),
            ..Made::ca("company", 1)
        };
        let mut project = brought("kubernetes", &made);
        project.apply().unwrap();
        project.assert_converged();
        for file in ["nodes/cp1/etc/kubernetes/pki/apiserver.crt", "users/jane/jane.crt"] {
            let der = certificates_in_pem(&project.out[file].0).unwrap().remove(0);
            let facts = CertificateFacts::from_der(&der).unwrap();
            assert_eq!(facts.issuer.der(), subject, "{file}");
            assert_eq!(facts.authority_key_id.as_deref(), Some(&[9, 8, 7][..]), "{file}");
        }
    }
}

/// A tree of openssl's: other string types, another order of the name, no key identifiers, and leaves that
/// begin with their CA, as kubeadm's do.
fn hand_made(end: Timestamp) -> MemoryProject {
    let mut project = MemoryProject::new(MINIMAL);
    let ca = Made { subject: name(UTF8, "kubernetes"), ..Made::ca("", 1) };
    let put = |project: &mut MemoryProject, stem: &str, der: &[u8], key: u32| {
        let certificate = certificate_pem(der).into_bytes();
        project.out.insert(format!("{stem}.crt"), (certificate, 0o644));
        project.out.insert(format!("{stem}.key"), (key_pem(key), 0o600));
    };
    put(&mut project, "ca/kubernetes", &ca.self_signed(), 1);
    project.out.insert("nodes/cp1/etc/kubernetes/pki/ca.key".into(), (key_pem(1), 0o600));
    let rdn = |number: &str, text: &str| {
        element(0x31, &[&sequence(&[&oid(number), &element(UTF8, &[text.as_bytes()])])])
    };
    let client = |subject: Vec<u8>, key: u32| Made {
        subject,
        key,
        usages: Some(vec![CLIENT]),
        until: end.unix(),
        ..Made::leaf("")
    };
    let jane = sequence(&[&rdn("2.5.4.3", "jane"), &rdn("2.5.4.10", "dev")]);
    put(&mut project, "users/jane/jane", &client(jane, 2).signed_by(&ca), 2);
    let kubelet = client(name(UTF8, "kube-apiserver-kubelet-client"), 3).signed_by(&ca);
    let pki = "nodes/cp1/etc/kubernetes/pki";
    put(&mut project, &format!("{pki}/apiserver-kubelet-client"), &kubelet, 3);
    project
}

const HAND_MADE: [&str; 3] = ["ca/kubernetes", "users/jane", "nodes/cp1/apiserver-kubelet-client"];

fn steps_of_hand_made(project: &MemoryProject) -> Vec<(String, Vec<String>)> {
    let planned = project.plan();
    assert!(planned.plan.blocked.is_empty(), "{:?}", planned.plan.blocked);
    let steps = planned.plan.steps.iter().map(|step| {
        let name = &planned.graph.get(step.derivation).name;
        let reasons = step.reasons.iter().map(Reason::to_string).collect();
        (format!("{:?} {name}", step.action), reasons)
    });
    let is_hand_made =
        |step: &str| HAND_MADE.iter().any(|name| step.ends_with(&format!(" {name}")));
    steps.filter(|(step, _)| is_hand_made(step)).collect()
}

#[test]
fn what_openssl_made_is_taken_over_as_it_is() {
    let mut project = hand_made(MemoryProject::new("").now.plus(Span::days(300)));
    let before = project.out.clone();
    let steps = steps_of_hand_made(&project);
    assert_eq!(steps.len(), 3, "{steps:?}");
    for (step, reasons) in steps {
        assert!(step.starts_with("Record "), "{step}: {reasons:?}");
    }
    project.apply().unwrap();
    project.assert_converged();
    for (path, file) in &before {
        assert_eq!(*file, project.out[path], "{path}");
    }
    // What is issued now has the name of that CA, byte for byte.
    let apiserver = &project.out["nodes/cp1/etc/kubernetes/pki/apiserver.crt"].0;
    let der = certificates_in_pem(apiserver).unwrap().remove(0);
    let facts = CertificateFacts::from_der(&der).unwrap();
    assert_eq!(facts.issuer.der(), name(UTF8, "kubernetes"));
    // Whoever exchanges such a leaf for one of another CA's is found out, though nothing names a key in it.
    let stranger = Made { subject: name(UTF8, "kubernetes"), ..Made::ca("", 8) };
    let jane =
        Made { subject: name(UTF8, "jane"), key: 2, usages: Some(vec![CLIENT]), ..Made::leaf("") };
    let forged = certificate_pem(&jane.signed_by(&stranger)).into_bytes();
    project.out.insert("users/jane/jane.crt".into(), (forged, 0o644));
    let steps = steps_of_hand_made(&project);
    assert_eq!(steps[0].0, "Reissue users/jane", "{steps:?}");
}

#[test]
fn a_leaf_is_too_long_if_it_ends_later_than_one_issued_now() {
    let now = MemoryProject::new("").now;
    let year = Span::days(365);
    for (end, reasons) in [
        (now.plus(year), vec![]),
        (now.plus(year).plus(Span::minutes(5)), vec![]),
        (
            now.plus(Span::days(400)),
            vec!["validity: 1092 days (2025-01-01 to 2027-12-29) -> 365 days".to_owned()],
        ),
    ] {
        let project = hand_made(end);
        let steps = steps_of_hand_made(&project);
        let jane = steps.iter().find(|(step, _)| step.ends_with(" users/jane")).unwrap();
        if reasons.is_empty() {
            assert_eq!(jane.0, "Record users/jane", "{jane:?}");
        } else {
            assert_eq!(*jane, ("Reissue users/jane".to_owned(), reasons));
        }
    }
}
