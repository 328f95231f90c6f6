//! What a file of RBAC bindings grants.

use std::collections::BTreeSet;

use serde::Deserialize;

/// One subject has one role, in one namespace or everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleGrant {
    pub is_cluster_role: bool,
    pub role: String,
    /// `None`: everywhere.
    pub namespace: Option<String>,
    pub is_group: bool,
    pub subject: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    metadata: Metadata,
    role_ref: RoleRef,
    #[serde(default)]
    subjects: Vec<Subject>,
}

#[derive(Deserialize)]
struct Metadata {
    namespace: Option<String>,
}

#[derive(Deserialize)]
struct RoleRef {
    kind: String,
    name: String,
}

#[derive(Deserialize)]
struct Subject {
    kind: String,
    name: String,
}

/// Of every binding in `yaml`; `None`: it holds something else.
pub fn role_grants(yaml: &[u8]) -> Option<BTreeSet<RoleGrant>> {
    let text = std::str::from_utf8(yaml).ok()?;
    let bindings: Vec<Binding> = serde_saphyr::from_multiple(text).ok()?;
    let grants = bindings.into_iter().flat_map(|binding| {
        let (role, namespace) = (binding.role_ref, binding.metadata.namespace);
        binding.subjects.into_iter().map(move |subject| RoleGrant {
            is_cluster_role: role.kind == "ClusterRole",
            role: role.name.clone(),
            namespace: namespace.clone(),
            is_group: subject.kind == "Group",
            subject: subject.name,
        })
    });
    Some(grants.collect())
}
