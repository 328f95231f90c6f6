//! What one certificate costs. 10,000 are judged in an empty plan and issued in a first apply.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests and benchmarks may panic"
)]

use std::collections::BTreeSet;

use divan::{Bencher, black_box};
use kpki::algorithm::KeyAlgorithm;
use kpki::build::certificate::{Issuer, Purpose, Template, issue, issue_from_seed};
use kpki::build::verify::verify;
use kpki::facts::certificate::CertificateFacts;
use kpki::facts::distinguished_name::DistinguishedName;
use kpki::facts::pem::{certificate_pem, certificates_in_pem};
use kpki::keys::Entropy;
use kpki::keys::PrivateKey;
use kpki::keys::Seed;
use kpki::name::San;
use kpki::spec::Usage;
use kpki::time::{Span, Timestamp};

fn main() {
    divan::main();
}

struct World {
    entropy: Entropy,
    authority: PrivateKey,
    authority_name: DistinguishedName,
    key_id: [u8; 20],
    leaf_name: DistinguishedName,
    sans: BTreeSet<San>,
    seed: Option<Seed>,
}

const NOW: i64 = 1_800_000_000;

impl World {
    fn new() -> Self {
        let entropy = Entropy::system();
        let authority = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &entropy).unwrap();
        World {
            key_id: authority.public_key().key_identifier(),
            authority,
            entropy,
            authority_name: DistinguishedName::new([], Some("kubernetes")),
            leaf_name: DistinguishedName::new(["system:nodes"], Some("system:node:w1")),
            sans: ["w1", "10.0.0.21"].map(|san| san.parse().unwrap()).into(),
            seed: None,
        }
    }

    fn reproducible() -> Self {
        World {
            seed: Seed::parse(b"9d61b19deffd5a60ba844af492ec2cc4", "bench").ok(),
            ..World::new()
        }
    }

    fn certificate(&self, key: &PrivateKey, purpose: Purpose) -> Vec<u8> {
        let not_before = Timestamp::from_unix(NOW);
        let (subject, sans) = match purpose {
            Purpose::Authority => (&self.authority_name, &BTreeSet::new()),
            Purpose::Leaf(_) => (&self.leaf_name, &self.sans),
        };
        let template = Template {
            subject,
            public_key: key.public_key(),
            not_before,
            not_after: not_before.plus(Span::days(365)),
            purpose,
            sans,
        };
        let issuer =
            Issuer { subject: &self.authority_name, key: &self.authority, key_id: &self.key_id };
        match &self.seed {
            Some(seed) => issue_from_seed(&template, &issuer, seed).unwrap(),
            None => issue(&template, &issuer, &self.entropy.serial().unwrap()).unwrap(),
        }
    }
}

const LEAF: Purpose = Purpose::Leaf(Usage::Server);

#[divan::bench(args = [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519])]
fn leaf_with_new_key_and_pem(bencher: Bencher, algorithm: KeyAlgorithm) {
    let world = World::new();
    bencher.bench_local(|| {
        let key = PrivateKey::generate(algorithm, &world.entropy).unwrap();
        (certificate_pem(&world.certificate(&key, LEAF)), key.to_pem())
    });
}

/// The same work where every byte must follow from a seed.
#[divan::bench(args = [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519])]
fn leaf_with_key_from_seed_and_pem(bencher: Bencher, algorithm: KeyAlgorithm) {
    let world = World::reproducible();
    let seed = world.seed.as_ref().unwrap();
    let mut number = 0_u32;
    bencher.bench_local(|| {
        number += 1;
        let key = PrivateKey::derive(algorithm, &format!("users/u{number}"), "1", seed).unwrap();
        (certificate_pem(&world.certificate(&key, LEAF)), key.to_pem())
    });
}

#[divan::bench]
fn generate_p256(bencher: Bencher) {
    let entropy = Entropy::system();
    bencher.bench_local(|| PrivateKey::generate(KeyAlgorithm::EcdsaP256, &entropy).unwrap());
}

#[divan::bench]
fn sign_p256(bencher: Bencher) {
    let world = World::new();
    bencher.bench_local(|| world.authority.sign(&[7; 500]).unwrap());
}

#[divan::bench]
fn issue_p256(bencher: Bencher) {
    let world = World::new();
    bencher.bench_local(|| world.certificate(&world.authority, LEAF));
}

#[divan::bench]
fn load_key_p256(bencher: Bencher) {
    let pem = World::new().authority.to_pem();
    bencher.bench_local(|| PrivateKey::from_pem(black_box(pem.expose())).unwrap());
}

#[divan::bench]
fn read_facts(bencher: Bencher) {
    let world = World::new();
    let der = world.certificate(&world.authority, LEAF);
    bencher.bench_local(|| CertificateFacts::from_der(black_box(&der)).unwrap());
}

#[divan::bench]
fn read_pem(bencher: Bencher) {
    let world = World::new();
    let pem = certificate_pem(&world.certificate(&world.authority, LEAF));
    bencher.bench_local(|| certificates_in_pem(black_box(pem.as_bytes())).unwrap());
}

#[divan::bench]
fn verify_leaf(bencher: Bencher) {
    let world = World::new();
    let leaf = world.certificate(&world.authority, LEAF);
    let root = world.certificate(&world.authority, Purpose::Authority);
    let now = Timestamp::from_unix(NOW);
    bencher.bench_local(|| verify(&leaf, &root, Some(Usage::Server), now).unwrap());
}
