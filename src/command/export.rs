//! `kpki export`: one node's tree as an archive.

use std::path::Path;

use super::node::{Tree, is_in_out};
use super::{Outcome, terminal};
use crate::cli::ExportArgs;
use crate::error::{Error, Kind, Result};
use crate::install::{Record, archive};
use crate::render::printable;
use crate::store::{RECORD, RealDisk, replace};

/// It holds private keys.
const MODE: u32 = 0o600;

pub(super) fn run(directory: &Path, args: &ExportArgs) -> Result<Outcome> {
    let to_stdout = args.output == Path::new("-");
    if to_stdout {
        terminal::refuse_terminal()?;
    }
    let tree = Tree::read(directory, &args.node, &args.identities)?;
    let node = &tree.node.name;
    let cluster = tree.project.spec.cluster.name.as_str();
    let record = Record::of(cluster, node, &tree.files);
    let bytes = archive(&tree.files, &record, RECORD).map_err(Error::refused)?;
    if to_stdout {
        terminal::archive(bytes.expose())?;
        terminal::talk(&format!("unpack as root on {node}: tar -xpf - -C /"));
        return Ok(Outcome::Done);
    }
    write(directory, &args.output, bytes.expose())?;
    let shown = printable(&args.output.display().to_string());
    terminal::product(&format!(
        "wrote {} files of {node} to {shown}, which holds private keys\n\
         next: unpack it as root on {node}: tar -xpf {shown} -C /\n",
        tree.files.len()
    ))?;
    Ok(Outcome::Done)
}

fn write(directory: &Path, output: &Path, bytes: &[u8]) -> Result<()> {
    let refused = |why: &str| {
        let shown = printable(&output.display().to_string());
        Error::new(Kind::Usage, format!("{shown} {why}"))
    };
    let name = output.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| refused("is no name for a file"))?;
    let folder = match output.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if is_in_out(directory, folder) {
        return Err(refused("is inside of out/, where only an apply writes"));
    }
    replace(&RealDisk::open(folder)?, name, bytes, MODE)
}
