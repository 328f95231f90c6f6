//! A file per verb: arguments in, a use case called, a report printed.
//!
//! The only room with a terminal, a clock, an environment and Git. May import everything. Never here: what
//! becomes of an artifact, and how a report reads.

mod accept;
mod adopt;
mod apply;
mod base;
mod check;
mod clock;
mod clock_doubt;
mod command_path;
mod completion;
mod defect;
mod diff;
mod discard;
mod effect;
mod explain;
mod export;
mod folder;
mod git;
mod graph;
mod handing_over;
mod history;
mod identity;
mod init;
mod install;
mod intent;
mod interrupted;
mod live;
mod lookup;
mod loose_folders;
mod machine;
mod man;
mod merge_lock;
mod node;
mod obstacles;
mod on_disk;
mod outcome;
mod output;
mod plaintext;
mod plan;
mod plan_again;
mod policy;
mod product_file;
mod rejoining;
mod report;
mod rotate;
mod seed;
mod setup;
mod show;
mod standard_input;
mod status;
mod terminal;
mod textconv;
mod unknown_command;
mod verified_secrets;
mod verify;
mod why;

use std::process::ExitCode;

use clap::error::ContextValue;
use rustix::process::{Resource, Rlimit, setrlimit};

pub(crate) use self::clock::clock;
pub use self::completion::completed;
pub use self::defect::contain;
pub(crate) use self::outcome::Outcome;
use crate::cli::{ApplyArgs, Cli, Command, Tool, VerifyArgs};
use crate::error::Kind;
use crate::visible::harmless;

pub fn run(cli: &Cli) -> ExitCode {
    write_no_core_files();
    // Before anything else, since it may explain an error.
    if reads_project(&cli.command) {
        let tells_itself = matches!(cli.command, Command::Plan(_) | Command::Rotate(_));
        interrupted::warn(&cli.directory, tells_itself);
    }
    let result = match &cli.command {
        Command::Init(args) => init::run(&cli.directory, args),
        Command::Adopt(args) => adopt::run(&cli.directory, args),
        Command::Plan(args) => plan::run(&cli.directory, args),
        Command::Rotate(args) => rotate::run(&cli.directory, args),
        Command::Apply(args) => apply::run(&cli.directory, args),
        Command::Discard => discard::run(&cli.directory),
        Command::Accept(args) => accept::run(&cli.directory, args),
        Command::Install(args) => install::run(&cli.directory, args),
        Command::Export(args) => export::run(&cli.directory, args),
        Command::Status(args) => status::run(&cli.directory, args),
        Command::Graph(args) => graph::run(&cli.directory, args),
        Command::Report(args) => report::run(&cli.directory, args),
        Command::Show(args) => show::run(&cli.directory, args),
        Command::Why(args) => why::run(&cli.directory, args),
        Command::Diff(args) => diff::run(&cli.directory, args),
        Command::Check(args) => plaintext::run(&cli.directory, args),
        Command::Verify(args) => verify::run(&cli.directory, args),
        Command::Explain(args) => explain::run(args),
        Command::Setup { tool: Tool::Git } => setup::run(&cli.directory),
        Command::Textconv { file } => textconv::run(file),
        Command::MergeLock(args) => merge_lock::run(args),
        Command::Completions { shell } => completion::script(*shell),
        Command::Man(args) => man::run(args),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Differences) => ExitCode::from(2),
        Ok(Outcome::NeedsAllow) => ExitCode::from(Kind::NeedsAllow.exit_code()),
        Ok(Outcome::Refused) => ExitCode::from(Kind::Refused.exit_code()),
        Ok(Outcome::NotProven) => ExitCode::from(4),
        Err(error) => {
            terminal::error(&error);
            ExitCode::from(error.kind.exit_code())
        }
    }
}

/// Whether what a command tells depends on the files below `out/`, and it does not settle them itself.
fn reads_project(command: &Command) -> bool {
    match command {
        Command::Init(_)
        | Command::Adopt(_)
        | Command::Apply(ApplyArgs { check: false, .. })
        | Command::Accept(_)
        | Command::Discard
        | Command::Verify(VerifyArgs { live: false, .. })
        | Command::Explain(_)
        | Command::Textconv { .. }
        | Command::MergeLock(_)
        | Command::Completions { .. }
        | Command::Man(_) => false,
        Command::Plan(_)
        | Command::Rotate(_)
        | Command::Apply(_)
        | Command::Install(_)
        | Command::Export(_)
        | Command::Status(_)
        | Command::Graph(_)
        | Command::Report(_)
        | Command::Show(_)
        | Command::Why(_)
        | Command::Diff(_)
        | Command::Check(_)
        | Command::Verify(_)
        | Command::Setup { .. } => true,
    }
}

/// Memory may hold keys; a crash must not put it on a disk. Where the limit cannot be lowered nothing is
/// worse.
fn write_no_core_files() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
}

/// clap's own messages: help and version are the product, the rest is talk.
pub fn usage(mut error: clap::Error) -> ExitCode {
    let failed = error.use_stderr();
    // It quotes what was given, which may be a file's name.
    let quotes: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(harmless(text)))),
            _ => None,
        })
        .collect();
    for (kind, value) in quotes {
        error.insert(kind, value);
    }
    unknown_command::suggest(&mut error);
    if failed {
        terminal::talk(error.render().ansi().to_string().trim_end());
        ExitCode::from(Kind::Usage.exit_code())
    } else {
        // A closed pipe is nobody's mistake.
        let _ = error.print();
        ExitCode::SUCCESS
    }
}
