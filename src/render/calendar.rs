//! Renewals as a calendar (RFC 5545): one entry a day, however many certificates that day brings.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::expiry::LifeReport;
use super::rotating::RotatingReport;
use super::status::StatusReport;
use super::text::{counted, harmless};
use crate::error::{Error, Result};
use crate::first_few::more;
use crate::hash::Digest;
use crate::time::{Span, Timestamp};

/// An entry names no more than so many certificates.
const NAMED: usize = 20;
/// So long after its newest certificate a rotation is worth a look.
const REMINDER: Span = Span::days(30);
/// RFC 5545 3.1: octets in a line, without its break.
const LINE: usize = 75;

impl StatusReport<'_> {
    /// Gives an entry for each day with renewals, and one for each rotation that lasts.
    ///
    /// Errors: no certificate is here, and an empty calendar is none (RFC 5545 3.6).
    pub fn calendar(&self) -> Result<String> {
        let mut days: BTreeMap<Timestamp, Vec<&LifeReport<'_>>> = BTreeMap::new();
        for life in &self.certificates {
            if let Some(renewal) = life.renewal {
                days.entry(renewal.midnight()).or_default().push(life);
            }
        }
        if days.is_empty() {
            let message = "no certificate is here yet, so there is no date for a calendar";
            return Err(Error::refused(message).help("kpki apply makes them"));
        }
        let cluster = &self.cluster;
        let mut lines = Lines::default();
        lines.plain("BEGIN:VCALENDAR");
        lines.plain("VERSION:2.0");
        lines.plain("PRODID:-//kpki//kpki status//EN");
        lines.plain("CALSCALE:GREGORIAN");
        lines.plain("METHOD:PUBLISH");
        lines.text("NAME", &format!("PKI of {cluster}"));
        // What calendars read that know no RFC 7986.
        lines.text("X-WR-CALNAME", &format!("PKI of {cluster}"));
        lines.plain("REFRESH-INTERVAL;VALUE=DURATION:P1D");
        for (day, mut lives) in days {
            lives.sort_by_key(|life| life.name);
            self.entry(&mut lines, day, &lives);
        }
        for rotation in &self.rotations {
            self.rotation_entry(&mut lines, rotation);
        }
        lines.plain("END:VCALENDAR");
        Ok(lines.0)
    }

    fn entry(&self, lines: &mut Lines, day: Timestamp, lives: &[&LifeReport<'_>]) {
        let cluster = &self.cluster;
        let date = compact(&day.date());
        // The newest certificate was the last change to what the entry says.
        let changed = lives.iter().map(|life| life.facts.not_before).max();
        let changed = compact(&changed.unwrap_or(self.now).to_string());
        lines.plain("BEGIN:VEVENT");
        lines.plain(&format!("UID:{}@kpki", self.identifier(&date)));
        lines.plain(&format!("DTSTAMP:{changed}"));
        lines.plain(&format!("DTSTART;VALUE=DATE:{date}"));
        let certificates = counted(lives.len(), "certificate");
        let verb = if lives.iter().all(|life| life.is_brought) { "bring again" } else { "renew" };
        lines.text("SUMMARY", &format!("{cluster}: {verb} {certificates}"));
        lines.text("DESCRIPTION", &self.description(lives));
        lines.plain("TRANSP:TRANSPARENT");
        lines.plain("END:VEVENT");
    }

    /// A rotation that nobody went on with: as long as it lasts, two keys have the power of one.
    fn rotation_entry(&self, lines: &mut Lines, rotation: &RotatingReport) {
        let Some(since) = rotation.since else { return };
        let date = compact(&since.midnight().plus(REMINDER).date());
        lines.plain("BEGIN:VEVENT");
        lines.plain(&format!("UID:{}@kpki", self.identifier(&format!("{date} {}", rotation.root))));
        lines.plain(&format!("DTSTAMP:{}", compact(&since.to_string())));
        lines.plain(&format!("DTSTART;VALUE=DATE:{date}"));
        let summary = format!("{}: the rotation of {} is not ended", self.cluster, rotation.root);
        lines.text("SUMMARY", &summary);
        let next = format!("kpki rotate {}", rotation.root);
        lines.text("DESCRIPTION", &format!("{}\nThe next stage: {next}", rotation.line()));
        lines.plain("TRANSP:TRANSPARENT");
        lines.plain("END:VEVENT");
    }

    /// The same for one day of one cluster, whatever the day holds. Two clusters may have one name, and never
    /// one CA.
    fn identifier(&self, date: &str) -> Digest {
        let root = self.root.map_or_else(String::new, |digest| digest.to_string());
        Digest::of(format!("kpki calendar\n{}\n{root}\n{date}\n", self.cluster).as_bytes())
    }

    fn description(&self, lives: &[&LifeReport<'_>]) -> String {
        let mut text = if self.is_reproducible {
            "Dates are written in the description: move not-before, then kpki apply.\n".to_owned()
        } else {
            "From this day on kpki apply renews (kpki plan shows it first):\n".to_owned()
        };
        for life in lives.iter().take(NAMED) {
            let until = life.expires.date();
            let _ = if life.is_brought {
                writeln!(text, "{} ends {until}: bring a renewed one", life.name)
            } else {
                writeln!(text, "{}, valid until {until}", life.name)
            };
        }
        text.extend(more(lives.len(), NAMED));
        text.truncate(text.trim_end().len());
        text
    }
}

/// `2027-01-31T12:00:00Z` in the basic form of ISO 8601.
fn compact(time: &str) -> String {
    time.chars().filter(|c| !"-:".contains(*c)).collect()
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    /// A property of type TEXT (RFC 5545 3.3.11).
    fn text(&mut self, name: &str, value: &str) {
        let mut line = format!("{name}:");
        for (index, part) in value.split('\n').enumerate() {
            if index > 0 {
                line.push_str("\\n");
            }
            for c in harmless(part).chars() {
                if "\\;,".contains(c) {
                    line.push('\\');
                }
                line.push(c);
            }
        }
        self.plain(&line);
    }

    /// Folded between characters, never within one.
    fn plain(&mut self, line: &str) {
        let mut used = 0;
        for c in line.chars() {
            if used + c.len_utf8() > LINE {
                self.0.push_str("\r\n ");
                used = 1;
            }
            self.0.push(c);
            used += c.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5545 3.1 and 3.3.11, by hand.
    #[test]
    fn lines_fold_at_75_octets_and_texts_are_escaped() {
        let mut lines = Lines::default();
        lines.plain(&"x".repeat(75));
        lines.plain(&format!("{}é{}", "x".repeat(74), "y".repeat(73)));
        assert_eq!(
            lines.0,
            format!("{}\r\n{}\r\n é{}\r\n y\r\n", "x".repeat(75), "x".repeat(74), "y".repeat(72))
        );
        let mut lines = Lines::default();
        lines.text("SUMMARY", "a;b,c\\d\ne:f\"g");
        assert_eq!(lines.0, "SUMMARY:a\\;b\\,c\\\\d\\ne:f\"g\r\n");
    }
}
