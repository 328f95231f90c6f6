//! The anchors: certificate authorities and the service-account key.

use std::collections::BTreeMap;

use super::builder::{Builder, ByCa, Issuer};
use crate::facts::DistinguishedName;
use crate::graph::layout::on_node;
use crate::graph::{
    Artifact, DerivationId, FilePart, ImportedCa, OwnCa, Recipe, Rendered, Revision, SigningKey,
};
use crate::profile::{AUTHORITY_FILES, AuthorityFile, OtherFile, SERVICE_ACCOUNT_FILES};
use crate::spec::{
    Authority, Ca, CaName, ChainCertificate, Component, Keypair, KeypairState, Origin, Role, Root,
    Setting, Spec,
};

/// Each CA and the bundle of it, with their copies on nodes.
pub(super) fn cas(builder: &mut Builder, spec: &Spec) -> ByCa {
    let mut made = BTreeMap::new();
    for (name, authority) in &spec.cas {
        let name = *name;
        let signer = add_ca(builder, spec, (name, None), &authority.signer);
        let others: Vec<(KeypairState, DerivationId)> = (authority.others.iter())
            .map(|other| (other.state, add_ca(builder, spec, (name, Some(other.state)), &other.ca)))
            .collect();
        let all = || std::iter::once(signer).chain(others.iter().map(|(_, id)| *id));
        builder.graph.keypairs.insert(Root::Ca(name), all().collect());
        let trusted = others.iter().filter(|(state, _)| *state == KeypairState::Trusted);
        let trusted = std::iter::once(signer).chain(trusted.map(|(_, id)| *id)).collect();
        let add = |builder: &mut Builder, artifact, rendered| {
            builder.add(artifact, Recipe::Rendered(rendered), &Origin::Default)
        };
        let bundle = Rendered::Bundle { cas: trusted };
        let bundle = add(builder, Artifact::Bundle(name), bundle);
        let serving = is_serving_more(authority).then(|| {
            let bundle = Rendered::Bundle { cas: all().collect() };
            add(builder, Artifact::Serving(name), bundle)
        });
        let rows = || AUTHORITY_FILES.iter().filter(|row| row.ca == name);
        let above = above(authority);
        let chain =
            (!above.is_empty() && rows().any(|row| row.file == AuthorityFile::Chain)).then(|| {
                let chain = Rendered::Chain { cas: all().collect(), above };
                add(builder, Artifact::Chain(name), chain)
            });
        let signing =
            has_signing_file(authority) && rows().any(|row| row.file == AuthorityFile::Signing);
        let signing = signing
            .then(|| add(builder, Artifact::Signing(name), Rendered::Bundle { cas: vec![signer] }));
        for row in rows() {
            let (derivation, content) = match row.file {
                AuthorityFile::Bundle => (Some(bundle), FilePart::Rendered),
                AuthorityFile::Chain => (chain.or(serving), FilePart::Rendered),
                AuthorityFile::Signing => (signing, FilePart::Rendered),
                AuthorityFile::PrivateKey => {
                    (authority.keys_on_nodes.value.then_some(signer), FilePart::PrivateKey)
                }
            };
            let Some(derivation) = derivation else { continue };
            for node in spec.nodes.iter().filter(|node| row.hosts.include(node, spec)) {
                let path = on_node(spec, &node.name, row.path);
                builder.copy(derivation, content, path, &node.name);
            }
        }
        let servers = serving.unwrap_or(bundle);
        let issuer = Issuer { ca: signer, bundle: servers, chain: chain.unwrap_or(servers) };
        made.insert(name, issuer);
    }
    made
}

fn add_ca(
    builder: &mut Builder,
    spec: &Spec,
    (name, state): (CaName, Option<KeypairState>),
    ca: &Ca,
) -> DerivationId {
    let number = ca.number;
    let recipe = match &ca.brought {
        Some(brought) => Recipe::ImportedCa(ImportedCa {
            ca: name,
            number,
            state,
            brought: Box::new(brought.clone()),
        }),
        None => Recipe::OwnCa(OwnCa {
            ca: name,
            number,
            state,
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
    builder.add(Artifact::Ca(name, number), recipe, &ca.origin)
}

/// The certificates above brought CAs, each once.
fn above(authority: &Authority) -> Vec<ChainCertificate> {
    let others = authority.others.iter().map(|other| &other.ca);
    let all = std::iter::once(&authority.signer).chain(others);
    let mut found: Vec<ChainCertificate> = Vec::new();
    for one in all.filter_map(|ca| ca.brought.as_ref()).flat_map(|brought| &brought.above) {
        if !found.contains(one) {
            found.push(one.clone());
        }
    }
    found
}

/// Clients believe servers by more key pairs than servers take clients by.
fn is_serving_more(authority: &Authority) -> bool {
    authority.others.iter().any(|other| other.state == KeypairState::ServingOnly)
}

/// A bundle of several certificates is no file to sign with.
fn has_signing_file(authority: &Authority) -> bool {
    authority.others.iter().any(|other| other.state == KeypairState::Trusted)
}

/// What a controller-manager reads of the cluster CA besides ca.crt.
pub(super) fn other_files(spec: &Spec) -> Vec<OtherFile> {
    let Some(authority) = spec.cas.get(&CaName::Kubernetes) else { return Vec::new() };
    let has_chain = !above(authority).is_empty() || is_serving_more(authority);
    let chain = has_chain.then_some(OtherFile::Chain);
    let signing = has_signing_file(authority).then_some(OtherFile::Signing);
    chain.into_iter().chain(signing).collect()
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
    // Only a key that the block itself names is a demand on one that exists.
    let explicit_key = spec.reproducible.is_some()
        || settings.is_some_and(|settings| {
            matches!(&settings.policy.key, Some(Setting { origin: Origin::File { .. }, .. }))
        });
    let revision = Revision::of(settings.map_or(1, |settings| settings.revision));
    let keys = &spec.service_account;
    let all: Vec<DerivationId> = std::iter::once(&keys.signer)
        .chain(&keys.others)
        .map(|number| {
            let (number, key) = (*number, key.clone());
            // It counted the keys that the first one had before there were several.
            let revision = if number == Keypair::FIRST { revision } else { Revision::of(1) };
            let state = (number != keys.signer).then_some(KeypairState::Trusted);
            let recipe = SigningKey { number, state, key, explicit_key, revision };
            let artifact = Artifact::ServiceAccount(number);
            builder.add(artifact, Recipe::SigningKey(recipe), &Origin::Default)
        })
        .collect();
    let Some(signer) = all.first().copied() else { return };
    let several = (all.len() > 1).then(|| {
        let recipe = Recipe::Rendered(Rendered::PublicKeys { keys: all.clone() });
        builder.add(Artifact::ServiceAccountKeys, recipe, &Origin::Default)
    });
    builder.graph.keypairs.insert(Root::ServiceAccount, all);
    let (private, public) = SERVICE_ACCOUNT_FILES;
    for node in spec.nodes.iter().filter(|node| node.role == Role::ControlPlane) {
        let name = &node.name;
        builder.copy(signer, FilePart::PrivateKey, on_node(spec, name, private), name);
        let keys = several.unwrap_or(signer);
        builder.copy(keys, FilePart::PublicKey, on_node(spec, name, public), name);
    }
}
