//! `kpki open`: one secret, opened and in the clear, for whoever holds an identity.

use std::path::Path;

use super::folder::Folder;
use super::on_disk::OnDisk;
use super::product_file::{self, Product, Whose};
use super::{Outcome, clock, handed_out, lookup, terminal};
use crate::cli::OpenArgs;
use crate::engine::Project;
use crate::error::{Error, Kind, Result};
use crate::graph::{DerivationId, FilePart, Placement};
use crate::render::printable;
use crate::sealed::SUFFIX;
use crate::state::OUT;
use crate::store::RealDisk;
use crate::visible;

pub(super) fn run(directory: &Path, args: &OpenArgs) -> Result<Outcome> {
    let is_stdout = |path: &Path| path == Path::new("-");
    // As age does: on a screen only where that is said.
    if args.output.is_none() {
        terminal::refuse_terminal(
            "a secret",
            "name a file (-o FILE), pipe it on, or -o - shows it",
        )?;
    }
    let folder = Folder::read(directory)?;
    handed_out::refuse_interrupted(&folder)?;
    let project = &folder.project;
    let place = secret_of(project, &args.name)?;
    refuse_waiting(project, place)?;
    let file = args.output.as_deref().filter(|output| !is_stdout(output));
    let name = place.path.as_str().rsplit('/').next().unwrap_or_default();
    let product =
        Product { none: "not overwritten", example: name, is_own: |_| false, mode: 0o600 };
    let whose = Whose { directory, sources: &folder.sources };
    // A place that cannot be written to is told before anybody is asked for a passphrase.
    let output = file.map(|file| product_file::place(whose, file, &product)).transpose()?;
    let disk = RealDisk::open(directory)?;
    let secrets = OnDisk::new(&disk, &args.identities);
    let bytes = handed_out::secret(project.world(clock()), &secrets, place)?;
    folder.refuse_changed(directory)?;
    let (Some(output), Some(file)) = (output, file) else {
        terminal::archive(bytes.expose())?;
        return Ok(Outcome::Done);
    };
    output.write(bytes.expose(), &product)?;
    let shown = visible::path(file);
    let name = &project.graph.get(place.derivation).name;
    let text = format!("wrote {name} in the clear to {shown}\n");
    terminal::product_after(&format!("{shown} was written"), &text)?;
    Ok(Outcome::Done)
}

/// The file that is meant, by its path or by its artifact.
fn secret_of<'p>(project: &'p Project, what: &str) -> Result<&'p Placement> {
    let graph = &project.graph;
    let path = what.strip_prefix("./").unwrap_or(what);
    let path = path.strip_prefix(OUT).and_then(|path| path.strip_prefix('/')).unwrap_or(path);
    let path = path.strip_suffix(SUFFIX).unwrap_or(path);
    if let Some(place) = graph.placed(path) {
        return if graph.holds_secret(place) { Ok(place) } else { Err(no_secret(what, place)) };
    }
    let id = lookup::artifact(project, what)?;
    let first = |id: DerivationId, content: FilePart| {
        let mut places = graph.placements_of(id, content);
        places.find(|place| graph.holds_secret(place))
    };
    let kubeconfig = graph.kubeconfig_of(id).and_then(|of| first(of, FilePart::Kubeconfig));
    let secret = kubeconfig
        .or_else(|| first(id, FilePart::Kubeconfig))
        .or_else(|| first(id, FilePart::PrivateKey));
    secret.ok_or_else(|| match graph.placements(id).first() {
        Some(place) => no_secret(what, place),
        None => Error::new(Kind::Usage, format!("{} has no file", printable(what))),
    })
}

/// The key is there, and nobody has signed for it.
fn refuse_waiting(project: &Project, place: &Placement) -> Result<()> {
    let graph = &project.graph;
    let is_here = |path: &str| project.inventory.secret(path).is_some();
    let identity = graph.identity_in(place.derivation);
    let mut keys = graph.key_places(identity).filter(|key| is_here(key.path.as_str()));
    match keys.next() {
        Some(key) if place.content == FilePart::Kubeconfig && !is_here(place.path.as_str()) => {
            let name = &graph.get(identity).name;
            let message = format!("{name} has no kubeconfig yet: its certificate is not signed");
            Err(Error::refused(message)
                .help(format!("kpki show {name} tells how; out/{} is its key", key.file())))
        }
        _ => Ok(()),
    }
}

fn no_secret(what: &str, place: &Placement) -> Error {
    let message = format!("{} is no secret", printable(what));
    Error::new(Kind::Usage, message).help(format!("it lies in out/{}, open to all", place.path))
}
