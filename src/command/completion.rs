//! What a shell completes: `kpki completions SHELL` prints a script that asks kpki itself for each word.
//! Names are those of the project where the command line stands. No secret is opened, nothing is written, and
//! where there is no project, or a broken one, there is nothing to complete and no message.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap_complete::CompleteEnv;
use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _,
};
use clap_complete::env::Shells;

use super::folder::{DESCRIPTION, LOCK};
use super::{Outcome, project_folder, terminal};
use crate::cli;
use crate::config::{self, word_paths};
use crate::error::{Error, Result};
use crate::lint::RULES;
use crate::lock;
use crate::sources::Sources;
use crate::spec::Root;

/// Set by the script, and by nobody else.
const VARIABLE: &str = "KPKI_COMPLETE";
/// With more matches than this a name is completed up to its next slash.
const LISTED: usize = 100;

/// What a word may name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    Artifact,
    /// An artifact, or a file.
    ArtifactOrFile,
    Node,
    User,
    Root,
    Explained,
}

/// Command, argument and what it names. Paths and the words of enumerations clap completes itself.
const NAMED: &[(&str, &str, Names)] = &[
    ("plan", "names", Names::Artifact),
    ("status", "names", Names::Artifact),
    ("open", "name", Names::Artifact),
    ("plan", "renew", Names::Artifact),
    ("plan", "rekey", Names::Artifact),
    ("plan", "rejoin", Names::Node),
    ("apply", "renew", Names::Artifact),
    ("apply", "rekey", Names::Artifact),
    ("apply", "rejoin", Names::Node),
    ("rotate", "root", Names::Root),
    ("accept", "name", Names::User),
    ("install", "node", Names::Node),
    ("export", "node", Names::Node),
    ("show", "what", Names::ArtifactOrFile),
    ("why", "name", Names::Artifact),
    ("explain", "name", Names::Explained),
];

/// Where a shell asks for words, they are printed and that is all.
pub fn completed() -> Option<ExitCode> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let directory = directory(&words);
    let asked = CompleteEnv::with_factory(move || command(&directory)).var(VARIABLE);
    let here = std::env::current_dir().ok();
    match asked.try_complete(words, here.as_deref()) {
        Ok(false) => None,
        Ok(true) => Some(ExitCode::SUCCESS),
        Err(_) => Some(ExitCode::FAILURE),
    }
}

/// The script that makes a shell ask.
pub(super) fn script(shell: clap_complete::Shell) -> Result<Outcome> {
    let name = shell.to_string();
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let shell = shells.completer(&name);
    shell
        .ok_or_else(|| Error::internal(format!("no completion for {name}")))?
        .write_registration(VARIABLE, "kpki", "kpki", "kpki", &mut script)
        .map_err(|error| Error::internal(error.to_string()))?;
    terminal::product(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}

fn command(directory: &Path) -> clap::Command {
    let mut all = cli::command();
    for (command, argument, names) in NAMED {
        let directory = directory.to_path_buf();
        let complete = move |typed: &OsStr| candidates(*names, typed, &directory);
        let completer = ArgValueCompleter::new(complete);
        all = all.mut_subcommand(command, |command| {
            let order = positional(&command);
            let command = command.mut_arg(argument, |argument| argument.add(completer));
            // clap puts a changed argument behind the others.
            order.into_iter().zip(1..).fold(command, |command, (id, index)| {
                command.mut_arg(id, |argument| argument.index(index))
            })
        });
    }
    all
}

/// The arguments that stand by their place.
fn positional(command: &clap::Command) -> Vec<clap::Id> {
    command.get_positionals().map(|argument| argument.get_id().clone()).collect()
}

fn candidates(names: Names, typed: &OsStr, directory: &Path) -> Vec<CompletionCandidate> {
    let Some(text) = typed.to_str() else { return Vec::new() };
    let mut known = known(names, directory);
    known.retain(|name| name.starts_with(text));
    if known.len() > LISTED {
        known = known.iter().map(|name| up_to_slash(name, text.len())).collect();
    }
    let mut all: Vec<_> = known.into_iter().map(CompletionCandidate::new).collect();
    if names == Names::ArtifactOrFile {
        all.extend(PathCompleter::any().complete(typed));
    }
    all
}

fn up_to_slash(name: &str, from: usize) -> String {
    let slash = name.get(from..).and_then(|rest| rest.find('/'));
    let end = slash.and_then(|at| name.get(..=from + at));
    end.unwrap_or(name).to_owned()
}

fn known(names: Names, directory: &Path) -> BTreeSet<String> {
    match names {
        Names::Artifact | Names::ArtifactOrFile => artifacts(directory),
        Names::Node => second_words(&artifacts(directory), "nodes/", ""),
        Names::User => second_words(&artifacts(directory), "users/", "users/"),
        Names::Root => Root::ALL.map(|root| root.to_string()).into(),
        Names::Explained => {
            let words = word_paths().into_iter();
            words.chain(RULES.iter().map(|rule| rule.id.to_owned())).collect()
        }
    }
}

/// Of names that begin with a folder what follows it, up to the next slash.
fn second_words(names: &BTreeSet<String>, folder: &str, prefix: &str) -> BTreeSet<String> {
    let rests = names.iter().filter_map(|name| name.strip_prefix(folder));
    rests.map(|rest| format!("{prefix}{}", rest.split('/').next().unwrap_or(rest))).collect()
}

/// Those that the description asks for; where it cannot be read, those on record.
fn artifacts(directory: &Path) -> BTreeSet<String> {
    let sources = Sources::Folder(directory.to_path_buf());
    let lock = || {
        let bytes = sources.read_if_there(LOCK, lock::LIMIT).ok()??;
        lock::parse(&bytes).ok()
    };
    if !fs::exists(directory.join(DESCRIPTION)).unwrap_or(false) {
        return BTreeSet::new();
    }
    match config::load(&sources, DESCRIPTION, None) {
        Ok(loaded) => {
            let graph = &loaded.graph;
            graph.ids().map(|id| graph.get(id).name.to_string()).collect()
        }
        Err(_) => lock().map_or_else(BTreeSet::new, |lock| {
            lock.entries.keys().map(ToString::to_string).collect()
        }),
    }
}

/// What `-C` names on the line that is completed, which stands behind the shell's own `--`; else the project
/// around.
fn directory(words: &[OsString]) -> PathBuf {
    let mut line = words.iter().skip_while(|word| *word != "--").skip(1);
    while let Some(word) = line.next() {
        let text = word.to_string_lossy();
        let glued = text.strip_prefix("--directory=").or_else(|| match text.strip_prefix("-C") {
            Some("") | None => None,
            glued => glued,
        });
        match glued {
            Some(folder) => return PathBuf::from(folder),
            None if text == "-C" || text == "--directory" => {
                return line.next().map_or_else(project_folder::around, PathBuf::from);
            }
            None => {}
        }
    }
    project_folder::around()
}
