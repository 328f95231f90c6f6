//! What was meant by a command that there is none of: the verbs of other tools, and slips.

use clap::CommandFactory as _;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::Cli;
use crate::words::did_you_mean;

/// Verbs that other tools have for what kpki does, and how it is done here.
const ELSEWHERE: [(&[&str], &str); 15] = [
    (
        &["bring", "import", "migrate"],
        "kpki adopt takes over a cluster that runs; of a CA alone: ca \"kubernetes\" certificate=\"ca.crt\"",
    ),
    (
        &["build", "gen", "generate", "issue", "sync"],
        "kpki apply builds what the description asks for",
    ),
    (
        &["cat", "decode", "describe", "get", "info", "inspect", "print", "view"],
        "kpki show NAME, or kpki show FILE",
    ),
    (&["certs", "check-expiration", "expiry", "list", "ls"], "kpki status lists every certificate"),
    (
        &["clean", "delete", "destroy", "prune", "remove", "rm"],
        "kpki apply --prune deletes what the description no longer mentions",
    ),
    (&["compare"], "kpki diff A B"),
    (&["create", "new"], "kpki init begins a project; cluster.kdl says what is to be there"),
    (&["dry-run", "preview"], "kpki plan reads the description, and writes nothing"),
    (&["format", "indent"], "kpki fmt indents the description"),
    (&["decrypt", "reveal", "unseal"], "kpki open NAME --identity FILE"),
    (&["abort", "reset", "undo"], "kpki discard sets an interrupted apply aside"),
    (&["audit", "lint", "scan"], "kpki verify FOLDER checks a PKI tree"),
    (&["pack", "tar"], "kpki export NODE"),
    (&["rekey"], "kpki plan --rekey NAME, then kpki apply --rekey NAME"),
    (&["reissue", "renew"], "kpki plan --renew NAME, then kpki apply --renew NAME"),
];

/// In the place of what clap takes for similar: to it `list` is `install`.
pub(super) fn suggest(error: &mut clap::Error) {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return;
    };
    let tip = suggestion(word);
    error.remove(ContextKind::SuggestedSubcommand);
    if let Some(tip) = tip {
        let tips = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
        error.insert(ContextKind::Suggested, tips);
    }
}

fn suggestion(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    let elsewhere = ELSEWHERE.iter().find(|(words, _)| words.contains(&word.as_str()));
    if let Some((_, tip)) = elsewhere {
        return Some((*tip).to_owned());
    }
    let cli = Cli::command();
    let known = cli.get_subcommands().filter(|command| !command.is_hide_set());
    did_you_mean(&word, known.map(clap::Command::get_name))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn a_verb_of_another_tool_is_no_slip() {
        for (word, tip) in [
            ("paln", Some("did you mean plan?")),
            ("stat", Some("did you mean status?")),
            ("Verify", Some("did you mean verify?")),
            ("list", Some("kpki status lists every certificate")),
            ("banana", None),
            ("text", None),
        ] {
            assert_eq!(suggestion(word).as_deref(), tip, "{word}");
        }
    }

    #[test]
    fn what_is_named_exists_and_what_is_not_kpkis_does_not() {
        let cli = Cli::command();
        for (words, tip) in ELSEWHERE {
            for word in words {
                assert!(cli.find_subcommand(word).is_none(), "{word}");
            }
            for command in tip.split("kpki ").skip(1) {
                let verb = command.split(' ').next().unwrap();
                assert!(cli.find_subcommand(verb).is_some(), "{tip}");
            }
        }
    }

    #[test]
    fn clap_shows_the_tip() {
        let mut error = Cli::try_parse_from(["kpki", "list"]).unwrap_err();
        suggest(&mut error);
        let text = error.to_string();
        assert!(text.contains("tip: kpki status lists every certificate\n"), "{text}");
        assert!(!text.contains("install"), "{text}");
    }
}
