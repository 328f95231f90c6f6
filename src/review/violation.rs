//! What a policy forbids and a description asks for, changed or not.

use std::collections::{BTreeMap, BTreeSet};

use super::folder::is_harmless;
use super::nodes::chosen_groups;
use super::origin::{groups_written, written};
use super::{Credential, ReviewPolicy, whitelist};
use crate::algorithm::KeyAlgorithm;
use crate::facts::{KeyKind, PublicKey};
use crate::graph::{Artifact, DerivationId, Graph, Recipe, UserPart};
use crate::name::{ArtifactName, San, TreePath};
use crate::spec::{Delivery, Origin, Setting, Spec};

/// One rule, broken in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Reads after the artifact's name.
    pub what: String,
    /// Never empty.
    pub artifacts: Vec<ArtifactName>,
    /// The rule's line.
    pub rule: Origin,
    /// The description's.
    pub origin: Option<Origin>,
}

pub(super) fn find(graph: &Graph, spec: &Spec, policy: &ReviewPolicy) -> Vec<Violation> {
    let mut found = folders(spec, policy);
    if policy.digest.is_none() {
        return found;
    }
    let recipients = whitelist::recipients(spec, policy).into_iter();
    found.extend(recipients.map(|(name, (what, rule, origin))| Violation {
        what,
        artifacts: vec![name],
        rule,
        origin: origin.and_then(written),
    }));
    let mut broken_rules = BTreeMap::new();
    for id in graph.ids() {
        let derivation = graph.get(id);
        let name = match &derivation.artifact {
            Artifact::User(user, _) => Artifact::User(user.clone(), UserPart::Identity).name(),
            _ => derivation.name.clone(),
        };
        let mut except = policy.except.iter();
        if except.any(|pattern| pattern.matches(&derivation.name) || pattern.matches(&name)) {
            continue;
        }
        let mut broken = Vec::new();
        if let Some(credential) = Credential::of_recipe(graph, id) {
            life(graph, id, &credential, policy, &mut broken);
            key(graph, id, policy, &mut broken);
            // Kubernetes' own, `operator/super-admin` too, have theirs from kubeadm.
            if matches!(derivation.artifact, Artifact::User(..) | Artifact::Certificate(_)) {
                groups(&credential.groups, policy, &mut broken);
            }
            names(&credential, policy, &mut broken);
        }
        let mut broken: Vec<(String, Origin, Option<&Origin>)> =
            broken.into_iter().map(|(what, rule)| (what, rule, None)).collect();
        if let Artifact::Leaf(Some(node), row) = &derivation.artifact {
            let mut chosen = Vec::new();
            groups(&chosen_groups(spec, node, row), policy, &mut chosen);
            let origin = groups_written(spec, &derivation.artifact);
            broken.extend(chosen.into_iter().map(|(what, rule)| (what, rule, origin)));
        }
        broken.extend(whitelist::roles(spec, derivation, policy));
        broken.extend(whitelist::pods(spec, derivation, policy));
        for (what, rule, origin) in broken {
            let violation =
                broken_rules.entry((what.clone(), rule.to_string())).or_insert_with(|| Violation {
                    what,
                    artifacts: Vec::new(),
                    rule,
                    origin: written(origin.unwrap_or(&derivation.origin)),
                });
            violation.artifacts.push(name.clone());
        }
    }
    found.extend(broken_rules.into_values());
    found
}

/// Held without a policy, too: a folder that runs or trusts what lies in it is as good as a program on the
/// node.
fn folders(spec: &Spec, policy: &ReviewPolicy) -> Vec<Violation> {
    let mut found = Vec::new();
    let Setting { value: dir, origin } = &spec.cluster.certificates_dir;
    let folder = dir.tree_path();
    if !is_harmless(folder) && !policy.allowed_folders.iter().any(|prefix| prefix.holds(folder)) {
        found.push(Violation {
            what: put_into(folder),
            origin: written(origin),
            artifacts: vec![ArtifactName::of("certificates-dir")],
            rule: Origin::Derived(FOLDER_RULE),
        });
    }
    for certificate in &spec.certificates {
        let Delivery::Nodes { folder, .. } = &certificate.delivery else {
            continue;
        };
        let name = Artifact::Certificate(certificate.name.clone()).name();
        let widened = policy.allowed_folders.iter().any(|prefix| prefix.holds(folder))
            || policy.except.iter().any(|pattern| pattern.matches(&name));
        if widened || is_harmless(folder) {
            continue;
        }
        found.push(Violation {
            what: put_into(folder),
            origin: written(&certificate.origin),
            artifacts: vec![name],
            rule: Origin::Derived(FOLDER_RULE),
        });
    }
    found
}

fn put_into(folder: &TreePath) -> String {
    format!("is put into /{folder}, which is on no list of harmless folders")
}

const FOLDER_RULE: &str = "kpki's own list, which a policy lengthens: --policy FILE with policy { allow-folder \"/that/folder\" }";

type Broken = Vec<(String, Origin)>;

fn life(
    graph: &Graph,
    id: DerivationId,
    credential: &Credential,
    policy: &ReviewPolicy,
    broken: &mut Broken,
) {
    let wished = match &graph.get(id).recipe {
        Recipe::Request(request) => Some(request.policy.validity.value),
        _ => credential.life,
    };
    let limit = if credential.is_ca { &policy.max_ca_validity } else { &policy.max_validity };
    if let (Some(limit), Some(life)) = (limit, wished)
        && life > limit.value
    {
        let what = format!("is valid for {life}, at most {} is allowed", limit.value);
        broken.push((what, limit.origin.clone()));
    }
}

fn key(graph: &Graph, id: DerivationId, policy: &ReviewPolicy, broken: &mut Broken) {
    let brought = graph.brought_request(id).map(|request| &request.facts.public_key);
    let of_a_ca = graph.brought_certificate(id).map(|facts| &facts.public_key);
    let made = graph.get(id).recipe.key_algorithm().map(kind_of);
    let Some(kind) = brought.or(of_a_ca).map(PublicKey::kind).or(made) else {
        return;
    };
    for Setting { value: least, origin } in &policy.min_keys {
        let ((family, bits), (least_family, least_bits)) =
            (strength(kind), strength(kind_of(*least)));
        if family == least_family && bits < least_bits {
            let what = format!("has a key of {kind}, {least} is the least");
            broken.push((what, origin.clone()));
        }
    }
}

fn kind_of(algorithm: KeyAlgorithm) -> KeyKind {
    match algorithm {
        KeyAlgorithm::Rsa2048 => rsa(2048),
        KeyAlgorithm::Rsa3072 => rsa(3072),
        KeyAlgorithm::Rsa4096 => rsa(4096),
        KeyAlgorithm::EcdsaP256 => KeyKind::EcdsaP256,
        KeyAlgorithm::EcdsaP384 => KeyKind::EcdsaP384,
        KeyAlgorithm::Ed25519 => KeyKind::Ed25519,
    }
}

fn rsa(bits: usize) -> KeyKind {
    KeyKind::Rsa { bits, exponent: 65_537 }
}

/// Family and bits: sizes of different families say nothing about each other.
fn strength(kind: KeyKind) -> (&'static str, usize) {
    match kind {
        KeyKind::Rsa { bits, .. } => ("rsa", bits),
        KeyKind::EcdsaP256 => ("ecdsa", 256),
        KeyKind::EcdsaP384 => ("ecdsa", 384),
        KeyKind::Ed25519 => ("ed25519", 255),
        KeyKind::Other(_) => ("", 0),
    }
}

/// Of users and certificates, and of a node's leaves those that somebody wrote: Kubernetes' own groups are
/// not the description's to choose.
fn groups(all: &BTreeSet<String>, policy: &ReviewPolicy, broken: &mut Broken) {
    for group in all {
        let forbidden = policy.forbidden_groups.iter().find(|rule| rule.value.matches(group));
        if let Some(rule) = forbidden {
            broken.push((format!("is in the forbidden group {group}"), rule.origin.clone()));
        }
    }
}

fn names(credential: &Credential, policy: &ReviewPolicy, broken: &mut Broken) {
    for name in &credential.sans {
        let forbidden = policy.forbidden_sans.iter().find(|rule| rule.value.is_covered_by(name));
        if let Some(rule) = forbidden {
            broken.push((format!("has the forbidden name {name}"), rule.origin.clone()));
        }
        let is_wildcard = matches!(name, San::Dns(name) if name.starts_with("*."));
        if let Some(rule) =
            policy.forbid_wildcards.as_ref().filter(|rule| rule.value && is_wildcard)
        {
            broken.push((format!("has the wildcard {name}"), rule.origin.clone()));
        }
    }
}
