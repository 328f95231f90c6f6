//! An artifact: what it should be, and what is there of it.

use schemars::JsonSchema;
use serde::Serialize;

use super::certificate::{CertificateReport, certificate_report};
use super::text::out;
use super::waiting::{WaitingReport, waits};
use super::wish::{WishReport, wish};
use crate::graph::{DerivationId, Placement};
use crate::plan::World;
use crate::spec::Spec;
use crate::state::{File, SecretFile};

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ArtifactReport {
    pub name: String,
    /// Certificate, kubeconfig and so on.
    pub kind: String,
    /// What the description asks for.
    pub wish: Vec<WishReport>,
    /// The certificate on disk; a kubeconfig's is that of its identity.
    pub certificate: Option<CertificateReport>,
    /// Its request waits for the cluster's signature.
    pub waiting: Option<WaitingReport>,
    /// The public key on disk, where there is no certificate.
    pub public_key: Option<PublicKeyReport>,
    /// Why the public file cannot be read.
    pub unreadable: Option<String>,
    pub files: Vec<PlaceReport>,
    /// Hash of the recipe.
    pub hash: String,
    /// What is issued by it or embeds it.
    pub dependents: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PublicKeyReport {
    /// The algorithm.
    pub key: String,
    /// Digest of the SubjectPublicKeyInfo, as in cluster.lock.
    pub digest: String,
}

/// One file of an artifact.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PlaceReport {
    pub path: String,
    /// As it should be: `0600`.
    pub mode: String,
    pub secret: bool,
    /// `here`, `not here`, or what is wrong with it.
    pub state: String,
}

pub fn artifact_report(world: World<'_>, spec: &Spec, id: DerivationId) -> ArtifactReport {
    let graph = world.graph;
    let derivation = graph.get(id);
    let public_part = world.survey.public_part(graph.identity_in(id));
    let certificate = public_part.certificate();
    let public_key = public_part.public_key().filter(|_| certificate.is_none());
    let unreadable = match public_part {
        crate::plan::PublicPart::Unreadable { path, why } => Some(format!("{} {why}", out(path))),
        _ => None,
    };
    ArtifactReport {
        name: derivation.name.to_string(),
        kind: derivation.recipe.kind().to_owned(),
        wish: wish(graph, spec, id),
        certificate: certificate.map(|facts| certificate_report(facts, world.now)),
        waiting: waits(world, id),
        public_key: public_key.map(|key| PublicKeyReport {
            key: key.kind().to_string(),
            digest: key.digest().to_string(),
        }),
        unreadable,
        files: graph.placements(id).iter().map(|place| place_report(world, place)).collect(),
        hash: derivation.hash.to_string(),
        dependents: graph
            .dependents(id)
            .map(|dependent| graph.get(dependent).name.to_string())
            .collect(),
    }
}

fn place_report(world: World<'_>, place: &Placement) -> PlaceReport {
    let secret = place.content.is_secret();
    let state = match world.inventory.get(place.path.as_str()) {
        None => "not here".to_owned(),
        Some(File::Secret(secret)) => secret_state(place, secret),
        Some(File::Unusable { what }) => what.clone(),
        Some(File::Unreadable { why }) => format!("cannot be read: {why}"),
        Some(File::Public { .. }) => "here".to_owned(),
    };
    PlaceReport { path: out(&place.file()), mode: format!("{:04o}", place.mode), secret, state }
}

fn secret_state(place: &Placement, secret: &SecretFile) -> String {
    if secret.size() == 0 {
        return "empty".to_owned();
    }
    match (secret.exposed(), place.recipients.is_some(), secret.plain, &secret.sealed) {
        (_, true, Some(_), Some(_)) => "here, and in the clear beside it".to_owned(),
        (_, true, Some(_), None) => "in the clear".to_owned(),
        (_, false, None, _) => "sealed".to_owned(),
        (Some(mode), false, ..) => format!("readable by others (mode {mode:04o})"),
        _ => "here".to_owned(),
    }
}
