//! What brought CAs forbid of the certificates that the description wants below them.

use std::collections::{BTreeMap, BTreeSet};

use super::held::Review;
use super::problem::{At, Problem};
use crate::facts::{DistinguishedName, ExtendedKeyUsage};
use crate::graph::{DerivationId, Graph, Recipe};
use crate::name::San;
use crate::path::{Wished, would_accept};
use crate::spec::{BroughtCa, CaName, Keypair};

/// Where each brought CA is named.
pub type Places = BTreeMap<(CaName, Keypair), At>;

/// So many forbidden certificates tell what kind of limit it is.
const SHOWN: usize = 3;

pub fn review(graph: &Graph, places: &Places, review: &mut Review) {
    let below = below(graph);
    for id in graph.ids() {
        let Recipe::ImportedCa(imported) = &graph.get(id).recipe else {
            continue;
        };
        let (Some(below), Some(at)) = (below.get(&id), places.get(&(imported.ca, imported.number)))
        else {
            continue;
        };
        let brought = &imported.brought;
        for (message, help) in forbidden(brought, below) {
            review.problem(Problem::new(*at, message).help(help));
        }
        if imported.ca == CaName::Kubernetes
            && let Some(note) = above(brought, below)
        {
            review.note(note);
        }
    }
}

struct Leaf<'g> {
    subject: &'g DistinguishedName,
    sans: &'g BTreeSet<San>,
    usages: Vec<ExtendedKeyUsage>,
}

impl Leaf<'_> {
    fn wished(&self) -> Wished<'_> {
        Wished { subject: self.subject, sans: self.sans, usages: &self.usages }
    }
}

/// What each CA is to sign, the cluster's own signer included.
fn below(graph: &Graph) -> BTreeMap<DerivationId, Vec<Leaf<'_>>> {
    static NO_NAMES: BTreeSet<San> = BTreeSet::new();
    let mut below: BTreeMap<DerivationId, Vec<Leaf<'_>>> = BTreeMap::new();
    for id in graph.ids() {
        let (issuer, leaf) = match &graph.get(id).recipe {
            Recipe::Leaf(leaf) => {
                let usages = [
                    leaf.usage.server().then_some(ExtendedKeyUsage::Server),
                    leaf.usage.client().then_some(ExtendedKeyUsage::Client),
                ];
                let usages = usages.into_iter().flatten().collect();
                (leaf.issuer, Leaf { subject: &leaf.subject, sans: &leaf.sans, usages })
            }
            Recipe::ClusterSigned(signed) => match &graph.get(signed.request).recipe {
                Recipe::Request(request) => {
                    let usages = vec![ExtendedKeyUsage::Client];
                    (signed.issuer, Leaf { subject: &request.subject, sans: &NO_NAMES, usages })
                }
                _ => continue,
            },
            _ => continue,
        };
        below.entry(issuer).or_default().push(leaf);
    }
    below
}

/// Each reason once, with what to do.
fn forbidden(brought: &BroughtCa, below: &[Leaf<'_>]) -> Vec<(String, String)> {
    let mut reasons: Vec<String> = Vec::new();
    let mut count = 0;
    for leaf in below {
        if let Err(reason) = would_accept(&brought.facts, &leaf.wished()) {
            count += 1;
            let reason = reason.to_string();
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    let all = below.len();
    let help = format!(
        "Kubernetes would refuse {count} of the {all} certificates below it; bring another CA certificate, or ask \
         whoever issued it for one without that limit"
    );
    let shown = reasons.into_iter().take(SHOWN);
    shown.map(|reason| (format!("{}: {reason}", brought.path), help.clone())).collect()
}

/// Go looks no further than the CA that it trusts; others go up to the root.
fn above(brought: &BroughtCa, below: &[Leaf<'_>]) -> Option<String> {
    brought.above.iter().find_map(|one| {
        let mut reasons = below.iter().filter_map(|leaf| {
            would_accept(&one.facts, &leaf.wished()).err().map(|reason| reason.to_string())
        });
        let (path, subject) = (&brought.path, &one.facts.subject);
        let reason = reasons.next()?;
        Some(format!(
            "{path}: {subject}: {reason}; Kubernetes does not look above the CA that signs, but clients based on \
             OpenSSL do"
        ))
    })
}
