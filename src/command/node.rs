//! One node's tree, read and checked: what `install` and `export` hand out.

use std::path::Path;

use super::folder::Folder;
use super::on_disk::OnDisk;
use super::{clock, handed_out, lookup, terminal};
use crate::cli::Identities;
use crate::engine::Project;
use crate::error::{Error, Kind, Result};
use crate::first_few::at_most;
use crate::install::{Holds, Slot, Wanted, objections, slots};
use crate::plan::{Intent, Plan, Step, World, plan};
use crate::secret::Secret;
use crate::spec::Node;
use crate::state::{File, OUT};
use crate::store::RealDisk;

pub(super) struct Tree {
    pub folder: Folder,
    /// In the project's description.
    pub node: Node,
    /// In the order in which they are put in place.
    pub files: Vec<Wanted>,
}

impl Tree {
    /// Writes nothing and takes no lock.
    pub fn read(directory: &Path, node: &str, identities: &Identities) -> Result<Tree> {
        let folder = Folder::read(directory)?;
        let project = &folder.project;
        let node = named(project, node)?;
        handed_out::refuse_interrupted(&folder)?;
        folder.refuse_unread_of(&node.name)?;
        let world = project.world(clock());
        let plan = plan(world, &project.spec, &Intent::default());
        refuse(project, &plan, &node)?;
        let disk = RealDisk::open(directory)?;
        let secrets = OnDisk::new(&disk, identities);
        let slots = slots(&project.graph, &node.name);
        let files =
            slots.into_iter().map(|slot| wanted(world, &secrets, slot)).collect::<Result<_>>()?;
        folder.refuse_changed(directory)?;
        tell_unapplied(&plan, &node);
        Ok(Tree { folder, node, files })
    }
}

fn named(project: &Project, name: &str) -> Result<Node> {
    let nodes = &project.spec.nodes;
    if let Some(node) = nodes.iter().find(|node| node.name.as_str() == name) {
        return Ok(node.clone());
    }
    if let Some(user) = project
        .spec
        .users
        .iter()
        .find(|user| user.name.as_str() == name.trim_start_matches("users/"))
    {
        let message = format!("{} is a user, not a node", user.name);
        return Err(Error::new(Kind::Usage, message)
            .help(format!("kpki open users/{} -o FILE hands out a kubeconfig", user.name)));
    }
    let names = nodes.iter().map(|node| node.name.as_str());
    Err(lookup::unknown("node", name, names, "give a node's name as cluster.kdl has it"))
}

/// `out/` is kpki's own, and only an apply writes there.
pub(super) fn is_in_out(directory: &Path, path: &Path) -> bool {
    let whole = |path: &Path| std::fs::canonicalize(path).ok();
    match (whole(&directory.join(OUT)), whole(path)) {
        (Some(out), Some(path)) => path.starts_with(out),
        _ => false,
    }
}

/// How many of several objections are told.
const TOLD: usize = 5;

fn refuse(project: &Project, plan: &Plan, node: &Node) -> Result<()> {
    let found = objections(&project.graph, plan, &node.name);
    let Some(first) = found.first() else {
        return Ok(());
    };
    let lines = at_most(TOLD, found.iter().map(ToString::to_string));
    Err(Error::refused(lines.join("\n")).help(first.help()))
}

/// What lies in `out/` is handed out; what the description asks for since then is not there yet.
fn tell_unapplied(plan: &Plan, node: &Node) {
    let tree = format!("nodes/{}/", node.name);
    let writes_here = |step: &&Step| {
        let mut writes = step.writes.iter();
        writes.any(|path| path.as_str().starts_with(&tree))
    };
    let count = plan.steps.iter().filter(writes_here).count();
    if count > 0 {
        let noun = if count == 1 { "artifact" } else { "artifacts" };
        terminal::note(&format!(
            "note: {count} {noun} of {} would be changed by kpki apply; what is in out/ is handed out as it is",
            node.name
        ));
    }
}

fn wanted(world: World<'_>, secrets: &OnDisk<'_>, slot: Slot<'_>) -> Result<Wanted> {
    let Slot { place, path, layer } = slot;
    let in_out = &place.path;
    let refused = |why: &str| Error::refused(format!("out/{in_out} {why}"));
    let bytes = if place.content.is_secret() {
        handed_out::secret(world, secrets, place)?
    } else {
        match world.inventory.get(in_out.as_str()) {
            Some(File::Public { bytes, .. }) => Secret::new(bytes.clone()),
            Some(File::Unusable { what }) => return Err(refused(what)),
            Some(File::Unreadable { why }) => {
                return Err(refused(&format!("cannot be read: {why}")));
            }
            Some(File::Secret { .. }) | None => {
                return Err(refused("is not here").help("kpki apply writes it"));
            }
        }
    };
    Ok(Wanted {
        holds: Holds::of(&bytes),
        path,
        layer,
        derivation: place.derivation,
        mode: place.on_node.map_or(place.mode, |owner| owner.mode),
        owner: place.on_node.map(|owner| (owner.user, owner.group)),
        secret: place.content.is_secret(),
        bytes,
    })
}
