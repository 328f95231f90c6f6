//! One page about every certificate: no network, no file beside it, readable without a script, on paper and
//! by ear.
//!
//! Texts come from descriptions and from other people's certificates: [`escaped`] stands between them and the
//! page. Its Content-Security-Policy allows exactly this style and this script, by their hashes.

mod data;
mod findings;
mod svg;
mod timeline;

use std::fmt::Write as _;

use super::lives::{Life, lives};
use super::picture::Picture;
use super::status::{StatusReport, status_report};
use super::text::{counted, harmless};
use crate::plan::{Plan, World};
use crate::spec::Spec;

pub use data::ReportData;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// SHA-256 in base64 of the two above.
const STYLE_HASH: &str = "UM89s/IkxOqyraDD12QLmH/WcjqPRHH1zIJUNPAC8rM=";
const SCRIPT_HASH: &str = "Pb9QS0UhJx1XdizZb/CDcpXXTag6r5i6pjz7nqEZTMQ=";

/// What every page begins with, and nothing else should.
pub const PAGE_BEGINS: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"generator\" content=\"kpki report\">\n";

/// So many rows are there without a script.
const FIRST: usize = 20;

pub fn page(world: World<'_>, spec: &Spec, plan: &Plan) -> String {
    let status = status_report(world, spec, plan);
    let mut lives = lives(world, plan);
    lives.sort_by_key(|life| (life.facts.not_after, life.name));
    let picture = Picture::of(spec, world.graph);
    let mut html = String::from(PAGE_BEGINS);
    head(&mut html, &status.cluster);
    overview(&mut html, &status);
    html.push_str("<main id=\"main\">\n");
    findings::section(&mut html, &status);
    timeline::section(&mut html, world.now, &lives);
    svg::section(&mut html, &picture);
    certificates(&mut html, &lives);
    html.push_str("</main>\n");
    let data = data::report_data(&status, world.now, &lives);
    let _ = write!(
        html,
        "<footer><p>Made by kpki {} from the description, cluster.lock and public files; no secret was opened.</p></footer>\n\
         <script type=\"application/json\" id=\"data\">{}</script>\n<script>{SCRIPT}</script>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        data.in_a_script()
    );
    html
}

fn head(html: &mut String, cluster: &str) {
    let cluster = escaped(cluster);
    let _ = write!(
        html,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; \
         script-src 'sha256-{SCRIPT_HASH}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>PKI of {cluster}</title>\n<style>{STYLE}</style>\n\
         <a class=\"skip\" href=\"#certificates\">Skip to the certificates</a>\n"
    );
}

fn overview(html: &mut String, status: &StatusReport) {
    let when = status.now.replace('T', " ");
    let _ = writeln!(
        html,
        "<header>\n<h1>PKI of {}</h1>\n<p>As of <time datetime=\"{}\">{}</time>.</p>\n<dl class=\"facts\">",
        escaped(&status.cluster),
        escaped(&status.now),
        escaped(when.trim_end_matches('Z')) + " UTC"
    );
    let date = |time: &str| time.split('T').next().unwrap_or_default().to_owned();
    let first = status.certificates.first();
    let facts = [
        ("Certificates", status.certificates.len().to_string()),
        ("Findings", status.attention.len().to_string()),
        ("First expiry", first.map_or_else(|| "none".to_owned(), |life| date(&life.expires))),
        ("Next renewal", status.next_renewal.as_deref().map_or("none".to_owned(), date)),
    ];
    for (name, value) in facts {
        let value = escaped(&value);
        let _ = writeln!(html, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    html.push_str("</dl>\n</header>\n");
}

fn certificates(html: &mut String, lives: &[Life<'_>]) {
    html.push_str("<section aria-labelledby=\"certificates\">\n<h2 id=\"certificates\" tabindex=\"-1\">Certificates</h2>\n");
    html.push_str(include_str!("table.html"));
    html.push_str("<noscript>\n");
    if lives.is_empty() {
        html.push_str("<p>No certificate is here yet.</p>\n");
    } else {
        let what = match lives.len() {
            0..=FIRST => "by expiry".to_owned(),
            all => format!(
                "of {}, the {FIRST} that expire first; a script shows and searches the others",
                counted(all, "certificate")
            ),
        };
        let _ = write!(
            html,
            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Certificates by expiry\"><table>\n<caption>Certificates {what}</caption>\n\
             <thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Expires</th><th scope=\"col\">Left</th><th scope=\"col\">Issuer</th><th scope=\"col\">Subject</th></tr></thead>\n<tbody>\n"
        );
        for life in lives.iter().take(FIRST) {
            let _ = writeln!(
                html,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escaped(life.name.as_str()),
                life.facts.not_after.date(),
                escaped(&life.left),
                escaped(&life.issuer),
                escaped(&life.facts.subject.to_string())
            );
        }
        html.push_str("</tbody></table></div>\n");
    }
    html.push_str("</noscript>\n</section>\n");
}

/// A text as HTML shows it, in an element or in an attribute's quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in harmless(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// CSP level 3, 6.7.2.4: the digest of the element's text. A browser runs nothing where it differs.
    #[test]
    fn the_policy_names_this_style_and_this_script() {
        let hash = |text: &str| {
            let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
            STANDARD.encode(digest)
        };
        assert_eq!(STYLE_HASH, hash(STYLE));
        assert_eq!(SCRIPT_HASH, hash(SCRIPT));
        for end in ["</", "<!--"] {
            assert!(!STYLE.contains(end) && !SCRIPT.contains(end), "{end}");
        }
    }

    #[test]
    fn a_text_is_never_markup() {
        assert_eq!(
            escaped("</script><img src=\"x\" onerror='y'>&\u{1b}\u{202e}"),
            "&lt;/script&gt;&lt;img src=&quot;x&quot; onerror=&#39;y&#39;&gt;&amp;\\u{1b}\\u{202e}"
        );
    }
}
