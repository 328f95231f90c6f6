//! Flags of the kubelet, as its pflag reads them.

use std::collections::BTreeMap;

use super::At;
use super::unit::{CommandLine, Word};

/// A flag's value, or why it is not known.
pub(super) type Value = (At, Result<String, String>);

#[derive(Default)]
pub(super) struct Flags {
    /// The last one counts.
    pub values: BTreeMap<String, Value>,
    /// What may hold any flag.
    pub unread: Vec<(At, String)>,
    /// Neither the unit nor kubeadm's flags are in the copy: there may be others.
    pub partial: bool,
}

/// `booleans` take no word behind them.
pub(super) fn flags(line: CommandLine, booleans: &[&str]) -> Flags {
    let mut found = Flags { values: BTreeMap::new(), unread: line.unread, partial: line.partial };
    let mut words = line.words.into_iter().peekable();
    while let Some(word) = words.next() {
        let Word { text, at, unknown } = word;
        if text == "--" {
            break;
        }
        let Some(flag) = text.strip_prefix("--") else {
            match unknown {
                Some(why) => found.unread.push((at, why)),
                // The kubelet takes `-v` and `-h` alone; `-v 2` has its value in the next word.
                None if text == "-v" => drop(words.next()),
                None if text.starts_with('-') => {}
                None => found.unread.push((at, format!("has {text}, which is no flag"))),
            }
            continue;
        };
        // WordSepNormalizeFunc of component-base.
        let named = |name: &str| name.replace('_', "-");
        let (name, value) = match (flag.split_once('='), unknown) {
            (Some((name, _)), Some(why)) if !name.contains('%') => (named(name), Err(why)),
            (_, Some(why)) => {
                found.unread.push((at, why));
                continue;
            }
            (Some((name, value)), None) => (named(name), Ok(value.to_owned())),
            (None, None) => {
                let name = named(flag);
                let takes_next = !booleans.contains(&name.as_str())
                    && words.peek().is_some_and(|next| !next.text.starts_with("--"));
                match words.next_if(|_| takes_next) {
                    Some(Word { unknown: Some(why), .. }) => (name, Err(why)),
                    Some(Word { text, .. }) => (name, Ok(text)),
                    None => (name, Ok("true".to_owned())),
                }
            }
        };
        found.values.insert(name, (at, value));
    }
    found
}
