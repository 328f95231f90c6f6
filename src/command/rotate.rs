//! `kpki rotate`: edits the description to the next stage of a rotation, and shows what follows.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Parser as _;

use super::folder::{Description, load};
use super::{Outcome, plan, terminal};
use crate::cli::{Cli, Command, RotateArgs};
use crate::config::{KeypairLine, keypair_lines, with_keypairs};
use crate::engine::{next_stage, stage_before};
use crate::error::{Error, Result};
use crate::plan::Stage;
use crate::sources::Sources;
use crate::spec::Root;
use crate::store::{RealDisk, replace_input};

/// Larger than any file that a description may name.
const MOST: usize = 64 << 20;

pub(super) fn run(directory: &Path, args: &RotateArgs) -> Result<Outcome> {
    let description = Description::read(directory)?;
    let root = args.root;
    let lines = keypair_lines(description.spec(), root);
    let (stage, wanted) = if args.back {
        stage_before(root, &lines)?
    } else {
        next_stage(root, &lines, args.certificate.as_deref())?
    };
    let by_hand = || {
        let wanted = wanted.iter().map(in_words).collect::<Vec<_>>().join(", ");
        Error::refused("the description is written in a way that kpki does not edit")
            .nothing_written()
            .help(format!("write this by hand: of {root}, {wanted}"))
    };
    let (file, text) = with_keypairs(description.files(), root, &wanted).ok_or_else(by_hand)?;
    // Whatever the edit did to the text, it must say what is meant, and nothing else may be wrong with it.
    let changed = changed(directory, &description, (&file, &text))?;
    if sorted(keypair_lines(&changed, root)) != sorted(wanted.clone()) {
        return Err(by_hand());
    }
    replace_input(&RealDisk::open(directory)?, &file, text.as_bytes())?;
    let said = format!("{file}: {root}: {}\n\n", told(root, stage, &wanted));
    terminal::product_after(&format!("{file} was edited"), &said)?;
    plan::run(directory, &plan_args()?)
}

/// The description with one file's other text.
fn changed(
    directory: &Path,
    description: &Description,
    (file, text): (&str, &str),
) -> Result<crate::spec::Spec> {
    let folder = Sources::Folder(directory.to_owned());
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for path in description.asked() {
        if let Ok(Some(bytes)) = folder.read_if_there(path, MOST) {
            files.insert(path.clone(), bytes);
        }
    }
    files.insert(file.to_owned(), text.as_bytes().to_vec());
    let locked = description.spec().cluster.kubernetes.value;
    Ok(load(&Sources::Memory(files), "the description with that change", Some(locked))?.spec)
}

fn sorted(mut lines: Vec<KeypairLine>) -> Vec<KeypairLine> {
    lines.sort_by_key(|line| line.number);
    lines
}

fn in_words(line: &KeypairLine) -> String {
    let state = line.state.map_or("signs", |state| state.as_str());
    format!("keypair {}: {state}", line.number)
}

fn told(root: Root, stage: Stage, lines: &[KeypairLine]) -> String {
    let lines = lines.iter().map(in_words).collect::<Vec<_>>().join(", ");
    format!("{} ({lines}); apply it with --allow {}:{root}", stage.as_str(), stage.as_str())
}

fn plan_args() -> Result<crate::cli::PlanArgs> {
    match Cli::try_parse_from(["kpki", "plan"]).map(|cli| cli.command) {
        Ok(Command::Plan(args)) => Ok(args),
        _ => Err(Error::internal("kpki plan takes no arguments")),
    }
}
