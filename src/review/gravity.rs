//! Which of many escalations a tired reader must see first.

use std::collections::HashMap;

use super::gain::{Gain, is_powerful_group};
use super::{Holder, PrivilegeChange};

/// What is as good as the whole cluster comes first; all of one holder stay together.
pub(super) fn sort(changes: &mut [PrivilegeChange]) {
    let mut gravest: HashMap<Holder, bool> = HashMap::new();
    for change in &*changes {
        let grave = change.stops() && is_whole_cluster(&change.gain);
        *gravest.entry(change.holder.clone()).or_default() |= grave;
    }
    changes.sort_by(|a, b| {
        let rank = |change: &PrivilegeChange| {
            let grave = change.stops() && gravest.get(&change.holder) == Some(&true);
            (change.consent, change.gain.direction(), !grave)
        };
        let own = |change: &PrivilegeChange| change.stops() && !is_whole_cluster(&change.gain);
        (rank(a), &a.holder, own(a)).cmp(&(rank(b), &b.holder, own(b)))
    });
}

fn is_whole_cluster(gain: &Gain) -> bool {
    match gain {
        Gain::Subject { groups, same_as, .. } => {
            same_as.is_some() || groups.iter().any(|group| is_powerful_group(group))
        }
        Gain::Group(group) => is_powerful_group(group),
        Gain::Role(_)
        | Gain::CaBit
        | Gain::Anchor
        | Gain::Anew
        | Gain::AnchorReplaced
        | Gain::AnchorReissued
        | Gain::Flag { .. }
        | Gain::Image(_)
        | Gain::Recipient(_)
        | Gain::Joined(_)
        | Gain::Endpoint { .. }
        | Gain::OthersName { .. } => true,
        _ => false,
    }
}
