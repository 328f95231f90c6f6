//! Everything that a job writes is written through here, in the form that is described.

use std::collections::HashSet;
use std::sync::PoisonError;

use rayon::prelude::*;

use super::context::{BuildContext, HeldKey};
use crate::content::{Input, NotRendered, rendered_content, rendered_entry};
use crate::error::{Error, Result};
use crate::graph::{DerivationId, FilePart, Placement, Recipe};
use crate::hash::Digest;
use crate::name::TreePath;
use crate::plan::{Action, Step};
use crate::sealed::seal;
use crate::state::{Entry, Rest};

/// Of a sealed file. Git keeps no modes, and it is not secret.
const SEALED_MODE: u32 = 0o600;

impl BuildContext<'_> {
    /// Writes a file in the form that is described. The other form, if it alone was there, goes.
    pub fn put(&self, place: &Placement, bytes: &[u8]) -> Result<()> {
        let old = self.world.inventory.secret(place.path.as_str());
        let Some(recipients) = &place.recipients else {
            self.files.write(&place.path, bytes, place.mode)?;
            if old.is_some_and(|old| old.sealed.is_some()) {
                self.files.remove(&place.sealed_file())?;
            }
            if place.content.is_secret() {
                self.note(place, None);
            }
            return Ok(());
        };
        let file = seal(recipients, bytes).map_err(|error| Error::internal(error.to_string()))?;
        self.files.write(&place.sealed_file(), &file, SEALED_MODE)?;
        if old.is_some_and(|old| old.sealed.is_none()) {
            self.files.remove(&place.path)?;
        }
        self.note(place, Some(Rest { sealed: Digest::of(&file), recipients: recipients.digest() }));
        Ok(())
    }

    fn note(&self, place: &Placement, rest: Option<Rest>) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.insert(place.path.clone(), rest);
    }

    pub fn is_written(&self, path: &TreePath) -> bool {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.contains_key(path)
    }

    /// The files of a key pair that a step names. A key that is not here is not written; a new one always is.
    pub fn write_pair(
        &self,
        step: &Step,
        held: Option<&HeldKey>,
        public_half: &[u8],
    ) -> Result<()> {
        // A certificate of the description's own may lie on every node.
        let writes: HashSet<&TreePath> = step.writes.iter().collect();
        for place in self.world.graph.placements(step.derivation) {
            let is_key = place.content == FilePart::PrivateKey;
            let is_new = is_key && held.is_some_and(|held| held.is_new);
            if !is_new && !writes.contains(&place.path) {
                continue;
            }
            let bytes = match (is_key, held) {
                (true, Some(held)) => held.pem.expose(),
                (true, None) => continue,
                (false, _) => public_half,
            };
            self.put(place, bytes)?;
        }
        Ok(())
    }

    /// Whether a step reads the key that an artifact has. A key in the clear is checked whatever the step is;
    /// a sealed one is opened only where it goes into a file.
    pub fn opens_key(&self, id: DerivationId, step: &Step) -> bool {
        let graph = self.world.graph;
        let in_the_clear = |place: &Placement| {
            let secret = self.world.inventory.secret(place.path.as_str());
            secret.is_some_and(|secret| secret.sealed.is_none())
        };
        step.action.makes_key()
            || graph.key_places(id).any(in_the_clear)
            || graph
                .placements_of(id, FilePart::PrivateKey)
                .any(|place| step.writes.contains(&place.path))
    }
}

/// Writes a rendered file, made with `input`.
pub(super) fn render(
    context: &BuildContext<'_>,
    step: &Step,
    inputs: &[Input<'_>],
) -> Result<Entry> {
    let id = step.derivation;
    let derivation = context.world.graph.get(id);
    let content = match &derivation.recipe {
        Recipe::Rendered(recipe) => rendered_content(recipe, inputs),
        _ => Err(NotRendered::NoInput),
    };
    let content = content.map_err(|why| match why {
        NotRendered::NoInput => context.too_early(id),
        NotRendered::Refused(why) => Error::refused(format!("{}: {why}", derivation.name)),
    })?;
    let bytes = content.as_bytes();
    if step.action != Action::Record {
        // A cluster's trust bundle lies on every node.
        let writes: HashSet<&TreePath> = step.writes.iter().collect();
        context
            .world
            .graph
            .placements(id)
            .par_iter()
            .filter(|place| writes.contains(&place.path))
            .try_for_each(|place| context.put(place, bytes))?;
    }
    Ok(rendered_entry(derivation, bytes))
}
