//! The site: mdBook makes it without a word of warning, every link in it has its place, and a page of it asks
//! no other machine for anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::testkit::{files_below, said, tool};

/// What stands between `before` and the next quote, as often as it comes.
fn quoted<'t>(text: &'t str, before: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(before).skip(1).map(|rest| rest.split('"').next().unwrap())
}

fn is_elsewhere(link: &str) -> bool {
    link.contains("://") || link.starts_with("//")
}

#[test]
fn the_site_is_whole_and_fetches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path();
    let output = tool("mdbook").args(["build", "docs", "--dest-dir"]).arg(site).output().unwrap();
    let words = said(&output);
    assert!(output.status.success(), "{words}");
    assert!(!words.contains("WARN") && !words.contains("ERROR"), "{words}");

    let files = files_below(site);
    let text = |path: &Path| std::fs::read_to_string(path).unwrap();
    let with = |ending: &str| {
        let found = files.iter().filter(move |path| path.to_str().unwrap().ends_with(ending));
        found.map(|path| (path.as_path(), text(path))).collect::<BTreeMap<_, _>>()
    };
    let pages = with(".html");
    assert!(pages.len() > 40, "{} pages", pages.len());
    let places: BTreeMap<&Path, BTreeSet<&str>> =
        pages.iter().map(|(path, page)| (*path, quoted(page, " id=\"").collect())).collect();
    let mut wrong = Vec::new();
    for (path, page) in &pages {
        let loaded = page.split("<link ").skip(1).map(|tag| tag.split('>').next().unwrap());
        let loaded = loaded.flat_map(|tag| quoted(tag, "href=\"")).chain(quoted(page, " src=\""));
        wrong.extend(
            loaded
                .filter(|link| is_elsewhere(link))
                .map(|link| format!("{} loads {link}", path.display())),
        );
        for link in quoted(page, "<a href=\"").filter(|link| !is_elsewhere(link)) {
            let (name, place) = link.split_once('#').unwrap_or((link, ""));
            let to = if name.is_empty() {
                path.to_path_buf()
            } else {
                path.parent().unwrap().join(name)
            };
            let to = to.canonicalize().unwrap_or(to);
            let there = to.exists()
                && (place.is_empty()
                    || places.get(to.as_path()).is_some_and(|places| places.contains(place)));
            if !there {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    for (path, style) in with(".css") {
        for word in ["@import", "url(http", "url(\"http", "url('http", "url(//"] {
            if style.contains(word) {
                wrong.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
