//! One key in two roles: of two names, of a CA and a leaf, of a certificate and of the tokens of service
//! accounts. A certificate that was issued again over its key has the same name; CAs over one key are a CA
//! that was renamed, or another finding.

use std::collections::{BTreeMap, BTreeSet};

use super::certificate::subject;
use super::finding::Findings;
use super::kubernetes_folder::KubernetesFolder;
use super::rules::KEY_IN_TWO_ROLES;
use super::world::World;
use crate::facts::PublicKey;

#[derive(PartialEq, Eq)]
enum Role {
    Authority,
    Leaf(String),
    ServiceAccounts,
}

struct Use<'a> {
    role: Role,
    path: &'a str,
    name: String,
}

/// Of each key its uses, in the order of paths; the first of each role.
#[derive(Default)]
struct Uses<'a>(BTreeMap<&'a PublicKey, Vec<Use<'a>>>);

impl<'a> Uses<'a> {
    fn add(&mut self, key: &'a PublicKey, used: Use<'a>) {
        let known = self.0.entry(key).or_default();
        if known.iter().all(|other| other.role != used.role) {
            known.push(used);
        }
    }
}

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    let mut uses = Uses::default();
    // In some layouts the public half lies in a certificate.
    let of_tokens: BTreeSet<&str> = (world.folders.iter())
        .flat_map(KubernetesFolder::service_account)
        .map(|(path, _)| path)
        .collect();
    for (path, certificate) in &world.certificates {
        if of_tokens.contains(path) {
            continue;
        }
        let facts = &certificate.facts;
        let name = subject(facts);
        let role = if facts.is_ca {
            Role::Authority
        } else {
            Role::Leaf(facts.subject.common_name().unwrap_or_else(|| name.clone()))
        };
        uses.add(&facts.public_key, Use { role, path, name });
    }
    for folder in &world.folders {
        for (path, holds) in folder.service_account() {
            for key in holds.private_keys.iter().chain(&holds.public_keys) {
                let name = "tokens of service accounts".to_owned();
                uses.add(key, Use { role: Role::ServiceAccounts, path, name });
            }
        }
    }
    for used in uses.0.values() {
        let Some((first, others)) = used.split_first() else { continue };
        for other in others {
            let at = world.tree.shown(first.path);
            let detail = format!("{}: the key of {at} ({})", other.name, first.name);
            findings.add(&KEY_IN_TWO_ROLES, other.path, detail);
        }
    }
}
