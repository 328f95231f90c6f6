//! Keys and signatures of every kind that OpenSSL makes, as Go's crypto/x509 takes them.

use kpki::facts::{CertificateFacts, SignatureCheck, check_signature};

use crate::testkit::Desk;

/// How the key is made, with what it signs, its kind, why Go does not read it (`parsePublicKey` in
/// parser.go), and what comes of its signature (`checkSignature` in x509.go).
#[rustfmt::skip]
const KEYS: &[(&str, &str, &str, Option<&str>, SignatureCheck)] = &[
    ("RSA -pkeyopt rsa_keygen_bits:1024", "-sha256", "rsa-1024", None, SignatureCheck::Fits),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "-sha512", "rsa-2048", None, SignatureCheck::Fits),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "-sha1", "rsa-2048", None, SignatureCheck::Weak),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "-md5", "rsa-2048", None, SignatureCheck::Weak),
    ("RSA -pkeyopt rsa_keygen_bits:768", "-sha256", "rsa-768", None, SignatureCheck::UnusableKey),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32", "rsa-2048", None, SignatureCheck::Fits),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20", "rsa-2048", None, SignatureCheck::UnknownAlgorithm),
    ("RSA-PSS -pkeyopt rsa_keygen_bits:2048", "-sha256", "rsa-pss", None, SignatureCheck::UnknownAlgorithm),
    ("EC -pkeyopt ec_paramgen_curve:P-224", "-sha256", "ecdsa-p224", None, SignatureCheck::Fits),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "-sha512", "ecdsa-p256", None, SignatureCheck::Fits),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "-sha1", "ecdsa-p256", None, SignatureCheck::Weak),
    ("EC -pkeyopt ec_paramgen_curve:P-384", "-sha256", "ecdsa-p384", None, SignatureCheck::Fits),
    ("EC -pkeyopt ec_paramgen_curve:P-384", "-sha512", "ecdsa-p384", None, SignatureCheck::Fits),
    ("EC -pkeyopt ec_paramgen_curve:P-521", "-sha512", "ecdsa-p521", None, SignatureCheck::Fits),
    ("EC -pkeyopt ec_paramgen_curve:P-521", "-sha256", "ecdsa-p521", None, SignatureCheck::Fits),
    ("EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit", "-sha256", "ecdsa with explicit parameters", Some("instead of naming it"), SignatureCheck::UnknownAlgorithm),
    ("EC -pkeyopt ec_paramgen_curve:secp256k1", "-sha256", "ecdsa-secp256k1", Some("secp256k1"), SignatureCheck::UnknownAlgorithm),
    ("EC -pkeyopt ec_paramgen_curve:brainpoolP256r1", "-sha256", "ecdsa on another curve", Some("another curve"), SignatureCheck::UnknownAlgorithm),
    ("ED25519", "", "ed25519", None, SignatureCheck::Fits),
    ("ED448", "", "ed448", None, SignatureCheck::UnknownAlgorithm),
];

#[test]
fn every_kind_of_key_is_named_and_taken_or_refused_as_in_go() {
    let desk = Desk::new();
    for (key, digest, kind, refused, check) in KEYS {
        desk.openssl(&format!("genpkey -algorithm {key} -out k.key"));
        let arguments = format!("req -x509 -key k.key -subj /CN=k -out k.crt {digest}");
        desk.openssl(arguments.trim_end());
        desk.openssl("x509 -in k.crt -outform DER -out k.der");
        let der = desk.read("k.der");
        let reading = CertificateFacts::read(&der).unwrap();
        assert_eq!(reading.facts.public_key.kind().to_string(), *kind);
        let why = reading.refused.as_ref().map(ToString::to_string);
        assert_eq!(why.is_some(), refused.is_some(), "{kind}: {why:?}");
        assert!(why.unwrap_or_default().contains(refused.unwrap_or_default()), "{kind}");
        assert_eq!(CertificateFacts::from_der(&der).is_err(), refused.is_some(), "{kind}");
        assert_eq!(check_signature(&der, &reading.facts.public_key), *check, "{kind} {digest}");
        // The last byte of a signature is one that counts in each of them.
        let mut changed = der.clone();
        *changed.last_mut().unwrap() ^= 1;
        if *check == SignatureCheck::Fits {
            let check = check_signature(&changed, &reading.facts.public_key);
            assert_eq!(check, SignatureCheck::DoesNotFit, "{kind} {digest}");
        }
    }
}
