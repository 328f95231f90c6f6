//! Keys that follow from a seed and the cluster's name: those on record may follow from another, or from
//! none.

use super::context::PlanContext;
use super::{Reason, World};
use crate::graph::DerivationId;
use crate::spec::Spec;
use crate::state::SeedMark;

/// The name on record and the described one, where keys follow from it and it is another.
pub(super) fn rename<'a>(world: World<'a>, spec: &'a Spec) -> Option<(&'a str, &'a str)> {
    let (old, new) = (world.lock.cluster.as_deref()?, spec.cluster.name.as_str());
    (world.lock.seed.is_some() && old != new).then_some((old, new))
}

impl PlanContext<'_> {
    /// A seed is described, but the key on record does not follow from any by this kpki's schedule: why.
    pub fn made_otherwise(&self, id: DerivationId) -> Option<String> {
        if !self.has_derived_key(id) {
            return None;
        }
        match self.world.lock.seed {
            None => Some(
                "its key was drawn, it does not follow from the seed; a reproducible cluster begins with an empty out/ and \
                 without cluster.lock"
                    .to_owned(),
            ),
            Some(SeedMark { schedule, .. }) if schedule != SeedMark::SCHEDULE => Some(format!(
                "its key was made by version {schedule} of the key schedule, this kpki has version {}; to keep the keys take \
                 `reproducible` out of the description, for others begin with an empty out/ and without cluster.lock",
                SeedMark::SCHEDULE
            )),
            Some(_) => None,
        }
    }

    /// The cluster has another name than the one that the key on record follows from.
    pub fn renamed(&self, id: DerivationId) -> Option<Reason> {
        let (old, new) = self.rename.filter(|_| self.has_derived_key(id))?;
        Some(Reason::changed("cluster", old, new))
    }

    fn has_derived_key(&self, id: DerivationId) -> bool {
        let known = self.entry(id).and_then(|entry| entry.public_key);
        self.world.graph.is_key_derived(id) && known.is_some()
    }

    /// The same in words, for what is not replaced without a word.
    pub fn renamed_anchor(&self, id: DerivationId) -> Option<String> {
        let renamed = self.renamed(id)?;
        Some(format!(
            "{renamed}: keys follow from the seed and the cluster's name, so it gets another one"
        ))
    }
}
