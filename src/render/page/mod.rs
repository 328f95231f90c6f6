//! One page about every certificate: no network, no file beside it, readable without a script, on paper and
//! by ear.
//!
//! Texts come from descriptions and from other people's certificates: [`Html`] takes none as markup. The
//! page's Content-Security-Policy allows exactly this style and this script, by their hashes.

mod data;
mod findings;
mod html;
mod svg;
mod timeline;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use self::html::Html;
use super::expiry::LifeReport;
use super::picture::Picture;
use super::status::{StatusReport, status_report};
use super::text::counted;
use crate::plan::{Plan, World};
use crate::spec::Spec;
use crate::time::Timestamp;

pub use data::ReportData;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What every page begins with, and nothing else should.
pub const PAGE_BEGINS: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"generator\" content=\"kpki report\">\n";

/// So many rows are there without a script.
const FIRST: usize = 20;

pub fn page(world: World<'_>, spec: &Spec, plan: &Plan) -> String {
    let status = status_report(world, spec, plan);
    let picture = Picture::of(spec, world.graph);
    let mut html = Html::of(PAGE_BEGINS, &[]);
    head(&mut html, &status.cluster);
    overview(&mut html, &status);
    html.add("<main id=\"main\">\n", &[]);
    findings::section(&mut html, &status);
    timeline::section(&mut html, status.now, &status.certificates);
    svg::section(&mut html, &picture);
    certificates(&mut html, &status.certificates);
    html.add(
        "</main>\n<footer><p>Made by kpki {} from the description, cluster.lock and public files; no secret was opened.</p></footer>\n\
         <script type=\"application/json\" id=\"data\">",
        &[&env!("CARGO_PKG_VERSION")],
    );
    html.add_json(&data::report_data(&status).json());
    html.add("</script>\n<script>", &[]);
    html.add_file(SCRIPT);
    html.add("</script>\n</html>\n", &[]);
    html.into_string()
}

/// As a Content-Security-Policy names it (CSP level 3, 6.7.2.4): a browser runs nothing where it differs.
fn hash(element: &str) -> String {
    STANDARD.encode(digest(&SHA256, element.as_bytes()))
}

fn head(html: &mut Html, cluster: &str) {
    html.add(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; \
         script-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>PKI of {}</title>\n<style>",
        &[&hash(STYLE), &hash(SCRIPT), &cluster],
    );
    html.add_file(STYLE);
    html.add(
        "</style>\n<a class=\"skip\" href=\"#certificates\">Skip to the certificates</a>\n",
        &[],
    );
}

fn overview(html: &mut Html, status: &StatusReport<'_>) {
    let now = status.now.to_string();
    html.add(
        "<header>\n<h1>PKI of {}</h1>\n<p>As of <time datetime=\"{}\">{} UTC</time>.</p>\n<dl class=\"facts\">\n",
        &[&status.cluster, &now, &now.replace('T', " ").trim_end_matches('Z')],
    );
    let date = |time: Option<Timestamp>| time.map_or_else(|| "none".to_owned(), Timestamp::date);
    let first = status.certificates.first();
    let facts = [
        ("Certificates", status.certificates.len().to_string()),
        ("Findings", status.attention.len().to_string()),
        ("First expiry", date(first.map(|life| life.expires))),
        ("Next renewal", date(status.next_renewal)),
    ];
    for (name, value) in facts {
        html.add("<div><dt>{}</dt><dd>{}</dd></div>\n", &[&name, &value]);
    }
    html.add("</dl>\n</header>\n", &[]);
}

fn certificates(html: &mut Html, lives: &[LifeReport<'_>]) {
    html.add(
        "<section aria-labelledby=\"certificates\">\n<h2 id=\"certificates\" tabindex=\"-1\">Certificates</h2>\n",
        &[],
    );
    html.add_file(include_str!("table.html"));
    html.add("<noscript>\n", &[]);
    if lives.is_empty() {
        html.add("<p>No certificate is here yet.</p>\n", &[]);
    } else {
        let what = match lives.len() {
            0..=FIRST => "by expiry".to_owned(),
            all => format!(
                "of {}, the {FIRST} that expire first; a script shows and searches the others",
                counted(all, "certificate")
            ),
        };
        html.add(
            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Certificates by expiry\"><table>\n<caption>Certificates {}</caption>\n\
             <thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Expires</th><th scope=\"col\">Left</th><th scope=\"col\">Issuer</th><th scope=\"col\">Subject</th></tr></thead>\n<tbody>\n",
            &[&what],
        );
        for life in lives.iter().take(FIRST) {
            html.add(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                &[
                    &life.name.as_str(),
                    &life.expires.date(),
                    &life.left,
                    &life.issuer,
                    &life.facts.subject.to_string(),
                ],
            );
        }
        html.add("</tbody></table></div>\n", &[]);
    }
    html.add("</noscript>\n</section>\n", &[]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_the_style_or_the_script() {
        for end in ["</", "<!--"] {
            assert!(!STYLE.contains(end) && !SCRIPT.contains(end), "{end}");
        }
    }
}
