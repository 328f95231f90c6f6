//! What the public files say: one public part an artifact, read once.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::found_key;
use super::keypairs::holds_another_keypair;
use super::public_part::PublicPart;
use crate::facts::{
    CertificateFacts, PublicKey, RequestFacts, certificates_in_pem, is_signed_by, request_in_pem,
};
use crate::graph::{DerivationId, FilePart, Graph, Placement, Recipe};
use crate::hash::Digest;
use crate::name::TreePath;
use crate::spec::Keypair;
use crate::state::{File, Inventory, Lock};

#[derive(Debug)]
pub struct Survey {
    public_parts: Vec<PublicPart>,
    /// Leaves that their CA did not sign, as far as that had to be checked.
    unsigned: HashSet<DerivationId>,
    /// Where the missing keys of anchors lie.
    found_keys: HashMap<DerivationId, TreePath>,
}

impl Survey {
    pub fn take(graph: &Graph, lock: &Lock, inventory: &Inventory) -> Survey {
        let ids: Vec<DerivationId> = graph.ids().collect();
        let public_parts =
            ids.par_iter().map(|id| public_part(graph, lock, inventory, *id)).collect();
        let mut survey =
            Survey { public_parts, unsigned: HashSet::new(), found_keys: HashMap::new() };
        survey.found_keys = found_key::find(graph, lock, inventory, |id| survey.public_part(id));
        survey.unsigned =
            ids.par_iter().copied().filter(|id| survey.lacks_signature(graph, lock, *id)).collect();
        survey
    }

    /// Takes notice of a certificate that has come for an artifact that the cluster signs. Nothing else is
    /// judged by it.
    pub fn look_again(
        &mut self,
        graph: &Graph,
        lock: &Lock,
        inventory: &Inventory,
        id: DerivationId,
    ) {
        if let Some(known) = self.public_parts.get_mut(id.index()) {
            *known = public_part(graph, lock, inventory, id);
        }
    }

    /// Its CA, as far as that is known, did not sign it: damaged, or another cluster's.
    pub fn is_unsigned(&self, id: DerivationId) -> bool {
        self.unsigned.contains(&id)
    }

    /// A file that is none of an anchor's own, and by what lies beside it its only key here.
    pub fn found_key(&self, id: DerivationId) -> Option<&TreePath> {
        self.found_keys.get(&id)
    }

    /// What the lock records was checked when it was recorded; a signature costs as much as all else. A leaf
    /// that does not name its CA's key, or by an identifier that the CA no longer has, is checked always: Go
    /// takes it if the signature is right, whatever it names (crypto/x509, findPotentialParents).
    fn lacks_signature(&self, graph: &Graph, lock: &Lock, id: DerivationId) -> bool {
        let Recipe::Leaf(leaf) = &graph.get(id).recipe else {
            return false;
        };
        let PublicPart::Certificate { der, facts, .. } = self.public_part(id) else {
            return false;
        };
        let issuer = graph.brought_certificate(leaf.issuer);
        issuer.or(self.public_part(leaf.issuer).certificate()).is_some_and(|issuer| {
            let is_on_record = recorded(graph, lock, id) == Some(facts.digest)
                && facts.authority_key_id.as_ref() == Some(&issuer.key_id());
            !is_on_record && !is_signed_by(der, &issuer.public_key)
        })
    }

    pub fn public_part(&self, id: DerivationId) -> &PublicPart {
        self.public_parts.get(id.index()).unwrap_or(&PublicPart::Missing)
    }
}

fn public_part(graph: &Graph, lock: &Lock, inventory: &Inventory, id: DerivationId) -> PublicPart {
    let derivation = graph.get(id);
    match &derivation.recipe {
        Recipe::Leaf(_) | Recipe::ClusterSigned(_) => {
            certificate(graph.placements_of(id, FilePart::Certificate), inventory, |_, _| Ok(true))
        }
        recipe @ (Recipe::OwnCa(_) | Recipe::ImportedCa(_)) => {
            let recorded = recorded(graph, lock, id);
            // A damaged CA certificate must not become the one that every node trusts.
            let own = matches!(recipe, Recipe::OwnCa(_));
            let intact = |der: &[u8], facts: &CertificateFacts| {
                if !own || is_signed_by(der, &facts.public_key) {
                    Ok(())
                } else {
                    Err("is damaged: its signature is not of its own key".to_owned())
                }
            };
            let master = certificate(
                graph.placements_of(id, FilePart::Certificate),
                inventory,
                |der, facts| intact(der, facts).map(|()| true),
            );
            if master.certificate().is_some() {
                return master;
            }
            // The master is gone: a node's trust bundle may hold the same certificate.
            let bundles = graph.bundles_of(id).flat_map(|bundle| graph.placements(bundle));
            let wanted = |der: &[u8], facts: &CertificateFacts| {
                intact(der, facts)?;
                Ok(recorded.is_none_or(|digest| digest == facts.digest))
            };
            let root = derivation.artifact.root();
            let is_only = root.is_some_and(|(root, keypair)| {
                keypair == Keypair::FIRST && graph.keypairs(root).len() == 1
            });
            match in_a_bundle(bundles, inventory, (recorded, is_only), wanted) {
                copy @ PublicPart::Certificate { .. } => copy,
                _ => master,
            }
        }
        Recipe::SigningKey(_) => {
            let places = graph.placements_of(id, FilePart::PublicKey);
            let own = places.filter(|place| !holds_another_keypair(graph, lock, place));
            public_key(own, inventory)
        }
        Recipe::Request(_) => request(graph.placements_of(id, FilePart::Request), inventory),
        Recipe::Rendered(_) | Recipe::Kubeconfig(_) | Recipe::StaticPod(_) => PublicPart::Missing,
    }
}

fn recorded(graph: &Graph, lock: &Lock, id: DerivationId) -> Option<Digest> {
    let entry = lock.entries.get(&graph.get(id).name)?;
    entry.certificate
}

/// The first readable certificate that is `wanted`; an error says what is wrong with one.
fn certificate<'a>(
    placements: impl Iterator<Item = &'a Placement>,
    inventory: &Inventory,
    wanted: impl Fn(&[u8], &CertificateFacts) -> Result<bool, String>,
) -> PublicPart {
    let mut first_problem = PublicPart::Missing;
    for placement in placements {
        let judged = read(inventory, &placement.path, |bytes| {
            let (der, facts) = one_certificate(bytes)?;
            Ok(wanted(&der, &facts)?.then_some((der, facts)))
        });
        match judged.map(Option::flatten) {
            Ok(Some((der, facts))) => {
                return PublicPart::Certificate {
                    path: placement.path.clone(),
                    der,
                    facts: Box::new(facts),
                };
            }
            Ok(None) => {}
            Err(why) => keep_first(&mut first_problem, placement, why),
        }
    }
    first_problem
}

/// A CA's certificate in a bundle: the one on record, or the only one of a CA that ever had one key pair.
fn in_a_bundle<'a>(
    placements: impl Iterator<Item = &'a Placement>,
    inventory: &Inventory,
    (recorded, is_only): (Option<Digest>, bool),
    wanted: impl Fn(&[u8], &CertificateFacts) -> Result<bool, String>,
) -> PublicPart {
    for placement in placements {
        let found = read(inventory, &placement.path, |bytes| {
            let all = certificates_in_pem(bytes).map_err(|error| error.to_string())?;
            let may_be_it = is_only && recorded.is_none() && all.len() == 1;
            let mut all = all.into_iter().filter_map(|der| {
                let facts = CertificateFacts::from_der(&der).ok()?;
                let is_meant = may_be_it || recorded == Some(facts.digest);
                (is_meant && wanted(&der, &facts) == Ok(true)).then_some((der, facts))
            });
            Ok(all.next())
        });
        if let Ok(Some(Some((der, facts)))) = found {
            let path = placement.path.clone();
            return PublicPart::Certificate { path, der, facts: Box::new(facts) };
        }
    }
    PublicPart::Missing
}

fn public_key<'a>(
    placements: impl Iterator<Item = &'a Placement>,
    inventory: &Inventory,
) -> PublicPart {
    let mut first_problem = PublicPart::Missing;
    for placement in placements {
        match read(inventory, &placement.path, |bytes| {
            PublicKey::from_pem(bytes).map_err(|error| error.to_string())
        }) {
            Ok(None) => {}
            Ok(Some(key)) => {
                return PublicPart::PublicKey { path: placement.path.clone(), key };
            }
            Err(why) => keep_first(&mut first_problem, placement, why),
        }
    }
    first_problem
}

fn request<'a>(
    mut placements: impl Iterator<Item = &'a Placement>,
    inventory: &Inventory,
) -> PublicPart {
    let Some(placement) = placements.next() else {
        return PublicPart::Missing;
    };
    let path = placement.path.clone();
    match read(inventory, &placement.path, one_request) {
        Ok(None) => PublicPart::Missing,
        Ok(Some((der, facts))) => PublicPart::Request { path, der, facts: Box::new(facts) },
        Err(why) => PublicPart::Unreadable { path, why },
    }
}

fn one_request(bytes: &[u8]) -> Result<(Vec<u8>, RequestFacts), String> {
    request_in_pem(bytes)
        .and_then(|der| RequestFacts::from_der(&der).map(|facts| (der, facts)))
        .map_err(|error| error.to_string())
}

fn keep_first(problem: &mut PublicPart, placement: &Placement, why: String) {
    if matches!(problem, PublicPart::Missing) {
        *problem = PublicPart::Unreadable { path: placement.path.clone(), why };
    }
}

fn read<T>(
    inventory: &Inventory,
    path: &TreePath,
    parse: impl Fn(&[u8]) -> Result<T, String>,
) -> Result<Option<T>, String> {
    match inventory.get(path.as_str()) {
        None => Ok(None),
        Some(File::Public { bytes, .. }) => parse(bytes).map(Some),
        Some(File::Secret { .. }) => Err("is not a public file".into()),
        Some(File::Unusable { what }) => Err(what.clone()),
        Some(File::Unreadable { why }) => Err(format!("cannot be read: {why}")),
    }
}

fn one_certificate(bytes: &[u8]) -> Result<(Vec<u8>, CertificateFacts), String> {
    let mut all = certificates_in_pem(bytes).map_err(|error| error.to_string())?;
    match (all.pop(), all.len()) {
        (Some(only), 0) => CertificateFacts::from_der(&only)
            .map(|facts| (only, facts))
            .map_err(|error| error.to_string()),
        (None, _) => Err("holds no certificate".into()),
        (Some(_), others) => Err(format!("holds {} certificates instead of one", others + 1)),
    }
}
