//! `user "NAME" { … }`: a person or robot with a client certificate.

use std::collections::HashMap;

use super::block::{Block, Shape, blocks, many, one};
use super::problem::{At, Problem, quoted};
use super::reader::{Reader, Seen};
use super::{bind, request};
use crate::name::{CommonName, DnsName, Label, Organization};
use crate::sources::Sources;
use crate::spec::{BroughtRequest, Policy, User, Via};

pub const SHAPE: Shape = Shape {
    word: "user",
    example: Some("jane"),
    fields: &[
        many("group"),
        one("common-name"),
        one("validity"),
        one("key"),
        one("renew-before"),
        one("revision"),
        one("via"),
        one("allow-masters"),
        one("namespace"),
        one("csr"),
        blocks(&bind::SHAPE),
    ],
};

const VIAS: [(Via, &str); 2] = [(Via::Ca, "ca"), (Via::Csr, "csr")];

pub fn read(
    blocks: &[Block<'_>],
    defaults: &Policy,
    sources: &Sources,
    reader: &mut Reader<'_>,
) -> Vec<User> {
    let (mut names, mut subjects) = (Seen::new(), HashMap::new());
    blocks
        .iter()
        .filter_map(|block| user(block, defaults, &mut names, &mut subjects, sources, reader))
        .collect()
}

fn user(
    block: &Block<'_>,
    defaults: &Policy,
    names: &mut Seen,
    subjects: &mut HashMap<CommonName, At>,
    sources: &Sources,
    reader: &mut Reader<'_>,
) -> Option<User> {
    let name = reader.name::<Label>(block, names);
    let common_name = common_name(block, name.as_ref(), subjects, reader);
    let groups = reader.list::<Organization>(block, "group");
    let via = match block.one("via") {
        Some(value) => reader.choice(value, "via", &VIAS),
        None => Some(Via::Ca),
    };
    match via {
        Some(Via::Csr) => refuse_masters(&groups, reader),
        _ => check_masters(&groups, block, reader),
    }
    let written = reader.policy(block);
    let policy = defaults.overridden_by(&written.policy);
    reader.check_renewal(&policy, &written);
    let namespace = reader.one::<DnsName>(block, "namespace").map(|setting| setting.value);
    if let (Some(found), Some(value)) = (&namespace, block.one("namespace")) {
        bind::check_namespace(found, value.at, reader);
    }
    let revision = reader.revision(block);
    let (name, common_name) = (name?, common_name?);
    let bindings = bind::read(&block.blocks, &name, &groups, reader);
    let groups = groups.into_iter().map(|(group, _)| group).collect();
    let wish = request::Wish { common_name: &common_name, groups: &groups, via: via? };
    let request = brought(block, &name, &wish, sources, reader);
    Some(User {
        name,
        via: wish.via,
        request,
        bindings,
        common_name,
        groups,
        policy,
        revision,
        namespace,
    })
}

/// The request that the block names; the key is then not kpki's.
fn brought(
    block: &Block<'_>,
    name: &Label,
    wish: &request::Wish<'_>,
    sources: &Sources,
    reader: &mut Reader<'_>,
) -> Option<BroughtRequest> {
    let value = block.one("csr")?;
    let path = reader.text(value, "csr")?;
    for word in ["key", "revision"] {
        if let Some(at) = block.written(word) {
            let message = format!("`{word}` is decided by whoever made the request");
            reader.problem(
                Problem::new(at, message)
                    .other(value.at, "brought here")
                    .help("delete it; for another key bring another request"),
            );
        }
    }
    match request::read(path, reader.folder(value.at), wish, sources) {
        Ok((brought, note)) => {
            if let Some(note) = note {
                reader.note(format!("user {name}: {note}"));
            }
            Some(brought)
        }
        Err((message, help)) => {
            reader.problem(Problem::new(value.at, message).help(help));
            None
        }
    }
}

/// CertificateSubjectRestriction, on by default since 1.18.
fn refuse_masters(groups: &[(Organization, At)], reader: &mut Reader<'_>) {
    let masters = groups.iter().find(|(group, _)| group.as_str() == MASTERS);
    if let Some((_, at)) = masters {
        reader.problem(
            Problem::new(*at, "system:masters cannot be had via \"csr\"")
                .label("the API server refuses such a request (CertificateSubjectRestriction)")
                .help("bind cluster-role=\"cluster-admin\" instead, or sign via \"ca\" with allow-masters #true"),
        );
    }
}

const MASTERS: &str = "system:masters";

fn common_name(
    block: &Block<'_>,
    name: Option<&Label>,
    subjects: &mut HashMap<CommonName, At>,
    reader: &mut Reader<'_>,
) -> Option<CommonName> {
    let (common_name, at) = match block.one("common-name") {
        Some(value) => (reader.parsed::<CommonName>(value, "common-name")?, value.at),
        None => (name?.as_str().parse().ok()?, block.at),
    };
    if common_name.as_str().starts_with("system:") {
        reader.problem(
            Problem::new(at, format!("{} belongs to Kubernetes itself", quoted(common_name.as_str())))
                .label("`system:` is reserved")
                .help("the API server takes it for a component (system:node:…, system:kube-…); use a person's name"),
        );
        return None;
    }
    if let Some(first) = subjects.get(&common_name) {
        let message = format!("two users have the common name {}", quoted(common_name.as_str()));
        let problem = Problem::new(at, message).first(*first);
        reader.problem(problem.help("to Kubernetes they would be the same person"));
        return None;
    }
    subjects.insert(common_name.clone(), at);
    Some(common_name)
}

/// `system:masters` needs a word of consent.
pub fn check_masters(groups: &[(Organization, At)], block: &Block<'_>, reader: &mut Reader<'_>) {
    let allowed = reader.flag(block, "allow-masters");
    let consent = allowed.is_some_and(|(consent, _)| consent);
    let masters = groups.iter().find(|(group, _)| group.as_str() == MASTERS);
    if let Some((_, at)) = masters.filter(|_| !consent) {
        reader.problem(
            Problem::new(*at, "system:masters bypasses RBAC and cannot be revoked")
                .label("all-powerful until the certificate expires")
                .help("bind another group to cluster-admin, or accept it with allow-masters #true"),
        );
    }
}
