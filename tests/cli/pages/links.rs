//! Every link of a page leads to something that is there, on a forge and on the site.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::every_page;
use crate::testkit::files_below;

const SUMMARY: &str = "docs/SUMMARY.md";

struct Page {
    /// Of its headings, as forges make them.
    anchors: BTreeSet<String>,
    links: Vec<String>,
}

/// As GitHub does: lower case, no punctuation, hyphens for spaces, and a number where one comes again.
fn anchor(heading: &str, taken: &BTreeSet<String>) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    let plain: String = kept.flat_map(char::to_lowercase).collect();
    let plain = plain.replace(' ', "-");
    let more = (1..).map(|number| format!("{plain}-{number}"));
    std::iter::once(plain.clone()).chain(more).find(|name| !taken.contains(name)).unwrap()
}

fn read(path: &str) -> Page {
    let text = std::fs::read_to_string(path).unwrap();
    let mut page = Page { anchors: BTreeSet::new(), links: Vec::new() };
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let name = anchor(&heading.take().unwrap(), &page.anchors);
                page.anchors.insert(name);
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links.push(dest_url.into_string());
            }
            _ => {}
        }
    }
    page
}

/// `docs/guide` and `../rotate.md` are `docs/rotate.md`.
fn joined(folder: &Path, link: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in folder.join(link).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{link} leads out of the repository"),
            part => path.push(part),
        }
    }
    path
}

#[test]
fn every_link_leads_somewhere() {
    let examples = files_below(Path::new("examples")).into_iter();
    let examples = examples.map(|path| path.to_str().unwrap().to_owned());
    let examples = examples.filter(|path| path.ends_with(".md"));
    let names = every_page().into_iter().chain([SUMMARY.to_owned()]).chain(examples);
    let names: Vec<String> = names.collect();
    let pages: BTreeMap<&str, Page> =
        names.iter().map(|name| (name.as_str(), read(name))).collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (name, page) in &pages {
        for link in &page.links {
            seen += 1;
            if link.starts_with("https://") {
                continue;
            }
            let (path, place) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(name).parent().unwrap();
            let path = if path.is_empty() { PathBuf::from(name) } else { joined(folder, path) };
            let path = path.to_str().unwrap();
            // The site holds docs/ and nothing else of the repository.
            let on_site = !name.starts_with("docs/") || path.starts_with("docs/");
            let there = match pages.get(path) {
                Some(page) => place.is_empty() || page.anchors.contains(place),
                None => place.is_empty() && Path::new(path).exists(),
            };
            if !on_site || !there {
                wrong.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(wrong.is_empty() && seen > 50, "{seen} links\n{}", wrong.join("\n"));
}

#[test]
fn every_page_is_in_the_list_once() {
    let list = read(SUMMARY).links.into_iter().map(|link| format!("docs/{link}"));
    let mut list: Vec<String> = list.collect();
    let mut pages = every_page();
    pages.remove("README.md");
    list.retain(|path| !pages.remove(path));
    assert!(
        pages.is_empty() && list.is_empty(),
        "not in {SUMMARY}: {pages:?}; too much in it: {list:?}"
    );
}

/// Of prose: tables and blocks are as wide as what they hold, and nobody reads a set-up.
#[test]
fn prose_stands_within_110_columns() {
    for path in every_page() {
        let text = std::fs::read_to_string(&path).unwrap();
        // What ends the block that a line stands in.
        let mut end: Option<&str> = None;
        for (index, line) in text.lines().enumerate() {
            let bare = line.trim_start();
            let ticks = &bare[..bare.len() - bare.trim_start_matches('`').len()];
            match end {
                Some(mark) if bare == mark || (mark == "-->" && bare.ends_with(mark)) => end = None,
                Some(_) => {}
                None if ticks.len() >= 3 => end = Some(ticks),
                None if bare.starts_with("<!--") => {
                    end = Some("-->").filter(|end| !bare.ends_with(end))
                }
                None => {
                    let wide = line.chars().count() > 110 && !bare.starts_with('|');
                    assert!(!wide, "{path}:{}: {line}", index + 1);
                }
            }
        }
    }
}
