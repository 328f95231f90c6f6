//! Throws changed bytes at the readers, with nothing but a stable compiler: `cargo run -- TARGET SECONDS SEED`,
//! in seconds of the processor's time.
//!
//! A panic, or an input that takes longer than a second, is written to `found/` and ends the run. The
//! functions in `targets.rs` take any bytes, so that cargo-fuzz or AFL can call them as well; `cargo run --
//! TARGET FILE` gives one of them a file.

mod mutate;
mod seeds;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mutate::Random;
use targets::Target;

const SLOW: Duration = Duration::from_secs(1);
/// Between two looks at the clock.
const ROUND: u64 = 100;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let target = |name: &str| targets::TARGETS.iter().find(|target| target.name == name);
    match arguments.as_slice() {
        [name, file] => match (target(name), std::fs::read(file)) {
            (Some(target), Ok(bytes)) => one(target, &bytes),
            _ => usage(),
        },
        [name, seconds, seed] => match (target(name), seconds.parse(), seed.parse()) {
            (Some(target), Ok(seconds), Ok(seed)) => run(target, seconds, seed),
            _ => usage(),
        },
        _ => usage(),
    }
}

fn one(target: &Target, bytes: &[u8]) -> ExitCode {
    let start = Instant::now();
    (target.read)(bytes);
    println!("{}: {:?}", target.name, start.elapsed());
    ExitCode::SUCCESS
}

fn run(target: &Target, seconds: u64, seed: u64) -> ExitCode {
    let (name, seeds, mut random) = (target.name, (target.seeds)(), Random(seed));
    let (start, mut count) = (processor_time(), 0_u64);
    let spent = || processor_time().saturating_sub(start);
    while count % ROUND != 0 || spent() < Duration::from_secs(seconds) {
        let bytes = (target.change)(&seeds, &mut random);
        if let Some(what) = fault(target, &bytes) {
            let path = format!("found/{name}-{seed}-{count}");
            let written =
                std::fs::create_dir_all("found").and_then(|()| std::fs::write(&path, &bytes));
            println!("{path}: {what}, written {written:?}");
            return ExitCode::FAILURE;
        }
        count += 1;
    }
    println!("{name}: {count} inputs in {:?}, seed {seed}, nothing found", spent());
    ExitCode::SUCCESS
}

/// A busy machine makes everything slow: the fastest of three counts.
fn fault(target: &Target, bytes: &[u8]) -> Option<String> {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| (target.read)(bytes))).is_err() {
            return Some("panicked".to_owned());
        }
        fastest = fastest.min(start.elapsed());
        if fastest < SLOW {
            return None;
        }
    }
    Some(format!("took {fastest:?}"))
}

/// Of this process, by Linux; elsewhere the time on the wall.
fn processor_time() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

fn usage() -> ExitCode {
    let names: Vec<&str> = targets::TARGETS.iter().map(|target| target.name).collect();
    println!(
        "usage: kpki-fuzz TARGET SECONDS SEED, or kpki-fuzz TARGET FILE\ntargets: {}",
        names.join(", ")
    );
    ExitCode::FAILURE
}
