//! Everything that a reproducible description means, built again in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::context::Files;
use super::execute::execute;
use crate::error::{Error, Result};
use crate::graph::{FilePart, Graph, Recipe};
use crate::keys::Entropy;
use crate::name::TreePath;
use crate::plan::{Allow, Intent, Survey, World, plan};
use crate::sealed::Identity;
use crate::secret::Secret;
use crate::spec::Spec;
use crate::state::{Inventory, Lock};

/// Every file that follows from the description, the seed and what was brought; by path below `out/`. What
/// the cluster signed is not among them.
///
/// Of the world as it is only that much counts: keys of brought CAs, what etcd's members were once told, and
/// which manifests have no annotation yet.
/// Secrets come in the clear: a sealed file is another one each time. Public files are treated alike: nothing
/// here shows any.
pub fn rebuild(
    world: World<'_>,
    spec: &Spec,
    entropy: &Entropy,
    secrets: &dyn Files,
) -> Result<BTreeMap<TreePath, Secret>> {
    let start = spec
        .not_before()
        .ok_or_else(|| Error::internal("nothing follows from a description without a seed"))?;
    let lock = Lock { entries: told_once(world), ..world.lock.clone() };
    let inventory = brought_keys(world);
    let spec = &Spec { secrets: None, ..spec.clone() };
    let graph = Graph::derive(spec);
    let survey = Survey::take(&graph, &lock, &inventory);
    let empty =
        World { graph: &graph, lock: &lock, inventory: &inventory, survey: &survey, now: start };
    let intent = Intent { allow: vec![Allow::Plaintext], ..Intent::default() };
    let plan = plan(empty, spec, &intent);
    if let Some(blocked) = plan.blocked.first() {
        let name = &world.graph.get(blocked.derivation).name;
        return Err(Error::refused(format!("{name}: {}", blocked.why)));
    }
    let files = Memory { built: Mutex::default(), secrets };
    execute(empty, spec, &plan, false, start, entropy, &files)?;
    Ok(files.built.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn told_once(world: World<'_>) -> BTreeMap<crate::name::ArtifactName, crate::state::Entry> {
    let entries = world.lock.entries.iter();
    entries
        .filter(|(_, entry)| entry.initial_cluster.is_some() || entry.restart_digest.is_some())
        .map(|(name, entry)| (name.clone(), entry.clone()))
        .collect()
}

fn brought_keys(world: World<'_>) -> Inventory {
    let mut inventory = Inventory::default();
    for place in world.graph.all_placements() {
        if matches!(world.graph.get(place.derivation).recipe, Recipe::ImportedCa(_))
            && place.content == FilePart::PrivateKey
            && let Some(file) = world.inventory.get(place.path.as_str())
        {
            inventory.files.insert(place.path.to_string(), file.clone());
        }
    }
    inventory
}

struct Memory<'a> {
    built: Mutex<BTreeMap<TreePath, Secret>>,
    secrets: &'a dyn Files,
}

impl Files for Memory<'_> {
    fn read_secret(&self, path: &TreePath) -> Result<Secret> {
        self.secrets.read_secret(path)
    }

    fn identities(&self) -> Result<&[Identity]> {
        self.secrets.identities()
    }

    fn write(&self, path: &TreePath, bytes: &[u8], _: u32) -> Result<()> {
        let mut all = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(path.clone(), Secret::new(bytes.to_vec()));
        Ok(())
    }

    fn set_mode(&self, _: &TreePath, _: u32) -> Result<()> {
        Ok(())
    }

    fn remove(&self, _: &TreePath) -> Result<()> {
        Ok(())
    }

    fn progress(&self, _: usize) {}
}
