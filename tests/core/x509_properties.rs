//! What must hold for every input.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use base64::Engine as _;
use kpki::algorithm::KeyAlgorithm;
use kpki::build::certificate::Purpose;
use kpki::build::kubeconfig::{ClientKey, KubeconfigContents, render};
use kpki::facts::certificate::CertificateFacts;
use kpki::facts::distinguished_name::DistinguishedName;
use kpki::facts::key_usage::{ExtendedKeyUsage, KeyUsage};
use kpki::facts::kubeconfig::KubeconfigFacts;
use kpki::facts::request::RequestFacts;
use kpki::keys::PrivateKey;
use kpki::name::San;
use kpki::secret::Secret;
use kpki::spec::Usage;
use kpki::time::{Span, Timestamp};
use proptest::prelude::*;

use crate::testkit::{Authority, Wish, facts};

fn authority() -> &'static Authority {
    static ONE: OnceLock<Authority> = OnceLock::new();
    ONE.get_or_init(|| Authority::new("kubernetes", KeyAlgorithm::EcdsaP256))
}

fn key(index: usize) -> &'static PrivateKey {
    static KEYS: OnceLock<Vec<PrivateKey>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        [
            KeyAlgorithm::EcdsaP256,
            KeyAlgorithm::EcdsaP384,
            KeyAlgorithm::Rsa2048,
            KeyAlgorithm::Ed25519,
        ]
        .map(crate::testkit::generate)
        .into()
    });
    &keys[index % keys.len()]
}

fn any_san() -> impl Strategy<Value = San> {
    prop_oneof![
        proptest::string::string_regex("(\\*\\.)?[a-z0-9]{1,9}(\\.[a-z][a-z0-9-]{0,8}[a-z]){1,3}")
            .unwrap()
            .prop_filter_map("a DNS name", |text| text.parse().ok()),
        any::<[u8; 4]>().prop_map(|bytes| San::Ip(bytes.into())),
        any::<[u8; 16]>().prop_map(|bytes| San::Ip(bytes.into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_certificate_says_what_was_wished(
        sans in proptest::collection::btree_set(any_san(), 0..12),
        groups in proptest::collection::btree_set("[ -~]{1,64}|[a-z:éß]{1,20}", 0..4),
        name in proptest::option::of("[ -~]{1,64}"),
        usage in prop_oneof![Just(Usage::Server), Just(Usage::Client), Just(Usage::ServerAndClient)],
        begin in 0i64..4_000_000_000,
        days in 0u64..36_500,
        which: usize,
    ) {
        let wish = Wish {
            subject: DistinguishedName::new(groups.iter().map(String::as_str), name.as_deref()),
            purpose: Purpose::Leaf(usage),
            sans,
            not_before: Timestamp::from_unix(begin),
            not_after: Timestamp::from_unix(begin).plus(Span::days(days)),
        };
        let facts = facts(&authority().issue(&wish, key(which)));
        prop_assert_eq!(facts.subject.organizations(), groups);
        prop_assert_eq!(facts.subject.common_name(), name);
        prop_assert_eq!(&facts.subject, &wish.subject);
        prop_assert_eq!(&facts.issuer, &authority().subject);
        prop_assert_eq!(&facts.sans, &wish.sans);
        prop_assert!(facts.other_sans.is_empty());
        prop_assert_eq!(facts.not_before, wish.not_before);
        prop_assert_eq!(facts.not_after, wish.not_after);
        prop_assert_eq!(&facts.public_key, key(which).public_key());
        prop_assert_eq!(facts.key_usage, KeyUsage::expected(false, facts.public_key.is_rsa()));
        let usages: BTreeSet<_> = [
            (usage.server(), ExtendedKeyUsage::Server),
            (usage.client(), ExtendedKeyUsage::Client),
        ]
        .into_iter()
        .filter_map(|(wanted, usage)| wanted.then_some(usage))
        .collect();
        prop_assert_eq!(facts.extended_key_usage, usages);
        prop_assert!(!facts.is_ca);
    }

    #[test]
    fn a_kubeconfig_reads_back(
        cluster in "[ -~]{1,30}|yes|no|123|0x1|~|null|a: b|- a|lab",
        user in "[ -~]{1,30}|\\PC{1,9}|jane@example.com|system:node:w1|Yes|1e5|.5|a #b|'|\"|\\\\",
        namespace in proptest::option::of("[a-z0-9]{1,9}|true|1:30"),
        key: Vec<u8>,
    ) {
        prop_assume!(!key.is_empty());
        let key = Secret::new(key);
        let text = render(&KubeconfigContents {
            cluster: &cluster,
            server: "https://[fd00::1]:6443",
            certificate_authority: b"ca",
            user: &user,
            namespace: namespace.as_deref(),
            client_certificate: b"certificate",
            client_key: ClientKey::Embedded(&key),
        });
        let read = KubeconfigFacts::from_yaml(text.expose()).map_err(|error| {
            TestCaseError::fail(format!("{error}\n{}", String::from_utf8_lossy(text.expose())))
        })?;
        prop_assert_eq!(read.context, format!("{user}@{cluster}"));
        prop_assert_eq!(read.cluster, cluster);
        prop_assert_eq!(read.server, "https://[fd00::1]:6443");
        prop_assert_eq!(read.user, user);
        prop_assert_eq!(read.namespace, namespace);
        prop_assert_eq!(read.certificate_authority, b"ca");
        prop_assert_eq!(read.client_certificate, b"certificate");
        prop_assert!(read.client_key.is_some_and(|read| read.expose() == key.expose()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_mutated_certificate_never_panics(changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..5), cut: u16) {
        static LEAF: OnceLock<Vec<u8>> = OnceLock::new();
        let leaf = LEAF.get_or_init(|| {
            let name = DistinguishedName::new(["a", "b"], Some("c"));
            authority().issue(&Wish::leaf(name, Usage::Server, &["w1", "10.0.0.1"]), key(0))
        });
        let mut der = leaf.clone();
        for (position, value) in changes {
            let position = usize::from(position) % der.len();
            der[position] = value;
        }
        if let Ok(facts) = CertificateFacts::from_der(&der) {
            let _ = (facts.subject.to_string(), facts.key_usage.to_string());
        }
        let _ = RequestFacts::from_der(&der);
        der.truncate(usize::from(cut) % der.len());
        let _ = CertificateFacts::from_der(&der);
    }

    #[test]
    fn a_mutated_key_never_panics(changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..4)) {
        let mut pem = key(0).to_pem().expose().to_vec();
        for (position, value) in changes {
            let position = usize::from(position) % pem.len();
            pem[position] = value;
        }
        let _ = PrivateKey::from_pem(&pem);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, label in "(EC |RSA )?PRIVATE KEY") {
        let _ = PrivateKey::from_pem(&bytes);
        let _ = CertificateFacts::from_der(&bytes);
        let _ = KubeconfigFacts::from_yaml(&bytes);
        let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let _ = PrivateKey::from_pem(format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----").as_bytes());
    }
}

#[test]
fn a_kubeconfig_has_kubeadms_shape_and_its_errors_name_fields_only() {
    let key = Secret::new(b"key".to_vec());
    let text = render(&KubeconfigContents {
        cluster: "kubernetes",
        server: "https://10.0.0.11:6443",
        certificate_authority: b"ca",
        user: "kubernetes-admin",
        namespace: None,
        client_certificate: b"cert",
        client_key: ClientKey::Embedded(&key),
    });
    let text = String::from_utf8(text.expose().to_vec()).unwrap();
    assert_eq!(
        text,
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Y2E=
    server: https://10.0.0.11:6443
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: kubernetes-admin
  name: kubernetes-admin@kubernetes
current-context: kubernetes-admin@kubernetes
kind: Config
users:
- name: kubernetes-admin
  user:
    client-certificate-data: Y2VydA==
    client-key-data: a2V5
"
    );
    let refused = |from: &str, to: &str| match KubeconfigFacts::from_yaml(
        text.replace(from, to).as_bytes(),
    ) {
        Ok(_) => panic!("{from} → {to}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(refused("a2V5", "a2V"), "has a client-key-data that is not base64");
    assert_eq!(refused("client-key-data: a2V5", "token: a2V5"), "has no client-key-data");
    let broken = refused("a2V5", "[a2V5");
    assert!(!broken.contains("a2V5"), "{broken}");
    let typed = refused("a2V5", "{a2V5: 1}");
    assert!(!typed.contains("a2V5"), "{typed}");
}
