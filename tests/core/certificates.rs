//! Certificates that kpki issues, judged by OpenSSL, webpki and our own reader.

use kpki::algorithm::KeyAlgorithm;
use kpki::build::certificate::Purpose;
use kpki::build::verify::verify;
use kpki::facts::certificate::CertificateFacts;
use kpki::facts::distinguished_name::DistinguishedName;
use kpki::facts::key_usage::{ExtendedKeyUsage, KeyUsage};
use kpki::facts::pem::{certificate_pem, certificates_in_pem};
use kpki::facts::request::RequestFacts;
use kpki::keys::PrivateKey;
use kpki::spec::Usage;
use kpki::time::Span;

use crate::testkit::{Authority, Desk, NOW, Wish, facts, generate, now, put_certificate, sans};

fn kubelet() -> Wish {
    Wish::leaf(
        DistinguishedName::new(["system:nodes"], Some("system:node:w1")),
        Usage::ServerAndClient,
        &["w1.lab.internal", "w1", "10.0.0.21", "fd00::21"],
    )
}

/// The strictest that OpenSSL can be, for a server and a client.
fn openssl_verifies(desk: &Desk) {
    for purpose in ["sslserver", "sslclient"] {
        desk.openssl(&format!(
            "verify -x509_strict -check_ss_sig -attime {NOW} -purpose {purpose} -CAfile ca.crt leaf.crt"
        ));
    }
}

#[test]
fn every_algorithm_satisfies_openssl_webpki_and_our_reader() {
    for (algorithm, name) in KeyAlgorithm::ALL.map(|algorithm| (algorithm, algorithm.as_str())) {
        let desk = Desk::new();
        let authority = Authority::new("kubernetes", algorithm);
        let key = generate(algorithm);
        let wish = kubelet();
        let leaf = authority.issue(&wish, &key);
        put_certificate(&desk, "ca.crt", &authority.certificate);
        put_certificate(&desk, "leaf.crt", &leaf);
        desk.put("leaf.key", key.to_pem().expose());
        desk.openssl("pkey -in leaf.key -noout -check");
        openssl_verifies(&desk);
        assert_eq!(desk.openssl("pkey -in leaf.key -pubout"), key.public_key().to_pem(), "{name}");

        verify(&authority.certificate, &authority.certificate, None, now()).unwrap();
        verify(&leaf, &authority.certificate, Some(Usage::ServerAndClient), now()).unwrap();

        let mut usage = "Digital Signature".to_owned();
        if algorithm.as_str().starts_with("rsa") {
            usage.push_str(", Key Encipherment");
        }
        let text = desk.openssl("x509 -in leaf.crt -noout -ext keyUsage");
        assert_eq!(text.trim(), format!("X509v3 Key Usage: critical\n    {usage}"), "{name}");
        usage.push_str(", Certificate Sign");
        let text = desk.openssl("x509 -in ca.crt -noout -ext keyUsage");
        assert_eq!(text.trim(), format!("X509v3 Key Usage: critical\n    {usage}"), "{name}");

        let facts = facts(&leaf);
        assert_eq!(facts.public_key.algorithm(), Some(algorithm));
        assert_eq!(&facts.public_key, key.public_key());
        assert_eq!(facts.sans, wish.sans);
        assert_eq!(facts.authority_key_id.as_deref(), Some(&authority.key_id[..]));
        assert_eq!(facts.subject_key_id, None);
    }
}

#[test]
fn a_root_has_the_form_of_kubeadms() {
    let authority = Authority::new("etcd-ca", KeyAlgorithm::EcdsaP256);
    let root = facts(&authority.certificate);
    assert!(root.is_ca && root.is_self_issued());
    assert_eq!(root.path_len, None);
    assert_eq!(root.authority_key_id, None);
    assert_eq!(root.subject_key_id, Some(authority.key_id.clone()));
    assert_eq!(root.sans, sans(&["etcd-ca"]));
    assert!(root.extended_key_usage.is_empty());
    assert_eq!(root.key_usage, KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_CERT_SIGN));
    assert_eq!(root.signature_algorithm, "ecdsa-with-SHA256");
    // No DNS name, no SAN.
    let authority = Authority::new("Lab CA", KeyAlgorithm::EcdsaP256);
    assert!(facts(&authority.certificate).sans.is_empty());
}

#[test]
fn a_leaf_says_critically_that_it_is_no_ca() {
    let desk = Desk::new();
    let authority = Authority::new("kubernetes", KeyAlgorithm::EcdsaP256);
    put_certificate(&desk, "leaf.crt", &authority.issue(&kubelet(), &authority.key));
    let text = desk.openssl("x509 -in leaf.crt -noout -text");
    assert!(
        text.contains("X509v3 Basic Constraints: critical\n                CA:FALSE"),
        "{text}"
    );
    assert!(text.contains("Version: 3"), "{text}");
    assert!(text.contains("DNS:w1, DNS:w1.lab.internal, IP Address:10.0.0.21"), "{text}");
    let serial = &facts(&desk.certificate("leaf.crt")).serial;
    assert_eq!(serial.len(), 16);
}

#[test]
fn several_groups_survive() {
    let desk = Desk::new();
    let authority = Authority::new("kubernetes", KeyAlgorithm::EcdsaP256);
    let mut wish = kubelet();
    wish.subject = DistinguishedName::new(["ops", "dev", "qa"], Some("jane"));
    let leaf = authority.issue(&wish, &generate(KeyAlgorithm::Ed25519));
    assert_eq!(facts(&leaf).subject, wish.subject);
    put_certificate(&desk, "leaf.crt", &leaf);
    put_certificate(&desk, "ca.crt", &authority.certificate);
    openssl_verifies(&desk);
    assert_eq!(
        desk.openssl("x509 -in leaf.crt -noout -subject").trim(),
        "subject=O = dev, O = ops, O = qa, CN = jane"
    );
}

/// rcgen alone would write `DC = example, OU = PKI` as the issuer, and nothing would verify.
#[test]
fn a_brought_ca_may_repeat_attributes() {
    let desk = Desk::new();
    desk.openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 3650 \
         -subj /DC=com/DC=example/OU=IT/OU=PKI/CN=Example+OU=Both -multivalue-rdn \
         -addext keyUsage=critical,keyCertSign,cRLSign"
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .as_str(),
    );
    let key = PrivateKey::from_pem(&desk.read("ca.key")).unwrap();
    let mut authority = Authority::brought(desk.certificate("ca.crt"), key);
    // OpenSSL dates it today; what is issued below begins then, too.
    let begin = facts(&authority.certificate).not_before;
    let mut wish = kubelet();
    (wish.not_before, wish.not_after) = (begin, begin.plus(Span::days(365)));
    let leaf = authority.issue(&wish, &generate(KeyAlgorithm::EcdsaP256));
    put_certificate(&desk, "leaf.crt", &leaf);
    desk.openssl(&format!(
        "verify -x509_strict -attime {} -purpose sslserver -CAfile ca.crt leaf.crt",
        begin.unix() + 1
    ));
    let both = Some(Usage::ServerAndClient);
    verify(&leaf, &authority.certificate, both, begin).unwrap();
    let facts = facts(&leaf);
    assert_eq!(facts.issuer, authority.subject);
    assert!(
        facts.issuer.to_string().starts_with("DC=com, DC=example, OU=IT, OU=PKI, "),
        "{}",
        facts.issuer
    );

    // Under another name the same key does not verify.
    authority.subject = DistinguishedName::new([], Some("Example"));
    let stray = authority.issue(&wish, &generate(KeyAlgorithm::EcdsaP256));
    assert!(verify(&stray, &authority.certificate, both, begin).is_err());
}

#[test]
fn what_does_not_hold_does_not_verify() {
    let authority = Authority::new("kubernetes", KeyAlgorithm::EcdsaP256);
    let other = Authority::new("kubernetes", KeyAlgorithm::EcdsaP256);
    let mut wish = kubelet();
    wish.purpose = Purpose::Leaf(Usage::Client);
    let leaf = authority.issue(&wish, &generate(KeyAlgorithm::EcdsaP256));
    let client = Some(Usage::Client);
    let root = &authority.certificate;
    verify(&leaf, root, client, now()).unwrap();
    assert!(verify(&leaf, root, Some(Usage::Server), now()).is_err());
    assert!(verify(&leaf, &other.certificate, client, now()).is_err());
    let late = now().plus(Span::days(366));
    assert!(verify(&leaf, root, client, late).is_err());
    assert!(verify(&other.certificate, root, None, now()).is_err());
    assert!(verify(root, root, None, now().plus(Span::days(4000))).is_err());
    assert!(verify(&leaf, root, None, now()).is_err());
    assert!(facts(&leaf).not_after <= facts(root).not_after);
}

#[test]
fn dates_cross_2050() {
    let desk = Desk::new();
    let authority = Authority::new("kubernetes", KeyAlgorithm::EcdsaP256);
    let mut wish = kubelet();
    wish.not_before = "2049-12-31T23:59:59Z".parse().unwrap();
    wish.not_after = "2050-01-01T00:00:00Z".parse().unwrap();
    let leaf = authority.issue(&wish, &authority.key);
    put_certificate(&desk, "leaf.crt", &leaf);
    let text = desk.openssl("asn1parse -in leaf.crt");
    assert!(text.contains("UTCTIME           :491231235959Z"), "{text}");
    assert!(text.contains("GENERALIZEDTIME   :20500101000000Z"), "{text}");
    assert_eq!(facts(&leaf).not_before, wish.not_before);
    assert_eq!(facts(&leaf).not_after, wish.not_after);
}

#[test]
fn names_without_a_subject_are_critical() {
    let desk = Desk::new();
    let authority = Authority::new("kubernetes", KeyAlgorithm::EcdsaP256);
    let mut wish = kubelet();
    wish.subject = DistinguishedName::new([], None);
    put_certificate(&desk, "ca.crt", &authority.certificate);
    put_certificate(&desk, "leaf.crt", &authority.issue(&wish, &generate(KeyAlgorithm::EcdsaP256)));
    openssl_verifies(&desk);
    let text = desk.openssl("x509 -in leaf.crt -noout -ext subjectAltName");
    assert!(text.contains("Alternative Name: critical"), "{text}");
}

#[test]
fn a_foreign_certificate_is_read_in_full() {
    let desk = Desk::new();
    desk.openssl(
        "req -x509 -newkey ed25519 -nodes -keyout k -out c.crt -days 9 -subj /CN=x \
-addext subjectAltName=DNS:API.Lab,DNS:*.lab.internal,IP:::1,email:a@b.c,URI:spiffe://lab/x,DNS:a_b \
-addext extendedKeyUsage=codeSigning,serverAuth,1.2.3.4 \
-addext basicConstraints=critical,CA:TRUE,pathlen:2 -addext keyUsage=cRLSign,keyAgreement",
    );
    let facts = facts(&desk.certificate("c.crt"));
    assert_eq!(facts.sans, sans(&["api.lab", "*.lab.internal", "::1"]));
    assert_eq!(facts.other_sans, ["email:a@b.c", "URI:spiffe://lab/x", "DNS:a_b"]);
    let other = |oid: &str| ExtendedKeyUsage::Other(oid.into());
    assert_eq!(
        facts.extended_key_usage,
        [ExtendedKeyUsage::Server, other("1.3.6.1.5.5.7.3.3"), other("1.2.3.4")].into()
    );
    assert_eq!((facts.is_ca, facts.path_len), (true, Some(2)));
    assert_eq!(facts.key_usage.to_string(), "key agreement, crl sign");
    assert_eq!(facts.signature_algorithm, "ED25519");
}

#[test]
fn a_request_that_asks_for_a_ca_is_seen_through() {
    let desk = Desk::new();
    desk.openssl(
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out r.csr \
-subj /O=dev/O=ops/CN=jane -addext basicConstraints=CA:TRUE -addext subjectAltName=DNS:w1,email:a@b.c",
    );
    let request = RequestFacts::from_pem(&desk.read("r.csr")).unwrap();
    assert_eq!(request.subject.to_string(), "O=dev, O=ops, CN=jane");
    assert_eq!(request.public_key.algorithm(), Some(KeyAlgorithm::EcdsaP256));
    assert_eq!(request.sans, sans(&["w1"]));
    assert_eq!(request.other_sans, ["email:a@b.c"]);
    assert!(request.asks_for_ca && request.is_signature_valid);

    desk.openssl("req -in r.csr -outform DER -out r.der");
    let mut der = desk.read("r.der");
    *der.last_mut().unwrap() ^= 1;
    assert!(!RequestFacts::from_der(&der).unwrap().is_signature_valid);
    assert!(RequestFacts::from_pem(&desk.read("k")).is_err());
}

#[test]
fn bundles_are_certificates_only_and_whole() {
    let authority = Authority::new("kubernetes", KeyAlgorithm::EcdsaP256);
    let one = certificate_pem(&authority.certificate);
    let two = format!("# old\n{one}subject=CN = x\n{one}").replace('\n', "\r\n");
    assert_eq!(
        certificates_in_pem(two.as_bytes()).unwrap(),
        [authority.certificate.clone(), authority.certificate.clone()]
    );
    let key = String::from_utf8(authority.key.to_pem().expose().to_vec()).unwrap();
    let refused = |text: &str| certificates_in_pem(text.as_bytes()).unwrap_err().to_string();
    assert!(refused(&format!("{one}{key}")).contains("private key"));
    let marked = format!("\u{feff}{one}{one}");
    assert_eq!(refused(&marked), "holds a damaged PEM block (line 1)");
    let headed = one.replacen('\n', "\nSubject: x\n\n", 1);
    assert!(refused(&headed).contains("PEM headers"));
    assert_eq!(refused(""), "holds no certificate");
    assert_eq!(refused(&one[..one.len() - 9]), "ends inside a PEM block");
    let last = one.lines().count();
    assert_eq!(refused(&one.replace('M', "!")), format!("holds a damaged PEM block (line {last})"));
    assert_eq!(refused(&"a".repeat(1024 * 1024 + 1)), "is larger than 1 MiB");

    let mut long = authority.certificate.clone();
    long.push(0);
    let error = CertificateFacts::from_der(&long).unwrap_err();
    assert_eq!(error.to_string(), "holds bytes after its certificate");
}
