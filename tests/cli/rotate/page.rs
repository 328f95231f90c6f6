//! docs/rotate.md: its commands print what it says. `UPDATE_EXPECTED=1` writes what is printed into the page.

use crate::readme::{blocks, replay, shape};
use crate::testkit::FolderProject;

const PAGE: &str = "docs/rotate.md";

/// A heading of the page that begins again with a cluster that nobody rotated yet.
const AGAIN: &str = "<!-- again -->";

#[test]
fn commands_print_what_the_page_says() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let parts: Vec<&str> = page.split(AGAIN).collect();
    let [head, roots @ ..] = parts.as_slice() else { panic!("{PAGE} has no parts") };
    let all = blocks(head);
    let description = all.iter().find(|block| block.info == "kdl cluster.kdl").unwrap();
    let mut updated = page.clone();
    let mut wrong = Vec::new();
    let mut ran = 0;
    for part in roots {
        let project = FolderProject::described(&description.text).applied();
        let folder = project.folder();
        for block in blocks(part).iter().filter(|block| block.info == "console") {
            ran += 1;
            let real = replay(block, folder);
            if shape(&real) != shape(&block.text) {
                wrong.push(format!("{PAGE}\n{real}"));
            }
            let fenced = |text: &str| format!("{0}console\n{text}{0}", block.fence);
            updated = updated.replacen(&fenced(&block.text), &fenced(&real), 1);
        }
    }
    assert!(ran >= 11, "only {ran} console blocks");
    if update {
        std::fs::write(PAGE, updated).unwrap();
    } else {
        assert!(wrong.is_empty(), "really printed:\n\n{}", wrong.join("\n\n"));
    }
}
