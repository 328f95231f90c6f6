//! How long a certificate lives, and when that ends.

use super::Reason;
use crate::facts::CertificateFacts;
use crate::time::{Span, Timestamp};

/// notBefore is set back by up to five minutes, so a life may be that much longer than the validity.
pub const BACKDATE: Span = Span::minutes(5);

/// A certificate that was not issued for this validity, and would be another one if it were issued now.
///
/// One that is too long ends later than one that is issued now. Its length alone says nothing: kubeadm gives
/// leaves the start of their CA (pki_helpers.go: `notBefore := caCert.NotBefore`). Nor does its end alone, by
/// a clock that is behind the one which issued it. From a written start the end follows.
pub(super) fn another_validity(
    facts: &CertificateFacts,
    validity: Span,
    written: Option<Timestamp>,
    now: Timestamp,
) -> Option<Reason> {
    let life = facts.not_after.since(facts.not_before);
    let longest = validity.plus(BACKDATE);
    let is_too_long = life > longest && facts.not_after > now.plus(longest);
    let is_another =
        if written.is_some() { life != validity } else { life < validity || is_too_long };
    is_another.then(|| {
        let (old, new) = (rounded(life), validity);
        if old.is_whole_hours() && old != new {
            return Reason::changed("validity", old.to_string(), new.to_string());
        }
        let (first, last) = (facts.not_before.date(), facts.not_after.date());
        let old = format!("{} ({first} to {last})", life.whole_days().in_words());
        Reason::changed("validity", old, new.in_words())
    })
}

/// What a description must ask for so that a certificate stays as it is: `usual` where that will do, else the
/// life that it was made for, in the roundest form that fits.
pub fn validity_to_keep(facts: &CertificateFacts, usual: Span, now: Timestamp) -> Span {
    let life = facts.not_after.since(facts.not_before);
    let hour = Span::minutes(60);
    let in_hours = Span::seconds(life.as_seconds() / hour.as_seconds() * hour.as_seconds());
    let candidates = [usual, life.whole_days(), in_hours, rounded(life)];
    let fits = |validity: &Span| another_validity(facts, *validity, None, now).is_none();
    candidates.into_iter().find(fits).unwrap_or(life)
}

/// A certificate with another start than the written one.
pub(super) fn another_start(
    facts: &CertificateFacts,
    written: Option<Timestamp>,
) -> Option<Reason> {
    let written = written.filter(|written| *written != facts.not_before)?;
    Some(Reason::changed("not-before", facts.not_before.to_string(), written.to_string()))
}

/// A life as the description would write it.
pub fn rounded(life: Span) -> Span {
    Span::seconds(life.as_seconds().saturating_sub(BACKDATE.as_seconds()))
}

/// Clocks of machines differ, and so do days: what begins by tomorrow is not mended.
const TOMORROW: Span = Span::days(1);

/// A certificate that a clock far ahead has issued. A written start is nobody's clock.
pub(super) fn future(
    facts: &CertificateFacts,
    written: Option<Timestamp>,
    now: Timestamp,
) -> Option<Reason> {
    let not_before = facts.not_before;
    let is_future = written.is_none() && not_before > now.plus(TOMORROW);
    is_future.then_some(Reason::NotYetValid { not_before })
}

pub(super) fn expiry(not_after: Timestamp, now: Timestamp) -> Reason {
    if now >= not_after { Reason::Expired { not_after } } else { Reason::Expiring { not_after } }
}
