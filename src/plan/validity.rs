//! How long a certificate lives, and when that ends.

use super::Reason;
use crate::time::{Span, Timestamp};

/// notBefore is set back by up to five minutes, so a life may be that much longer than the validity.
pub const BACKDATE: Span = Span::minutes(5);

pub(super) fn validity_matches(life: Span, validity: Span) -> bool {
    life >= validity && life <= validity.plus(BACKDATE)
}

/// A life as the description would write it.
pub(super) fn rounded(life: Span) -> Span {
    Span::seconds(life.as_seconds().saturating_sub(BACKDATE.as_seconds()))
}

pub(super) fn expiry(not_after: Timestamp, now: Timestamp) -> Reason {
    if now >= not_after {
        Reason::Expired { not_after }
    } else {
        Reason::Expiring { not_after }
    }
}
