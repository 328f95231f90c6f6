//! `kpki man`

use std::fs;
use std::path::Path;

use super::{Outcome, lookup, terminal};
use crate::cli::ManArgs;
use crate::cli::manual::{command_page, description_page, pages, tree};
use crate::error::{Error, Result};
use crate::visible;

/// What kpki.kdl(5) is asked for by.
const DESCRIPTION_PAGE: &str = "kpki.kdl";

pub(super) fn run(args: &ManArgs) -> Result<Outcome> {
    match &args.out {
        Some(folder) => write(folder)?,
        None => terminal::product(&page(&args.command)?)?,
    }
    Ok(Outcome::Done)
}

fn page(command: &[String]) -> Result<String> {
    if let [only] = command
        && only == DESCRIPTION_PAGE
    {
        return Ok(description_page().text);
    }
    let tree = tree();
    let mut shown = &tree;
    for word in command {
        let known = shown.get_subcommands().filter(|command| !command.is_hide_set());
        let names = known.map(clap::Command::get_name).chain([DESCRIPTION_PAGE]);
        shown = shown
            .find_subcommand(word)
            .ok_or_else(|| lookup::unknown("command", word, names, "kpki --help lists them all"))?;
    }
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let page = command_page(shown, &words).map_err(|error| Error::internal(error.to_string()))?;
    Ok(page.text)
}

fn write(folder: &Path) -> Result<()> {
    let pages = pages().map_err(|error| Error::internal(error.to_string()))?;
    for page in &pages {
        let path = folder.join(&page.path);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all);
        written
            .and_then(|()| fs::write(&path, &page.text))
            .map_err(|error| Error::io("write", &path, &error))?;
    }
    let shown = visible::path(folder);
    let told =
        format!("wrote {} manual pages in {shown}\nnext: man -M {shown} kpki\n", pages.len());
    terminal::product_after("the pages were written", &told)
}
