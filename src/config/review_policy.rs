//! `policy { … }` in a file of its own: rules that a reviewer gives beside the description.

use std::str::FromStr;

use super::block::{Block, Shape, many, one, unknown};
use super::problem::{At, Problem, suggestion};
use super::reader::Reader;
use super::{Report, files};
use crate::algorithm::KeyAlgorithm;
use crate::hash::Digest;
use crate::name::NameError;
use crate::plan::NamePattern;
use crate::review::ReviewPolicy;
use crate::sources::Sources;
use crate::spec::Setting;

const SHAPE: Shape = Shape {
    word: "policy",
    example: None,
    fields: &[
        one("max-validity"),
        one("max-ca-validity"),
        many("min-key"),
        many("forbid-group"),
        many("forbid-san"),
        one("forbid-wildcards"),
        many("ordinary-group"),
        many("ordinary-san"),
        many("ordinary-folder"),
        many("except"),
    ],
};

/// Reads the rules whose file is `root`.
pub fn load_policy(sources: &Sources, root: &str) -> Result<ReviewPolicy, Report> {
    let files = files::read(sources, root);
    let mut reader = Reader::new(&files.read, files.problems);
    let mut policy = None;
    for node in &files.nodes {
        if &*node.word.text != SHAPE.word {
            let problem = unknown(&node.word, "in a policy");
            reader.problem(problem.help(suggestion(&node.word.text, [SHAPE.word].into_iter())));
            continue;
        }
        let block = Block::read(node, &SHAPE, &mut reader.problems);
        if policy.is_some() {
            let problem = Problem::new(block.at, "a second `policy`");
            reader.problem(problem.help("merge the two"));
        }
        policy = Some(read(&block, &mut reader));
    }
    if policy.is_none() && reader.problems.is_empty() {
        let problem = Problem::new(At::whole(0), "the file has no `policy`");
        reader.problem(problem.help("add policy { max-validity \"400d\" }"));
    }
    let problems = reader.problems;
    let digest = files.read.first().map(|file| Digest::of(file.text.as_bytes()));
    match policy {
        Some(policy) if problems.is_empty() => Ok(ReviewPolicy { digest, ..policy }),
        _ => Err(Report::new(files.read, problems)),
    }
}

fn read(block: &Block<'_>, reader: &mut Reader<'_>) -> ReviewPolicy {
    let mut min_keys = Vec::new();
    for value in block.many("min-key") {
        if let Some(key) = reader.choice(value, "min-key", &KeyAlgorithm::ALL) {
            min_keys.push(reader.setting(key, value.at));
        }
    }
    let forbid_wildcards = reader.flag(block, "forbid-wildcards");
    ReviewPolicy {
        digest: None,
        max_validity: reader.one(block, "max-validity"),
        max_ca_validity: reader.one(block, "max-ca-validity"),
        min_keys,
        forbidden_groups: settings(block, "forbid-group", reader),
        forbidden_sans: settings(block, "forbid-san", reader),
        forbid_wildcards: forbid_wildcards.map(|(flag, at)| reader.setting(flag, at)),
        ordinary_groups: values(block, "ordinary-group", reader),
        ordinary_sans: values(block, "ordinary-san", reader),
        ordinary_folders: values(block, "ordinary-folder", reader),
        except: patterns(block, reader),
    }
}

fn settings<T>(block: &Block<'_>, word: &str, reader: &mut Reader<'_>) -> Vec<Setting<T>>
where
    T: FromStr<Err = NameError> + Ord + Clone,
{
    let list = reader.list(block, word);
    list.into_iter().map(|(value, at)| reader.setting(value, at)).collect()
}

fn values<T>(block: &Block<'_>, word: &str, reader: &mut Reader<'_>) -> Vec<T>
where
    T: FromStr<Err = NameError> + Ord + Clone,
{
    let list = reader.list(block, word);
    list.into_iter().map(|(value, _)| value).collect()
}

fn patterns(block: &Block<'_>, reader: &mut Reader<'_>) -> Vec<NamePattern> {
    let word = "except";
    let values = block.many(word).iter();
    values.filter_map(|value| reader.parsed::<NamePattern>(value, word)).collect()
}
