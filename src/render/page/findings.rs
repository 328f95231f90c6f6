//! What is wrong, as status tells it.

use super::super::status::{AttentionReport, StatusReport, Trouble};
use super::super::status_text::heading;
use super::super::text::counted;
use super::html::Html;
use crate::first_few::more;

/// More findings of one kind than this are counted.
const LISTED: usize = 50;

pub(super) fn section(html: &mut Html, status: &StatusReport<'_>) {
    html.add("<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">Findings</h2>\n", &[]);
    if status.attention.is_empty() {
        html.add("<p class=\"good\">Nothing needs attention.</p>\n", &[]);
    }
    for group in status.attention.chunk_by(|one, other| one.code == other.code) {
        let Some(first) = group.first() else { continue };
        let class = match first.code {
            Trouble::Drift | Trouble::Expiring | Trouble::Other => "change",
            _ => "danger",
        };
        html.add("<h3 class=\"{}\">{}</h3>\n", &[&class, &heading(first.code, group.len())]);
        list(html, group.iter().map(finding));
    }
    if status.changes > 0 {
        html.add(
            "<p>{} not as cluster.kdl asks yet: <code>kpki plan</code> tells.</p>\n",
            &[&counted(status.changes, "artifact")],
        );
    }
    let plain = |names: &[String]| names.iter().map(|name| Html::text(name)).collect::<Vec<_>>();
    let waiting = status.waiting.iter();
    let waiting: Vec<Html> = waiting
        .map(|waiting| Html::of("{} (request {})", &[&waiting.name.as_str(), &waiting.request]))
        .collect();
    let rotations = status.rotations.iter().map(|rotation| Html::text(&rotation.line())).collect();
    for (heading, items) in [
        ("<h3>Rotations under way</h3>\n", rotations),
        ("<h3>Waiting for the cluster's signature</h3>\n", waiting),
        ("<h3>Keys that are known and not here</h3>\n", plain(&status.absent)),
        ("<h3>No longer described</h3>\n", plain(&status.orphans)),
        ("<h3>Not made by kpki</h3>\n", plain(&status.foreign)),
        ("<h3>Good to know</h3>\n", plain(&status.notes)),
    ] {
        if !items.is_empty() {
            html.add(heading, &[]);
            list(html, items.into_iter());
        }
    }
    html.add("</section>\n", &[]);
}

fn finding(finding: &AttentionReport) -> Html {
    match &finding.name {
        Some(name) => Html::of("<code>{}</code> {}", &[&name.as_str(), &finding.text]),
        None => Html::text(&finding.text),
    }
}

fn list(html: &mut Html, items: impl ExactSizeIterator<Item = Html>) {
    let more = more(items.len(), LISTED);
    html.add("<ul>\n", &[]);
    for item in items.take(LISTED).chain(more.as_deref().map(Html::text)) {
        html.add("<li>{}</li>\n", &[&item]);
    }
    html.add("</ul>\n", &[]);
}
