//! Roots of trust: new, replaced, on no record, or older than all that is built from them.

use rayon::prelude::*;

use std::collections::{BTreeMap, BTreeSet};

use super::access_change::AccessChange;
use super::verified::{line, on_record};
use super::{Credential, compare};
use crate::facts::{CertificateFacts, PublicKey, certificates_in_pem, is_signed_by};
use crate::graph::{DerivationId, Recipe};
use crate::hash::Digest;
use crate::name::ArtifactName;
use crate::plan::{Plan, World, keypairs_on_record};

/// A CA or the service-account key.
#[derive(Debug, Default)]
pub(super) struct Root {
    /// `None`: it is no CA, or nothing here says what was trusted.
    pub credential: Option<Credential>,
    /// Digest of a CA's certificate, where that is one already.
    pub certificate: Option<Digest>,
    /// What lies in its place is not what was trusted.
    pub exchanged: Option<Exchanged>,
    /// Somebody else's CA.
    pub is_brought: bool,
    /// Its key cannot stay.
    pub is_replaced: bool,
}

/// How a certificate is not the one that was trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exchanged {
    /// It is of another key.
    Key,
    /// It is another than the one on record, over the same key.
    Certificate,
}

impl Root {
    /// `before`: anything of it was there, and on record.
    pub fn changes(&self, before: Option<&Root>) -> Vec<AccessChange> {
        if self.is_replaced {
            return vec![AccessChange::RootReplaced];
        }
        match before.and_then(|before| before.exchanged) {
            Some(Exchanged::Key) => return vec![AccessChange::RootReplaced],
            // As it is on record: what lies in its place is written over.
            Some(Exchanged::Certificate) if self.is_that_of(before) => return Vec::new(),
            Some(Exchanged::Certificate) => return vec![AccessChange::RootReissued],
            None => {}
        }
        let credentials = before.and_then(|before| before.credential.as_ref());
        match (credentials.zip(self.credential.as_ref()), before) {
            (Some((old, new)), Some(before)) => {
                let mut changes = compare(old, new);
                let is_another = before.certificate != self.certificate;
                if self.is_brought && is_another && changes.is_empty() {
                    changes.push(AccessChange::RootReissued);
                }
                changes
            }
            // What was trusted before, nothing here says.
            (None, Some(_)) if !self.is_brought => Vec::new(),
            _ => vec![AccessChange::Root],
        }
    }

    fn is_that_of(&self, before: Option<&Root>) -> bool {
        self.is_brought && before.is_some_and(|before| before.certificate == self.certificate)
    }
}

/// Certificates that stand beside a CA's own in files which a plan writes anew, with whether that is the CA's
/// own file. In the course of a rotation there are two; over the CA's key, old and new are one root.
pub(super) fn others(world: World<'_>, plan: &Plan) -> BTreeMap<(ArtifactName, String), bool> {
    let graph = world.graph;
    let mut found = BTreeMap::new();
    let touched: BTreeSet<DerivationId> = plan.steps.iter().map(|step| step.derivation).collect();
    for id in touched {
        let (ca, in_own_file) = match graph.cas_in(id).first() {
            Some(ca) => (*ca, false),
            None if graph.get(id).recipe.is_ca() => (id, true),
            None => continue,
        };
        let name = &graph.get(ca).name;
        let own = keys_of_root(world, ca);
        let above = graph.above_in(id).iter();
        let above: BTreeSet<Digest> = above.map(|one| one.facts.public_key.digest()).collect();
        let places = graph.placements(id).iter();
        let files: BTreeSet<&[u8]> =
            places.filter_map(|place| world.inventory.public(place.path.as_str())).collect();
        for der in files.into_iter().filter_map(|file| certificates_in_pem(file).ok()).flatten() {
            let Ok(facts) = CertificateFacts::from_der(&der) else {
                continue;
            };
            let key = facts.public_key.digest();
            if !own.contains(&key) && !above.contains(&key) {
                let root = format!("{}, good until {}", facts.subject, facts.not_after.date());
                *found.entry((name.clone(), root)).or_default() |= in_own_file;
            }
        }
    }
    found
}

/// Of all key pairs of a CA: those that are described, and those on record.
fn keys_of_root(world: World<'_>, ca: DerivationId) -> BTreeSet<Digest> {
    let Some((root, _)) = world.graph.get(ca).artifact.root() else {
        return BTreeSet::new();
    };
    let described = world.graph.keypairs(root).iter();
    let described = described.filter_map(|id| world.survey.public_part(*id).public_key());
    let recorded = keypairs_on_record(world.lock, root).filter_map(|(_, entry)| entry.public_key);
    described.map(PublicKey::digest).chain(recorded).collect()
}

/// Certificates by their keys.
pub(super) fn keys<'a>(
    all: impl IntoIterator<Item = &'a CertificateFacts>,
) -> BTreeMap<Digest, String> {
    let named = |facts: &CertificateFacts| (facts.public_key.digest(), facts.subject.to_string());
    all.into_iter().map(named).collect()
}

/// What clients were given to trust above a brought CA, as it is on record and lies there.
pub(super) fn chain(world: World<'_>, id: DerivationId) -> Option<BTreeMap<Digest, String>> {
    let content = line(world, id)?.content?;
    let places = world.graph.placements(id).iter();
    let mut files = places.filter_map(|place| world.inventory.public(place.path.as_str()));
    let file = files.find(|file| Digest::of(file) == content)?;
    let all = certificates_in_pem(file).ok()?;
    let facts = all.iter().filter_map(|der| CertificateFacts::from_der(der).ok());
    Some(keys(&facts.collect::<Vec<_>>()))
}

/// `None`: nothing says that it was trusted.
pub(super) fn root(world: World<'_>, id: DerivationId) -> Option<Root> {
    let found = world.survey.public_part(id).certificate();
    let Some(line) = line(world, id) else {
        return of_what_it_signed(world, id, found?);
    };
    let of_record = on_record(world, id);
    let is_another = found.is_some() && of_record.is_none();
    Some(Root {
        credential: of_record.map(Credential::of_certificate),
        certificate: line.certificate,
        exchanged: is_another.then_some(Exchanged::Certificate),
        ..Root::default()
    })
}

/// The CA's own line is gone. What is on record below it tells whose key was trusted: all of it, since one
/// certificate in the midst may be anybody's.
fn of_what_it_signed(world: World<'_>, id: DerivationId, ca: &CertificateFacts) -> Option<Root> {
    let graph = world.graph;
    let below: Vec<DerivationId> = graph
        .ids()
        .filter(|leaf| graph.get(*leaf).recipe.issuer() == Some(id))
        .filter(|leaf| on_record(world, *leaf).is_some())
        .collect();
    if below.is_empty() {
        return None;
    }
    let is_its_own = |leaf: &DerivationId| {
        let der = world.survey.public_part(*leaf).der();
        der.is_some_and(|der| is_signed_by(der, &ca.public_key))
    };
    let is_another = !below.par_iter().all(is_its_own);
    Some(Root {
        credential: Some(Credential::of_certificate(ca)),
        certificate: Some(ca.digest),
        exchanged: is_another.then_some(Exchanged::Key),
        ..Root::default()
    })
}

/// Of all that is described, only what somebody trusts or brought.
pub(super) fn has_nothing_built(world: World<'_>) -> bool {
    let graph = world.graph;
    let mut places = graph.all_placements().iter();
    !places.any(|place| {
        !graph.get(place.derivation).recipe.is_anchor()
            && graph.cas_in(place.derivation).is_empty()
            && world.inventory.get(place.path.as_str()).is_some()
    })
}

/// Somebody trusts these already: a cluster that is made again, or the lock and its files were deleted. The
/// key of a brought CA lies there before the first apply.
pub(super) fn has_roots(world: World<'_>) -> bool {
    let graph = world.graph;
    let mut roots = graph.ids().filter(|id| graph.get(*id).recipe.is_anchor());
    roots.any(|id| {
        let is_brought = matches!(graph.get(id).recipe, Recipe::ImportedCa(_));
        let mut places = graph.placements(id).iter();
        places.any(|place| {
            world.inventory.get(place.path.as_str()).is_some()
                && !(is_brought && place.content.is_secret())
        })
    })
}
