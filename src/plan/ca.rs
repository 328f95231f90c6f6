//! Judging a certificate authority of kpki's own: an anchor, never replaced by accident.

use std::rc::Rc;

use super::ca_traces::{empty_key, mentioned, revision_changed};
use super::context::{After, PlanContext};
use super::issuer::{IssuerAfter, IssuerKey};
use super::issuer_name::{issued_by_another, subject_on_record};
use super::minted::{Case, Consent, Evidence, PrivateKey, Verdict, Wish, Wished};
use super::validity::{another_start, another_validity, expiry, future};
use super::{Action, PublicPart, Reason};
use crate::content::certificate_entry;
use crate::facts::CertificateFacts;
use crate::graph::{DerivationId, FilePart, OwnCa};
use crate::state::Entry;
use crate::time::Span;

const REPLACES_ALL: &str = "a new CA key replaces every certificate below it";

pub(super) fn judge(context: &mut PlanContext<'_>, id: DerivationId, ca: &OwnCa) -> After {
    if let Some(why) = context.made_otherwise(id) {
        return context.block(id, None, why);
    }
    let world = context.world;
    let allowed = context.intent.allows_replacing(&world.graph.get(id).name);
    let unusable = empty_key(context, id).or_else(|| context.renamed_anchor(id));
    let public = context.evidence(id);
    let key = match unusable {
        Some(_) => PrivateKey::Unusable,
        None => context.private_key(id),
    };
    let new_key = unusable.or_else(|| wants_new_key(context, id, ca, (public, key), allowed));
    let wished = match (&new_key, world.survey.public_part(id).certificate()) {
        (Some(_), _) => Wished::new_key(Vec::new()),
        (None, Some(facts)) if public == Evidence::Sound => {
            Wished::new_public_part(differences(context, id, ca, facts))
        }
        (None, _) => Wished { wish: Wish::AsItIs, reasons: vec![why_not_here(context, id)] },
    };
    let case = Case {
        public,
        key,
        made: public != Evidence::Missing || context.entry(id).is_some() || mentioned(context, id),
        wish: wished.wish,
        consent: Consent::Always { given: allowed },
    };
    match (case.verdict(), world.survey.public_part(id).certificate()) {
        (Verdict::Keep, Some(facts)) => keep(context, id, facts),
        (Verdict::KeyMismatch, _) => context.key_mismatch(id),
        (Verdict::AskForNewKey, _) => {
            let why = new_key.unwrap_or_else(|| why_lost(context, id, &wished));
            context.block_replacement(id, why)
        }
        (verdict, facts) => {
            let key = match (verdict, facts) {
                (Verdict::Reissue, Some(facts)) => {
                    IssuerKey::Identified(facts.public_key.key_identifier().to_vec())
                }
                // The key alone is enough to issue it again: same subject, same key, so every leaf stays
                // valid.
                (Verdict::Reissue | Verdict::MakeAgain, None) => IssuerKey::Unopened,
                _ => IssuerKey::New,
            };
            make(context, id, ca, case, wished, key)
        }
    }
}

fn keep(context: &mut PlanContext<'_>, id: DerivationId, facts: &CertificateFacts) -> After {
    let issuer = IssuerAfter {
        subject: facts.subject.clone(),
        key: IssuerKey::Identified(facts.key_id()),
        not_after: facts.not_after,
    };
    context.issuers.insert(id, Rc::new(issuer));
    context.keep_minted(id, certificate_entry(context.world.graph.get(id), facts));
    After::Kept(facts.digest)
}

fn make(
    context: &mut PlanContext<'_>,
    id: DerivationId,
    ca: &OwnCa,
    case: Case,
    wished: Wished,
    key: IssuerKey,
) -> After {
    let Some((action, reasons)) = context.making(id, case, wished) else {
        return After::Unavailable;
    };
    let subject = match action {
        Action::Replace => ca.subject.clone(),
        _ => subject_on_record(context.world, id, &ca.subject),
    };
    let not_after = context.start().plus(ca.validity.value);
    context.issuers.insert(id, Rc::new(IssuerAfter { subject, key, not_after }));
    context.step(id, action, reasons)
}

/// Why it needs another key, whatever else is to be done; in words.
fn wants_new_key(
    context: &PlanContext<'_>,
    id: DerivationId,
    ca: &OwnCa,
    (public, key): (Evidence, PrivateKey),
    allowed: bool,
) -> Option<String> {
    let world = context.world;
    let entry = context.entry(id);
    let asked = context.intent.rekeys(&world.graph.get(id).name) || context.forced.contains(&id);
    let replaces_all = |it: bool| it.then(|| REPLACES_ALL.to_owned());
    match (public, world.survey.public_part(id).certificate()) {
        (Evidence::Sound, Some(facts)) => {
            wants_another_key(ca, facts, entry).or_else(|| replaces_all(asked))
        }
        // Where there is no certificate to hold on to, a permission is used.
        _ if allowed => replaces_all(true),
        (Evidence::Missing | Evidence::Unreadable, _) if key == PrivateKey::Here => {
            raised(ca, entry)
                .or_else(|| replaces_all(asked))
                .or_else(|| issued_by_another(world, id, &ca.subject))
        }
        _ => None,
    }
}

/// What of its certificate is not as described, or asks for a renewal.
fn differences(
    context: &mut PlanContext<'_>,
    id: DerivationId,
    ca: &OwnCa,
    facts: &CertificateFacts,
) -> Vec<Reason> {
    let now = context.world.now;
    let validity = ca.validity.value;
    let mut reasons = Vec::new();
    reasons.extend(another_start(facts, ca.not_before));
    reasons.extend(future(facts, ca.not_before, now));
    reasons.extend(another_validity(facts, validity, ca.not_before, now));
    if !facts.can_sign_certificates() {
        reasons.push(Reason::changed("usage", "not a CA", "CA"));
    }
    let due = now >= facts.not_after.minus(renewal_window(context, id, validity));
    if due && ca.not_before.is_some() {
        context.plan.ending.push(id);
    } else if due && now.plus(validity) > facts.not_after {
        reasons.push(expiry(facts.not_after, now));
    }
    if context.intent.renews(&context.world.graph.get(id).name) {
        reasons.push(Reason::RenewRequested);
    }
    reasons
}

fn why_not_here(context: &PlanContext<'_>, id: DerivationId) -> Reason {
    let world = context.world;
    match world.survey.public_part(id) {
        PublicPart::Unreadable { path, why } => {
            Reason::OutputUnreadable { path: path.clone(), why: why.clone() }
        }
        _ => match world.graph.placements_of(id, FilePart::Certificate).next() {
            Some(place) => Reason::OutputMissing { path: place.path.clone() },
            None => Reason::New,
        },
    }
}

fn why_lost(context: &PlanContext<'_>, id: DerivationId, wished: &Wished) -> String {
    let world = context.world;
    if world.survey.public_part(id).certificate().is_some() {
        let because = Reason::joined(&wished.reasons);
        let path = world.graph.key_file(id).map_or_else(String::new, ToString::to_string);
        return format!(
            "it must be issued again ({because}), and its key is not here; run this where the key is, or put it \
             at out/{path}"
        );
    }
    let known = context.entry(id).is_some();
    let why = if known {
        "its certificate and its key are both lost"
    } else {
        "certificates of this CA are here, but neither its certificate nor its key"
    };
    why.to_owned()
}

fn raised(ca: &OwnCa, entry: Option<&Entry>) -> Option<String> {
    revision_changed(entry, &ca.revision.to_string()).map(|change| change.to_string())
}

fn wants_another_key(
    ca: &OwnCa,
    facts: &CertificateFacts,
    entry: Option<&Entry>,
) -> Option<String> {
    if !facts.is_self_issued() {
        return Some(format!(
            "the CA on record was brought, {} issued it; name it with `certificate`",
            facts.issuer
        ));
    }
    if !facts.subject.says_the_same(&ca.subject) {
        return Some(format!(
            "the description names the subject {}, the CA on record is {}",
            ca.subject, facts.subject
        ));
    }
    if ca.explicit_key && facts.public_key.algorithm() != Some(ca.key.value) {
        return Some(format!(
            "the description asks for {}, the key on record is {}",
            ca.key.value,
            facts.public_key.kind()
        ));
    }
    raised(ca, entry)
}

/// How long before its end it is renewed, for the leaves below it.
pub(super) fn renewal_window(context: &PlanContext<'_>, id: DerivationId, validity: Span) -> Span {
    context.longest.get(&id).copied().unwrap_or_default().window(validity)
}
