//! `kpki validate`: the description alone, and every mistake in it. Neither the lock nor out/ is judged.

use std::fmt::Write as _;
use std::path::Path;

use super::folder::{DESCRIPTION, Description, mistaken, version_on_record};
use super::{Outcome, terminal};
use crate::config;
use crate::error::Result;
use crate::sources::Sources;
use crate::visible::lines;

pub(super) fn run(directory: &Path) -> Result<Outcome> {
    Description::must_be(directory)?;
    let sources = Sources::Folder(directory.to_owned());
    let loaded = config::load(&sources, DESCRIPTION, version_on_record(directory));
    let loaded = loaded.map_err(|report| {
        let mistakes = report.render_all(terminal::stderr_has_color());
        mistaken("the description", report.problems().len(), &mistakes)
    })?;
    let mut text = String::new();
    for note in &loaded.notes {
        let _ = writeln!(text, "note: {}", lines(note));
    }
    let spec = &loaded.spec;
    let counted =
        |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let _ = writeln!(
        text,
        "no mistake in the description of {}: {}, {}, {}\nnext: kpki plan",
        spec.cluster.name,
        counted(spec.nodes.len(), "node"),
        counted(spec.users.len(), "user"),
        counted(loaded.graph.len(), "artifact"),
    );
    terminal::product(&text)?;
    Ok(Outcome::Done)
}
