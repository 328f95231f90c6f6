//! Manual pages: each has its parts, reads without a warning, and names only pages that there are.

use std::collections::BTreeSet;
use std::path::Path;

use kpki::cli::manual::{pages, tree};

use crate::testkit::{Desk, files_below, kpki, printed, tool};

#[test]
fn every_command_has_a_page_with_examples_that_refers_to_pages_that_exist() {
    let pages = pages().unwrap();
    let names: BTreeSet<String> = pages
        .iter()
        .map(|page| {
            let name = page.path.rsplit('/').next().unwrap();
            let (name, section) = name.rsplit_once('.').unwrap();
            format!("{name}({section})")
        })
        .collect();
    assert!(names.contains("kpki(1)") && names.contains("kpki.kdl(5)"), "{names:?}");
    for command in tree().get_subcommands().filter(|command| !command.is_hide_set()) {
        assert!(names.contains(&format!("kpki-{}(1)", command.get_name())), "{names:?}");
    }
    for page in &pages {
        for part in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "\"SEE ALSO\""] {
            assert!(page.text.contains(&format!("\n.SH {part}\n")), "{}: {part}", page.path);
        }
        let examples = page.text.split(".SH EXAMPLES\n").nth(1).unwrap();
        assert!(examples.split(".SH").next().unwrap().len() > 20, "{}", page.path);
        // As a reader sees them.
        let plain = page.text.replace("\\fB", "").replace("\\fR", "").replace("\\-", "-");
        let mut named = 0;
        for (at, _) in plain.match_indices("(1)").chain(plain.match_indices("(5)")) {
            let before = &plain[..at];
            let start =
                before.rfind(|c: char| c.is_whitespace() || c == ',').map_or(0, |at| at + 1);
            let name = format!("{}{}", &before[start..], &plain[at..at + 3]);
            assert!(names.contains(&name), "{} names {name}", page.path);
            named += 1;
        }
        assert!(named > 0, "{}", page.path);
    }
}

#[test]
fn groff_reads_every_page_without_a_warning() {
    let desk = Desk::new();
    let out = printed(kpki(&desk.path(".")).args(["man", "--out", "share/man"]));
    assert!(out.starts_with("wrote "), "{out}");
    let files = files_below(&desk.path("share/man"));
    assert_eq!(files.len(), pages().unwrap().len());
    for file in files {
        let mut groff = tool("groff");
        groff.args(["-man", "-ww", "-Tutf8", "-P-c", "-rLL=80n"]).arg(&file);
        let output = groff.output().unwrap();
        let warnings = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && warnings.is_empty(), "{file:?}: {warnings}");
        assert!(output.stdout.len() > 400, "{file:?}");
    }
}

#[test]
fn one_page_is_printed() {
    let kpki = || kpki(Path::new("."));
    assert!(printed(kpki().args(["man", "plan"])).contains("kpki plan \\-\\-now 2027"));
    assert!(printed(kpki().args(["man", "setup", "git"])).contains("NAME"));
    assert!(printed(kpki().args(["man", "kpki.kdl"])).contains("component.topology"));
    let unknown = kpki().args(["man", "plam"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(64));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("did you mean plan?"));
}
