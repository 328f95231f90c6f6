//! The thin binary: parse, run, exit code.

use std::process::ExitCode;

use kpki::cli;

fn main() -> ExitCode {
    kpki::command::contain(|| {
        kpki::command::completed().unwrap_or_else(|| match cli::read(std::env::args_os()) {
            Ok(cli) => kpki::command::run(&cli),
            Err(error) => kpki::command::usage(error, cli::color_of(std::env::args_os())),
        })
    })
}
