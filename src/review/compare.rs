//! Two certificates of one principal, by what they let it do.

use super::Credential;
use super::access_change::AccessChange;
use super::names::is_worth_telling;
use crate::spec::CaName;

/// What the principal of `before` gains and loses with `after`.
pub fn compare(before: &Credential, after: &Credential) -> Vec<AccessChange> {
    let mut gains = Vec::new();
    if before.common_name != after.common_name && before.client && after.client {
        gains.push(AccessChange::CommonName {
            old: before.common_name.clone(),
            new: after.common_name.clone(),
        });
    }
    let gained = after.groups.difference(&before.groups);
    gains.extend(gained.cloned().map(AccessChange::Group));
    let lost = before.groups.difference(&after.groups);
    gains.extend(lost.cloned().map(AccessChange::LostGroup));
    if after.server {
        let names = after.sans.difference(&before.sans);
        gains.extend(names.filter(|name| is_worth_telling(name)).cloned().map(AccessChange::Name));
    }
    for (usage, before, after) in
        [("client", before.client, after.client), ("server", before.server, after.server)]
    {
        if after && !before {
            gains.push(AccessChange::Usage(usage));
        }
    }
    if after.is_ca && !before.is_ca {
        gains.push(AccessChange::CaBit);
    }
    if let (Some(old), Some(new)) = (before.life, after.life)
        && new > old
    {
        gains.push(AccessChange::LongerLife { old, new });
    }
    if let (Some(old), Some(new)) = (&before.issuer, &after.issuer)
        && old != new
    {
        gains.push(AccessChange::Issuer { old: old.clone(), new: new.clone() });
    }
    if let (Some(old), Some(new)) = (before.key, after.key)
        && old != new
    {
        gains.push(if after.is_ca { AccessChange::RootReplaced } else { AccessChange::AnotherKey });
    }
    gains
}

/// What somebody gains of whom only the certificate is known.
pub fn new_subject(after: &Credential) -> Vec<AccessChange> {
    if after.is_ca {
        return vec![AccessChange::Root];
    }
    let subject = AccessChange::Subject {
        common_name: after.common_name.clone(),
        groups: after.groups.clone(),
        // Which CA signed it cannot be told from its name.
        ca: CaName::Kubernetes,
        client: after.client,
        same_as: None,
    };
    let names = after.sans.iter();
    let names = names.filter(|name| after.server && is_worth_telling(name));
    let names = names.cloned().map(AccessChange::Name);
    std::iter::once(subject).chain(names).collect()
}
