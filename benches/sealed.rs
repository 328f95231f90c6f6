//! What sealing costs: `apply` of a cluster whose secrets are sealed for two recipients, in turn with the
//! same cluster in the clear and with age alone over as many secrets, in one run.
//!
//! `cargo bench --bench sealed [WORKERS] [ROUNDS]`. It prints and never fails: the machine is not ours alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "tests and benchmarks may panic, and this one's product is text"
)]

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use age::secrecy::ExposeSecret as _;
use age::{Encryptor, Recipient};
use rayon::prelude::*;

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let workers: usize = numbers.next().unwrap_or(1000);
    let rounds = numbers.next().unwrap_or(9);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let identity = age::x25519::Identity::generate();
    let [two, three] = recipients(&identity);
    let (mut clear, mut sealed, mut raw, mut again) = <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    let (mut plans, mut sealed_plans) = <(Vec<_>, Vec<_>)>::default();
    let (mut ratios, mut count) = (Vec::new(), 0);
    let key = folder.path().join("identity");
    let secret = identity.to_string();
    fs::write(&key, secret.expose_secret()).unwrap();
    for round in 0..rounds {
        let plain = project(folder.path(), &format!("plain{round}"), workers, &[]);
        clear.push(kpki(&plain, "apply", &key));
        plans.push(kpki(&plain, "plan", &key));
        let secrets = secrets(&plain.join("out"));
        count = secrets.len();
        raw.push(age_alone(&secrets, &two));
        let other = project(folder.path(), &format!("sealed{round}"), workers, &two);
        sealed.push(kpki(&other, "apply", &key));
        sealed_plans.push(kpki(&other, "plan", &key));
        describe(&other, workers, &three);
        again.push(kpki(&other, "apply", &key));
        ratios.push(sealed[round] / (clear[round] + raw[round]));
    }
    let (clear, sealed, raw) = (median(&mut clear), median(&mut sealed), median(&mut raw));
    let each = |seconds: f64| seconds * 1e6 / f64::from(u32::try_from(count).unwrap());
    println!("{count} secrets, two recipients (X25519, ssh-ed25519), {rounds} rounds; medians");
    println!("apply in the clear    {:8.1} ms", clear * 1e3);
    println!(
        "apply sealed          {:8.1} ms   {:.0} us more a secret",
        sealed * 1e3,
        each(sealed - clear)
    );
    println!(
        "age alone             {:8.1} ms   {:.0} us a secret, on all cores",
        raw * 1e3,
        each(raw)
    );
    println!(
        "sealed for a third    {:8.1} ms   {:.0} us a secret: opened, checked, sealed",
        median(&mut again) * 1e3,
        each(median(&mut again))
    );
    println!(
        "plan                  {:8.1} ms   {:.1} ms in the clear",
        median(&mut sealed_plans) * 1e3,
        median(&mut plans) * 1e3
    );
    let ratio = median(&mut ratios);
    let verdict = if ratio <= 1.5 { "within goal" } else { "MISSES goal" };
    println!("sealed / (in the clear + age alone) {ratio:.2}   {verdict} (1.5)");
}

fn recipients(identity: &age::x25519::Identity) -> [Vec<String>; 2] {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "bob", "-f"])
        .arg(&file)
        .status()
        .unwrap();
    assert!(made.success());
    let bob = fs::read_to_string(file.with_extension("pub")).unwrap();
    let two = vec![identity.to_public().to_string(), bob.trim_end().to_owned()];
    let mut three = two.clone();
    three.push(age::x25519::Identity::generate().to_public().to_string());
    [two, three]
}

fn project(folder: &Path, name: &str, workers: usize, recipients: &[String]) -> PathBuf {
    let project = folder.join(name);
    fs::create_dir(&project).unwrap();
    describe(&project, workers, recipients);
    project
}

fn describe(project: &Path, workers: usize, recipients: &[String]) {
    let mut text = String::from(
        "cluster \"bench\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n",
    );
    if !recipients.is_empty() {
        text.push_str("secrets {");
        for recipient in recipients {
            write!(text, " recipient {recipient:?};").unwrap();
        }
        text.push_str(" }\n");
    }
    for number in 0..workers {
        let (high, low) = (1 + number / 250, 1 + number % 250);
        writeln!(text, "node \"w{number:05}\" address=\"10.1.{high}.{low}\"").unwrap();
    }
    fs::write(project.join("cluster.kdl"), text).unwrap();
}

/// Whoever can open what is sealed is a gain that a person must name.
fn consent(verb: &str) -> &'static [&'static str] {
    match verb {
        "apply" => &["--allow", "escalation:secrets"],
        _ => &[],
    }
}

/// Seconds.
fn kpki(project: &Path, verb: &str, identity: &Path) -> f64 {
    let start = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_kpki"))
        .args([verb, "-C"])
        .arg(project)
        .args(consent(verb))
        .env("KPKI_IDENTITY", identity)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "kpki {verb}: {status}");
    start.elapsed().as_secs_f64()
}

fn secrets(folder: &Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let end = path.extension().and_then(|end| end.to_str());
        match end {
            _ if path.is_dir() => all.extend(secrets(&path)),
            Some("key" | "conf") => all.push(fs::read(path).unwrap()),
            _ => {}
        }
    }
    all
}

fn age_alone(secrets: &[Vec<u8>], recipients: &[String]) -> f64 {
    let x25519: age::x25519::Recipient = recipients[0].parse().unwrap();
    let ssh: age::ssh::Recipient = recipients[1].parse().unwrap();
    let start = Instant::now();
    secrets.par_iter().for_each(|secret| {
        let both = [&x25519 as &dyn Recipient, &ssh];
        let encryptor = Encryptor::with_recipients(both.into_iter()).unwrap();
        let mut file = Vec::new();
        let mut writer = encryptor.wrap_output(&mut file).unwrap();
        writer.write_all(secret).unwrap();
        writer.finish().unwrap();
        black_box(file);
    });
    start.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
