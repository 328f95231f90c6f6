//! `policy { … }` in a file of its own: rules that a reviewer gives beside the description.

use std::str::FromStr;

use super::block::{Block, unknown};
use super::fields::SPAN;
use super::problem::{At, Problem, suggestion};
use super::reader::Reader;
use super::shape::{Many, One, Shape, Values, blocks, many, one, word};
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

pub const SHAPE: Shape = Shape {
    word: "policy",
    means: "Rules that a change must keep, in a file of its own that whoever reviews gives with --policy. No \
        --allow helps against them.",
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
    shows: "policy {\n    max-validity \"400d\"\n    forbid-group \"system:*\" \"kubeadm:*\"\n    \
        ordinary-san \"*.lab.internal\"\n    except \"users/breakglass\"\n}",
    ..Shape::PLAIN
};

const PATTERNS: &str = "names, with * for any text";
const SANS: &str = "DNS names with * for any text, addresses and networks";
const ALL: &str = "no limit";
const STOPS: &str = "each stops an apply until somebody consents";
const MAX_VALIDITY: One<Span> = one(word("max-validity")
    .means("How long a certificate may live that is no CA's.")
    .text(SPAN)
    .follows(ALL)
    .sample("\"400d\""));
const MAX_CA_VALIDITY: One<Span> = one(word("max-ca-validity")
    .means("How long a CA's certificate may live.")
    .text(SPAN)
    .follows(ALL)
    .sample("\"15y\""));
const MIN_KEY: Many<KeyAlgorithm> = many(
    word("min-key")
        .means("The weakest key that may be used, of each family: RSA, ECDSA, Ed25519.")
        .one_of::<KeyAlgorithm>()
        .follows(ALL)
        .sample("\"rsa-3072\" \"ecdsa-p256\""),
);
const FORBID_GROUP: Many<TextPattern> = many(
    word("forbid-group")
        .means("Groups that no user and no further certificate may have.")
        .text(PATTERNS)
        .sample("\"system:*\" \"kubeadm:*\""),
);
const FORBID_SAN: Many<SanPattern> = many(
    word("forbid-san")
        .means("Names that no certificate may have, also where a wildcard covers them.")
        .text(SANS)
        .sample("\"*.shop.example.com\" \"198.51.100.0/24\""),
);
const FORBID_WILDCARDS: One<bool> = one(word("forbid-wildcards")
    .means("Whether no certificate may have a wildcard among its names.")
    .flag());
const ORDINARY_GROUP: Many<TextPattern> = many(
    word("ordinary-group")
        .means("Groups of which a gain is listed and stops nothing.")
        .text(PATTERNS)
        .follows(STOPS)
        .sample("\"team-*\""),
);
const ORDINARY_SAN: Many<SanPattern> = many(
    word("ordinary-san")
        .means("Names of which a gain is listed and stops nothing.")
        .text(SANS)
        .follows(STOPS)
        .sample("\"*.lab.internal\""),
);
const ORDINARY_ROLE: Shape = of_roles(
    "ordinary-role",
    "A role of which a gain is listed and stops nothing. With one of these no other role is ordinary.",
    "policy {\n    ordinary-role \"view\"\n    ordinary-role \"edit\" namespace=\"team-*\"\n}",
);
const FORBID_ROLE: Shape = of_roles(
    "forbid-role",
    "A role that no user may have.",
    "policy {\n    forbid-role \"cluster-admin\"\n}",
);
const NAMESPACE: One<TextPattern> = one(word("namespace")
    .means("The namespaces in which the role is meant.")
    .text("a name, with * for any text")
    .follows("everywhere")
    .sample("\"team-*\""));
const KIND: One<RoleKind> = one(word("kind")
    .means("Which kind of role is meant.")
    .one_of::<RoleKind>()
    .follows("both for forbid-role, a ClusterRole for ordinary-role")
    .sample("\"cluster-role\""));
const ALLOW_RECIPIENT: Many<Recipient> = many(
    word("allow-recipient")
        .means("Who may open secrets, and nobody else.")
        .text("public keys as recipient takes them")
        .follows(ALL)
        .sample("\"age1fkzj9rnwurrg4uudls9ztm9fwzvupntwtdu9zx065h26st9x89as35pqga\""),
);
const ALLOW_IMAGE: Many<TextPattern> = many(word("allow-image")
    .means("What static pods may run besides Kubernetes' own images of the version, and nothing else.")
    .text(PATTERNS)
    .follows(ALL)
    .sample("\"mirror.lab.internal/*\""));
const ALLOW_FLAG: Shape = Shape {
    word: "allow-flag",
    example: Some("audit-*"),
    names: Values::Text("a flag, NAME or NAME=VALUE, with * for any text"),
    means: "A flag that processes may have besides kpki's own and the harmless ones. With one of these no other \
        is allowed.",
    fields: &[COMPONENT.field],
    shows: "policy {\n    allow-flag \"audit-*\" component=\"apiserver\"\n    allow-flag \"v=2\"\n}",
    ..Shape::PLAIN
};
const COMPONENT: One<Component> = one(word("component")
    .means("Whose flag it is.")
    .one_of::<Component>()
    .follows("that of each component")
    .sample("\"apiserver\""));
const ALLOW_NAMESPACE: Many<TextPattern> = many(
    word("allow-namespace")
        .means("Where users may have roles, and nowhere else.")
        .text(PATTERNS)
        .follows(ALL)
        .sample("\"team-*\""),
);
const ALLOW_FOLDER: Many<FolderPrefix> = many(word("allow-folder")
    .means("Folders for a certificate besides those that are harmless anyway, and what is below them.")
    .text("folders by their full path")
    .sample("\"/srv/app\""));
/// What `allow-folder` was called: no sample, since nobody should write it.
const ORDINARY_FOLDER: Many<FolderPrefix> =
    many(word("ordinary-folder").means("What allow-folder was called."));
const EXCEPT: Many<NamePattern> = many(
    word("except")
        .means("Artifacts for which no rule of the policy holds.")
        .text("names of artifacts, or NAME/* for all below")
        .sample("\"users/breakglass\""),
);

/// `ordinary-role "edit" namespace="team-*"`, `ordinary-role "pager" kind="role"`
const fn of_roles(word: &'static str, means: &'static str, shows: &'static str) -> Shape {
    Shape {
        word,
        example: Some("edit"),
        names: Values::Text("the name of a role, with * for any text"),
        means,
        fields: &[NAMESPACE.field, KIND.field],
        shows,
        ..Shape::PLAIN
    }
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
