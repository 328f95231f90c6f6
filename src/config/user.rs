//! `user "NAME" { … }`: a person or robot with a client certificate.

use std::collections::HashMap;

use super::block::{Block, Shape, many, one};
use super::problem::{At, Problem, quoted};
use super::reader::{Reader, Seen};
use crate::name::{CommonName, DnsName, Label, Organization};
use crate::spec::{Policy, User};

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
    ],
    later: &[(
        "bind",
        "delete it and apply a RoleBinding for the user or its group yourself",
    )],
};

pub fn read(blocks: &[Block<'_>], defaults: &Policy, reader: &mut Reader<'_>) -> Vec<User> {
    let (mut names, mut subjects) = (Seen::new(), HashMap::new());
    blocks
        .iter()
        .filter_map(|block| user(block, defaults, &mut names, &mut subjects, reader))
        .collect()
}

fn user(
    block: &Block<'_>,
    defaults: &Policy,
    names: &mut Seen,
    subjects: &mut HashMap<CommonName, At>,
    reader: &mut Reader<'_>,
) -> Option<User> {
    let name = reader.name::<Label>(block, names);
    let common_name = common_name(block, name.as_ref(), subjects, reader);
    let groups = reader.list::<Organization>(block, "group");
    let allow_masters = check_masters(&groups, block, reader);
    if let Some(value) = block.one("via") {
        check_via(value, reader);
    }
    let written = reader.policy(block);
    let policy = defaults.overridden_by(&written.policy);
    reader.check_renewal(&policy, &written);
    let namespace = reader
        .one::<DnsName>(block, "namespace")
        .map(|setting| setting.value);
    if let (Some(found), Some(value)) = (&namespace, block.one("namespace"))
        && (found.as_str().contains('.') || found.as_str().len() > 63)
    {
        // RFC 1123 label: the API server refuses any other namespace.
        reader.problem(
            Problem::new(
                value.at,
                format!("{} is not a namespace", quoted(found.as_str())),
            )
            .help("lower-case letters, digits and `-`, at most 63 of them"),
        );
    }
    let revision = reader.revision(block);
    Some(User {
        name: name?,
        common_name: common_name?,
        groups: groups.into_iter().map(|(group, _)| group).collect(),
        policy,
        revision,
        allow_masters,
        namespace,
    })
}

fn check_via(value: &super::tree::Value, reader: &mut Reader<'_>) {
    let Some(text) = reader.text(value, "via").filter(|text| *text != "ca") else {
        return;
    };
    let problem = match text {
        "csr" => Problem::new(value.at, "via \"csr\" is not supported yet")
            .help("via \"ca\" signs with the cluster CA at once"),
        other => {
            Problem::new(value.at, format!("unknown via {}", quoted(other))).help("known here: ca")
        }
    };
    reader.problem(problem);
}

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
        let message = format!(
            "two users have the common name {}",
            quoted(common_name.as_str())
        );
        let problem = Problem::new(at, message).first(*first);
        reader.problem(problem.help("to Kubernetes they would be the same person"));
        return None;
    }
    subjects.insert(common_name.clone(), at);
    Some(common_name)
}

/// `system:masters` needs a word of consent; says whether it was given.
pub fn check_masters(
    groups: &[(Organization, At)],
    block: &Block<'_>,
    reader: &mut Reader<'_>,
) -> bool {
    let allowed = reader.flag(block, "allow-masters");
    let consent = allowed.is_some_and(|(consent, _)| consent);
    let masters = groups
        .iter()
        .find(|(group, _)| group.as_str() == "system:masters");
    if let Some((_, at)) = masters.filter(|_| !consent) {
        reader.problem(
            Problem::new(*at, "system:masters bypasses RBAC and cannot be revoked")
                .label("all-powerful until the certificate expires")
                .help("bind another group to cluster-admin, or accept it with allow-masters #true"),
        );
    }
    consent
}
