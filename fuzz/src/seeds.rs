//! What the changes start from: right certificates with every extension, a bundle, kubeconfigs.

use kpki::facts::certificate_pem;

#[path = "../../tests/testkit/made.rs"]
mod made;

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
        sans: ["DNS:api.lab", "IP:10.0.0.1", "IP:fd00::1", "email:j@lab", "URI:https://u@a.lab:1/x"]
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

/// Each certificate behind its length in two bytes, the leaf first.
pub fn paths() -> Vec<Vec<u8>> {
    let framed = |der: &Vec<u8>| {
        let length = u16::try_from(der.len()).unwrap().to_be_bytes();
        [length.to_vec(), der.clone()].concat()
    };
    chains().iter().map(|chain| chain.iter().flat_map(framed).collect()).collect()
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
