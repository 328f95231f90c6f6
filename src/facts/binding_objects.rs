//! Which objects a file of RBAC bindings makes in a cluster.

use std::collections::BTreeSet;

use serde::Deserialize;

/// A ClusterRoleBinding, or in a namespace a RoleBinding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BindingObject {
    pub namespace: Option<String>,
    pub name: String,
}

#[derive(Deserialize)]
struct Document {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    namespace: Option<String>,
}

/// Every one in `yaml`; `None`: it holds something else.
pub fn binding_objects(yaml: &[u8]) -> Option<BTreeSet<BindingObject>> {
    let text = std::str::from_utf8(yaml).ok()?;
    let documents: Vec<Document> = serde_saphyr::from_multiple(text).ok()?;
    let objects = documents.into_iter().map(|document| BindingObject {
        namespace: document.metadata.namespace,
        name: document.metadata.name,
    });
    Some(objects.collect())
}
