//! The readers, each of any bytes at all. None may panic, and none may take long.

use kpki::facts::{
    CertificateFacts, ExtendedKeyUsage, Kubeconfig, SignatureCheck, certificates_in_pem,
    check_signature,
};
use kpki::holdings::{self, Certificate};
use kpki::lint::{Tree, lint};
use kpki::path::{Reader, validate};
use kpki::state::Access;
use kpki::time::Timestamp;

use super::mutate::{self, Random};
use super::seeds;

pub struct Target {
    pub name: &'static str,
    pub read: fn(&[u8]),
    pub seeds: fn() -> Vec<Vec<u8>>,
    pub change: fn(&[Vec<u8>], &mut Random) -> Vec<u8>,
}

pub const TARGETS: &[Target] = &[
    Target {
        name: "certificate",
        read: certificate,
        seeds: seeds::certificates,
        change: mutate::der,
    },
    Target { name: "pem", read: pem, seeds: seeds::pem, change: mutate::bytes },
    Target {
        name: "kubeconfig",
        read: kubeconfig,
        seeds: seeds::kubeconfigs,
        change: mutate::bytes,
    },
    Target { name: "path", read: path, seeds: seeds::web, change: mutate::frames },
    Target { name: "verify", read: verify, seeds: seeds::files, change: mutate::bytes },
];

/// What Kubernetes reads can be shown, too, and says the same both times.
pub fn certificate(bytes: &[u8]) {
    let (read, shown) = (CertificateFacts::from_der(bytes), CertificateFacts::read(bytes));
    match (&read, &shown) {
        (Ok(read), Ok(shown)) => assert!(*read == shown.facts && shown.refused.is_none()),
        (Ok(_), Err(_)) => panic!("read and not shown"),
        (Err(_), _) => {}
    }
    if let Ok(shown) = shown {
        let facts = shown.facts;
        let _ = (facts.subject.to_string(), facts.name_constraints.to_string());
        let _ = facts.extensions.iter().map(ToString::to_string).count();
        let check = check_signature(bytes, &facts.public_key);
        assert!(check != SignatureCheck::Fits || facts.public_key.refused_by_go().is_none());
    }
    let _ = holdings::read(bytes).is_ok();
}

pub fn pem(bytes: &[u8]) {
    let _ = certificates_in_pem(bytes).map(|all| all.iter().for_each(|der| certificate(der)));
    let _ = holdings::in_pem(bytes).is_ok();
}

pub fn kubeconfig(bytes: &[u8]) {
    let _ = Kubeconfig::from_yaml(bytes).map(Kubeconfig::complete);
    let _ = holdings::read(bytes).is_ok();
}

/// Every certificate is an intermediate and an anchor in turn. Where one path holds, nothing that is refused in
/// Go's parser is in it.
pub fn path(mut bytes: &[u8]) {
    let mut all = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let end = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (der, after) = rest.split_at(end);
        all.extend(Certificate::from_der(der));
        bytes = after;
    }
    let Some((leaf, others)) = all.split_first() else { return };
    let others: Vec<&Certificate> = others.iter().collect();
    for usage in [None, Some(ExtendedKeyUsage::Server)] {
        for anchors in others.chunks(1).chain([&others[..], &[leaf][..]]) {
            let reader = Reader {
                anchors,
                intermediates: &others,
                usage: usage.as_ref(),
                name: usage.as_ref().map(|_| "api.lab"),
                at: Timestamp::from_unix(1_736_553_600),
            };
            match validate(leaf, &reader) {
                Ok(chain) => assert!(chain.certificates().len() <= others.len() + 1),
                Err(refusal) => assert!(!refusal.to_string().is_empty()),
            }
        }
    }
}

/// One file in every place that `verify` treats differently.
pub fn verify(bytes: &[u8]) {
    let mut tree = Tree::new("/etc/kubernetes");
    let places = [
        "pki/ca.crt",
        "pki/apiserver.key",
        "pki/sa.pub",
        "admin.conf",
        "manifests/kube-apiserver.yaml",
        "secret.yaml",
        "a.cer",
    ];
    for path in places {
        tree.add(path, Access::of(0o644), bytes);
    }
    for finding in lint(&tree, Timestamp::from_unix(1_736_553_600)) {
        assert!(!finding.path.is_empty());
    }
}
