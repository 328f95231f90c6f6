//! What the changes start from: right certificates with every extension, a bundle, kubeconfigs.

use kpki::facts::certificate_pem;

#[path = "../../tests/testkit/made.rs"]
mod made;

use super::mutate::Random;
use made::{CLIENT, KEY_CERT_SIGN, Made, SERVER, UTF8, element, name, oid, sequence};

/// A root, a CA below it and a leaf, in three kinds.
fn chains() -> Vec<[Vec<u8>; 3]> {
    let root = Made {
        key_usage: Some(KEY_CERT_SIGN),
        subject_key_id: Some(vec![1; 20]),
        permitted: ["DNS:lab", "IP:10.0.0.0/255.0.0.0", "email:lab", "URI:.lab", "dir:x"]
            .map(String::from)
            .into(),
        critical: false,
        ..Made::ca("root", 1)
    };
    let policies = sequence(&[&sequence(&[&oid("1.2.3")]), &sequence(&[&oid("2.5.29.32.0")])]);
    let sub = Made {
        constraints: Some((true, Some(0))),
        usages: Some(vec![SERVER, CLIENT]),
        excluded: ["DNS:x.lab", "IP:fd00::/ff00::", "email:jane@lab"].map(String::from).into(),
        more: vec![
            ("2.5.29.32", false, policies.clone()),
            ("2.5.29.33", false, sequence(&[&sequence(&[&oid("1.2.3"), &oid("1.2.4")])])),
            ("2.5.29.36", false, sequence(&[&element(0x80, &[&[0]]), &element(0x81, &[&[1]])])),
            ("2.5.29.54", false, element(2, &[&[1]])),
            ("2.5.29.31", false, sequence(&[&sequence(&[])])),
        ],
        ..Made::ca("sub", 2)
    };
    let leaf = Made {
        sans: [
            "DNS:api.lab",
            "IP:10.0.0.1",
            "IP:fd00::1",
            "email:j@lab",
            "URI:https://u@a.lab:1/x",
        ]
        .map(String::from)
        .into(),
        more: vec![("2.5.29.32", false, policies)],
        usages: Some(vec![SERVER]),
        ..Made::leaf("leaf")
    };
    let old = Made { version: 1, constraints: None, ..Made::ca("root", 3) };
    let other = Made { subject: name(UTF8, "root"), ..root.clone() };
    [root, old, other]
        .map(|root| [leaf.signed_by(&sub), sub.signed_by(&root), root.self_signed()])
        .into()
}

pub fn certificates() -> Vec<Vec<u8>> {
    chains().into_iter().flatten().collect()
}

/// CAs of few names and keys that signed each other and leaves, with limits of every kind.
pub fn web() -> Vec<Vec<u8>> {
    let mut random = Random(1);
    let mut all = certificates();
    let maybe = |random: &mut Random, all: &[&str]| -> Vec<String> {
        (0..random.below(3)).map(|_| (*random.one(all)).to_owned()).collect()
    };
    let ca = |random: &mut Random| Made {
        constraints: *random.one(&[
            Some((true, None)),
            Some((true, Some(0))),
            Some((true, Some(1))),
            None,
        ]),
        key_usage: *random.one(&[None, Some(KEY_CERT_SIGN), Some(0x8000)]),
        usages: random.one(&[None, Some(vec![SERVER]), Some(vec![CLIENT])]).clone(),
        permitted: maybe(random, &["DNS:lab", "IP:10.0.0.0/255.0.0.0", "email:lab", "dir:x"]),
        excluded: maybe(random, &["DNS:x.lab", "URI:.lab", "IP:fd00::/ff00::"]),
        subject_key_id: random.one(&[None, Some(vec![1]), Some(vec![2])]).clone(),
        critical: random.below(2) == 0,
        version: *random.one(&[3, 3, 3, 1]),
        ..Made::ca(["root", "sub", "ca"][random.below(3)], u32::try_from(random.below(3)).unwrap())
    };
    for _ in 0..60 {
        let (above, below) = (ca(&mut random), ca(&mut random));
        let leaf = Made {
            sans: maybe(
                &mut random,
                &["DNS:api.lab", "IP:10.0.0.1", "email:j@lab", "URI:https://a.lab"],
            ),
            usages: random.one(&[None, Some(vec![SERVER]), Some(vec![CLIENT])]).clone(),
            key: 7,
            ..Made::leaf("leaf")
        };
        all.extend([above.self_signed(), below.signed_by(&above), leaf.signed_by(&below)]);
    }
    all
}

pub fn pem() -> Vec<Vec<u8>> {
    let bundle = |chain: [Vec<u8>; 3]| chain.map(|der| certificate_pem(&der)).concat().into_bytes();
    chains().into_iter().map(bundle).collect()
}

pub fn kubeconfigs() -> Vec<Vec<u8>> {
    let embedded = "apiVersion: v1\nkind: Config\nclusters:\n- name: lab\n  cluster:\n    server: https://api.lab:6443\n    \
                    certificate-authority-data: LS0tLS1CRUdJTg==\ncontexts:\n- name: a@lab\n  context: {cluster: lab, \
                    user: a, namespace: x}\ncurrent-context: a@lab\nusers:\n- name: a\n  user:\n    \
                    client-certificate-data: LS0tLS0=\n    client-key-data: LS0tLS0=\n";
    let files = "{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: \
                 'https://[::1]', certificate-authority: /etc/ca.crt}}], contexts: [{name: c, context: &a {cluster: c, \
                 user: u}}], users: [{name: u, user: {tokenFile: /t, exec: {command: x}}}]}";
    vec![embedded.into(), files.into()]
}

/// Everything that `verify` reads.
pub fn files() -> Vec<Vec<u8>> {
    let manifests = [
        include_bytes!("../../tests/kubeadm/1.35.3/manifests/kube-apiserver.yaml").to_vec(),
        include_bytes!("../../tests/kubeadm/1.35.3/manifests/etcd.yaml").to_vec(),
    ];
    let encoded = "apiVersion: v1\nkind: Secret\ndata:\n  tls.crt: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==\n";
    let mut all = [pem(), kubeconfigs(), certificates()].concat();
    all.extend(manifests);
    all.push(encoded.into());
    all
}
