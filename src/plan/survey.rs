//! What the public files say: one witness an artifact, read once.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::found_key;
use crate::facts::{
    CertificateFacts, PublicKey, RequestFacts, certificates_in_pem, is_signed_by, request_in_pem,
};
use crate::graph::{Content, DerivationId, Graph, Issuance, Placement, Recipe};
use crate::hash::Digest;
use crate::name::TreePath;
use crate::state::{File, Inventory, Lock};

/// The public witness of a minted artifact.
#[derive(Debug)]
pub enum Witness {
    /// No file of it is here.
    Missing,
    /// A file is here, but says nothing.
    Unreadable {
        path: TreePath,
        why: String,
    },
    Certificate {
        path: TreePath,
        der: Vec<u8>,
        facts: Box<CertificateFacts>,
    },
    PublicKey {
        path: TreePath,
        key: PublicKey,
    },
    Request {
        path: TreePath,
        der: Vec<u8>,
        facts: Box<RequestFacts>,
    },
}

impl Witness {
    pub fn certificate(&self) -> Option<&CertificateFacts> {
        match self {
            Witness::Certificate { facts, .. } => Some(facts),
            _ => None,
        }
    }

    /// DER of the certificate or request.
    pub fn der(&self) -> Option<&[u8]> {
        match self {
            Witness::Certificate { der, .. } | Witness::Request { der, .. } => Some(der),
            _ => None,
        }
    }

    pub fn public_key(&self) -> Option<&PublicKey> {
        match self {
            Witness::Certificate { facts, .. } => Some(&facts.public_key),
            Witness::PublicKey { key, .. } => Some(key),
            Witness::Request { facts, .. } => Some(&facts.public_key),
            _ => None,
        }
    }

    pub fn path(&self) -> Option<&TreePath> {
        match self {
            Witness::Missing => None,
            Witness::Unreadable { path, .. }
            | Witness::Certificate { path, .. }
            | Witness::PublicKey { path, .. }
            | Witness::Request { path, .. } => Some(path),
        }
    }
}

#[derive(Debug)]
pub struct Survey {
    witnesses: Vec<Witness>,
    /// Leaves that are not as the lock records them and that their CA did not sign.
    unsigned: HashSet<DerivationId>,
    /// Where the missing keys of anchors lie.
    found_keys: HashMap<DerivationId, TreePath>,
}

impl Survey {
    pub fn take(graph: &Graph, lock: &Lock, inventory: &Inventory) -> Survey {
        let ids: Vec<DerivationId> = graph.ids().collect();
        let witnesses = ids.par_iter().map(|id| witness(graph, lock, inventory, *id)).collect();
        let mut survey = Survey { witnesses, unsigned: HashSet::new(), found_keys: HashMap::new() };
        survey.found_keys = found_key::find(graph, lock, inventory, |id| survey.witness(id));
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
        if let Some(known) = self.witnesses.get_mut(id.index()) {
            *known = witness(graph, lock, inventory, id);
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

    /// What the lock records was checked when it was recorded; a signature costs as much as all else.
    fn lacks_signature(&self, graph: &Graph, lock: &Lock, id: DerivationId) -> bool {
        let Recipe::Leaf(leaf) = &graph.get(id).recipe else {
            return false;
        };
        let Witness::Certificate { der, facts, .. } = self.witness(id) else {
            return false;
        };
        if recorded(graph, lock, id) == Some(facts.digest) {
            return false;
        }
        let brought = match &graph.get(leaf.issuer).recipe {
            Recipe::Authority(authority) => match &authority.issuance {
                Issuance::Brought(brought) => CertificateFacts::from_der(&brought.der).ok(),
                Issuance::SelfSigned { .. } => None,
            },
            _ => None,
        };
        brought
            .as_ref()
            .or(self.witness(leaf.issuer).certificate())
            .is_some_and(|issuer| !is_signed_by(der, &issuer.public_key))
    }

    pub fn witness(&self, id: DerivationId) -> &Witness {
        self.witnesses.get(id.index()).unwrap_or(&Witness::Missing)
    }
}

fn witness(graph: &Graph, lock: &Lock, inventory: &Inventory, id: DerivationId) -> Witness {
    let derivation = graph.get(id);
    match &derivation.recipe {
        Recipe::Leaf(_) | Recipe::Accepted(_) => {
            certificate(graph.placements_of(id, Content::Certificate), inventory, |_, _| Ok(true))
        }
        Recipe::Authority(authority) => {
            let recorded = recorded(graph, lock, id);
            // A damaged CA certificate must not become the one that every node trusts.
            let own = matches!(authority.issuance, Issuance::SelfSigned { .. });
            let intact = |der: &[u8], facts: &CertificateFacts| {
                if !own || is_signed_by(der, &facts.public_key) {
                    Ok(())
                } else {
                    Err("is damaged: its signature is not of its own key".to_owned())
                }
            };
            let master = certificate(
                graph.placements_of(id, Content::Certificate),
                inventory,
                |der, facts| intact(der, facts).map(|()| true),
            );
            if master.certificate().is_some() {
                return master;
            }
            // The master is gone: a node's trust bundle may hold the same certificate.
            let bundles = graph
                .dependents(id)
                .filter(|other| matches!(graph.get(*other).recipe, Recipe::Bundle(_)))
                .flat_map(|bundle| graph.placements(bundle));
            let wanted = |der: &[u8], facts: &CertificateFacts| {
                intact(der, facts)?;
                Ok(recorded.is_none_or(|digest| digest == facts.digest))
            };
            match certificate(bundles, inventory, wanted) {
                copy @ Witness::Certificate { .. } => copy,
                _ => master,
            }
        }
        Recipe::SigningKey(_) => public_key(graph.placements_of(id, Content::PublicKey), inventory),
        Recipe::Request(_) => request(graph.placements_of(id, Content::Request), inventory),
        Recipe::Bundle(_)
        | Recipe::Kubeconfig(_)
        | Recipe::Bindings(_)
        | Recipe::SigningRequest(_)
        | Recipe::UserBindings(_)
        | Recipe::Kustomization
        | Recipe::KubeletConfig(_)
        | Recipe::StaticPod(_) => Witness::Missing,
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
) -> Witness {
    let mut first_problem = Witness::Missing;
    for placement in placements {
        let judged = read(inventory, &placement.path, |bytes| {
            let (der, facts) = one_certificate(bytes)?;
            Ok(wanted(&der, &facts)?.then_some((der, facts)))
        });
        match judged.map(Option::flatten) {
            Ok(Some((der, facts))) => {
                return Witness::Certificate {
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

fn public_key<'a>(
    placements: impl Iterator<Item = &'a Placement>,
    inventory: &Inventory,
) -> Witness {
    let mut first_problem = Witness::Missing;
    for placement in placements {
        match read(inventory, &placement.path, |bytes| {
            PublicKey::from_pem(bytes).map_err(|error| error.to_string())
        }) {
            Ok(None) => {}
            Ok(Some(key)) => {
                return Witness::PublicKey { path: placement.path.clone(), key };
            }
            Err(why) => keep_first(&mut first_problem, placement, why),
        }
    }
    first_problem
}

fn request<'a>(
    mut placements: impl Iterator<Item = &'a Placement>,
    inventory: &Inventory,
) -> Witness {
    let Some(placement) = placements.next() else {
        return Witness::Missing;
    };
    let path = placement.path.clone();
    match read(inventory, &placement.path, one_request) {
        Ok(None) => Witness::Missing,
        Ok(Some((der, facts))) => Witness::Request { path, der, facts: Box::new(facts) },
        Err(why) => Witness::Unreadable { path, why },
    }
}

fn one_request(bytes: &[u8]) -> Result<(Vec<u8>, RequestFacts), String> {
    request_in_pem(bytes)
        .and_then(|der| RequestFacts::from_der(&der).map(|facts| (der, facts)))
        .map_err(|error| error.to_string())
}

fn keep_first(problem: &mut Witness, placement: &Placement, why: String) {
    if matches!(problem, Witness::Missing) {
        *problem = Witness::Unreadable { path: placement.path.clone(), why };
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
