//! Folders of `out/` in which somebody else could exchange what kpki puts there.
//!
//! The project folder itself and those above it are the user's own business: whoever may write there can
//! exchange the description and `out/` as a whole, and how a checkout is shared is decided by people (a
//! sticky `/tmp` above is common). `out/` is kpki's: keys and manifests that run as root come from there.

use super::folder::Folder;
use super::terminal;
use crate::error::{Error, Result};
use crate::first_few::at_most;
use crate::state::{Loose, OUT};
use crate::store::{Disk as _, RealDisk};
use crate::visible::printable;

const SHOWN: usize = 5;

/// Those that kpki writes to, or has below it what kpki writes to.
fn loose(folder: &Folder) -> Vec<(&str, Loose)> {
    if folder.folders.loose.is_empty() {
        return Vec::new();
    }
    let mut places: Vec<&str> =
        (folder.project.graph.all_placements().iter()).map(|place| place.path.as_str()).collect();
    places.sort_unstable();
    let is_written = |path: &str| {
        let prefix = format!("{path}/");
        let next = places.partition_point(|place| *place < prefix.as_str());
        path.is_empty() || places.get(next).is_some_and(|place| place.starts_with(&prefix))
    };
    let loose = folder.folders.loose.iter();
    loose
        .map(|(path, loose)| (path.as_str(), *loose))
        .filter(|(path, _)| is_written(path))
        .collect()
}

fn shown(path: &str) -> String {
    format!("{OUT}/{path}").trim_end_matches('/').to_owned()
}

/// Stops what would write there.
pub(super) fn refuse(folder: &Folder) -> Result<()> {
    let us = rustix::process::geteuid().as_raw();
    let mut bad = loose(folder);
    bad.retain(|(_, loose)| !loose.closes_itself());
    let Some((_, first)) = bad.first() else {
        return Ok(());
    };
    let each = bad.iter().map(|(path, loose)| format!("{} {loose}", printable(&shown(path))));
    let lines = at_most(SHOWN, each);
    let all = bad.len() > SHOWN;
    let folders = if all {
        OUT.to_owned()
    } else {
        let mend = first.mend(us, false);
        let alike = bad.iter().filter(|(_, loose)| loose.mend(us, false) == mend);
        alike.map(|(path, _)| shown(path)).collect::<Vec<_>>().join(" ")
    };
    let command = format!("{} {folders}", first.mend(us, all));
    Err(Error::refused(lines.join("\n")).help(format!(
        "others could exchange what is put there; look at what lies there now, then: {command}"
    )))
}

/// Takes from groups what they may do, and says so.
pub(super) fn close(folder: &Folder, disk: &RealDisk) -> Result<()> {
    let mut closed = 0;
    for (path, loose) in loose(folder) {
        if let Loose::Group { mode, .. } = loose
            && loose.closes_itself()
        {
            disk.set_mode(&shown(path), mode & 0o755)?;
            closed += 1;
        }
    }
    if closed > 0 {
        terminal::note(&format!(
            "note: closed {closed} {} of out/ to the group that could write there",
            if closed == 1 { "folder" } else { "folders" }
        ));
    }
    Ok(())
}

/// Beside what is read. Of what the next apply closes by itself nothing is said: a umask of 002 makes a
/// checkout so.
pub(super) fn tell(folder: &Folder) {
    let mut all = loose(folder);
    all.retain(|(_, loose)| !loose.closes_itself());
    let Some((path, first)) = all.first() else {
        return;
    };
    let more = match all.len() {
        1 => String::new(),
        count => format!(", and {} more like it", count - 1),
    };
    terminal::note(&format!("note: {} {first}{more}; apply is refused", printable(&shown(path))));
}
