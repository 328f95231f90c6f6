//! How long a certificate lives, and when that ends.

use super::Reason;
use crate::facts::CertificateFacts;
use crate::time::{Span, Timestamp};

/// notBefore is set back by up to five minutes, so a life may be that much longer than the validity.
pub const BACKDATE: Span = Span::minutes(5);

/// A written start is not set back.
pub(super) fn validity_matches(life: Span, validity: Span, is_written: bool) -> bool {
    let longest = if is_written { validity } else { validity.plus(BACKDATE) };
    (validity..=longest).contains(&life)
}

/// A certificate with another start than the written one.
pub(super) fn another_start(
    facts: &CertificateFacts,
    written: Option<Timestamp>,
) -> Option<Reason> {
    let written = written.filter(|written| *written != facts.not_before)?;
    Some(Reason::InputChanged {
        field: "not-before",
        old: facts.not_before.to_string(),
        new: written.to_string(),
    })
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
