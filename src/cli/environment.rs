//! What the environment may say instead of a flag: one rule for every command.
//!
//! A variable is a setting of a person or a machine. It means the same in each command that has the flag, and
//! it must fit every call: so none has what one run is to do, and none whom a secret is sealed for. Consent
//! is never one: what was set once, and forgotten, would consent to what nobody has seen.

use std::ffi::OsString;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Command, CommandFactory as _, FromArgMatches as _};

use super::{Cli, Color};

/// A flag, and the variable that stands for it.
const VARIABLES: [(&str, &str); 7] = [
    ("color", "KPKI_COLOR"),
    ("detailed-exitcode", "KPKI_DETAILED_EXITCODE"),
    ("directory", "KPKI_DIRECTORY"),
    ("full", "KPKI_FULL"),
    ("identity", "KPKI_IDENTITY"),
    ("policy", "KPKI_POLICY"),
    ("quiet", "KPKI_QUIET"),
];

/// All commands, with the environment's part.
pub fn command() -> Command {
    with_variables(Cli::command())
}

fn with_variables(command: Command) -> Command {
    command
        .mut_args(|arg| {
            let variable = VARIABLES.iter().find(|(flag, _)| arg.get_long() == Some(flag));
            let Some((_, variable)) = variable else { return arg };
            // A page of help is the same for everybody.
            let arg = arg.env(*variable).hide_env_values(true);
            match arg.get_action() {
                // 0, false, no, off and an empty text do not set it.
                ArgAction::SetTrue => arg.value_parser(FalseyValueParser::new()),
                _ => arg,
            }
        })
        .mut_subcommands(with_variables)
}

/// What was typed, and what the environment adds to it.
pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The colours that were asked for, where the rest cannot be read: a mistake, or a question for help.
pub fn color_of(words: impl IntoIterator<Item = OsString>) -> Color {
    let lenient = command().ignore_errors(true).disable_help_flag(true).disable_version_flag(true);
    let matches = lenient.try_get_matches_from(words).ok();
    matches.and_then(|matches| matches.get_one("color").copied()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_has_its_flag() {
        let command = command();
        let all = || std::iter::once(&command).chain(command.get_subcommands());
        for (flag, variable) in VARIABLES {
            let mut args = all().flat_map(Command::get_arguments);
            assert!(args.any(|arg| arg.get_long() == Some(flag)), "{flag}");
            assert_eq!(variable, format!("KPKI_{}", flag.to_uppercase().replace('-', "_")));
        }
    }

    #[test]
    fn colours_are_known_where_the_rest_is_a_mistake() {
        let color = |words: &str| color_of(words.split(' ').map(OsString::from));
        assert_eq!(color("kpki --color never paln"), Color::Never);
        assert_eq!(color("kpki plan --color=always --help"), Color::Always);
        assert_eq!(color("kpki --color=always"), Color::Always);
        assert_eq!(color("kpki --color=purple plan"), Color::Auto);
        assert_eq!(color("kpki paln"), Color::Auto);
    }
}
