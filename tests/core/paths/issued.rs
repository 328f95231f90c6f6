//! What was issued is judged as its readers will, the anchor with it.

use kpki::build::BuildError;
use kpki::build::verify::verify;
use kpki::spec::Usage;
use kpki::time::Timestamp;

use super::random::AT;
use crate::testkit::made::*;

/// Each of these CAs is one that OpenSSL and webpki sign below without a word.
#[test]
fn a_ca_that_kubernetes_refuses_is_told_before_anything_is_written() {
    let plain = Made { key_usage: Some(KEY_CERT_SIGN), ..Made::ca("company", 1) };
    let leaf = Made { sans: vec!["DNS:kubernetes".into()], ..Made::leaf("kube-apiserver") };
    let said = |ca: &Made| {
        let (der, issuer) = (leaf.signed_by(ca), ca.self_signed());
        verify(&der, &issuer, Some(Usage::Server), Timestamp::from_unix(AT))
    };
    assert_eq!(said(&plain), Ok(()));
    assert_eq!(said(&Made { key_usage: None, ..plain.clone() }), Ok(()));
    for (ca, part) in [
        (
            Made { usages: Some(vec![CLIENT]), ..plain.clone() },
            "its extended key usage is client alone",
        ),
        (
            Made { permitted: vec!["DNS:acme.internal".into()], ..plain.clone() },
            "its name constraints do not permit the DNS name \"kubernetes\", which CN=kube-apiserver has",
        ),
        (
            Made { more: vec![("1.2.3.4", true, vec![5, 0])], ..plain.clone() },
            "its critical extension 1.2.3.4",
        ),
        (Made { until: AT - 1, ..plain.clone() }, "it expired on"),
        (Made { key_usage: Some(DIGITAL_SIGNATURE), ..plain.clone() }, "without keyCertSign"),
    ] {
        let Err(BuildError::Authority(why)) = said(&ca) else {
            panic!("{part}: {:?}", said(&ca));
        };
        assert!(why.starts_with("CN=company: ") && why.contains(part), "{why}");
    }
}
