//! Why Git did not do what it was asked.

use crate::error::Error;
use crate::visible;

pub(super) fn cannot_run(error: &std::io::Error) -> Error {
    Error::refused(format!("cannot run git: {error}"))
        .help("git alone knows what it ignores; install it, or look with another tool")
}

pub fn failed(said: &str) -> Error {
    Error::refused(format!("git failed: {}", visible::lines(said.trim_end())))
}
