//! Which service-account keys an API server believes, by the set that it publishes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::cluster::{Cluster, faults, of};
use super::servers::Tls;
use crate::testkit::Desk;

/// A key as JSON, from what OpenSSL says of it: RFC 7518 6.2 and 6.3.
fn web_key(pem: &str) -> Value {
    let desk = Desk::new();
    desk.put("sa.pub", pem);
    let der = desk.openssl("pkey -pubin -in sa.pub -outform DER -out sa.der").is_empty();
    assert!(der);
    let text = desk.openssl("pkey -pubin -in sa.pub -noout -text");
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    if text.contains("Modulus") {
        let digits = text.split("Modulus:").nth(1).unwrap().split("Exponent").next().unwrap();
        let modulus = bytes(digits);
        let modulus = modulus.iter().skip_while(|byte| **byte == 0).copied().collect::<Vec<_>>();
        return json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "n": encode(&modulus), "e": "AQAB" });
    }
    let digits = text.split("pub:").nth(1).unwrap().split("ASN1").next().unwrap();
    let point = bytes(digits);
    let half = point.len() / 2;
    let curve = if half == 32 { "P-256" } else { "P-384" };
    json!({ "kty": "EC", "crv": curve, "x": encode(&point[1..=half]), "y": encode(&point[half + 1..]) })
}

fn bytes(digits: &str) -> Vec<u8> {
    let digits: Vec<&str> = digits.split([':', '\n', ' ']).filter(|part| part.len() == 2).collect();
    digits.iter().map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn seen(more: &str, keys: impl FnOnce(Value) -> Value) -> Value {
    let cluster = Cluster::new(more);
    let own = web_key(&cluster.project.read("ca/sa.pub"));
    let set = keys(own).to_string();
    cluster.start_api(|right| Tls { keys: Some(set), ..right });
    cluster.verify(&[]).1
}

const ECDSA: &str = "component \"service-account\" key=\"ecdsa-p256\"\n";
const RSA: &str = "component \"service-account\" key=\"rsa-2048\"\n";

#[test]
fn a_key_that_is_published_is_believed() {
    for more in [ECDSA, RSA] {
        let report = seen(more, |own| json!({ "keys": [own] }));
        assert_eq!(faults(&report, "apiserver"), [""; 0], "{report:#}");
        assert_eq!(of(&report, "apiserver")["not-proven"], json!([]), "{report:#}");
    }
}

#[test]
fn a_key_that_is_missing_is_a_fault_and_one_more_is_not_known() {
    let desk = Desk::new();
    desk.openssl("ecparam -name prime256v1 -genkey -noout -out a.key");
    desk.openssl("pkey -in a.key -pubout -out a.pub");
    let other = web_key(&String::from_utf8(desk.read("a.pub")).unwrap());
    let report = seen(ECDSA, |own| json!({ "keys": [own, other] }));
    assert_eq!(faults(&report, "apiserver"), [""; 0], "{report:#}");
    let unproven = of(&report, "apiserver")["not-proven"].to_string();
    assert!(unproven.contains("1 more key"), "{unproven}");

    let report = seen(ECDSA, |_| json!({ "keys": [other] }));
    assert_eq!(faults(&report, "apiserver"), ["token-key-missing"], "{report:#}");
}

#[test]
fn what_cannot_be_read_is_not_proven() {
    for set in [
        json!([]),
        json!({ "keys": "none" }),
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }] }),
        json!({ "keys": [{ "kty": "oct" }] }),
    ] {
        let report = seen(ECDSA, |own| match set.get("keys").and_then(Value::as_array) {
            Some(keys) => {
                let keys = [keys.as_slice(), &[own]].concat();
                json!({ "keys": keys })
            }
            None => set.clone(),
        });
        assert_eq!(faults(&report, "apiserver"), [""; 0], "{report:#}");
        let unproven = of(&report, "apiserver")["not-proven"].as_array().unwrap();
        assert_eq!(unproven.len(), 1, "{report:#}");
    }
}
