//! Throws changed bytes at the readers, with nothing but a stable compiler: `cargo run -- TARGET SECONDS SEED`.
//!
//! A panic, or an input that takes longer than a second, is written to `found/` and ends the run. The
//! functions in `targets.rs` take any bytes, so that cargo-fuzz or AFL can call them as well.

mod mutate;
mod seeds;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mutate::Random;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, seconds, seed] = arguments.as_slice() else {
        return usage();
    };
    let target = targets::TARGETS.iter().find(|(known, _, _)| known == name);
    let (Some((_, target, seeds)), Ok(seconds), Ok(seed)) =
        (target, seconds.parse::<u64>(), seed.parse::<u64>())
    else {
        return usage();
    };
    let (start, mut random) = (Instant::now(), Random(seed));
    let seeds = seeds();
    let mut count = 0_u64;
    while start.elapsed() < Duration::from_secs(seconds) {
        let mut bytes = random.one(&seeds).clone();
        mutate::mutate(&mut bytes, &seeds, &mut random);
        let began = Instant::now();
        let is_calm = catch_unwind(AssertUnwindSafe(|| target(&bytes))).is_ok();
        let took = began.elapsed();
        if !is_calm || took > Duration::from_secs(1) {
            let path = format!("found/{name}-{seed}-{count}");
            let written =
                std::fs::create_dir_all("found").and_then(|()| std::fs::write(&path, &bytes));
            println!("{path}: calm {is_calm}, {took:?}, written {written:?}");
            return ExitCode::FAILURE;
        }
        count += 1;
    }
    println!("{name}: {count} inputs, seed {seed}, nothing found");
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    let names: Vec<&str> = targets::TARGETS.iter().map(|(name, _, _)| *name).collect();
    println!("usage: kpki-fuzz TARGET SECONDS SEED\ntargets: {}", names.join(", "));
    ExitCode::FAILURE
}
