//! Which objects a file of RBAC bindings makes in a cluster.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A ClusterRoleBinding, or in a namespace a RoleBinding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BindingObject {
    pub namespace: Option<String>,
    pub name: String,
}

const API: &str = "rbac.authorization.k8s.io/v1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    api_version: String,
    kind: String,
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
        let Document { api_version, kind, metadata } = serde_saphyr::from_str(&document).ok()?;
        let of_its_kind = match metadata.namespace {
            None => "ClusterRoleBinding",
            Some(_) => "RoleBinding",
        };
        if api_version != API || kind != of_its_kind {
            return None;
        }
        let object = BindingObject { namespace: metadata.namespace, name: metadata.name };
        objects.insert(object, document);
    }
    Some(objects)
}
