//! The whole program on a large cluster and on a small one, against what the work itself costs, in one run.
//!
//! `cargo bench --bench apply [WORKERS] [ROUNDS]`. It needs room for two trees of the cluster a round below
//! `target/`: nothing is deleted before the end, because ext4 searches long for an inode where many were
//! freed a moment ago. It prints and never fails: the disk is not ours alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "tests and benchmarks may panic, and this one's product is text"
)]

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::hint::black_box;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use rayon::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

const PLANS: usize = 7;
const SMALL: usize = 20;

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let workers = numbers.next().unwrap_or(10_000);
    let rounds = numbers.next().unwrap_or(3);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    println!(
        "{workers} workers; {rounds} first applies, {PLANS} plans, {SMALL} small applies; medians"
    );
    let project = first_applies(folder.path(), workers, rounds);
    plans(&project, workers);
    small(folder.path());
}

/// `apply` of a new cluster in turn with its raw cost. Gives the last project.
fn first_applies(folder: &Path, workers: usize, rounds: usize) -> PathBuf {
    let (mut ours, mut raws, mut ratios, mut peaks) = <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    let mut project = PathBuf::new();
    for round in 0..rounds {
        project = folder.join(format!("project{round}"));
        fs::create_dir(&project).unwrap();
        describe(&project, workers, None);
        settle(folder);
        let applied = run(&project, "apply");
        let groups = groups(&project.join("out"));
        settle(folder);
        let raw = raw(&folder.join(format!("raw{round}")), &groups, workers);
        ours.push(applied.wall.as_secs_f64());
        raws.push(raw.as_secs_f64());
        ratios.push(applied.wall.as_secs_f64() / raw.as_secs_f64());
        peaks.push(applied.peak_mib);
    }
    println!("apply            {:8.2} s", median(&mut ours));
    println!(
        "raw              {:8.2} s   keys, signatures, the same files, one sync",
        median(&mut raws)
    );
    goal("apply / raw", median(&mut ratios), "", 2.0);
    goal("apply peak", median(&mut peaks), " MiB", 400.0);
    let lock = fs::metadata(project.join("cluster.lock")).unwrap().len();
    #[expect(clippy::cast_precision_loss, reason = "a file of some megabytes")]
    goal("lock", lock as f64 / 1e6, " MB", 12.0);
    project
}

/// `plan` with nothing to do, in turn with `plan` and `apply` of one changed name.
fn plans(project: &Path, workers: usize) {
    let (mut empty, mut changed, mut applied, mut peaks) =
        <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    for round in 0..PLANS {
        settle(project);
        let nothing = run(project, "plan");
        describe(project, workers, Some(round));
        let plan = run(project, "plan");
        let apply = run(project, "apply");
        let nothing_takes = nothing.wall.as_secs_f64();
        changed.push(plan.wall.as_secs_f64() / nothing_takes);
        applied.push(apply.wall.as_secs_f64() / nothing_takes);
        empty.push(nothing_takes);
        peaks.push(nothing.peak_mib);
    }
    goal("empty plan", median(&mut empty), " s", 1.0);
    goal("empty plan peak", median(&mut peaks), " MiB", 400.0);
    goal("one name: plan / empty plan", median(&mut changed), "", 1.3);
    goal("one name: apply / empty plan", median(&mut applied), "", 1.3);
}

/// `apply` of a description of two lines.
fn small(folder: &Path) {
    let (mut user, mut wall) = (Vec::new(), Vec::new());
    for round in 0..SMALL {
        let project = folder.join(format!("small{round}"));
        fs::create_dir(&project).unwrap();
        describe(&project, 0, None);
        settle(folder);
        let before = children_user_time();
        wall.push(run(&project, "apply").wall.as_secs_f64() * 1e3);
        let user_time = children_user_time().saturating_sub(before);
        user.push(user_time.as_secs_f64() * 1e3);
    }
    goal("two lines: apply, user time", median(&mut user), " ms", 15.0);
    println!("two lines: apply {:8.1} ms", median(&mut wall));
}

struct Run {
    wall: Duration,
    peak_mib: f64,
}

/// The changed name is a gain that a person must name.
fn consent(verb: &str) -> &'static [&'static str] {
    match verb {
        "apply" => &[
            "--allow",
            "escalation:apiserver",
            "--allow",
            "escalation:etcd-peer",
            "--allow",
            "escalation:etcd-server",
        ],
        _ => &[],
    }
}

fn run(project: &Path, verb: &str) -> Run {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kpki"))
        .args([verb, "-C"])
        .arg(project)
        .args(consent(verb))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_mib: f64 = 0.0;
    loop {
        if let Some(exit) = child.try_wait().unwrap() {
            assert!(exit.success(), "kpki {verb}: {exit}");
            let wall = start.elapsed();
            return Run { wall, peak_mib };
        }
        peak_mib = peak_mib.max(high_water_mark(&status).unwrap_or(0.0));
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What the kernel says the process has held at most so far.
fn high_water_mark(status: &str) -> Option<f64> {
    let status = fs::read_to_string(status).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1024.0)
}

fn children_user_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    Duration::from_micros(usage.user_time().num_microseconds().unsigned_abs())
}

/// With `changed`, the control-plane node has a further name.
fn describe(project: &Path, workers: usize, changed: Option<usize>) {
    let mut text =
        "cluster \"bench\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"".to_owned();
    if let Some(number) = changed {
        write!(text, " {{ san \"name{number}.example.com\" }}").unwrap();
    }
    text.push('\n');
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
    fs::write(project.join("cluster.kdl"), text).unwrap();
}

/// A folder with what is below it, or files: parents first.
enum Item {
    Folder(PathBuf, u32),
    File(PathBuf, Vec<u8>, u32),
}

/// Each top folder of a few nodes is one thread's work.
fn groups(out: &Path) -> Vec<Vec<Item>> {
    let mut groups = vec![Vec::new()];
    for top in entries(out) {
        let relative = top.strip_prefix(out).unwrap();
        groups[0].push(Item::Folder(relative.to_owned(), mode(&top)));
        for second in entries(&top) {
            let below = second.join("");
            if second.is_dir() && relative == Path::new("identities") {
                groups[0].push(Item::Folder(
                    second.strip_prefix(out).unwrap().to_owned(),
                    mode(&second),
                ));
                groups.extend(entries(&below).iter().map(|third| tree(out, third)));
            } else {
                groups.push(tree(out, &second));
            }
        }
    }
    groups
}

fn tree(out: &Path, path: &Path) -> Vec<Item> {
    let relative = path.strip_prefix(out).unwrap().to_owned();
    if !path.is_dir() {
        return vec![Item::File(relative, fs::read(path).unwrap(), mode(path))];
    }
    let mut items = vec![Item::Folder(relative, mode(path))];
    for entry in entries(path) {
        items.extend(tree(out, &entry));
    }
    items
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The least that a first apply could do: keys and signatures, the same files, and one sync.
fn raw(folder: &Path, groups: &[Vec<Item>], leaves: usize) -> Duration {
    let start = Instant::now();
    let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let issuer = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
    (0..leaves).into_par_iter().for_each(|_| {
        black_box(EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap());
        black_box(issuer.sign(&random, &[7; 400]).unwrap());
    });
    fs::create_dir(folder).unwrap();
    let write = |items: &Vec<Item>| items.iter().for_each(|item| write(folder, item));
    let (tops, below) = groups.split_first().unwrap();
    write(tops);
    below.par_iter().for_each(write);
    settle(folder);
    start.elapsed()
}

fn write(folder: &Path, item: &Item) {
    match item {
        Item::Folder(path, mode) => {
            DirBuilder::new().mode(*mode).create(folder.join(path)).unwrap();
        }
        Item::File(path, bytes, mode) => OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(*mode)
            .open(folder.join(path))
            .unwrap()
            .write_all(bytes)
            .unwrap(),
    }
}

/// Waits until the disk has taken all that was written.
fn settle(folder: &Path) {
    rustix::fs::syncfs(fs::File::open(folder).unwrap()).unwrap();
}

fn goal(name: &str, value: f64, unit: &str, most: f64) {
    let verdict = if value <= most { "within goal" } else { "MISSES goal" };
    println!("{name:28} {value:8.2}{unit}   {verdict} ({most}{unit})");
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
