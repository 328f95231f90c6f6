//! `kpki explain`: words of a description and rules of verify.

use std::collections::BTreeSet;

use super::{Outcome, lookup, terminal};
use crate::cli::ExplainArgs;
use crate::config::{all_words, find_words, word_paths};
use crate::error::Result;
use crate::lint::{RULES, rule};
use crate::render::ExplainReport;

pub(super) fn run(args: &ExplainArgs) -> Result<Outcome> {
    let report = match &args.name {
        None => ExplainReport::new(&all_words(), RULES),
        Some(name) => {
            let (words, rule) = (find_words(name), rule(name));
            if words.is_empty() && rule.is_none() {
                let all = word_paths();
                let known = names(all.iter().map(String::as_str));
                let help = "kpki explain lists them all";
                return Err(lookup::unknown("word or rule", name, known.into_iter(), help));
            }
            ExplainReport::new(&words, rule.as_slice())
        }
    };
    terminal::print(&report, args.output.format)?;
    Ok(Outcome::Done)
}

/// All that can be explained: words in full and by their last part, and rules.
fn names<'w>(paths: impl Iterator<Item = &'w str>) -> BTreeSet<&'w str> {
    let ends = paths.flat_map(|path| [Some(path), path.rsplit_once('.').map(|(_, end)| end)]);
    ends.flatten().chain(RULES.iter().map(|rule| rule.id)).collect()
}
