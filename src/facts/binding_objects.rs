//! Which objects a file of RBAC bindings makes in a cluster.

use std::collections::BTreeMap;

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

/// Every one in `yaml`, with its document; `None`: it holds something else.
pub fn binding_objects(yaml: &[u8]) -> Option<BTreeMap<BindingObject, String>> {
    let text = std::str::from_utf8(yaml).ok()?;
    let mut objects = BTreeMap::new();
    for document in text.split_inclusive('\n').collect::<Vec<_>>().split(|line| *line == "---\n") {
        let document = document.concat();
        let is_comment = |line: &str| line.trim().is_empty() || line.starts_with('#');
        if document.lines().all(is_comment) {
            continue;
        }
        let Document { metadata } = serde_saphyr::from_str(&document).ok()?;
        let object = BindingObject { namespace: metadata.namespace, name: metadata.name };
        objects.insert(object, document);
    }
    Some(objects)
}
