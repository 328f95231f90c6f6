//! RBAC bindings of a user, as single grants.
//!
//! Which roles are known where is for the daily case: a colleague gets what the team has.

use std::collections::BTreeSet;

use crate::facts::RoleGrant;
use crate::graph::UserBindings;
use crate::spec::RoleRef;

/// What a description binds.
pub fn grants(recipe: &UserBindings) -> BTreeSet<RoleGrant> {
    let mut grants = BTreeSet::new();
    for binding in &recipe.bindings {
        let (is_cluster_role, role) = match &binding.role {
            RoleRef::Role(role) => (false, role),
            RoleRef::ClusterRole(role) => (true, role),
        };
        let (is_group, subject) = match &binding.group {
            Some(group) => (true, group.as_str()),
            None => (false, recipe.common_name.as_str()),
        };
        let grant = |namespace: Option<String>| RoleGrant {
            is_cluster_role,
            role: role.to_string(),
            namespace,
            is_group,
            subject: subject.to_owned(),
        };
        if binding.namespaces.is_empty() {
            grants.insert(grant(None));
        }
        let namespaces = binding.namespaces.iter();
        grants.extend(namespaces.map(|namespace| grant(Some(namespace.to_string()))));
    }
    grants
}

/// A role where it is bound, whoever has it.
pub(super) type RoleInNamespace = (bool, String, Option<String>);

pub(super) fn role_in_namespace(grant: &RoleGrant) -> RoleInNamespace {
    (grant.is_cluster_role, grant.role.clone(), grant.namespace.clone())
}
