//! The thin binary: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    kpki::command::contain(|| {
        kpki::command::completed().unwrap_or_else(|| match kpki::cli::Cli::try_parse() {
            Ok(cli) => kpki::command::run(&cli),
            Err(error) => kpki::command::usage(error),
        })
    })
}
