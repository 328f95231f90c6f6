//! The commands that go on from a plan. A saved one is made again: an apply of it takes no `--allow`, since
//! what it may do is a part of it.

use std::path::Path;

use crate::cli;
use crate::plan::{Intent, NamePattern};
use crate::render::Asked;
use crate::shell;
use crate::visible;

/// Its words, as the plan was asked for.
pub(super) fn plan_again(
    directory: &Path,
    file: &Path,
    asked: &Asked,
    policy: &cli::Policy,
) -> Vec<String> {
    let mut words = kpki(directory);
    words.extend(["plan".to_owned(), "--out".to_owned(), file.display().to_string()]);
    words.extend(flags(&asked.intent, policy));
    words
}

/// What carries out a plan that was not saved.
pub(super) fn apply_as(directory: &Path, intent: &Intent, policy: &cli::Policy) -> Vec<String> {
    let mut words = kpki(directory);
    words.push("apply".to_owned());
    words.extend(flags(intent, policy));
    words
}

fn flags(intent: &Intent, policy: &cli::Policy) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(policy) = &policy.policy {
        words.extend(["--policy".to_owned(), policy.display().to_string()]);
    }
    let names = |all: &[NamePattern]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    let allow = intent.allow.iter().map(ToString::to_string).collect();
    let rejoin = intent.rejoin.iter().map(ToString::to_string).collect();
    let flags = [
        ("--renew", names(&intent.renew)),
        ("--rekey", names(&intent.rekey)),
        ("--allow", allow),
        ("--rejoin", rejoin),
    ];
    for (flag, texts) in flags {
        words.extend(texts.into_iter().flat_map(|text| [flag.to_owned(), text]));
    }
    words.extend(intent.all.then(|| "--all".to_owned()));
    words
}

/// What carries a saved plan out.
pub(super) fn apply_it(directory: &Path, file: &Path) -> Vec<String> {
    let mut words = kpki(directory);
    let file = file.display().to_string();
    // Else it would be read as an option (XBD 12.2, guideline 10).
    let file = if file.starts_with('-') { format!("./{file}") } else { file };
    words.extend(["apply".to_owned(), file]);
    words
}

/// How kpki was called.
fn kpki(directory: &Path) -> Vec<String> {
    let mut words = vec!["kpki".to_owned()];
    if directory != Path::new(".") {
        words.extend(["-C".to_owned(), directory.display().to_string()]);
    }
    words
}

/// As a POSIX shell reads them back; in one printable line.
pub(super) fn in_shell(words: &[String]) -> String {
    let quoted = words.iter().map(|word| shell::quoted(&visible::harmless(word)));
    quoted.collect::<Vec<_>>().join(" ")
}
