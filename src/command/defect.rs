//! What becomes of a panic: one line, and the exit code of a defect. It unwinds, so that a transaction undoes
//! what it has staged; a worker's panic goes on in the thread that waits for the worker.

use std::panic::{PanicHookInfo, UnwindSafe, catch_unwind, set_hook, take_hook};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use super::terminal;
use crate::error::Kind;

/// Runs `command`. A panic in it, in any thread that it waits for, ends with [`Kind::Internal`]'s exit code.
pub fn contain(command: impl FnOnce() -> ExitCode + UnwindSafe) -> ExitCode {
    let told = AtomicBool::new(false);
    let default = take_hook();
    // std's own wish for more than one line, and for what the message quotes.
    let wanted = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
    set_hook(Box::new(move |panic| {
        // The threads that wait for it may panic as well, and so may what is undone.
        if !told.swap(true, Ordering::Relaxed) {
            terminal::talk(&line(panic));
        }
        if wanted {
            default(panic);
        }
    }));
    catch_unwind(command).unwrap_or_else(|_| ExitCode::from(Kind::Internal.exit_code()))
}

/// A message that was put together may quote what it stumbled over, a key's line for example: only the
/// program's own words are shown, and where it was.
fn line(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map_or_else(String::new, |location| {
        format!(" in {}:{}", of_source(location.file()), location.line())
    });
    let words = panic.payload().downcast_ref::<&'static str>();
    let words = words.map_or_else(String::new, |words| format!(" ({words})"));
    format!(
        "error: kpki stopped at a defect of its own{place}{words}; please report it (RUST_BACKTRACE=1 says more)"
    )
}

/// `age-0.12.1/src/x25519.rs`: without the folders of the machine that built it.
fn of_source(file: &str) -> &str {
    let registry = file.split_once("/registry/src/");
    let inside = registry.and_then(|(_, rest)| rest.split_once('/'));
    inside.map_or(file, |(_, inside)| inside)
}
