//! Who had a name before: as far as certificates and bindings tell, of what is described still and of what is
//! not, but not pruned either.
//!
//! Signatures are checked of what waives a consent alone: whoever plants a file that claims a name only makes
//! more ask for it.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use super::name_owners::{API_SERVER, NameOwners, Owner, domain_of, nodes_with, wildcard_above};
use super::powers::{ArtifactPower, Power};
use super::principal::Principal;
use super::{Credential, verified};
use crate::facts::{
    CertificateFacts, ExtendedKeyUsage, certificates_in_pem, is_signed_by, role_grants,
};
use crate::graph::{Artifact, FilePart, Scope, UserPart, origins};
use crate::name::{ArtifactName, San};
use crate::plan::{Orphan, Plan, World};
use crate::spec::{CaName, Component, Role};

/// Of those names that something which is asked for did not have.
#[derive(Debug, Default)]
pub(super) struct Former {
    pub names: NameOwners,
    /// By common name: to Kubernetes all of one name are one user.
    pub users: BTreeMap<String, ArtifactName>,
    /// Groups in which the same one was by a certificate that ran out: renewing it gains none of them.
    pub lapsed: BTreeMap<ArtifactName, BTreeSet<String>>,
}

/// What is looked for.
#[derive(Default)]
struct Wanted<'a> {
    names: BTreeSet<San>,
    /// Whoever has the name may be the same principal.
    users: BTreeMap<&'a str, Vec<Principal>>,
    /// Those who may have had a certificate.
    lapsed: Vec<ArtifactName>,
    /// Of a node's own names.
    domains: BTreeSet<String>,
}

impl Former {
    pub fn of(
        world: World<'_>,
        plan: &Plan,
        asked: &[ArtifactPower],
        known: &[ArtifactPower],
    ) -> Former {
        let wanted = Wanted::of(asked, known);
        let mut former = Former::default();
        if wanted.is_empty() {
            return former;
        }
        for name in &wanted.lapsed {
            let groups = lapsed_groups(world, name).unwrap_or_default();
            former.lapsed.insert(name.clone(), groups);
        }
        for id in world.graph.ids() {
            let artifact = &world.graph.get(id).artifact;
            if let Some(facts) = world.survey.public_part(id).certificate() {
                former.certificate(&wanted, artifact, facts);
                former.domains(&wanted, artifact, facts, || verified::of(world, id).is_some());
                if let Artifact::Certificate(name) = artifact {
                    let nodes = nodes_with(world.graph, id);
                    former.names.certificates.insert(name.to_string(), nodes);
                }
            }
            let bindings = world.graph.placements_of(id, FilePart::Rendered).next();
            if let (Artifact::User(_, UserPart::Bindings), Some(place)) = (artifact, bindings)
                && let Some(file) = world.inventory.public(place.path.as_str())
            {
                former.bindings(&wanted, artifact, file);
            }
        }
        let mut with_certificate = BTreeSet::new();
        for orphan in &plan.orphans {
            let Orphan::File { path, secret: false, .. } = orphan else {
                continue;
            };
            let Some(file) = world.inventory.public(path.as_str()) else {
                continue;
            };
            let facts = LazyCell::new(|| {
                let all = certificates_in_pem(file).unwrap_or_default();
                all.first().and_then(|der| CertificateFacts::from_der(der).ok())
            });
            for origin in origins(path.as_str()) {
                match (origin.content, &*facts) {
                    (FilePart::Certificate, Some(facts)) => {
                        with_certificate.insert(origin.artifact.name());
                        former.certificate(&wanted, &origin.artifact, facts);
                    }
                    (FilePart::Rendered, _) => former.bindings(&wanted, &origin.artifact, file),
                    _ => {}
                }
            }
        }
        for orphan in &plan.orphans {
            if let Orphan::Line(name) = orphan
                && let Ok(artifact @ Artifact::User(_, UserPart::Identity)) = name.as_str().parse()
                && !with_certificate.contains(name)
                && let Scope::User(user) = Scope::of(name)
            {
                // Its certificate is gone: as far as the line tells, it had the name that most have.
                former.user(&wanted, &artifact, user);
            }
        }
        former
    }

    fn certificate(&mut self, wanted: &Wanted<'_>, artifact: &Artifact, facts: &CertificateFacts) {
        let has = |usage| {
            facts.extended_key_usage.is_empty() || facts.extended_key_usage.contains(&usage)
        };
        if has(ExtendedKeyUsage::Client) && artifact.node().is_none() {
            let common_name = facts.subject.common_name().unwrap_or_default();
            self.user(wanted, artifact, &common_name);
        }
        if !has(ExtendedKeyUsage::Server) || facts.is_ca {
            return;
        }
        let (owner, node) = match artifact {
            Artifact::Certificate(name) => (Owner::Certificate(name.to_string()), None),
            Artifact::Leaf(Some(node), API_SERVER) => (Owner::Apiserver, Some(node)),
            Artifact::Leaf(Some(node), _) => (Owner::Node(node.to_string()), Some(node)),
            _ => return,
        };
        if let Some(node) = node {
            let role = match artifact.row().map(|row| row.component) {
                Some(Component::Apiserver) => Role::ControlPlane,
                Some(Component::Etcd) => Role::Etcd,
                _ => Role::Worker,
            };
            let known = self.names.roles.entry(node.to_string()).or_insert(role);
            if *known == Role::Worker || role == Role::ControlPlane {
                *known = role;
            }
        }
        let is_wanted = |name: &&San| {
            let wildcard = || wildcard_above(name).is_some_and(|all| wanted.names.contains(&all));
            wanted.names.contains(*name) || wildcard()
        };
        for name in facts.sans.iter().filter(is_wanted) {
            let is_nodes = node.is_some_and(|node| *name == San::from(node));
            let owner = match node {
                Some(node) if is_nodes => Owner::Node(node.to_string()),
                _ => owner.clone(),
            };
            self.names.add(name.clone(), owner);
        }
    }

    /// What waives a consent must be proven.
    fn domains(
        &mut self,
        wanted: &Wanted<'_>,
        artifact: &Artifact,
        facts: &CertificateFacts,
        is_verified: impl Fn() -> bool,
    ) {
        let Some(node) = artifact.node().filter(|_| !wanted.domains.is_empty()) else {
            return;
        };
        for domain in facts.sans.iter().filter_map(|name| domain_of(node.as_str(), name)) {
            let is_wanted = wanted.domains.contains(&domain);
            if is_wanted && !self.names.domains.contains(&domain) && is_verified() {
                self.names.domains.insert(domain);
            }
        }
    }

    fn bindings(&mut self, wanted: &Wanted<'_>, artifact: &Artifact, file: &[u8]) {
        if wanted.users.is_empty() || !matches!(artifact, Artifact::User(_, UserPart::Bindings)) {
            return;
        }
        let grants = role_grants(file).unwrap_or_default();
        for grant in grants.iter().filter(|grant| !grant.is_group) {
            self.user(wanted, artifact, &grant.subject);
        }
    }

    fn user(&mut self, wanted: &Wanted<'_>, artifact: &Artifact, common_name: &str) {
        let Some(new) = wanted.users.get(common_name) else {
            return;
        };
        let name = match artifact {
            Artifact::User(user, _) => Artifact::User(user.clone(), UserPart::Identity).name(),
            artifact => artifact.name(),
        };
        let principal = Principal::of(&name);
        if new.iter().any(|new| *new != principal) {
            self.users.entry(common_name.to_owned()).or_insert(name);
        }
    }
}

impl<'a> Wanted<'a> {
    fn of(asked: &'a [ArtifactPower], known: &[ArtifactPower]) -> Self {
        let known: BTreeMap<ArtifactName, &ArtifactPower> =
            known.iter().map(|known| (known.artifact.name(), known)).collect();
        let mut wanted = Wanted::default();
        for asked in asked {
            let Power::Certificate(new) = &asked.power else {
                continue;
            };
            let credential = &new.credential;
            let before = known.get(&asked.artifact.name()).map(|known| &known.power);
            let before = match before {
                Some(Power::Certificate(before)) => Some(&before.credential),
                _ => None,
            };
            let is_user = credential.client && new.ca == CaName::Kubernetes;
            if before.is_none() && is_user && asked.artifact.node().is_none() {
                let principals = wanted.users.entry(&credential.common_name).or_default();
                principals.push(Principal::of(&asked.artifact.name()));
                wanted.lapsed.push(asked.artifact.name());
            }
            if !credential.server {
                continue;
            }
            for name in &credential.sans {
                if before.is_some_and(|before| before.sans.contains(name)) {
                    continue;
                }
                wanted.names.extend(wildcard_above(name));
                wanted.names.insert(name.clone());
                let node = asked.artifact.node();
                wanted.domains.extend(node.and_then(|node| domain_of(node.as_str(), name)));
            }
        }
        wanted
    }

    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.users.is_empty()
    }
}

/// By the lock's line, the bytes that it is of, and a CA's signature: the first two anybody writes.
fn lapsed_groups(world: World<'_>, name: &ArtifactName) -> Option<BTreeSet<String>> {
    let graph = world.graph;
    let id = graph.find(name)?;
    let holder = graph.answer_to(id).unwrap_or(id);
    let public_part = world.survey.public_part(holder);
    let (facts, der) = (public_part.certificate()?, public_part.der()?);
    let on_record = verified::line(world, holder)?.certificate;
    let asked = Credential::of_recipe(graph, id)?;
    let is_same = on_record == Some(facts.digest)
        && facts.subject.common_name().as_deref() == Some(asked.common_name.as_str());
    let mut authorities = graph.ids().filter(|id| graph.get(*id).recipe.is_ca());
    let is_signed = is_same
        && authorities.any(|ca| {
            let issuer = world.survey.public_part(ca).certificate();
            issuer.is_some_and(|issuer| is_signed_by(der, &issuer.public_key))
        });
    is_signed.then(|| facts.subject.organizations())
}
