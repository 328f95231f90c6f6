//! `bind role="reader" namespace="dev"`: a role that a user or one of their groups has.

use std::collections::HashMap;

use super::block::Block;
use super::problem::{At, Problem, quoted};
use super::reader::Reader;
use super::shape::{Many, One, Shape, many, one, word};
use super::tree::Value;
use crate::name::{DnsName, Organization, RoleName};
use crate::spec::{Binding, RoleRef, Setting};

pub const SHAPE: Shape = Shape {
    word: "bind",
    means: "A role that the user has, or one of their groups; as often as needed. kpki writes the bindings to \
        out/users/NAME/rbac.yaml.",
    fields: &[CLUSTER_ROLE.field, ROLE.field, NAMESPACE.field, GROUP.field],
    shows: "user \"jane\" {\n    group \"oncall\"\n    bind cluster-role=\"view\"\n    \
        bind cluster-role=\"edit\" { namespace \"shop\" \"blog\"; }\n    \
        bind role=\"pager\" namespace=\"ops\" group=\"oncall\"\n}",
    ..Shape::PLAIN
};

pub const CLUSTER_ROLE: One<RoleName> = one(word("cluster-role")
    .means("The ClusterRole that is bound; either this or role.")
    .text("the name of a ClusterRole")
    .follows("role says it")
    .sample("\"view\""));
pub const ROLE: One<RoleName> = one(word("role")
    .means("The Role that is bound, in the namespace where it lives; either this or cluster-role.")
    .text("the name of a Role")
    .follows("cluster-role says it")
    .sample("\"pager\"")
    .with(&["namespace \"ops\""]));
pub const NAMESPACE: Many<DnsName> = many(
    word("namespace")
        .means("Where the role is bound; several in a block.")
        .text("names of namespaces")
        .follows("everywhere")
        .sample("\"shop\" \"blog\"")
        .with(&["cluster-role \"edit\""]),
);
pub const GROUP: One<Organization> = one(word("group")
    .means("One of the user's groups, to bind it instead of the user.")
    .text("the name of a group")
    .follows("the user is bound")
    .sample("\"oncall\"")
    .with(&["cluster-role \"view\""])
    .beside(&["group \"oncall\""]));

/// Sorted. No RBAC object may be described twice.
pub fn read(
    blocks: &[Block<'_>],
    groups: &[(Organization, At)],
    reader: &mut Reader<'_>,
) -> Vec<Setting<Binding>> {
    let mut objects: HashMap<(String, Option<DnsName>), At> = HashMap::new();
    let mut bindings = Vec::new();
    for block in blocks {
        let Some(binding) = binding(block, groups, reader) else {
            continue;
        };
        let name = binding.value.own_name();
        let everywhere = binding.value.namespaces.is_empty().then_some(None);
        let namespaces = binding.value.namespaces.iter().cloned().map(Some);
        for namespace in namespaces.chain(everywhere) {
            let first = *objects.entry((name.clone(), namespace)).or_insert(block.at);
            if first != block.at {
                reader.problem(
                    Problem::new(block.at, "this binding is given twice")
                        .label("again")
                        .first(first)
                        .help("delete one of the two"),
                );
                break;
            }
        }
        bindings.push(binding);
    }
    bindings.sort_by(|a, b| a.value.cmp(&b.value));
    bindings
}

fn binding(
    block: &Block<'_>,
    groups: &[(Organization, At)],
    reader: &mut Reader<'_>,
) -> Option<Setting<Binding>> {
    let role = role(block, reader);
    let namespaces = reader.list(block, NAMESPACE);
    for (namespace, at) in &namespaces {
        check_namespace(namespace, *at, reader);
    }
    let written = block.one(GROUP);
    let group = written.and_then(|value| reader.parsed(value, GROUP.word()));
    if let (Some(group), Some(value)) = (&group, written) {
        check_membership(group, value, groups, reader);
    }
    if matches!(role, Some((RoleRef::Role(_), _))) && block.many(NAMESPACE).is_empty() {
        reader.problem(
            Problem::new(block.at, "`bind role` needs a namespace")
                .help("a Role lives in one: add namespace=\"dev\", or name a cluster-role"),
        );
    }
    // A binding of nobody in particular would be the user's own.
    if written.is_some() && group.is_none() {
        return None;
    }
    let (role, at) = role?;
    let namespaces = namespaces.into_iter().map(|(name, _)| name).collect();
    Some(reader.setting(Binding { role, namespaces, group }, at))
}

fn role(block: &Block<'_>, reader: &mut Reader<'_>) -> Option<(RoleRef, At)> {
    match (block.one(ROLE), block.one(CLUSTER_ROLE)) {
        (Some(value), None) => Some((RoleRef::Role(reader.parsed(value, ROLE.word())?), value.at)),
        (None, Some(value)) => {
            Some((RoleRef::ClusterRole(reader.parsed(value, CLUSTER_ROLE.word())?), value.at))
        }
        (Some(value), Some(other)) => {
            reader.problem(
                Problem::new(value.at, "a binding has one role")
                    .other(other.at, "and this one")
                    .help("write two `bind`"),
            );
            None
        }
        // What was written there is a mistake of its own.
        (None, None)
            if block.written(ROLE.field).is_some()
                || block.written(CLUSTER_ROLE.field).is_some() =>
        {
            None
        }
        (None, None) => {
            reader.problem(
                Problem::new(block.at, "`bind` needs a role")
                    .help("write bind cluster-role=\"edit\" namespace=\"dev\""),
            );
            None
        }
    }
}

/// A binding of a group that its user is not in does nothing for them.
fn check_membership(
    group: &Organization,
    value: &Value,
    groups: &[(Organization, At)],
    reader: &mut Reader<'_>,
) {
    // Every user is in the second (https://kubernetes.io/docs/reference/access-authn-authz/authentication/).
    if groups.iter().any(|(own, _)| own == group) || group.as_str() == "system:authenticated" {
        return;
    }
    let name = quoted(group.as_str()).to_string();
    reader.problem(
        Problem::new(value.at, format!("the user is not in the group {name}"))
            .help(format!("add group {name} to the user, or bind the user itself")),
    );
}

/// An RFC 1123 label: the API server refuses any other namespace.
pub fn check_namespace(name: &DnsName, at: At, reader: &mut Reader<'_>) {
    if name.as_str().contains('.') || name.as_str().len() > 63 {
        reader.problem(
            Problem::new(at, format!("{} is not a namespace", quoted(name.as_str())))
                .help("lower-case letters, digits and `-`, at most 63 of them"),
        );
    }
}
