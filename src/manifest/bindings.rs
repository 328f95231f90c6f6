//! Manifests of RBAC objects, for the operator to apply once.

use std::fmt::Write as _;

use crate::profile::{BindingRow, Subject};

/// One document a binding; `kubectl apply -f` takes them all.
pub fn cluster_role_bindings(rows: &[&BindingRow]) -> String {
    let mut text = String::from("# Apply once, with super-admin.conf or another cluster admin.\n");
    for row in rows {
        let (kind, name) = match row.subject {
            Subject::User(name) => ("User", name),
            Subject::Group(name) => ("Group", name),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "---\n# Without it: {}.\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n\
             metadata:\n  name: {}\nroleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  \
             name: {}\nsubjects:\n- apiGroup: rbac.authorization.k8s.io\n  kind: {kind}\n  name: {name}\n",
            row.without, row.name, row.cluster_role,
        );
    }
    text
}
