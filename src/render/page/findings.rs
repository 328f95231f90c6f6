//! What is wrong, as status tells it.

use std::fmt::Write as _;

use super::super::status::{AttentionReport, StatusReport, Trouble};
use super::super::status_text::heading;
use super::super::text::counted;
use super::escaped;

/// More findings of one kind than this are counted.
const LISTED: usize = 50;

pub(super) fn section(html: &mut String, status: &StatusReport) {
    html.push_str("<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">Findings</h2>\n");
    if status.attention.is_empty() {
        html.push_str("<p class=\"good\">Nothing needs attention.</p>\n");
    }
    for group in status.attention.chunk_by(|one, other| one.code == other.code) {
        let Some(first) = group.first() else { continue };
        let class = match first.code {
            Trouble::Drift | Trouble::Expiring | Trouble::Other => "change",
            _ => "danger",
        };
        let text = escaped(&heading(first.code, group.len()));
        let _ = writeln!(html, "<h3 class=\"{class}\">{text}</h3>");
        list(html, group.iter().map(finding));
    }
    if status.changes > 0 {
        let count = counted(status.changes, "artifact");
        let _ = writeln!(
            html,
            "<p>{count} not as cluster.kdl asks yet: <code>kpki plan</code> tells.</p>"
        );
    }
    let plain = |names: &[String]| names.iter().map(|name| escaped(name)).collect::<Vec<_>>();
    let waiting: Vec<String> = status
        .waiting
        .iter()
        .map(|waiting| escaped(&format!("{} (request {})", waiting.name, waiting.request)))
        .collect();
    for (heading, items) in [
        ("Waiting for the cluster's signature", waiting),
        ("Keys that are known and not here", plain(&status.absent)),
        ("No longer described", plain(&status.orphans)),
        ("Not made by kpki", plain(&status.foreign)),
        ("Good to know", plain(&status.notes)),
    ] {
        if !items.is_empty() {
            let _ = writeln!(html, "<h3>{heading}</h3>");
            list(html, items.into_iter());
        }
    }
    html.push_str("</section>\n");
}

fn finding(finding: &AttentionReport) -> String {
    let text = escaped(&finding.text);
    match &finding.name {
        Some(name) => format!("<code>{}</code> {text}", escaped(name)),
        None => text,
    }
}

/// Of HTML that is escaped already.
fn list(html: &mut String, items: impl ExactSizeIterator<Item = String>) {
    let more = items.len().saturating_sub(LISTED);
    html.push_str("<ul>\n");
    for item in items.take(LISTED) {
        let _ = writeln!(html, "<li>{item}</li>");
    }
    if more > 0 {
        let _ = writeln!(html, "<li>and {more} more</li>");
    }
    html.push_str("</ul>\n");
}
