//! Differences as a reviewer reads them: one line for all nodes, with its origin and what consent it needs.

use std::collections::BTreeMap;

use super::access_change::AccessChange;
use super::asked::Described;
use super::difference::Difference;
use super::order;
use super::origin;
use super::policy::ReviewPolicy;
use super::principal::{Principal, identity};
use super::reviewed::{Consent, ReviewedChange};
use crate::graph::{Recipe, Rendered};
use crate::name::ArtifactName;
use crate::plan::{Allow, Intent};
use crate::spec::{Component, Origin};
use crate::time::Timestamp;

#[derive(Default)]
struct Found {
    artifacts: Vec<ArtifactName>,
    origin: Option<Origin>,
    until: Option<Timestamp>,
    is_exempt: bool,
}

/// In the order in which a reviewer must care.
pub(super) fn told(
    differences: Vec<Difference>,
    described: Described<'_>,
    intent: &Intent,
    policy: &ReviewPolicy,
) -> Vec<ReviewedChange> {
    let mut all: BTreeMap<(Principal, AccessChange), Found> = BTreeMap::new();
    for difference in differences {
        let (principal, origin) = whose(&difference, described);
        let artifact = match difference.access {
            AccessChange::Removed { .. } => difference.artifact,
            _ => identity(&difference.artifact),
        };
        let found = all.entry((principal, difference.access)).or_default();
        if found.artifacts.last() != Some(&artifact) {
            found.artifacts.push(artifact);
        }
        found.origin = found.origin.take().or(origin);
        found.until = found.until.max(difference.until);
        found.is_exempt |= difference.is_exempt;
    }
    let mut changes: Vec<ReviewedChange> = all
        .into_iter()
        .map(|((principal, access), found)| ReviewedChange {
            consent: if found.is_exempt || !policy.needs_consent(&principal, &access) {
                Consent::NotNeeded
            } else {
                Consent::Missing
            },
            principal,
            access,
            artifacts: found.artifacts,
            origin: found.origin,
            until: found.until,
        })
        .collect();
    Principal::tell_apart(changes.iter_mut().map(|change| &mut change.principal));
    for change in changes.iter_mut().filter(|change| change.stops()) {
        if is_allowed(intent, &change.principal) {
            change.consent = Consent::Given;
        }
    }
    order::sort(&mut changes);
    changes
}

fn is_allowed(intent: &Intent, principal: &Principal) -> bool {
    let mut allowed = intent.allow.iter();
    allowed
        .any(|allow| matches!(allow, Allow::Escalation(name) if principal.is_called(name.as_str())))
}

/// Whose the change is, and the line of the description that makes it.
fn whose(difference: &Difference, of: Described<'_>) -> (Principal, Option<Origin>) {
    let mut principal = difference.principal.clone();
    let spec = of.spec;
    let node = || spec.node(principal.name()).map(|node| &node.origin);
    let origin = match &difference.access {
        AccessChange::Anew
        | AccessChange::Unrecorded
        | AccessChange::Relocated { .. }
        | AccessChange::Removed { .. } => None,
        AccessChange::Endpoint { .. } => Some(origin::server(spec, of.graph, &difference.artifact)),
        AccessChange::Flag { .. }
        | AccessChange::Image { .. }
        | AccessChange::Pod { .. }
        | AccessChange::Unreadable { .. } => {
            let mut components = spec.components.iter();
            let own = components.find(|(component, _)| component.as_str() == principal.name());
            own.map(|(_, settings)| &settings.origin)
        }
        AccessChange::OlderKubernetes { .. } => Some(&spec.cluster.kubernetes.origin),
        AccessChange::KubeletUnchecked | AccessChange::KubeletUnconfigured => {
            spec.components.get(&Component::Kubelet).map(|settings| &settings.origin)
        }
        AccessChange::Joined(_) | AccessChange::Moved { .. } | AccessChange::Demoted(_) => node(),
        AccessChange::Recipient(_) | AccessChange::LostRecipient(_) => match principal.kind() {
            "nodes" => node(),
            _ => spec.secrets.as_ref().map(|secrets| &secrets.origin),
        },
        access => {
            let Some(id) = of.graph.find(&difference.artifact) else {
                return (principal, None);
            };
            let derivation = match &of.graph.get(id).recipe {
                // How long the cluster is asked for stands where the request's life does.
                Recipe::Rendered(Rendered::SigningRequest(object)) => of.graph.get(object.request),
                _ => of.graph.get(id),
            };
            let is_longer = matches!(access, AccessChange::LongerLife { .. });
            if is_longer && origin::is_of_defaults(spec, derivation) {
                principal = Principal::defaults();
            }
            origin::of(spec, derivation, access)
        }
    };
    (principal, origin.and_then(origin::written))
}
