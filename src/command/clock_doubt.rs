//! A clock that contradicts what is here: an apply stops, and a plan says that it will.

use super::terminal;
use crate::error::{Error, Kind, Result};
use crate::plan::{ClockDoubt, Intent, Plan, World, clock_doubt};
use crate::time::Timestamp;

/// Certificates that a wrong clock dates are refused everywhere, or live on when they should have been
/// renewed.
pub(super) fn refuse(
    world: World<'_>,
    plan: &Plan,
    intent: &Intent,
    now: Timestamp,
    is_saved: bool,
) -> Result<()> {
    let doubt = clock_doubt(world, plan, now).filter(|_| !intent.allows_clock());
    let Some(doubt) = doubt else { return Ok(()) };
    let permit = if is_saved { "plan again with --allow clock" } else { "add --allow clock" };
    Err(Error::new(Kind::NeedsAllow, in_words(&doubt, now))
        .help(format!("set the clock; if it is right, {permit}")))
}

/// To be told beside a plan for now; whether an apply would stop for it.
pub(super) fn tell(world: World<'_>, plan: &Plan, intent: &Intent) -> bool {
    let doubt = clock_doubt(world, plan, world.now).filter(|_| !intent.allows_clock());
    if let Some(doubt) = &doubt {
        terminal::note(&format!(
            "note: {}; set it, or apply needs --allow clock",
            in_words(doubt, world.now)
        ));
    }
    doubt.is_some()
}

fn in_words(doubt: &ClockDoubt, now: Timestamp) -> String {
    match doubt {
        ClockDoubt::Unset => {
            format!("the clock says {now}, which is before the first kpki; it is not set")
        }
        ClockDoubt::Behind { name, not_before } => {
            format!("the clock says {now}, but {name} in out/ is not valid before {not_before}")
        }
        ClockDoubt::AfterEveryCa { name, not_after } => format!(
            "the clock says {now}, and every CA in out/ has expired, {name} as the last one on {not_after}"
        ),
        ClockDoubt::FarAhead { name, not_before } => format!(
            "the clock says {now}, but the newest certificate in out/, {name}, is of {not_before}, and what it did \
             not renew expired more than a year ago"
        ),
    }
}
