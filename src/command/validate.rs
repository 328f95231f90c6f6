//! `kpki validate`: the description alone, and every mistake in it. Neither the lock nor out/ is judged.

use std::path::Path;

use super::folder::{DESCRIPTION, Description, mistaken, version_on_record};
use super::{Outcome, terminal};
use crate::config;
use crate::error::Result;
use crate::render::validated;
use crate::sources::Sources;

pub(super) fn run(directory: &Path) -> Result<Outcome> {
    Description::must_be(directory)?;
    let sources = Sources::Folder(directory.to_owned());
    let loaded = config::load(&sources, DESCRIPTION, version_on_record(directory));
    let loaded = loaded.map_err(|report| {
        let mistakes = report.render_all(terminal::stderr_has_color());
        mistaken("the description", report.problems().len(), &mistakes)
    })?;
    let text = validated(&loaded.spec, &loaded.graph, &loaded.notes, terminal::columns());
    terminal::product(&text)?;
    Ok(Outcome::Done)
}
