//! docs/reference/: written from what the parser and clap know, with `UPDATE_EXPECTED=1`. And what is said of
//! commands anywhere names one that there is.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory as _, Parser as _};
use kpki::cli::examples::{self, EXAMPLES};
use kpki::cli::{Cli, manual};
use kpki::config::all_words;
use kpki::render::{ExplainReport, WordReport};

use crate::testkit::json_schema::Validator;
use crate::testkit::{files_below, kpki, printed};

fn committed(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == text,
        "{name} differs; UPDATE_EXPECTED=1 cargo test --test cli reference rewrites it"
    );
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}

/// In lines of at most 110 columns, all but the first further in.
fn wrapped(prose: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in prose.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if !line.is_empty() && line.len() + 1 + word.len() > 110 {
            lines.push(format!("{indent}{word}"));
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    format!("{}\n", lines.join("\n"))
}

#[test]
fn the_page_of_words_is_that_of_the_parser() {
    let report = ExplainReport::new(&all_words(), &[]);
    let mut text = String::from(
        "# The words of cluster.kdl\n\nMade from the table that the parser reads by; `kpki explain WORD` prints \
         the same. A property and a word\nin a block mean the same where one value is meant.\n",
    );
    for word in &report.words {
        if word.words.is_empty() && word.name.contains('.') {
            continue;
        }
        let depth = "#".repeat(2 + word.name.matches('.').count());
        let _ = writeln!(text, "\n{depth} {}\n", word.name);
        let form = word.form.as_ref().map(|form| format!(" Its name is {form}."));
        let prose = format!("{} Stands {}.{}", word.means, word.stands, form.unwrap_or_default());
        text.push_str(&wrapped(&prose, ""));
        for value in &word.values {
            text.push_str(&wrapped(&format!("- `{}`: {}", value.word, value.means), "  "));
        }
        if !word.values.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "\n```kdl\n{}\n```", word.example);
        let own = |inner: &&WordReport| {
            let rest = inner.name.strip_prefix(&format!("{}.", word.name));
            rest.is_some_and(|rest| !rest.contains('.'))
        };
        let inner: Vec<_> = report.words.iter().filter(own).collect();
        if !inner.is_empty() {
            text.push_str("\n| word | means | value | without it |\n|---|---|---|---|\n");
        }
        for inner in inner {
            let end = inner.name.rsplit('.').next().unwrap();
            let values: Vec<String> =
                inner.values.iter().map(|value| format!("`{}`", value.word)).collect();
            let form = match &inner.form {
                _ if !inner.words.is_empty() => "a block, below".to_owned(),
                Some(form) => cell(form),
                None => values.join(", "),
            };
            let without = match (&inner.default, &inner.without, inner.required) {
                (Some(default), ..) => format!("`{default}`"),
                (_, Some(without), _) => cell(without),
                (_, _, true) => "a mistake".to_owned(),
                _ => String::new(),
            };
            let means = cell(&inner.means);
            let _ = writeln!(text, "| `{end}` | {means} | {form} | {without} |");
        }
    }
    committed("words.md", &text);
}

#[test]
fn the_page_of_commands_is_that_of_clap() {
    let mut text = String::from(
        "# Commands\n\nMade from what `kpki COMMAND --help` prints. `-C DIR` goes with every command: the project \
         folder, which\nholds cluster.kdl.\n",
    );
    let tree = manual::tree();
    for command in tree.get_subcommands().filter(|command| !command.is_hide_set()) {
        of_command(command, &[command.get_name()], &mut text);
    }
    committed("commands.md", &text);
}

fn of_command(command: &Command, words: &[&str], text: &mut String) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace('\n', "\n    ");
    let about = command.get_about().unwrap().to_string();
    let _ = writeln!(text, "\n## kpki {}\n\n{about}.\n\n    {usage}", words.join(" "));
    let arguments = command.get_arguments();
    let shown = |argument: &&Arg| {
        !argument.is_hide_set()
            && !["directory", "help", "version"].contains(&argument.get_id().as_str())
    };
    let arguments: Vec<&Arg> = arguments.filter(shown).collect();
    if !arguments.is_empty() {
        text.push_str("\n| | |\n|---|---|\n");
    }
    for argument in arguments {
        let mut name = argument.to_string();
        if let (Some(short), Some(_)) = (argument.get_short(), argument.get_long()) {
            name = format!("-{short}, {name}");
        }
        let mut help = argument.get_help().unwrap().to_string();
        let values = argument.get_possible_values();
        let values: Vec<_> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
        if !values.is_empty() && matches!(argument.get_action(), ArgAction::Set | ArgAction::Append)
        {
            let _ = write!(help, ": {}", values.join(", "));
        }
        let takes_value = argument.get_action().takes_values();
        if let Some(default) = argument.get_default_values().first().filter(|_| takes_value) {
            let _ = write!(help, "; default `{}`", default.to_string_lossy());
        }
        if let Some(variable) = argument.get_env() {
            let _ = write!(help, "; or the variable {}", variable.to_string_lossy());
        }
        let _ = writeln!(text, "| `{}` | {} |", name.replace('|', "\\|"), cell(&help));
    }
    let name = words.join(" ");
    let mut examples = examples::of(&name).peekable();
    if examples.peek().is_some() {
        text.push_str("\n| example | |\n|---|---|\n");
    }
    for example in examples {
        let _ = writeln!(text, "| `{}` | {} |", example.line, cell(example.does));
    }
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        let words: Vec<&str> = words.iter().copied().chain([inner.get_name()]).collect();
        of_command(inner, &words, text);
    }
}

fn each_command(command: &Command, seen: &mut dyn FnMut(&Command)) {
    seen(command);
    for inner in command.get_subcommands() {
        each_command(inner, seen);
    }
}

#[test]
fn every_command_and_every_argument_has_help() {
    let mut count = 0;
    each_command(&Cli::command(), &mut |command| {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} {argument}", command.get_name());
            count += 1;
        }
    });
    assert!(count > 60, "{count}");
}

#[test]
fn every_example_is_a_line_that_kpki_takes_and_every_command_has_one() {
    for example in EXAMPLES {
        let words: Vec<&str> = example.line.split(' ').collect();
        assert!(Cli::try_parse_from(&words).is_ok(), "{}", example.line);
        assert!(example.does.ends_with('.') && example.does.len() > 10, "{}", example.does);
        assert!(example.line.starts_with("kpki "), "{}", example.line);
        let command = example.command.split(' ').next().unwrap();
        assert!(command.is_empty() || words.contains(&command), "{}", example.line);
    }
    let mut missing = BTreeSet::new();
    each_command(&manual::tree(), &mut |command| {
        let is_shown = !command.is_hide_set();
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        let name = name.trim_start_matches("kpki").trim_start_matches('-').replace('-', " ");
        if is_shown && examples::of(&name).next().is_none() {
            missing.insert(name);
        }
    });
    assert!(missing.is_empty(), "{missing:?}");
}

/// Words behind `kpki` where a sentence goes on, and no command is meant.
const PROSE: &[&str] = &[
    "and",
    "as",
    "calendar",
    "can",
    "cannot",
    "changed",
    "compares",
    "deletes",
    "derivation",
    "did",
    "does",
    "follows",
    "gives",
    "has",
    "in",
    "index",
    "is",
    "issues",
    "journal",
    "keeps",
    "knows",
    "leaves",
    "led",
    "looks",
    "makes",
    "merge",
    "needs",
    "never",
    "put",
    "puts",
    "reads",
    "seals",
    "sets",
    "signs",
    "stopped",
    "takes",
    "test",
    "that",
    "was",
    "would",
    "writes",
    "wrote",
];

/// Messages are in the source; so are the commands that they name.
#[test]
fn a_message_names_only_commands_and_options_that_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tree = Cli::command();
    let (mut commands, mut options) = (0, 0);
    let mut wrong = Vec::new();
    let texts = ["src", "tests/bad-descriptions"]
        .into_iter()
        .flat_map(|folder| files_below(&root.join(folder)));
    for path in texts.filter(|path| path.extension().is_some_and(|end| end == "rs" || end == "txt"))
    {
        let text = std::fs::read_to_string(&path).unwrap();
        // Tests type what there is not.
        let text = text.split("#[cfg(test)]").next().unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for said in line.split("kpki ").skip(1) {
                let said = said.split(['`', '"', ';', ':', '(', ')', '\\']).next().unwrap();
                let mut words = said.split(' ').map(|word| word.trim_end_matches([',', '.', '\'']));
                let mut first = words.next().unwrap_or("");
                if first == "-C" {
                    first = words.nth(1).unwrap_or("");
                }
                let is_word = !first.is_empty()
                    && first.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
                if !is_word || first.starts_with('-') || PROSE.contains(&first) {
                    continue;
                }
                let Some(command) = tree.find_subcommand(first) else {
                    wrong.push(format!("{}: kpki {first}", path.display()));
                    continue;
                };
                commands += 1;
                let inner = command.get_subcommands().flat_map(Command::get_arguments);
                let known: BTreeSet<&str> =
                    command.get_arguments().chain(inner).filter_map(Arg::get_long).collect();
                for option in words
                    .filter_map(|word| word.strip_prefix("--"))
                    .filter(|word| word.starts_with(char::is_alphabetic))
                {
                    let option = option.split('=').next().unwrap();
                    options += 1;
                    if !known.contains(option)
                        && !["help", "directory", "color", "quiet"].contains(&option)
                    {
                        wrong.push(format!("{}: kpki {first} --{option}", path.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(commands > 100 && options > 10, "{commands} {options}");
}

#[test]
fn explain_prints_words_and_rules_in_80_columns_and_as_json() {
    let folder = Path::new(".");
    let explain = |words: &[&str]| {
        let mut command = kpki(folder);
        command.arg("explain").args(words).env("COLUMNS", "80");
        command
    };
    let all = printed(&mut explain(&[]));
    for word in all_words() {
        assert!(
            all.lines().any(|line| line.split(' ').next() == Some(&word.path)),
            "{}",
            word.path
        );
        let one = printed(&mut explain(&[&word.path]));
        assert!(one.contains(&word.path), "{one}");
        for line in one.lines().filter(|line| !line.contains("age1")) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
    assert!(all.lines().all(|line| line.chars().count() <= 80), "{all}");
    let validator = Validator::of("explain");
    for words in [&[][..], &["user"], &["component.etcd.topology"], &["expired"], &["validity"]] {
        let text = printed(explain(words).args(["--format", "json"]));
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let errors = validator.errors(&document);
        assert!(errors.is_empty(), "{errors:?}");
    }
    for (unknown, help) in [
        ("topolgy", "did you mean topology?"),
        ("stray", "did you mean stray-manifest?"),
        ("component.etcd.topologie", "did you mean component.etcd.topology?"),
        ("banana", "kpki explain lists them all"),
    ] {
        let output = explain(&[unknown]).output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(help), "{told}");
    }
}
