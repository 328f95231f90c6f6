//! Which of many escalations a tired reader must see first.

use std::collections::HashMap;

use super::access_change::AccessChange;
use super::powerful::is_powerful_group;
use super::principal::Principal;
use super::reviewed::ReviewedChange;

/// What is as good as the whole cluster comes first; all of one principal stay together.
pub(super) fn sort(changes: &mut [ReviewedChange]) {
    let mut gravest: HashMap<Principal, bool> = HashMap::new();
    for change in &*changes {
        let grave = change.stops() && is_whole_cluster(&change.access);
        *gravest.entry(change.principal.clone()).or_default() |= grave;
    }
    changes.sort_by(|a, b| {
        let rank = |change: &ReviewedChange| {
            let grave = change.stops() && gravest.get(&change.principal) == Some(&true);
            (change.consent, change.access.direction(), !grave)
        };
        let own = |change: &ReviewedChange| change.stops() && !is_whole_cluster(&change.access);
        (rank(a), &a.principal, own(a)).cmp(&(rank(b), &b.principal, own(b)))
    });
}

fn is_whole_cluster(change: &AccessChange) -> bool {
    match change {
        AccessChange::Subject { groups, same_as, .. } => {
            same_as.is_some() || groups.iter().any(|group| is_powerful_group(group))
        }
        AccessChange::Group(group) => is_powerful_group(group),
        AccessChange::Role { .. }
        | AccessChange::CaBit
        | AccessChange::Root
        | AccessChange::Anew
        | AccessChange::Unrecorded
        | AccessChange::RootReplaced
        | AccessChange::RootReissued
        | AccessChange::RootForClients(_)
        | AccessChange::Flag { .. }
        | AccessChange::Image { .. }
        | AccessChange::Pod { .. }
        | AccessChange::Unreadable { .. }
        | AccessChange::Recipient(_)
        | AccessChange::Joined(_)
        | AccessChange::Moved { .. }
        | AccessChange::Endpoint { .. }
        | AccessChange::OlderKubernetes { .. }
        | AccessChange::KubeletUnchecked
        | AccessChange::KubeletUnconfigured
        | AccessChange::OthersName { .. } => true,
        _ => false,
    }
}
