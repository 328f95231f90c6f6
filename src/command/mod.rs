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
mod fmt;
mod folder;
mod git;
mod graph;
mod handed_out;
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
mod open;
mod outcome;
mod output;
mod plaintext;
mod plan;
mod plan_again;
mod policy;
mod product_file;
mod project_folder;
mod rejoining;
mod report;
mod rotate;
mod seed;
mod selection;
mod setup;
mod several;
mod show;
mod standard_input;
mod status;
mod terminal;
mod textconv;
mod unknown_command;
mod validate;
mod verified_secrets;
mod verify;
mod why;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ContextValue;
use rustix::process::{Resource, Rlimit, setrlimit};

pub(crate) use self::clock::clock;
pub use self::completion::completed;
pub use self::defect::contain;
pub(crate) use self::outcome::Outcome;
use crate::cli::{ApplyArgs, Cli, Color, Command, Tool, VerifyArgs};
use crate::error::{Error, Kind, Result};
use crate::visible::{self, harmless};

pub fn run(cli: &Cli) -> ExitCode {
    write_no_core_files();
    terminal::use_color(cli.everywhere.color);
    if cli.everywhere.quiet {
        terminal::be_quiet();
    }
    let folders = match folders(cli) {
        Ok(folders) => folders,
        Err(error) => return ExitCode::from(failed(&error)),
    };
    ExitCode::from(match folders.as_slice() {
        [one] => run_in(one, &cli.command).unwrap_or_else(|error| failed(&error)),
        _ => run_in_each(&folders, &cli.command),
    })
}

fn run_in_each(folders: &[PathBuf], command: &Command) -> u8 {
    let mut worst = 0;
    for (index, folder) in folders.iter().enumerate() {
        if let Err(error) = several::heading(command, folder, index == 0) {
            return failed(&error);
        }
        let end = run_in(folder, command).unwrap_or_else(|error| {
            // The heading is in the product, which may go elsewhere.
            let message = format!("{}: {}", visible::path(folder), error.message);
            failed(&Error { message, ..error })
        });
        worst = several::worse(worst, end);
    }
    worst
}

fn failed(error: &Error) -> u8 {
    terminal::error(error);
    error.kind.exit_code()
}

/// The exit code.
fn run_in(directory: &Path, command: &Command) -> Result<u8> {
    // Before anything else, since it may explain an error.
    if reads_project(command) {
        let tells_itself = matches!(command, Command::Plan(_) | Command::Rotate(_));
        interrupted::warn(directory, tells_itself);
    }
    let result = match command {
        Command::Init(args) => init::run(directory, args),
        Command::Adopt(args) => adopt::run(directory, args),
        Command::Validate => validate::run(directory),
        Command::Fmt { check } => fmt::run(directory, *check),
        Command::Plan(args) => plan::run(directory, args),
        Command::Rotate(args) => rotate::run(directory, args),
        Command::Apply(args) => apply::run(directory, args),
        Command::Discard => discard::run(directory),
        Command::Accept(args) => accept::run(directory, args),
        Command::Install(args) => install::run(directory, args),
        Command::Export(args) => export::run(directory, args),
        Command::Open(args) => open::run(directory, args),
        Command::Status(args) => status::run(directory, args),
        Command::Graph(args) => graph::run(directory, args),
        Command::Report(args) => report::run(directory, args),
        Command::Show(args) => show::run(directory, args),
        Command::Why(args) => why::run(directory, args),
        Command::Diff(args) => diff::run(directory, args),
        Command::Check(args) => plaintext::run(directory, args),
        Command::Verify(args) => verify::run(directory, args),
        Command::Explain(args) => explain::run(args),
        Command::Setup { tool: Tool::Git } => setup::run(directory),
        Command::Textconv { file } => textconv::run(file),
        Command::MergeLock(args) => merge_lock::run(args),
        Command::Completions { shell } => completion::script(*shell),
        Command::Man(args) => man::run(args),
    };
    Ok(match result? {
        Outcome::Done => 0,
        Outcome::Differences => 2,
        Outcome::NeedsAllow => Kind::NeedsAllow.exit_code(),
        Outcome::Refused => Kind::Refused.exit_code(),
        Outcome::NotProven => 4,
    })
}

/// As they are named; else the project is looked for, but by what begins one or knows none.
fn folders(cli: &Cli) -> Result<Vec<PathBuf>> {
    let named = &cli.everywhere.directory;
    if !named.is_empty() {
        return several::named(named);
    }
    Ok(vec![match &cli.command {
        Command::Init(_)
        | Command::Adopt(_)
        | Command::Explain(_)
        | Command::Textconv { .. }
        | Command::MergeLock(_)
        | Command::Completions { .. }
        | Command::Man(_) => PathBuf::from("."),
        _ => project_folder::find(),
    }])
}

/// Whether what a command tells depends on the files below `out/`, and it does not settle them itself.
fn reads_project(command: &Command) -> bool {
    match command {
        Command::Init(_)
        | Command::Adopt(_)
        | Command::Apply(ApplyArgs { check: false, .. })
        | Command::Accept(_)
        | Command::Discard
        | Command::Validate
        | Command::Fmt { .. }
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
        | Command::Open(_)
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
pub fn usage(mut error: clap::Error, color: Color) -> ExitCode {
    terminal::use_color(color);
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
        // Nobody is left to be told that it failed.
        let _ = terminal::product(&error.render().ansi().to_string());
        ExitCode::SUCCESS
    }
}
