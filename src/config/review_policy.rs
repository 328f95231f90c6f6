//! `policy { … }` in a file of its own: rules that a reviewer gives beside the description.

use std::str::FromStr;

use super::block::{Block, Many, One, Shape, blocks, many, one, unknown};
use super::problem::{At, Problem, suggestion};
use super::reader::Reader;
use super::{Report, files};
use crate::algorithm::KeyAlgorithm;
use crate::hash::Digest;
use crate::name::NameError;
use crate::plan::NamePattern;
use crate::review::{
    FlagPattern, FolderPrefix, ReviewPolicy, RoleKind, RolePattern, SanPattern, TextPattern,
};
use crate::sealed::Recipient;
use crate::sources::Sources;
use crate::spec::{Component, Setting};
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
        blocks(&ORDINARY_ROLE),
        blocks(&FORBID_ROLE),
        ALLOW_RECIPIENT.field,
        ALLOW_IMAGE.field,
        blocks(&ALLOW_FLAG),
        ALLOW_NAMESPACE.field,
        ALLOW_FOLDER.field,
        ORDINARY_FOLDER.field,
        EXCEPT.field,
    ],
};

const MAX_VALIDITY: One<Span> = one("max-validity");
const MAX_CA_VALIDITY: One<Span> = one("max-ca-validity");
const MIN_KEY: Many<KeyAlgorithm> = many("min-key");
const FORBID_GROUP: Many<TextPattern> = many("forbid-group");
const FORBID_SAN: Many<SanPattern> = many("forbid-san");
const FORBID_WILDCARDS: One<bool> = one("forbid-wildcards");
const ORDINARY_GROUP: Many<TextPattern> = many("ordinary-group");
const ORDINARY_SAN: Many<SanPattern> = many("ordinary-san");
const ORDINARY_ROLE: Shape = of_roles("ordinary-role");
const FORBID_ROLE: Shape = of_roles("forbid-role");
const NAMESPACE: One<TextPattern> = one("namespace");
const KIND: One<RoleKind> = one("kind");
const ALLOW_RECIPIENT: Many<Recipient> = many("allow-recipient");
const ALLOW_IMAGE: Many<TextPattern> = many("allow-image");
const ALLOW_FLAG: Shape =
    Shape { word: "allow-flag", example: Some("audit-*"), fields: &[COMPONENT.field] };
const COMPONENT: One<Component> = one("component");
const ALLOW_NAMESPACE: Many<TextPattern> = many("allow-namespace");
const ALLOW_FOLDER: Many<FolderPrefix> = many("allow-folder");
/// What `allow-folder` was called.
const ORDINARY_FOLDER: Many<FolderPrefix> = many("ordinary-folder");
const EXCEPT: Many<NamePattern> = many("except");

/// `ordinary-role "edit" namespace="team-*"`, `ordinary-role "pager" kind="role"`
const fn of_roles(word: &'static str) -> Shape {
    Shape { word, example: Some("edit"), fields: &[NAMESPACE.field, KIND.field] }
}

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
    if let Some(at) = block.written(ORDINARY_FOLDER.field) {
        let problem = Problem::new(at, "`ordinary-folder` is called `allow-folder`");
        reader.problem(problem.help("write allow-folder \"/that/folder\""));
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
        ordinary_roles: roles(block, &ORDINARY_ROLE, reader)
            .into_iter()
            .map(|setting| setting.value)
            .collect(),
        forbidden_roles: roles(block, &FORBID_ROLE, reader),
        allowed_recipients: settings(block, ALLOW_RECIPIENT, reader),
        allowed_images: settings(block, ALLOW_IMAGE, reader),
        allowed_flags: flags(block, reader),
        allowed_namespaces: settings(block, ALLOW_NAMESPACE, reader),
        allowed_folders: values(block, ALLOW_FOLDER, reader),
        except: patterns(block, reader),
    }
}

fn roles(
    block: &Block<'_>,
    shape: &'static Shape,
    reader: &mut Reader<'_>,
) -> Vec<Setting<RolePattern>> {
    let mut roles = Vec::new();
    for inner in block.blocks.iter().filter(|inner| inner.shape.word == shape.word) {
        let namespace = reader.one(inner, NAMESPACE).map(|setting| setting.value);
        let kind = inner.one(KIND);
        let kind = kind.and_then(|value| reader.choice(value, KIND.word(), RoleKind::WORDS));
        let role = inner.name.and_then(|name| reader.parsed(name, shape.word));
        let pattern = role.map(|role| RolePattern { role, kind, namespace });
        roles.extend(pattern.map(|pattern| reader.setting(pattern, inner.at)));
    }
    roles
}

fn flags(block: &Block<'_>, reader: &mut Reader<'_>) -> Vec<Setting<FlagPattern>> {
    let mut flags = Vec::new();
    for inner in block.blocks.iter().filter(|inner| inner.shape.word == ALLOW_FLAG.word) {
        let component = inner.one(COMPONENT);
        let component =
            component.and_then(|value| reader.choice(value, COMPONENT.word(), Component::WORDS));
        let flag = inner.name.and_then(|name| reader.parsed(name, ALLOW_FLAG.word));
        flags.extend(flag.map(|flag| reader.setting(FlagPattern { flag, component }, inner.at)));
    }
    flags
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
