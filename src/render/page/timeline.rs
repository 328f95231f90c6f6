//! How many certificates end, and how many are renewed, month by month.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::lives::Life;
use crate::time::Timestamp;

/// Months with something in them; what is further away is told in one line.
const MONTHS: usize = 36;

#[derive(Default, Clone, Copy)]
struct Month {
    expiries: usize,
    renewals: usize,
}

pub(super) fn section(html: &mut String, now: Timestamp, lives: &[Life<'_>]) {
    html.push_str("<section aria-labelledby=\"expiry\">\n<h2 id=\"expiry\">Expiry</h2>\n");
    let mut months: BTreeMap<String, Month> = BTreeMap::new();
    for life in lives {
        months.entry(month(life.facts.not_after)).or_default().expiries += 1;
        if let Some(renewal) = life.renewal {
            months.entry(month(renewal)).or_default().renewals += 1;
        }
    }
    if months.is_empty() {
        html.push_str("<p>No certificate is here yet.</p>\n</section>\n");
        return;
    }
    let most = months.values().map(|month| month.expiries.max(month.renewals)).max().unwrap_or(1);
    html.push_str(
        "<table class=\"timeline\">\n<caption>Certificates by the month in which they come up for renewal and in which they expire</caption>\n\
         <thead><tr><th scope=\"col\">Month</th><th scope=\"col\">Renewal</th><th scope=\"col\">Expiry</th></tr></thead>\n<tbody>\n",
    );
    let today = month(now);
    for (name, month) in months.iter().take(MONTHS) {
        let (class, note) = match name.cmp(&today) {
            std::cmp::Ordering::Less => (" class=\"past\"", " (past)"),
            std::cmp::Ordering::Equal => (" class=\"now\"", " (now)"),
            std::cmp::Ordering::Greater => ("", ""),
        };
        let _ = writeln!(
            html,
            "<tr{class}><th scope=\"row\"><time datetime=\"{name}\">{name}</time>{note}</th><td>{}</td><td>{}</td></tr>",
            bar("renewal", month.renewals, most),
            bar("expiry", month.expiries, most)
        );
    }
    html.push_str("</tbody></table>\n");
    let later = months.values().skip(MONTHS);
    let later: usize = later.map(|month| month.expiries).sum();
    if let (1.., Some((last, _))) = (later, months.last_key_value()) {
        let _ = writeln!(html, "<p>{later} more expire by {last}.</p>");
    }
    html.push_str("</section>\n");
}

fn month(time: Timestamp) -> String {
    time.date().chars().take(7).collect()
}

/// As long as its number has digits beside 10,000: of a linear one a single CA would not be seen.
fn bar(class: &str, count: usize, most: usize) -> String {
    if count == 0 {
        return "<span class=\"none\">0</span>".to_owned();
    }
    let bits = |number: usize| number.saturating_add(1).ilog2() + 1;
    let width = 100 * bits(count) / bits(most).max(1);
    format!(
        "<svg class=\"bar {class}\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect width=\"{width}\" height=\"10\"/></svg> {count}"
    )
}
