//! Two certificates of one holder, by what they let it do.

use super::Credential;
use super::gain::Gain;
use super::names::is_worth_telling;

/// What the holder of `before` gains and loses with `after`.
pub fn compare(before: &Credential, after: &Credential) -> Vec<Gain> {
    let mut gains = Vec::new();
    if before.common_name != after.common_name && before.client && after.client {
        gains.push(Gain::CommonName {
            old: before.common_name.clone(),
            new: after.common_name.clone(),
        });
    }
    let groups = |groups: std::collections::btree_set::Difference<'_, String>| -> Vec<String> {
        groups.cloned().collect()
    };
    gains.extend(
        groups(after.groups.difference(&before.groups))
            .into_iter()
            .map(Gain::Group),
    );
    gains.extend(
        groups(before.groups.difference(&after.groups))
            .into_iter()
            .map(Gain::LostGroup),
    );
    if after.server {
        let names = after.sans.difference(&before.sans);
        gains.extend(
            names
                .filter(|name| is_worth_telling(name))
                .cloned()
                .map(Gain::Name),
        );
    }
    for (usage, before, after) in [
        ("client", before.client, after.client),
        ("server", before.server, after.server),
    ] {
        if after && !before {
            gains.push(Gain::Usage(usage));
        }
    }
    if after.is_ca && !before.is_ca {
        gains.push(Gain::CaBit);
    }
    if let (Some(old), Some(new)) = (before.life, after.life)
        && new > old
    {
        gains.push(Gain::LongerLife { old, new });
    }
    if let (Some(old), Some(new)) = (&before.issuer, &after.issuer)
        && old != new
    {
        gains.push(Gain::Issuer {
            old: old.clone(),
            new: new.clone(),
        });
    }
    if let (Some(old), Some(new)) = (before.key, after.key)
        && old != new
    {
        gains.push(if after.is_ca {
            Gain::AnchorReplaced
        } else {
            Gain::AnotherKey
        });
    }
    gains
}
