//! Judging a certificate request and the object around it.
//!
//! A request is minted like a leaf, or imported. It *waits* until its certificate is accepted; then that
//! one counts until it must be renewed, which makes the request anew. Waiting is no step.

use super::anchor::revision_changed;
use super::answer::{is_answered, is_of, renew_from};
use super::authority::IssuerKey;
use super::judge::{After, Judge};
use super::rendered::{judge_bytes, keep_as_it_is};
use super::validity::{expiry, future};
use super::{Action, Allow, NamePattern, Reason, Witness, World};
use crate::facts::{PublicKey, RequestFacts};
use crate::graph::{DerivationId, Recipe, Request, SigningRequest};
use crate::hash::Digest;
use crate::manifest;
use crate::spec::{BroughtRequest, Policy};
use crate::state::Entry;

pub(super) fn judge(judge: &mut Judge<'_>, id: DerivationId, request: &Request) -> After {
    match &request.brought {
        Some(brought) => judge_brought(judge, id, request, brought),
        None => judge_own(judge, id, request),
    }
}

fn judge_own(judge: &mut Judge<'_>, id: DerivationId, request: &Request) -> After {
    let world = judge.world;
    let name = &world.graph.get(id).name;
    let entry = judge.entry(id);
    let key_is_here = judge.key_is_here(id);
    let make = |judge: &mut Judge<'_>, action, reasons| judge.step(id, action, reasons);
    let lost = |judge: &mut Judge<'_>, why: String| {
        if judge.world.graph.is_key_derived(id) {
            let reasons = judge.all_missing(id);
            return make(judge, Action::Create, reasons);
        }
        if judge.intent.allows_losing_key(name) {
            return make(judge, Action::Rekey, vec![Reason::ReplacementAllowed]);
        }
        let allow = Allow::LostKey(NamePattern::Exact(name.clone()));
        judge.block(id, Some(allow), why)
    };
    if let Some(renamed) = judge.renamed(id) {
        return make(judge, Action::Rekey, vec![renamed]);
    }
    let (path, facts) = match world.survey.witness(id) {
        Witness::Request { path, facts, .. } => (path, facts),
        Witness::Unreadable { path, why } if key_is_here => {
            let (path, why) = (path.clone(), why.clone());
            let reason = Reason::OutputUnreadable { path, why };
            return make(judge, Action::Reissue, vec![reason]);
        }
        Witness::Unreadable { path, why } => {
            let why = format!("out/{path} {why}, and its key is not here");
            return lost(judge, why);
        }
        _ if key_is_here && entry.is_none() => {
            let other = key_on_record(world, id)
                .filter(|key| key.algorithm() != Some(request.policy.key.value));
            return match other {
                None => make(judge, Action::Reissue, vec![Reason::New]),
                Some(key) => {
                    let reason = Reason::InputChanged {
                        field: "key",
                        old: key.kind().to_string(),
                        new: request.policy.key.value.to_string(),
                    };
                    make(judge, Action::Rekey, vec![reason])
                }
            };
        }
        _ if key_is_here => {
            let (stale, _) = judge.stale_copies(id);
            let reasons = stale.into_iter().map(|(_, _, reason)| reason).collect();
            return make(judge, Action::Reissue, reasons);
        }
        _ if entry.is_some() => {
            return lost(judge, "its request and its key are both gone".to_owned());
        }
        _ => return make(judge, Action::Create, vec![Reason::New]),
    };
    if asked(judge, id, |judge, id| judge.intent.rekeys(&judge.world.graph.get(id).name)) {
        return make(judge, Action::Rekey, vec![Reason::RekeyRequested]);
    }
    let known = entry.and_then(|entry| entry.public_key);
    if known.is_some_and(|known| known != facts.public_key.digest()) {
        return judge.mixed(id, path.clone());
    }
    let mut reasons = another_key(request, facts, entry);
    let needs_key = !reasons.is_empty();
    if !facts.subject.says_the_same(&request.subject) {
        reasons.push(Reason::another_name("subject", &facts.subject, &request.subject));
    }
    let asks_for_more = facts.asks_for_extensions || !facts.other_attributes.is_empty();
    if !facts.is_signature_valid || asks_for_more {
        reasons.push(Reason::OutputModified { path: path.clone() });
    }
    reasons.extend(due(judge, id, &request.policy));
    if needs_key {
        return make(judge, Action::Rekey, reasons);
    }
    if !reasons.is_empty() && !judge.key_can_be_had(id) {
        let because: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        let because = because.join(", ");
        return lost(judge, format!("it must be made again ({because}), and its key is not here"));
    }
    if !reasons.is_empty() {
        return make(judge, Action::Reissue, reasons);
    }
    if !judge.key_can_be_had(id) {
        judge.plan.absent.push(id);
    }
    let expected = request_entry(world, id, request, facts);
    judge.keep_or_repair(id, expected);
    After::Kept(facts.digest)
}

fn another_key(request: &Request, facts: &RequestFacts, entry: Option<&Entry>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if entry.is_some_and(|entry| entry.content.is_some()) {
        reasons.push(Reason::InputChanged {
            field: "request",
            old: "brought".into(),
            new: "kpki's own".into(),
        });
        return reasons;
    }
    if let Some(change) = revision_changed(entry, &request.revision.to_string()) {
        reasons.push(Reason::InputChanged {
            field: "revision",
            old: change.known,
            new: change.wanted,
        });
    }
    if facts.public_key.algorithm() != Some(request.policy.key.value) {
        reasons.push(Reason::InputChanged {
            field: "key",
            old: facts.public_key.kind().to_string(),
            new: request.policy.key.value.to_string(),
        });
    }
    reasons
}

fn judge_brought(
    judge: &mut Judge<'_>,
    id: DerivationId,
    request: &Request,
    brought: &BroughtRequest,
) -> After {
    let world = judge.world;
    if asked(judge, id, |judge, id| judge.intent.rekeys(&judge.world.graph.get(id).name)) {
        let path = &brought.path;
        return judge.block(id, None, format!("its key is the user's own; bring another {path}"));
    }
    let witness = world.survey.witness(id);
    let Witness::Request { facts, der, .. } = witness else {
        let reason = match (judge.entry(id), world.graph.placements(id).first()) {
            (Some(_), Some(place)) => Reason::OutputMissing { path: place.path.clone() },
            _ => Reason::New,
        };
        return judge.step(id, Action::Render, vec![reason]);
    };
    if *der != brought.der {
        let reason = Reason::InputChanged {
            field: "request",
            old: facts.digest.to_string(),
            new: brought.facts.digest.to_string(),
        };
        return judge.step(id, Action::Render, vec![reason]);
    }
    let reasons = due(judge, id, &request.policy);
    if !reasons.is_empty() {
        return judge.step(id, Action::Reissue, reasons);
    }
    let expected = request_entry(world, id, request, facts);
    judge.keep_or_repair(id, expected);
    After::Kept(facts.digest)
}

/// The lock's line. A brought request's has a content and no key: the key is not kpki's matter.
pub fn request_entry(
    world: World<'_>,
    id: DerivationId,
    request: &Request,
    facts: &RequestFacts,
) -> Entry {
    let derivation = world.graph.get(id);
    let own = request.brought.is_none();
    Entry {
        revision: derivation.recipe.revision(),
        public_key: own.then(|| facts.public_key.digest()),
        content: (!own).then_some(facts.digest),
        ..Entry::new(derivation.hash)
    }
}

/// Asked of the request or of the certificate that answers it.
fn asked(
    judge: &Judge<'_>,
    request: DerivationId,
    of: impl Fn(&Judge<'_>, DerivationId) -> bool,
) -> bool {
    let answer = judge.world.graph.answer_to(request);
    of(judge, request) || answer.is_some_and(|answer| of(judge, answer))
}

/// Why a request that was answered must be made again. While it waits, time alone is no reason.
fn due(judge: &Judge<'_>, request: DerivationId, policy: &Policy) -> Vec<Reason> {
    let world = judge.world;
    let mut reasons = Vec::new();
    if let Some(answer) = world.graph.answer_to(request)
        && let Recipe::Accepted(accepted) = &world.graph.get(answer).recipe
        && is_answered(world, answer, accepted)
        && let Some(facts) = world.survey.witness(answer).certificate()
        && let Some(issuer) = judge.issuers.get(&accepted.issuer)
    {
        match &issuer.key {
            IssuerKey::New => reasons.push(Reason::DependencyRebuilt {
                name: world.graph.get(accepted.issuer).name.clone(),
            }),
            IssuerKey::Identified(key_id) if !is_of(facts, &issuer.subject, key_id) => {
                reasons.push(Reason::another_name("issuer", &facts.issuer, &issuer.subject));
            }
            IssuerKey::Identified(_) | IssuerKey::Unopened => {}
        }
        reasons.extend(future(facts, None, world.now));
        // A certificate that ends with its CA is not renewed for ever.
        let end = world.now.plus(policy.validity.value).min(issuer.not_after);
        if world.now >= renew_from(facts, policy) && end > facts.not_after {
            reasons.push(expiry(facts.not_after, world.now));
        }
    }
    if asked(judge, request, |judge, id| judge.intent.renews(&judge.world.graph.get(id).name)) {
        reasons.push(Reason::RenewRequested);
    }
    reasons
}

/// The object around a request.
pub fn signing_request<'a>(
    recipe: &'a SigningRequest,
    der: &'a [u8],
    public_key: &'a PublicKey,
) -> manifest::SigningRequest<'a> {
    manifest::SigningRequest { user: &recipe.user, der, public_key, validity: recipe.validity }
}

/// The object around a request as it is on disk.
pub fn signing_request_on_disk(
    world: World<'_>,
    request: DerivationId,
) -> Option<manifest::SigningRequest<'_>> {
    let witness = world.survey.witness(request);
    match &world.graph.get(world.graph.manifest_of(request)?).recipe {
        Recipe::SigningRequest(recipe) => {
            Some(signing_request(recipe, witness.der()?, witness.public_key()?))
        }
        _ => None,
    }
}

/// What the certificate must answer.
pub fn request_id(world: World<'_>, request: DerivationId) -> Option<Digest> {
    signing_request_on_disk(world, request).map(|manifest| manifest.id())
}

pub(super) fn judge_manifest(
    judge: &mut Judge<'_>,
    id: DerivationId,
    recipe: &SigningRequest,
) -> After {
    let world = judge.world;
    match judge.after(recipe.request) {
        After::Unavailable => {
            keep_as_it_is(judge, id);
            After::Unavailable
        }
        After::Rebuilt { .. } => {
            let name = world.graph.get(recipe.request).name.clone();
            let reason = match judge.entry(id) {
                Some(_) => Reason::DependencyRebuilt { name },
                None => Reason::New,
            };
            judge.step(id, Action::Render, vec![reason])
        }
        After::Kept(_) => match signing_request_on_disk(world, recipe.request) {
            Some(manifest) => judge_bytes(judge, id, manifest.yaml().as_bytes()),
            None => After::Unavailable,
        },
    }
}

/// The key that a request is made over: its own, or before it is first made that of the certificate which was
/// signed here.
pub fn key_on_record(world: World<'_>, id: DerivationId) -> Option<&PublicKey> {
    let own = world.survey.witness(id).public_key();
    let first = !world.lock.entries.contains_key(&world.graph.get(id).name);
    own.or_else(|| {
        let answer = world.graph.answer_to(id).filter(|_| first)?;
        world.survey.witness(answer).public_key()
    })
}
