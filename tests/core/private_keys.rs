//! Private keys in the forms that people bring.

use kpki::algorithm::KeyAlgorithm;
use kpki::keys::PrivateKey;

use crate::testkit::{Desk, generate};

fn refusal(text: &[u8]) -> String {
    match PrivateKey::from_pem(text) {
        Ok(_) => panic!("this key was to be refused"),
        Err(error) => error.to_string(),
    }
}

/// Loads it, and OpenSSL agrees about the public half before and after we write it again.
fn loads(desk: &Desk, name: &str, algorithm: KeyAlgorithm) {
    let key = PrivateKey::from_pem(&desk.read(name)).unwrap();
    assert_eq!(key.public_key().algorithm(), Some(algorithm));
    let public = desk.openssl(&format!("pkey -in {name} -pubout"));
    assert_eq!(key.public_key().to_pem(), public);
    desk.put("again.key", key.to_pem().expose());
    desk.openssl("pkey -in again.key -noout -check");
    assert_eq!(desk.openssl("pkey -in again.key -pubout"), public);
    let again = PrivateKey::from_pem(&desk.read("again.key")).unwrap();
    assert!(again.to_pem().expose() == key.to_pem().expose());
}

#[test]
fn openssls_forms_load() {
    let desk = Desk::new();
    desk.openssl("genrsa -traditional -out pkcs1.key 2048");
    assert!(desk.read("pkcs1.key").starts_with(b"-----BEGIN RSA PRIVATE KEY"));
    loads(&desk, "pkcs1.key", KeyAlgorithm::Rsa2048);
    desk.openssl("genrsa -out rsa.key 3072");
    loads(&desk, "rsa.key", KeyAlgorithm::Rsa3072);
    desk.openssl("ecparam -name prime256v1 -genkey -out sec1.key");
    assert!(desk.read("sec1.key").starts_with(b"-----BEGIN EC PARAMETERS"));
    loads(&desk, "sec1.key", KeyAlgorithm::EcdsaP256);
    desk.openssl("ecparam -name secp384r1 -genkey -noout -out p384.key");
    loads(&desk, "p384.key", KeyAlgorithm::EcdsaP384);
    desk.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key");
    loads(&desk, "ec.key", KeyAlgorithm::EcdsaP256);
    desk.openssl("genpkey -algorithm ED25519 -out ed.key");
    loads(&desk, "ed.key", KeyAlgorithm::Ed25519);
}

/// OpenSSL 3.0 cannot read PKCS#8 v2, which ring and rcgen write: we read it and write v1.
#[test]
fn pkcs8_v2_loads_and_leaves_as_v1() {
    let document =
        ring::signature::Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    let desk = Desk::new();
    let pem = |der: &[u8]| {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    };
    let key = PrivateKey::from_pem(pem(document.as_ref()).as_bytes()).unwrap();
    desk.put("v1.key", key.to_pem().expose());
    loads(&desk, "v1.key", KeyAlgorithm::Ed25519);

    let mut wrong = document.as_ref().to_vec();
    *wrong.last_mut().unwrap() ^= 1;
    assert!(refusal(pem(&wrong).as_bytes()).contains("do not belong together"));
}

#[test]
fn what_is_no_usable_key_is_named() {
    let desk = Desk::new();
    desk.openssl("genrsa -traditional -out rsa.key 2048");
    desk.openssl("genrsa -out small.key 1024");
    desk.openssl("ecparam -name secp521r1 -genkey -noout -out p521.key");
    desk.openssl("ecparam -name prime256v1 -genkey -noout -param_enc explicit -out explicit.key");
    desk.openssl("ecparam -name prime256v1 -genkey -noout -out ec.key");
    desk.openssl("ec -in ec.key -no_public -out half.key");
    desk.openssl("pkey -in rsa.key -aes128 -passout pass:x -out encrypted.key");
    desk.openssl("rsa -in rsa.key -traditional -aes128 -passout pass:x -out old.key");
    desk.openssl("pkey -in rsa.key -pubout -out rsa.pub");
    desk.openssl("req -x509 -key rsa.key -subj /CN=x -out rsa.crt");
    for (file, says) in [
        ("small.key", "of 1024 bits"),
        ("p521.key", "unsupported curve"),
        ("explicit.key", "unsupported curve"),
        ("half.key", "without its uncompressed public half"),
        ("encrypted.key", "is encrypted"),
        ("old.key", "is encrypted"),
        ("rsa.pub", "public key where"),
        ("rsa.crt", "certificate where"),
    ] {
        let text = refusal(&desk.read(file));
        assert!(text.contains(says), "{file}: {text}");
    }
    assert!(refusal(b"\n").contains("is empty"));
    assert!(refusal(b"hello").contains("holds no private key"));
    let two = [desk.read("rsa.key"), desk.read("ec.key")].concat();
    assert!(refusal(&two).contains("several"));
}

#[test]
fn halves_of_two_keys_are_refused() {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let der = |key: &PrivateKey| {
        let text = String::from_utf8(key.to_pem().expose().to_vec()).unwrap();
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        engine.decode(body).unwrap()
    };
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384] {
        let (one, two) = (der(&generate(algorithm)), der(&generate(algorithm)));
        // The point comes last.
        let point = one.len() - if algorithm == KeyAlgorithm::EcdsaP256 { 64 } else { 96 };
        let mixed = [&one[..point], &two[point..]].concat();
        let text = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
            engine.encode(mixed)
        );
        assert!(refusal(text.as_bytes()).contains("do not belong together"));
    }
    // An RSA key with one bit of its private exponent turned.
    let mut rsa = der(&generate(KeyAlgorithm::Rsa2048));
    let middle = rsa.len() / 2;
    rsa[middle] ^= 1;
    let text =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", engine.encode(rsa));
    assert!(refusal(text.as_bytes()).contains("damaged"));
}
