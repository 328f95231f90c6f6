//! Judging a certificate request.
//!
//! A request is minted like a leaf, or imported. It *waits* until its certificate is accepted; then that
//! one counts until it must be renewed, which makes the request anew. Waiting is no step.

use super::ca_traces::{RevisionChange, revision_changed};
use super::context::{After, PlanContext};
use super::issuer::IssuerKey;
use super::minted::{Case, Consent, Evidence, PrivateKey, Verdict, Wish, Wished};
use super::signed_by_cluster::{is_answered, is_of, key_on_record, renew_from};
use super::validity::{expiry, future};
use super::{Action, Intent, PublicPart, Reason};
use crate::content::request_entry;
use crate::facts::{AskedExtensions, PublicKey, RequestFacts};
use crate::graph::{DerivationId, Recipe, Request};
use crate::name::ArtifactName;
use crate::spec::{BroughtRequest, Policy};
use crate::state::Entry;

pub(super) fn judge(context: &mut PlanContext<'_>, id: DerivationId, request: &Request) -> After {
    match &request.brought {
        Some(brought) => judge_imported(context, id, request, brought),
        None => judge_own(context, id, request),
    }
}

fn judge_own(context: &mut PlanContext<'_>, id: DerivationId, request: &Request) -> After {
    let world = context.world;
    let derivation = world.graph.get(id);
    let (public, key) = (context.evidence(id), context.private_key(id));
    let wished = wished(context, id, request, (public, key));
    let case = Case {
        public,
        key,
        made: context.entry(id).is_some(),
        wish: wished.wish,
        consent: Consent::OnlyIfLost { given: context.intent.allows_losing_key(&derivation.name) },
    };
    match (case.verdict(), world.survey.public_part(id)) {
        (Verdict::Keep, PublicPart::Request { facts, .. }) => {
            context.keep_minted(id, request_entry(derivation, request, facts));
            return After::Kept(facts.digest);
        }
        (Verdict::KeyMismatch, _) => return context.key_mismatch(id),
        (Verdict::AskForNewKey, _) => return context.ask_for_lost_key(id, &wished, "request"),
        _ => {}
    }
    match context.making(id, case, wished) {
        Some((action, reasons)) => context.step(id, action, reasons),
        None => After::Unavailable,
    }
}

fn wished(
    context: &PlanContext<'_>,
    id: DerivationId,
    request: &Request,
    here: (Evidence, PrivateKey),
) -> Wished {
    let world = context.world;
    if let Some(renamed) = context.renamed(id) {
        return Wished::new_key(vec![renamed]);
    }
    let entry = context.entry(id);
    match (here, world.survey.public_part(id)) {
        ((Evidence::Missing, PrivateKey::Here), _) if entry.is_none() => {
            match key_on_record(world, id).and_then(|key| another_algorithm(request, key)) {
                Some(reason) => Wished::new_key(vec![reason]),
                None => Wished { wish: Wish::AsItIs, reasons: vec![Reason::New] },
            }
        }
        ((Evidence::Sound | Evidence::OfAnotherKey, _), _)
            if asked(context, id, Intent::rekeys) =>
        {
            Wished::new_key(vec![Reason::RekeyRequested])
        }
        ((Evidence::Sound, _), PublicPart::Request { path, facts, .. }) => {
            let mut reasons = another_key(request, facts, entry);
            let wish = if reasons.is_empty() { Wish::NewEvidence } else { Wish::NewKey };
            if !facts.subject.says_the_same(&request.subject) {
                let (old, new) = (facts.subject.to_string(), request.subject.to_string());
                reasons.push(Reason::changed("subject", old, new));
            }
            let asks_for_more =
                facts.extensions != AskedExtensions::None || !facts.other_attributes.is_empty();
            if !facts.is_signature_valid || asks_for_more {
                reasons.push(Reason::OutputModified { path: path.clone() });
            }
            reasons.extend(due(context, id, &request.policy));
            if reasons.is_empty() { Wished::as_it_is() } else { Wished { wish, reasons } }
        }
        _ => Wished::as_it_is(),
    }
}

fn another_key(request: &Request, facts: &RequestFacts, entry: Option<&Entry>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if entry.is_some_and(|entry| entry.content.is_some()) {
        reasons.push(Reason::changed("request", "brought", "kpki's own"));
        return reasons;
    }
    let raised = revision_changed(entry, &request.revision.to_string());
    reasons.extend(raised.iter().flat_map(RevisionChange::reasons));
    reasons.extend(another_algorithm(request, &facts.public_key));
    reasons
}

fn another_algorithm(request: &Request, key: &PublicKey) -> Option<Reason> {
    let wished = request.policy.key.value;
    (key.algorithm() != Some(wished))
        .then(|| Reason::changed("key", key.kind().to_string(), wished.to_string()))
}

fn judge_imported(
    context: &mut PlanContext<'_>,
    id: DerivationId,
    request: &Request,
    brought: &BroughtRequest,
) -> After {
    let world = context.world;
    if asked(context, id, Intent::rekeys) {
        let path = &brought.path;
        return context.block(id, None, format!("its key is the user's own; bring another {path}"));
    }
    let public_part = world.survey.public_part(id);
    let PublicPart::Request { facts, der, .. } = public_part else {
        let reason = match (context.entry(id), world.graph.placements(id).first()) {
            (Some(_), Some(place)) => Reason::OutputMissing { path: place.path.clone() },
            _ => Reason::New,
        };
        return context.step(id, Action::Render, vec![reason]);
    };
    if *der != brought.der {
        let (old, new) = (facts.digest.to_string(), brought.facts.digest.to_string());
        let reason = Reason::changed("request", old, new);
        return context.step(id, Action::Render, vec![reason]);
    }
    let reasons = due(context, id, &request.policy);
    if !reasons.is_empty() {
        return context.step(id, Action::Reissue, reasons);
    }
    let expected = request_entry(world.graph.get(id), request, facts);
    context.keep_or_repair(id, expected);
    After::Kept(facts.digest)
}

/// Asked of the request or of the certificate that answers it.
fn asked(
    context: &PlanContext<'_>,
    request: DerivationId,
    of: impl Fn(&Intent, &ArtifactName) -> bool,
) -> bool {
    let graph = context.world.graph;
    let both = [Some(request), graph.answer_to(request)];
    both.into_iter().flatten().any(|id| of(context.intent, &graph.get(id).name))
}

/// Why a request that was answered must be made again. While it waits, time alone is no reason.
fn due(context: &PlanContext<'_>, request: DerivationId, policy: &Policy) -> Vec<Reason> {
    let world = context.world;
    let mut reasons = Vec::new();
    if let Some(answer) = world.graph.answer_to(request)
        && let Recipe::ClusterSigned(signed) = &world.graph.get(answer).recipe
        && is_answered(world, answer, signed)
        && let Some(facts) = world.survey.public_part(answer).certificate()
        && let Some(issuer) = context.issuers.get(&signed.issuer)
    {
        match &issuer.key {
            IssuerKey::New => reasons.push(Reason::DependencyRebuilt {
                name: world.graph.get(signed.issuer).name.clone(),
            }),
            IssuerKey::Identified(key_id) if !is_of(facts, &issuer.subject, key_id) => {
                reasons.push(Reason::another_issuer(&facts.issuer, &issuer.subject));
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
    if asked(context, request, Intent::renews) {
        reasons.push(Reason::RenewRequested);
    }
    reasons
}
