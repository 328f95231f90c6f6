//! The anchors: certificate authorities and the service-account key.

use std::collections::BTreeMap;

use super::builder::{Builder, ByCa, Issuer};
use crate::facts::DistinguishedName;
use crate::graph::layout::on_node;
use crate::graph::{Artifact, FilePart, ImportedCa, OwnCa, Recipe, Rendered, Revision, SigningKey};
use crate::profile::{AUTHORITY_FILES, AuthorityFile, SERVICE_ACCOUNT_FILES};
use crate::spec::{Ca, CaName, ChainCertificate, Component, Origin, Role, Setting, Spec};

/// Each CA and the bundle of it, with their copies on nodes.
pub(super) fn cas(builder: &mut Builder, spec: &Spec) -> ByCa {
    let mut made = BTreeMap::new();
    for (name, ca) in &spec.cas {
        let above = above(ca);
        let keys_on_nodes = ca.keys_on_nodes.value;
        let recipe = match &ca.brought {
            Some(brought) => {
                Recipe::ImportedCa(ImportedCa { ca: *name, brought: Box::new(brought.clone()) })
            }
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
        let rows = || AUTHORITY_FILES.iter().filter(|row| row.ca == *name);
        let chain = above.filter(|_| rows().any(|row| row.file == AuthorityFile::Chain));
        let chain = chain.map(|above| {
            let recipe = Recipe::Rendered(Rendered::Chain { ca, above: above.to_vec() });
            builder.add(Artifact::Chain(*name), recipe, &Origin::Default)
        });
        for row in rows() {
            let (derivation, content) = match (row.file, chain) {
                (AuthorityFile::Bundle, _) => (bundle, FilePart::Rendered),
                (AuthorityFile::Chain, Some(chain)) => (chain, FilePart::Rendered),
                (AuthorityFile::Chain, None) => continue,
                (AuthorityFile::PrivateKey, _) if !keys_on_nodes => continue,
                (AuthorityFile::PrivateKey, _) => (ca, FilePart::PrivateKey),
            };
            for node in spec.nodes.iter().filter(|node| row.hosts.include(node, spec)) {
                let path = on_node(spec, &node.name, row.path);
                builder.copy(derivation, content, path, &node.name);
            }
        }
        made.insert(*name, Issuer { ca, bundle, chain: chain.unwrap_or(bundle) });
    }
    made
}

/// The certificates above a brought CA, where there are some.
fn above(ca: &Ca) -> Option<&[ChainCertificate]> {
    ca.brought.as_ref().map(|brought| &*brought.above).filter(|above| !above.is_empty())
}

/// The cluster's CA was brought, with those above it.
pub(super) fn has_chain(spec: &Spec) -> bool {
    spec.cas.get(&CaName::Kubernetes).and_then(above).is_some()
}

/// The cluster CA's, for the controller-manager to sign with.
pub(super) fn has_key_on_nodes(spec: &Spec) -> bool {
    spec.cas.get(&CaName::Kubernetes).is_none_or(|ca| ca.keys_on_nodes.value)
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
        builder.copy(id, FilePart::PrivateKey, on_node(spec, name, private), name);
        builder.copy(id, FilePart::PublicKey, on_node(spec, name, public), name);
    }
}
