//! Folders of `out/` in which somebody else could exchange what kpki puts there.
//!
//! The project folder itself and those above it are the user's own business: whoever may write there can
//! exchange the description and `out/` as a whole, and how a checkout is shared is decided by people (a
//! sticky `/tmp` above is common). `out/` is kpki's: keys and manifests that run as root come from there.

use std::collections::BTreeSet;

use super::project::Project;
use super::terminal;
use crate::error::{Error, Result};
use crate::render::printable;
use crate::state::Loose;
use crate::store::{Disk as _, RealDisk};

const SHOWN: usize = 5;

/// Those that kpki writes to, or has below it what kpki writes to.
fn loose(project: &Project) -> Vec<(&str, Loose)> {
    if project.folders.loose.is_empty() {
        return Vec::new();
    }
    let mut ways = BTreeSet::from([""]);
    for place in project.graph.all_placements() {
        let path = place.path.as_str();
        ways.extend(
            path.match_indices('/')
                .filter_map(|(end, _)| path.get(..end)),
        );
    }
    let loose = project.folders.loose.iter();
    loose
        .map(|(path, loose)| (path.as_str(), *loose))
        .filter(|(path, _)| ways.contains(path))
        .collect()
}

fn shown(path: &str) -> String {
    format!("out/{path}").trim_end_matches('/').to_owned()
}

/// Stops what would write there.
pub(super) fn refuse(project: &Project) -> Result<()> {
    let us = rustix::process::geteuid().as_raw();
    let mut bad = loose(project);
    bad.retain(|(_, loose)| !loose.closes_itself());
    let Some((_, first)) = bad.first() else {
        return Ok(());
    };
    let mut lines: Vec<String> = bad
        .iter()
        .take(SHOWN)
        .map(|(path, loose)| format!("{} {loose}", printable(&shown(path))))
        .collect();
    if bad.len() > SHOWN {
        lines.push(format!("and {} more", bad.len() - SHOWN));
    }
    let alike = bad
        .iter()
        .take(SHOWN)
        .filter(|(_, loose)| loose.mend(us) == first.mend(us));
    let folders: Vec<String> = alike.map(|(path, _)| shown(path)).collect();
    let command = format!("{} {}", first.mend(us), folders.join(" "));
    Err(Error::refused(lines.join("\n")).help(format!(
        "others could exchange what is put there; look at what lies there now, then: {command}"
    )))
}

/// Takes from groups what they may do, and says so.
pub(super) fn close(project: &Project, disk: &RealDisk) -> Result<()> {
    let mut closed = 0;
    for (path, loose) in loose(project) {
        if let Loose::Group { mode, .. } = loose
            && loose.closes_itself()
        {
            disk.set_mode(&shown(path), mode & 0o755)?;
            closed += 1;
        }
    }
    if closed > 0 {
        terminal::talk(&format!(
            "note: closed {closed} {} of out/ to the group that could write there",
            if closed == 1 { "folder" } else { "folders" }
        ));
    }
    Ok(())
}

/// Beside what is read.
pub(super) fn tell(project: &Project) {
    let all = loose(project);
    let Some((path, first)) = all.first() else {
        return;
    };
    let more = match all.len() {
        1 => String::new(),
        count => format!(", and {} more folders are open to others", count - 1),
    };
    let then = if all.iter().all(|(_, loose)| loose.closes_itself()) {
        "the next apply closes them"
    } else {
        "apply is refused"
    };
    terminal::talk(&format!(
        "note: {} {first}{more}; {then}",
        printable(&shown(path))
    ));
}
