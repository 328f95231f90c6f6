//! How many certificates end, and how many are renewed, month by month.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::super::expiry::LifeReport;
use super::html::Html;
use crate::time::Timestamp;

/// Months with something in them; what is further away is told in one line.
const MONTHS: usize = 36;

#[derive(Default, Clone, Copy)]
struct Month {
    expiries: usize,
    renewals: usize,
}

pub(super) fn section(html: &mut Html, now: Timestamp, lives: &[LifeReport<'_>]) {
    html.add("<section aria-labelledby=\"expiry\">\n<h2 id=\"expiry\">Expiry</h2>\n", &[]);
    let mut months: BTreeMap<String, Month> = BTreeMap::new();
    for life in lives {
        months.entry(month(life.expires)).or_default().expiries += 1;
        if let Some(renewal) = life.renewal {
            months.entry(month(renewal)).or_default().renewals += 1;
        }
    }
    if months.is_empty() {
        html.add("<p>No certificate is here yet.</p>\n</section>\n", &[]);
        return;
    }
    let most = months.values().map(|month| month.expiries.max(month.renewals)).max().unwrap_or(1);
    html.add(
        "<table class=\"timeline\">\n<caption>Certificates by the month in which they come up for renewal and in which they expire</caption>\n\
         <thead><tr><th scope=\"col\">Month</th><th scope=\"col\">Renewal</th><th scope=\"col\">Expiry</th></tr></thead>\n<tbody>\n",
        &[],
    );
    let today = month(now);
    for (name, month) in months.iter().take(MONTHS) {
        let (row, note) = match name.cmp(&today) {
            Ordering::Less => ("<tr class=\"past\">", " (past)"),
            Ordering::Equal => ("<tr class=\"now\">", " (now)"),
            Ordering::Greater => ("<tr>", ""),
        };
        html.add(row, &[]);
        html.add(
            "<th scope=\"row\"><time datetime=\"{}\">{}</time>{}</th><td>{}</td><td>{}</td></tr>\n",
            &[
                name,
                name,
                &note,
                &bar("renewal", month.renewals, most),
                &bar("expiry", month.expiries, most),
            ],
        );
    }
    html.add("</tbody></table>\n", &[]);
    let later = months.values().skip(MONTHS);
    let later: usize = later.map(|month| month.expiries).sum();
    if let (1.., Some((last, _))) = (later, months.last_key_value()) {
        html.add("<p>{} more expire by {}.</p>\n", &[&later, last]);
    }
    html.add("</section>\n", &[]);
}

fn month(time: Timestamp) -> String {
    time.date().chars().take(7).collect()
}

/// As long as its share of the longest one, and never so short that it is not seen.
fn bar(class: &str, count: usize, most: usize) -> Html {
    if count == 0 {
        return Html::of("<span class=\"none\">0</span>", &[]);
    }
    let width = (WHOLE * count / most.max(1)).max(WHOLE / 100);
    Html::of(
        "<svg class=\"bar {}\" viewBox=\"0 0 {} 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect width=\"{}\" height=\"10\"/></svg> {}",
        &[&class, &WHOLE, &width, &count],
    )
}

/// Of the longest bar, in the picture's own units.
const WHOLE: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_number() {
        let width = |count, most| {
            let html = bar("expiry", count, most).into_string();
            let (_, rest) = html.split_once("rect width=\"").unwrap();
            rest.split('"').next().unwrap().parse::<usize>().unwrap()
        };
        assert_eq!([width(37, 37), width(3, 37), width(1, 2)], [1000, 81, 500]);
        assert_eq!(width(1, 10_000), 10);
        assert!(!bar("expiry", 0, 37).into_string().contains("rect"));
    }
}
