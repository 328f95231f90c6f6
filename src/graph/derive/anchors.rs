//! The anchors: certificate authorities and the service-account key.

use std::collections::BTreeMap;

use super::builder::{Builder, ByCa, Issuer};
use crate::facts::DistinguishedName;
use crate::graph::layout::on_node;
use crate::graph::{Artifact, FilePart, ImportedCa, OwnCa, Recipe, Rendered, Revision, SigningKey};
use crate::profile::{AUTHORITY_FILES, AuthorityFile, SERVICE_ACCOUNT_FILES};
use crate::spec::{Component, Origin, Role, Setting, Spec};

/// Each CA and the bundle of it, with their copies on nodes.
pub(super) fn cas(builder: &mut Builder, spec: &Spec) -> ByCa {
    let mut made = BTreeMap::new();
    for (name, ca) in &spec.cas {
        let recipe = match &ca.brought {
            Some(brought) => Recipe::ImportedCa(ImportedCa { ca: *name, brought: brought.clone() }),
            None => Recipe::OwnCa(OwnCa {
                ca: *name,
                subject: DistinguishedName::new([], Some(ca.common_name.value.as_str())),
                common_name: ca.common_name.clone(),
                validity: ca.validity.clone(),
                key: ca.key.clone(),
                // The same description must mean the same key everywhere.
                explicit_key: ca.explicit_key || spec.reproducible.is_some(),
                revision: Revision::of(ca.revision),
                not_before: None,
            }),
        };
        let ca = builder.add(Artifact::Ca(*name), recipe, &ca.origin);
        let bundle = Recipe::Rendered(Rendered::Bundle { ca });
        let bundle = builder.add(Artifact::Bundle(*name), bundle, &Origin::Default);
        for row in AUTHORITY_FILES.iter().filter(|row| row.ca == *name) {
            let (derivation, content) = match row.file {
                AuthorityFile::Bundle => (bundle, FilePart::Rendered),
                AuthorityFile::PrivateKey => (ca, FilePart::PrivateKey),
            };
            for node in spec.nodes.iter().filter(|node| row.hosts.include(node, spec)) {
                let path = on_node(&node.name, row.path);
                builder.copy(derivation, content, path, &node.name);
            }
        }
        made.insert(*name, Issuer { ca, bundle });
    }
    made
}

pub(super) fn service_account(builder: &mut Builder, spec: &Spec) {
    let settings = spec.components.get(&Component::ServiceAccount);
    let key = settings
        .and_then(|settings| settings.policy.key.clone())
        .unwrap_or_else(|| spec.defaults.key.clone());
    let id = builder.add(
        Artifact::ServiceAccount,
        Recipe::SigningKey(SigningKey {
            // Only a key that the block itself names is a demand on one that exists.
            explicit_key: spec.reproducible.is_some()
                || settings.is_some_and(|settings| {
                    matches!(
                        &settings.policy.key,
                        Some(Setting { origin: Origin::File { .. }, .. })
                    )
                }),
            key,
            revision: Revision::of(settings.map_or(1, |settings| settings.revision)),
        }),
        &Origin::Default,
    );
    let (private, public) = SERVICE_ACCOUNT_FILES;
    for node in spec.nodes.iter().filter(|node| node.role == Role::ControlPlane) {
        let name = &node.name;
        builder.copy(id, FilePart::PrivateKey, on_node(name, private), name);
        builder.copy(id, FilePart::PublicKey, on_node(name, public), name);
    }
}
