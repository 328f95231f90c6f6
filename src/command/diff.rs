//! `kpki diff`: reads two states of a project, two files or two folders, and opens no key.

mod files;
mod operand;
mod state;

use std::path::Path;

use self::operand::{Sides, sides};
use super::{Outcome, terminal};
use crate::cli::DiffArgs;
use crate::diff::Comparison;
use crate::error::Result;
use crate::render::{DiffReport, FileCertificate, Section, authority_report, diff_report};

pub(super) fn run(directory: &Path, args: &DiffArgs) -> Result<Outcome> {
    let report = match sides(directory, args)? {
        Sides::Revisions(sides) => state::compare(directory, &sides)?,
        Sides::Files(paths) => {
            let [before, after] = paths.each_ref().map(|path| files::read(path));
            report(&paths, files::compare(&paths, before?, after?)?)
        }
        Sides::Folders(paths) => {
            let [before, after] = paths.each_ref().map(|path| files::below(path));
            let comparison = Comparison::of(&before?, &after?);
            report(&paths, (Section::Files, comparison))
        }
    };
    terminal::print(&report, args.output.format)?;
    Ok(if report.equal { Outcome::Done } else { Outcome::Differences })
}

fn report(paths: &[std::path::PathBuf; 2], compared: (Section, Comparison)) -> DiffReport {
    let [before, after] = paths.each_ref().map(|path| path.display().to_string());
    let pairs = compared.1.certificates.iter();
    // What one side alone has is no change of anybody's power: these are other places.
    let pairs = pairs.filter(|pair| pair.before.is_some() && pair.after.is_some());
    let held: Vec<FileCertificate<'_>> =
        pairs.map(|pair| FileCertificate { pair, described: None }).collect();
    let authority = authority_report(&[], &held);
    diff_report([&before, &after], authority, &[compared], Vec::new())
}
