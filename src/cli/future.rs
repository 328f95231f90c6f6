//! From when a command looks.

use std::str::FromStr;

use clap::Args;

use crate::name::NameError;
use crate::time::{Span, Timestamp};

#[derive(Debug, Args)]
pub struct Future {
    /// Look from this time instead of now: 2027-01-31, 2027-01-31T12:00:00Z or, from today on, +90d
    #[arg(long, value_name = "TIME")]
    now: Option<Moment>,
}

impl Future {
    pub fn is_asked(&self) -> bool {
        self.now.is_some()
    }

    /// The time that is looked from.
    pub fn from(&self, clock: impl FnOnce() -> Timestamp) -> Timestamp {
        match self.now {
            None => clock(),
            Some(Moment::At(when)) => when,
            Some(Moment::After(span)) => clock().plus(span),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    At(Timestamp),
    After(Span),
}

impl FromStr for Moment {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.strip_prefix('+') {
            Some(span) => span.parse().map(Moment::After),
            None => text.parse().map(Moment::At).map_err(|NameError(why)| {
                NameError(format!("{why}, or how far ahead, such as +90d"))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_a_way_ahead() {
        let future = |text: &str| Future { now: Some(text.parse().unwrap()) };
        let clock = || "2027-01-31".parse().unwrap();
        for (text, date) in [
            ("2026-05-01", "2026-05-01"),
            ("+1d", "2027-02-01"),
            ("+90d", "2027-05-01"),
            ("+1y", "2028-01-31"),
        ] {
            assert_eq!(future(text).from(clock).date(), date, "{text}");
        }
        assert_eq!(Future { now: None }.from(clock), clock());
        for text in ["", "+", "+-1d", "-90d", "90d", "++1d", "+0d", "tomorrow"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
