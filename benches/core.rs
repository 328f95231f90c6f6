//! The core without disk and process, each part against the least that it could cost, in one run.
//!
//! `cargo bench --bench core [WORKERS]`: the two are timed in turn, so that a busy machine slows both; the
//! medians of the times and of the ratios are printed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests and benchmarks may panic, and this one's product is text"
)]

#[path = "../tests/testkit/mod.rs"]
mod testkit;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use kpki::build::execute::{Files, execute};
use kpki::error::{Error, Result};
use kpki::facts::pem::certificates_in_pem;
use kpki::graph::{Graph, InputHashes, Recipe};
use kpki::hash::DERIVATION_CONTEXT;
use kpki::keys::Entropy;
use kpki::name::TreePath;
use kpki::plan::{Intent, Survey, World, plan};
use kpki::sealed::Identity;
use kpki::secret::Secret;
use kpki::state::File;
use rayon::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use testkit::memory_project::MemoryProject;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

const ROUNDS: usize = 9;

fn main() {
    let workers = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(10_000);
    let fresh = MemoryProject::new(&description(workers));
    println!("{workers} workers, medians of {ROUNDS} rounds, on all cores");
    hashing(&fresh);
    issuing(&fresh);
    let mut applied = fresh;
    applied.apply().unwrap();
    planning(&applied);
}

fn description(workers: usize) -> String {
    let mut text =
        "cluster \"bench\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n".to_owned();
    for number in 0..workers {
        let (high, low) = (1 + number / 250, 1 + number % 250);
        writeln!(
            text,
            "node \"w{number:05}\" address=\"10.{}.{}.{low}\"",
            1 + high / 250,
            high % 250
        )
        .unwrap();
    }
    text
}

/// From the description's types to the graph with all its hashes, against BLAKE3 over the same bytes.
fn hashing(project: &MemoryProject) {
    let spec = project.spec();
    let graph = Graph::derive(&spec);
    let encoded: Vec<Vec<u8>> = graph
        .ids()
        .map(|id| {
            let hashes = |input| InputHashes {
                whole: graph.get(input).hash,
                as_issuer: graph.get(input).hash,
            };
            graph.get(id).recipe.fields(&hashes).encode()
        })
        .collect();
    compare(
        "derive and hash",
        "blake3 of the same bytes",
        || black_box(Graph::derive(&spec)).len(),
        || {
            for bytes in &encoded {
                let mut hasher = blake3::Hasher::new_derive_key(DERIVATION_CONTEXT);
                black_box(hasher.update(bytes).finalize());
            }
        },
    );
}

/// An empty plan, against reading the same certificates once.
fn planning(project: &MemoryProject) {
    let opened = project.opened();
    let certificates: Vec<Vec<u8>> = opened
        .inventory
        .files
        .iter()
        .filter(|(path, _)| !path.ends_with("/ca.crt"))
        .filter_map(|(_, file)| match file {
            File::Public { bytes, .. } => certificates_in_pem(bytes).ok()?.pop(),
            _ => None,
        })
        .collect();
    compare(
        "empty plan",
        "x509-parser over the same certificates",
        || {
            let survey = Survey::take(&opened.graph, &opened.lock, &opened.inventory);
            let world = World { survey: &survey, ..opened.world(project.now) };
            let plan = plan(world, &opened.spec, &Intent::default());
            assert!(plan.is_empty());
        },
        || {
            certificates.par_iter().for_each(|der| {
                black_box(X509Certificate::from_der(der).unwrap());
            });
        },
    );
}

/// All files of a first apply, against making as many keys and signatures.
fn issuing(project: &MemoryProject) {
    let opened = project.opened();
    let plan = plan(opened.world(project.now), &opened.spec, &Intent::default());
    let leaves = opened
        .graph
        .ids()
        .filter(|id| matches!(opened.graph.get(*id).recipe, Recipe::Leaf(_)))
        .count();
    let random = SystemRandom::new();
    compare(
        "issue",
        "ring: as many P-256 keys and signatures",
        || {
            execute(
                opened.world(project.now),
                &opened.spec,
                &plan,
                false,
                project.now,
                &Entropy::system(),
                &Nowhere,
            )
            .unwrap()
        },
        || {
            let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
            let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            let issuer = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
            (0..leaves).into_par_iter().for_each(|_| {
                black_box(EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap());
                black_box(issuer.sign(&random, &[7; 400]).unwrap());
            });
        },
    );
}

fn compare<A, B>(ours: &str, bound: &str, run: impl Fn() -> A, least: impl Fn() -> B) {
    let (mut times, mut bounds, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (one, other) = (time(&run), time(&least));
        times.push(one.as_secs_f64() * 1e3);
        bounds.push(other.as_secs_f64() * 1e3);
        ratios.push(one.as_secs_f64() / other.as_secs_f64());
    }
    println!(
        "{ours:16} {:8.1} ms   {bound} {:8.1} ms   ratio {:.2}",
        median(&mut times),
        median(&mut bounds),
        median(&mut ratios)
    );
}

fn time<T>(run: &impl Fn() -> T) -> Duration {
    let start = Instant::now();
    // Dropping what was made is part of neither.
    let made = black_box(run());
    let taken = start.elapsed();
    drop(made);
    taken
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Nowhere;

impl Files for Nowhere {
    fn read_secret(&self, path: &TreePath) -> Result<Secret> {
        Err(Error::refused(format!("{path} is not here")))
    }

    fn identities(&self) -> Result<&[Identity]> {
        Ok(&[])
    }

    fn write(&self, _: &TreePath, bytes: &[u8], _: u32) -> Result<()> {
        black_box(bytes);
        Ok(())
    }

    fn set_mode(&self, _: &TreePath, _: u32) -> Result<()> {
        Ok(())
    }

    fn remove(&self, _: &TreePath) -> Result<()> {
        Ok(())
    }

    fn progress(&self, _: usize) {}
}
