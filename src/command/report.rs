//! `kpki report`: a page for people, written where they say.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::project::Project;
use super::{Outcome, clock, terminal};
use crate::cli::ReportArgs;
use crate::error::{Error, Result};
use crate::plan::{Intent, plan};
use crate::render::{PAGE_BEGINS, page};
use crate::visible;

pub(super) fn run(directory: &Path, args: &ReportArgs) -> Result<Outcome> {
    let project = Project::read(directory)?;
    let world = project.world(args.future.now.unwrap_or_else(clock));
    let plan = plan(world, &project.spec, &Intent::default());
    let page = page(world, &project.spec, &plan);
    if args.output == Path::new("-") {
        terminal::product(&page)?;
    } else {
        replace(&Place::new(directory, &args.output)?, page.as_bytes())?;
        let kib = page.len().div_ceil(1024);
        terminal::product(&format!(
            "wrote {} ({kib} KiB)\n",
            visible::path(&args.output)
        ))?;
    }
    Ok(Outcome::Done)
}

/// Where the page goes: a new file, or one that is a report already.
struct Place {
    folder: PathBuf,
    file: PathBuf,
}

impl Place {
    fn new(directory: &Path, output: &Path) -> Result<Place> {
        let refuse = |why: &str| {
            Error::refused(format!("{} {why}", visible::path(output)))
                .help("name a new file, or an earlier report; nothing was written")
        };
        let Some(name) = output.file_name() else {
            return Err(refuse("is no name of a file"));
        };
        let above = match output.parent() {
            Some(above) if above != Path::new("") => above,
            _ => Path::new("."),
        };
        let folder = fs::canonicalize(above).map_err(|error| Error::io("open", above, &error))?;
        // What lies there is the store's, and a stranger's file would be told as such for ever.
        if let Ok(out) = fs::canonicalize(directory.join("out"))
            && folder.starts_with(out)
        {
            return Err(refuse("lies in out/, where only artifacts are written"));
        }
        let file = folder.join(name);
        match file.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("read", output, &error)),
            Ok(facts) if !facts.is_file() => return Err(refuse("is there and is no plain file")),
            Ok(_) if is_report(&file).map_err(|error| Error::io("read", output, &error))? => {}
            Ok(_) => return Err(refuse("is there and is no report of kpki")),
        }
        Ok(Place { folder, file })
    }
}

/// An empty file is nobody's loss.
fn is_report(file: &Path) -> std::io::Result<bool> {
    let mut beginning = Vec::new();
    File::open(file)?
        .take(PAGE_BEGINS.len() as u64)
        .read_to_end(&mut beginning)?;
    Ok(beginning.is_empty() || beginning == PAGE_BEGINS.as_bytes())
}

/// Whole or not at all: written beside its place, then renamed.
fn replace(place: &Place, bytes: &[u8]) -> Result<()> {
    let fresh = place
        .folder
        .join(format!(".kpki-report-{}", std::process::id()));
    let written = write(&fresh, bytes).and_then(|()| fs::rename(&fresh, &place.file));
    written.map_err(|error| {
        if error.kind() != ErrorKind::AlreadyExists {
            let _ = fs::remove_file(&fresh); // made by this very run
        }
        Error::io("write", &place.file, &error).help("nothing was written")
    })
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
