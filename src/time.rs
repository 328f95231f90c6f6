//! Points in time and spans, in whole seconds. The clock itself is read in `command` only.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::json::json_as_text;
use crate::name::NameError;

/// Seconds since the Unix epoch, UTC, between the years 1970 and 9999 (what X.509 can say).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 9999-12-31T23:59:59Z, RFC 5280's "no well-defined expiration date".
const LAST: i64 = 253_402_300_799;

impl Timestamp {
    /// The beginning of its day, UTC.
    pub fn midnight(self) -> Self {
        const DAY: i64 = 86_400;
        Timestamp(self.0 - self.0 % DAY)
    }

    /// Clamped to what X.509 can say.
    pub fn from_unix(seconds: i64) -> Self {
        Timestamp(seconds.clamp(0, LAST))
    }

    pub fn unix(self) -> i64 {
        self.0
    }

    pub fn plus(self, span: Span) -> Self {
        Timestamp::from_unix(self.0.saturating_add(span.signed()))
    }

    pub fn minus(self, span: Span) -> Self {
        Timestamp::from_unix(self.0.saturating_sub(span.signed()))
    }

    /// How long from `earlier` to `self`; zero if it is not later.
    pub fn since(self, earlier: Timestamp) -> Span {
        Span(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    pub fn to_offset_date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// `2027-11-24`, for columns.
    pub fn date(self) -> String {
        self.to_string().chars().take(10).collect()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_offset_date_time().format(&Rfc3339) {
            Ok(text) => f.write_str(&text),
            Err(_) => write!(f, "@{}", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = NameError;
    /// `2027-01-31` (midnight UTC) or RFC 3339.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
        match OffsetDateTime::parse(&full, &Rfc3339) {
            Ok(when) if (0..=LAST).contains(&when.unix_timestamp()) => {
                Ok(Timestamp(when.unix_timestamp()))
            }
            Ok(_) => Err(NameError("lies outside the years 1970 to 9999; write 2027-01-31".into())),
            Err(_) => {
                Err(NameError("is not a time; write 2027-01-31 or 2027-01-31T12:00:00Z".into()))
            }
        }
    }
}

json_as_text!(Timestamp);

/// A length of time in seconds, at most 100 years.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
const MONTH: u64 = 30 * DAY;
/// A year is 365 days, as kubeadm counts (8760h).
const YEAR: u64 = 365 * DAY;
const LONGEST: u64 = 100 * YEAR;

impl Span {
    pub const fn seconds(seconds: u64) -> Self {
        Span(seconds)
    }

    pub const fn minutes(minutes: u64) -> Self {
        Span(minutes * MINUTE)
    }

    pub const fn days(days: u64) -> Self {
        Span(days * DAY)
    }

    pub const fn as_seconds(self) -> u64 {
        self.0
    }

    fn signed(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    pub fn plus(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }

    pub fn divided_by(self, by: u64) -> Span {
        Span(self.0 / by.max(1))
    }

    /// Without what is left of a day, where there is at least one.
    pub fn whole_days(self) -> Span {
        if self.0 < DAY { self } else { Span(self.0 / DAY * DAY) }
    }

    pub fn is_whole_hours(self) -> bool {
        self.0.is_multiple_of(HOUR)
    }

    /// `29 days`, `5 hours`, `3 minutes`: one unit, for people. Below a month never more than there is; above
    /// it the nearest day, so that a year of which a second has passed is one of 365 days.
    pub fn in_words(self) -> String {
        let (count, unit) = match self.0 {
            s if s >= MONTH => ((s + DAY / 2) / DAY, "day"),
            s if s >= 2 * DAY => (s / DAY, "day"),
            s if s >= 2 * HOUR => (s / HOUR, "hour"),
            s if s >= 2 * MINUTE => (s / MINUTE, "minute"),
            s => (s, "second"),
        };
        format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
    }
}

impl FromStr for Span {
    type Err = NameError;
    /// Whole numbers with a unit, largest first: `10y`, `90d`, `8760h`, `1h30m`.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let form = || {
            NameError(
                "is not a duration; write a number and a unit from y, w, d, h, m, s, such as 365d"
                    .into(),
            )
        };
        let (mut total, mut rest, mut previous) = (0u64, text, u64::MAX);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at_checked(digits).ok_or_else(form)?;
            let mut tail = tail.chars();
            let unit = match tail.next() {
                Some('y') => YEAR,
                Some('w') => WEEK,
                Some('d') => DAY,
                Some('h') => HOUR,
                Some('m') => MINUTE,
                Some('s') => 1,
                _ => return Err(form()),
            };
            if number.is_empty() || number.starts_with('0') && number != "0" || unit >= previous {
                return Err(form());
            }
            let too_long =
                || NameError("is longer than 100 years; write a shorter one, such as 10y".into());
            total = number
                .parse::<u64>()
                .ok()
                .and_then(|n| n.checked_mul(unit))
                .and_then(|n| n.checked_add(total))
                .filter(|n| *n <= LONGEST)
                .ok_or_else(too_long)?;
            (rest, previous) = (tail.as_str(), unit);
        }
        if total == 0 {
            return Err(if text.is_empty() {
                form()
            } else {
                NameError("is zero; write how long, such as 365d".into())
            });
        }
        Ok(Span(total))
    }
}

impl fmt::Display for Span {
    /// The shortest exact form in one unit, years only for round ones: `10y`, `90d`, `36h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = [(YEAR, 'y'), (DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm'), (1, 's')]
            .into_iter()
            .find(|(unit, _)| {
                self.0.is_multiple_of(*unit) && self.0 >= *unit && (*unit != YEAR || self.0 > YEAR)
            });
        match exact {
            Some((unit, letter)) => write!(f, "{}{letter}", self.0 / unit),
            None => write!(f, "0s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_rounded_while_they_are_many_and_never_up_when_they_are_few() {
        for (seconds, words) in [
            (365 * DAY, "365 days"),
            (365 * DAY - 1, "365 days"),
            (365 * DAY - DAY / 2, "365 days"),
            (365 * DAY - DAY / 2 - 1, "364 days"),
            (MONTH + DAY / 2, "31 days"),
            (MONTH + DAY / 2 - 1, "30 days"),
            (MONTH, "30 days"),
            (MONTH - 1, "29 days"),
            (2 * DAY, "2 days"),
            (2 * DAY - 1, "47 hours"),
            (2 * HOUR - 1, "119 minutes"),
            (1, "1 second"),
            (0, "0 seconds"),
        ] {
            assert_eq!(Span::seconds(seconds).in_words(), words, "{seconds}");
        }
    }
}
