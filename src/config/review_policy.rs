//! `policy { … }` in a file of its own: rules that a reviewer gives beside the description.

use std::str::FromStr;

use super::block::{Block, Many, One, Shape, many, one, unknown};
use super::problem::{At, Problem, suggestion};
use super::reader::Reader;
use super::{Report, files};
use crate::algorithm::KeyAlgorithm;
use crate::hash::Digest;
use crate::name::NameError;
use crate::plan::NamePattern;
use crate::review::{FolderPrefix, GroupPattern, ReviewPolicy, SanPattern};
use crate::sources::Sources;
use crate::spec::Setting;
use crate::time::Span;
use crate::words::Worded as _;

const SHAPE: Shape = Shape {
    word: "policy",
    example: None,
    fields: &[
        MAX_VALIDITY.field,
        MAX_CA_VALIDITY.field,
        MIN_KEY.field,
        FORBID_GROUP.field,
        FORBID_SAN.field,
        FORBID_WILDCARDS.field,
        ORDINARY_GROUP.field,
        ORDINARY_SAN.field,
        ORDINARY_FOLDER.field,
        EXCEPT.field,
    ],
};

const MAX_VALIDITY: One<Span> = one("max-validity");
const MAX_CA_VALIDITY: One<Span> = one("max-ca-validity");
const MIN_KEY: Many<KeyAlgorithm> = many("min-key");
const FORBID_GROUP: Many<GroupPattern> = many("forbid-group");
const FORBID_SAN: Many<SanPattern> = many("forbid-san");
const FORBID_WILDCARDS: One<bool> = one("forbid-wildcards");
const ORDINARY_GROUP: Many<GroupPattern> = many("ordinary-group");
const ORDINARY_SAN: Many<SanPattern> = many("ordinary-san");
const ORDINARY_FOLDER: Many<FolderPrefix> = many("ordinary-folder");
const EXCEPT: Many<NamePattern> = many("except");

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
    for value in block.many(MIN_KEY) {
        if let Some(key) = reader.choice(value, MIN_KEY.word(), KeyAlgorithm::WORDS) {
            min_keys.push(reader.setting(key, value.at));
        }
    }
    let forbid_wildcards = reader.flag(block, FORBID_WILDCARDS);
    ReviewPolicy {
        digest: None,
        max_validity: reader.one(block, MAX_VALIDITY),
        max_ca_validity: reader.one(block, MAX_CA_VALIDITY),
        min_keys,
        forbidden_groups: settings(block, FORBID_GROUP, reader),
        forbidden_sans: settings(block, FORBID_SAN, reader),
        forbid_wildcards: forbid_wildcards.map(|(flag, at)| reader.setting(flag, at)),
        ordinary_groups: values(block, ORDINARY_GROUP, reader),
        ordinary_sans: values(block, ORDINARY_SAN, reader),
        ordinary_folders: values(block, ORDINARY_FOLDER, reader),
        except: patterns(block, reader),
    }
}

fn settings<T>(block: &Block<'_>, many: Many<T>, reader: &mut Reader<'_>) -> Vec<Setting<T>>
where
    T: FromStr<Err = NameError> + Ord + Clone,
{
    let list = reader.list(block, many);
    list.into_iter().map(|(value, at)| reader.setting(value, at)).collect()
}

fn values<T>(block: &Block<'_>, many: Many<T>, reader: &mut Reader<'_>) -> Vec<T>
where
    T: FromStr<Err = NameError> + Ord + Clone,
{
    let list = reader.list(block, many);
    list.into_iter().map(|(value, _)| value).collect()
}

fn patterns(block: &Block<'_>, reader: &mut Reader<'_>) -> Vec<NamePattern> {
    let values = block.many(EXCEPT).iter();
    values.filter_map(|value| reader.parsed(value, EXCEPT.word())).collect()
}
