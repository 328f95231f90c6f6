//! A plan of a part: what was asked about. What stops an apply, who gains power, and how etcd is told are
//! never left out: the plan that is carried out is the whole one.

use std::collections::BTreeSet;

use super::plan::PlanReport;
use super::text::counted;
use crate::name::ArtifactName;

impl PlanReport {
    /// Leaves out the changes of other artifacts, and what is told besides changes.
    pub fn only(&mut self, names: &BTreeSet<ArtifactName>) {
        let is_named = |name: &str| names.iter().any(|known| known.as_str() == name);
        let before = self.steps.len();
        self.steps.retain(|step| names.contains(&step.name));
        self.others = Some(before - self.steps.len());
        self.waiting.retain(|waiting| names.contains(&waiting.name));
        self.absent.retain(|name| is_named(name));
        self.restarts.retain(|restart| {
            let tree = format!("nodes/{}/", restart.node);
            names.iter().any(|name| name.as_str().starts_with(&tree))
        });
        self.orphans.clear();
        self.foreign.clear();
        self.notes.clear();
    }

    /// What was left out.
    pub(super) fn left_out(&self) -> Option<String> {
        let others = self.others?;
        let nothing = self.steps.is_empty().then(|| "nothing to do about what is named".to_owned());
        let others = (others > 0).then(|| {
            format!("{} not shown; an apply makes them, too", counted(others, "other change"))
        });
        let parts: Vec<String> = nothing.into_iter().chain(others).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}
