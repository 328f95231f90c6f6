//! One mistake a row, in clusters of any form: the rule, a word of the reason, the file.

use kpki::lint::Finding;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use super::model::{Authority, Model, Shape, dn, sans};
use super::random_trees::shapes;
use crate::testkit::NOW;
use crate::testkit::made::{
    CLIENT, DAY, DIGITAL_SIGNATURE, Made, SERVER, UTF8, element, name, sequence,
};

const CA: &str = "kubernetes";
const ETCD: &str = "etcd-ca";
const FRONT: &str = "front-proxy-ca";
const UNKNOWN: (&str, bool, [u8; 2]) = ("1.3.6.1.4.1.57697.9", true, [5, 0]);

fn unknown_extension() -> (&'static str, bool, Vec<u8>) {
    (UNKNOWN.0, UNKNOWN.1, UNKNOWN.2.to_vec())
}

/// What readers load: the root, or the intermediate in its place.
fn trusted<'m>(model: &'m mut Model, ca: &str) -> &'m mut Made {
    let ca = model.cas.get_mut(ca).unwrap();
    match &mut ca.middle {
        Some(middle) if ca.is_middle_trusted => middle,
        _ => &mut ca.root,
    }
}

/// The bundle alone changes; what was signed stays as it was.
fn exchange(model: &mut Model, ca: &'static str, change: impl Fn(&mut Made)) {
    let before = model.cas[ca].signer().clone();
    for leaf in model.leaves.iter_mut().filter(|leaf| leaf.ca == ca && leaf.by.is_none()) {
        leaf.by = Some(before.clone());
    }
    if ca == CA {
        model.embedded = Some(model.cas[ca].clone());
    }
    let authority = model.cas.get_mut(ca).unwrap();
    *authority = Authority { middle: None, old: None, ..authority.clone() };
    authority.root = before;
    change(&mut authority.root);
}

fn by_another(model: &mut Model, stem: &str, ca: &str) {
    let by = model.cas[ca].signer().clone();
    model.at(stem).by = Some(by);
}

fn flat(model: &mut Model, subject: &[(&str, &str)], usages: &[&'static str], names: &[&str]) {
    let made = model.leaf_made(subject, usages, &sans(names));
    let signer = model.cas[CA].signer().clone();
    model.flat.push(("flat/one.crt".into(), made, signer));
}

/// An intermediate between the cluster's CA and the API server's certificate, in its file.
fn middle(model: &mut Model, change: impl Fn(&mut Made)) {
    let mut own = model.ca("between");
    change(&mut own);
    let by = model.cas[CA].signer().clone();
    let authority = Authority {
        root: by,
        middle: Some(own),
        is_middle_trusted: false,
        old: None,
        old_first: false,
    };
    model.cas.insert("between", authority);
    // Where the cluster's CA is itself below the bundle, the file needs both.
    model.at("pki/apiserver").ca = "between";
}

type Mutation = fn(&mut Model);

/// Rule, a part of the detail, the end of the path.
#[rustfmt::skip] // one mistake, one row
const MUTATIONS: &[(&str, &str, &str, Mutation)] = &[
    // What the chain says above the leaf.
    ("ca-usage", "is server alone", "pki/ca.crt", |m| trusted(m, CA).usages = Some(vec![SERVER])),
    ("ca-usage", "is client alone", "pki/etcd/ca.crt", |m| trusted(m, ETCD).usages = Some(vec![CLIENT])),
    ("ca-usage", "cannot be a client", "pki/front-proxy-ca.crt", |m| trusted(m, FRONT).usages = Some(vec![SERVER])),
    ("name-constraint", "do not permit the DNS name", "pki/apiserver.crt", |m| trusted(m, CA).permitted = sans(&["DNS:acme.internal"])),
    ("name-constraint", "exclude kubernetes.default", "pki/apiserver.crt", |m| trusted(m, CA).excluded = sans(&["DNS:kubernetes.default"])),
    ("name-constraint", "do not permit the IP address", "pki/etcd/server.crt", |m| trusted(m, ETCD).permitted = sans(&["IP:192.168.0.0/255.255.0.0"])),
    ("name-constraint", "exclude 127.0.0.0/8", "pki/etcd/peer.crt", |m| trusted(m, ETCD).excluded = sans(&["IP:127.0.0.0/255.0.0.0"])),
    ("critical-extension", UNKNOWN.0, "pki/ca.crt", |m| trusted(m, CA).more.push(unknown_extension())),
    ("critical-extension", UNKNOWN.0, "pki/etcd/ca.crt", |m| trusted(m, ETCD).more.push(unknown_extension())),
    ("critical-extension", UNKNOWN.0, "pki/apiserver.crt", |m| m.at("pki/apiserver").made.more.push(unknown_extension())),
    ("critical-extension", UNKNOWN.0, "pki/front-proxy-client.crt", |m| m.at("pki/front-proxy-client").made.more.push(unknown_extension())),
    ("ca-cannot-sign", "not CA:TRUE", "pki/front-proxy-ca.crt", |m| trusted(m, FRONT).constraints = Some((false, None))),
    ("ca-cannot-sign", "not CA:TRUE", "pki/etcd/ca.crt", |m| trusted(m, ETCD).constraints = None),
    ("ca-cannot-sign", "no cert sign", "pki/ca.crt", |m| trusted(m, CA).key_usage = Some(DIGITAL_SIGNATURE)),
    ("expired", "since", "pki/front-proxy-ca.crt", |m| trusted(m, FRONT).until = NOW - DAY),
    ("expired", "since", "pki/etcd/ca.crt", |m| trusted(m, ETCD).until = NOW - DAY),
    ("not-yet-valid", "before", "pki/etcd/ca.crt", |m| trusted(m, ETCD).from = NOW + DAY),
    ("path-length", "it allows 0 CAs", "pki/ca.crt", |m| {
        m.cas.get_mut(CA).unwrap().middle = None;
        m.root(CA).constraints = Some((true, Some(0)));
        middle(m, |_| {});
    }),
    ("ca-cannot-sign", "not CA:TRUE", "pki/apiserver.crt", |m| { m.cas.get_mut(CA).unwrap().middle = None; middle(m, |own| own.constraints = Some((false, None))); }),
    ("ca-cannot-sign", "no cert sign", "pki/apiserver.crt", |m| { m.cas.get_mut(CA).unwrap().middle = None; middle(m, |own| own.key_usage = Some(DIGITAL_SIGNATURE)); }),
    ("expired", "since", "pki/apiserver.crt", |m| { m.cas.get_mut(CA).unwrap().middle = None; middle(m, |own| own.until = NOW - DAY); }),
    ("ca-usage", "cannot be a server", "pki/apiserver.crt", |m| { m.cas.get_mut(CA).unwrap().middle = None; middle(m, |own| own.usages = Some(vec![CLIENT])); }),
    ("refused-chain", "policies", "pki/apiserver.crt", |m| {
        m.cas.get_mut(CA).unwrap().middle = None;
        // policyConstraints: requireExplicitPolicy 0 (RFC 5280 4.2.1.11).
        middle(m, |own| own.more.push(("2.5.29.36", true, sequence(&[&element(0x80, &[&[0]])]))));
    }),
    // The anchor: name and key.
    ("renamed-ca", "UTF8String", "pki/ca.crt", |m| exchange(m, CA, |ca| ca.subject = name(UTF8, "kubernetes"))),
    ("renamed-ca", "names its issuer CN=kubernetes", "pki/ca.crt", |m| exchange(m, CA, |ca| ca.subject = dn(&[("CN", "kubernetes-ca")]))),
    ("renamed-ca", "etcd", "pki/etcd/ca.crt", |m| exchange(m, ETCD, |ca| ca.subject = dn(&[("O", "ops"), ("CN", "etcd-ca")]))),
    ("wrong-ca", "refuses it", "pki/apiserver.crt", |m| exchange(m, CA, |ca| { ca.key = 700; ca.subject_key_id = None; })),
    ("kubeconfig-client-ca", "refuses it", "admin.conf", |m| exchange(m, CA, |ca| { ca.key = 700; ca.subject_key_id = None; })),
    ("wrong-ca", "CN=etcd-ca", "pki/etcd/server.crt", |m| exchange(m, ETCD, |ca| { ca.key = 700; ca.subject = dn(&[("CN", "etcd-ca-2")]); })),
    ("wrong-ca", "signed by CN=etcd-ca", "pki/apiserver.crt", |m| by_another(m, "pki/apiserver", ETCD)),
    ("wrong-ca", "signed by CN=kubernetes", "pki/apiserver-etcd-client.crt", |m| by_another(m, "pki/apiserver-etcd-client", CA)),
    ("wrong-ca", "signed by CN=kubernetes", "pki/etcd/peer.crt", |m| by_another(m, "pki/etcd/peer", CA)),
    ("wrong-ca", "signed by CN=kubernetes", "pki/front-proxy-client.crt", |m| by_another(m, "pki/front-proxy-client", CA)),
    ("wrong-ca", "signed by itself", "pki/apiserver-kubelet-client.crt", |m| { let own = m.at("pki/apiserver-kubelet-client").made.clone(); m.at("pki/apiserver-kubelet-client").by = Some(own); }),
    ("wrong-ca", "issued by CN=other", "pki/etcd/healthcheck-client.crt", |m| { let other = m.ca("other"); m.at("pki/etcd/healthcheck-client").by = Some(other); }),
    ("wrong-ca", "it was issued by", "pki/apiserver.crt", |m| {
        m.cas.get_mut(CA).unwrap().middle = None;
        middle(m, |_| {});
        m.at("pki/apiserver").without_chain = true;
    }),
    ("wrong-ca", "refuses it", "pki/apiserver.crt", |m| m.at("pki/apiserver").made.damaged = true),
    ("wrong-ca", "etcd (", "pki/apiserver-etcd-client.crt", |m| m.at("pki/apiserver-etcd-client").made.damaged = true),
    ("unknown-issuer", "by CN=kubernetes", "flat/one.crt", |m| { flat(m, &[("CN", "one")], &[CLIENT], &[]); m.flat[0].1.damaged = true; }),
    ("issuer-not-here", "by CN=elsewhere", "flat/one.crt", |m| { flat(m, &[("CN", "one")], &[CLIENT], &[]); m.flat[0].2 = Made::ca("elsewhere", 800); }),
    // Leaves by themselves.
    ("expired", "since", "pki/apiserver.crt", |m| m.at("pki/apiserver").made.until = NOW - DAY),
    ("not-yet-valid", "before", "pki/apiserver-kubelet-client.crt", |m| m.at("pki/apiserver-kubelet-client").made.from = NOW + DAY),
    ("no-server-usage", "CN=kube-apiserver", "pki/apiserver.crt", |m| m.at("pki/apiserver").made.usages = Some(vec![CLIENT])),
    ("no-client-usage", "kubelet-client", "pki/apiserver-kubelet-client.crt", |m| m.at("pki/apiserver-kubelet-client").made.usages = Some(vec![SERVER])),
    ("etcd-no-client-usage", "CN=", "pki/etcd/peer.crt", |m| m.at("pki/etcd/peer").made.usages = Some(vec![SERVER])),
    ("no-client-usage", "kubernetes-admin", "admin.conf", |m| m.at("admin.conf").made.usages = Some(vec![SERVER])),
    ("no-alternative-name", "CN=kube-apiserver", "pki/apiserver.crt", |m| m.at("pki/apiserver").made.sans.clear()),
    ("apiserver-names", "kubernetes.default", "pki/apiserver.crt", |m| m.at("pki/apiserver").made.sans.retain(|name| name != "DNS:kubernetes.default")),
    ("apiserver-misspelt-name", "kubernetes.svc", "pki/apiserver.crt", |m| m.at("pki/apiserver").made.sans.push("DNS:kubernetes.svc.cluster.local".into())),
    ("leaf-is-ca", "CN=kube-apiserver", "pki/apiserver.crt", |m| m.at("pki/apiserver").made.constraints = Some((true, None))),
    ("no-digital-signature", "key encipherment", "pki/apiserver.crt", |m| m.at("pki/apiserver").made.key_usage = Some(0x2000)),
    ("serial-twice", "as ", "pki/apiserver.crt", |m| {
        let serial = m.at("pki/apiserver-kubelet-client").made.serial.clone();
        // An identifier that only one of the two has.
        let leaf = m.at("pki/apiserver");
        leaf.made.serial = serial;
        leaf.made.authority_key_id = Some(vec![1; 20]);
    }),
    // Who it is.
    ("wrong-identity", "CN=scheduler", "scheduler.conf", |m| m.at("scheduler.conf").made.subject = dn(&[("CN", "scheduler")])),
    ("wrong-identity", "CN=system:node:", ".pem", |m| { m.conf("kubelet.conf").by_file = true; m.at("kubelet.conf").made.subject = dn(&[("CN", "system:node:cp1")]); }),
    ("wrong-identity", "without O=system:nodes", "flat/one.crt", |m| flat(m, &[("CN", "system:node:w9")], &[CLIENT], &[])),
    ("wrong-identity", "without CN=system:node:NAME", "flat/one.crt", |m| flat(m, &[("O", "system:nodes"), ("CN", "w9")], &[CLIENT], &[])),
    ("misspelt-identity", "almost system:masters", "admin.conf", |m| m.at("admin.conf").made.subject = dn(&[("O", "system:master"), ("CN", "kubernetes-admin")])),
    ("misspelt-identity", "almost kubeadm:cluster-admins", "flat/one.crt", |m| flat(m, &[("O", "kubeadm:cluster-admin"), ("CN", "jane")], &[CLIENT], &[])),
    ("misspelt-identity", "almost system:kube-proxy", "flat/one.crt", |m| flat(m, &[("CN", "system:kube-porxy")], &[CLIENT], &[])),
    ("doubled-prefix", "system:system:", "flat/one.crt", |m| flat(m, &[("O", "system:system:masters"), ("CN", "jane")], &[CLIENT], &[])),
    ("no-server-usage", "the API server's names", "flat/one.crt", |m| flat(m, &[("CN", "api")], &[CLIENT],
        &["DNS:kubernetes", "DNS:kubernetes.default", "DNS:kubernetes.default.svc", "DNS:kubernetes.default.svc.cluster.local"])),
    // A tree without places: whoever trusts the CA.
    ("name-constraint", "whoever trusts", "flat/one.crt", |m| {
        flat(m, &[("CN", "one")], &[SERVER], &["DNS:one.lab"]);
        let ca = Made { permitted: sans(&["DNS:acme.internal"]), ..m.ca("flat") };
        m.flat[0].2 = ca.clone();
        m.flat.push(("flat/ca.crt".into(), ca.clone(), ca));
    }),
    ("ca-usage", "whoever trusts", "flat/ca.crt", |m| {
        flat(m, &[("CN", "one")], &[CLIENT], &[]);
        let ca = Made { usages: Some(vec![SERVER]), ..m.ca("flat") };
        m.flat[0].2 = ca.clone();
        m.flat.push(("flat/ca.crt".into(), ca.clone(), ca));
    }),
    ("path-length", "whoever trusts", "flat/ca.crt", |m| {
        flat(m, &[("CN", "one")], &[CLIENT], &[]);
        let ca = Made { constraints: Some((true, Some(0))), ..m.ca("flat") };
        let below = m.ca("below");
        m.flat[0].2 = below.clone();
        m.flat.push(("flat/below.crt".into(), below, ca.clone()));
        m.flat.push(("flat/ca.crt".into(), ca.clone(), ca));
    }),
    // What Go does not parse.
    ("unreadable-certificate", "2.5.29.14", "pki/apiserver.crt", |m| m.at("pki/apiserver").made.more.push(("2.5.29.14", true, element(4, &[&[1; 20]])))),
    ("unreadable-certificate", "negative serial", "pki/etcd/server.crt", |m| m.at("pki/etcd/server").made.serial = vec![0x80, 1]),
    ("unreadable-certificate", "2.5.29.30", "pki/front-proxy-ca.crt", |m| trusted(m, FRONT).more.push(("2.5.29.30", true, sequence(&[&element(0xa0, &[&sequence(&[&element(0x87, &[&[10, 0, 0]])])])])))),
    // Kubeconfigs.
    ("kubeconfig-client-ca", "signed by CN=etcd-ca", "admin.conf", |m| by_another(m, "admin.conf", ETCD)),
    ("kubeconfig-other-ca", "trusts CN=", "scheduler.conf", |m| m.conf("scheduler.conf").ca = Some(ETCD)),
    ("kubeconfig-server-name", "dials 10.9.9.9", "admin.conf", |m| m.conf("admin.conf").server = "https://10.9.9.9:6443".into()),
    ("kubeconfig-server-name", "dials api.lab", "admin.conf", |m| m.conf("admin.conf").lines.push("tls-server-name: api.lab".into())),
    ("kubeconfig-plain-http", "http://10.0.0.1", "admin.conf", |m| m.conf("admin.conf").server = "http://10.0.0.1:6443".into()),
    ("kubeconfig-plain-http", "10.0.0.1:6443", "admin.conf", |m| m.conf("admin.conf").server = "10.0.0.1:6443".into()),
    ("kubeconfig-insecure", "insecure-skip-tls-verify: true, for", "admin.conf", |m| { m.conf("admin.conf").ca = None; m.conf("admin.conf").lines.push("insecure-skip-tls-verify: true".into()); }),
    ("kubeconfig-insecure", "beside a CA", "admin.conf", |m| m.conf("admin.conf").lines.push("insecure-skip-tls-verify: true".into())),
    ("kubeconfig-half-pair", "without a client key", "admin.conf", |m| m.conf("admin.conf").has_key = false),
    ("kubeconfig-half-pair", "without a client certificate", "admin.conf", |m| m.conf("admin.conf").has_certificate = false),
    ("kubeconfig-proxy", "http://proxy.lab:3128", "admin.conf", |m| m.conf("admin.conf").lines.push("proxy-url: http://jane:secret@proxy.lab:3128".into())),
    // One CA for two.
    ("ca-reuse", "CN=", "pki/front-proxy-ca.crt", |m| { let own = m.cas[CA].clone(); m.cas.insert(FRONT, own); }),
    ("etcd-shares-ca", "CN=", "pki/etcd/ca.crt", |m| { let own = m.cas[CA].clone(); m.cas.insert(ETCD, own); }),
    // Known, and no error.
    ("intermediate-anchor", "by CN=company", "pki/ca.crt", |m| {
        let root = m.ca("company");
        let ca = m.cas.get_mut(CA).unwrap();
        if ca.middle.is_none() { ca.middle = Some(std::mem::replace(&mut ca.root, root)); }
        ca.is_middle_trusted = true;
    }),
    ("ca-no-key-usage", "CN=", "pki/front-proxy-ca.crt", |m| trusted(m, FRONT).key_usage = None),
    ("outlives-ca", "until", "pki/front-proxy-client.crt", |m| m.at("pki/front-proxy-client").made.until = NOW + 5000 * DAY),
];

/// Small ones: how many machines there are is tried with the good clusters.
fn shape(runner: &mut TestRunner) -> Shape {
    let shape = shapes().new_tree(runner).unwrap().current();
    Shape { control_planes: 1, workers: shape.workers.min(1), external_etcd: false, ..shape }
}

fn is_found(found: &[Finding], (rule, word, path, _): &(&str, &str, &str, Mutation)) -> bool {
    found.iter().any(|finding| {
        finding.rule.id == *rule && finding.detail.contains(word) && finding.path.ends_with(path)
    })
}

/// Each in three clusters of different forms.
#[test]
fn each_mistake_is_found_in_a_cluster_of_any_form() {
    assert!(MUTATIONS.len() >= 60, "{}", MUTATIONS.len());
    let mut runner = TestRunner::deterministic();
    let mut missed = Vec::new();
    for row in MUTATIONS {
        for _ in 0..3 {
            let shape = shape(&mut runner);
            let mut model = Model::new(&shape);
            row.3(&mut model);
            let found = model.findings();
            if !is_found(&found, row) {
                let found: Vec<_> = (found.iter())
                    .map(|one| format!("  {} {}: {}\n", one.rule.id, one.path, one.detail))
                    .collect();
                missed.push(format!(
                    "{} {:?} at {}\n  in {shape:?}\n{}",
                    row.0,
                    row.1,
                    row.2,
                    found.concat()
                ));
                break;
            }
        }
    }
    assert!(missed.is_empty(), "{} missed\n{}", missed.len(), missed.join("\n"));
}
