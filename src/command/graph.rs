//! `kpki graph`

use std::path::Path;

use super::folder::Folder;
use super::{Outcome, terminal};
use crate::cli::{GraphArgs, GraphFormat};
use crate::error::Result;
use crate::render::Picture;

pub(super) fn run(directory: &Path, args: &GraphArgs) -> Result<Outcome> {
    let project = Folder::read(directory)?.project;
    let picture = Picture::of(&project.spec, &project.graph);
    terminal::product(&match args.format {
        GraphFormat::Mermaid => picture.mermaid(),
        GraphFormat::Dot => picture.dot(),
    })?;
    Ok(Outcome::Done)
}
