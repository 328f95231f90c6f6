//! A status of a part: of what was asked about, or of what ends soon.

use std::collections::BTreeSet;

use super::status::StatusReport;
use crate::name::ArtifactName;
use crate::time::Timestamp;

impl StatusReport<'_> {
    /// Leaves out what is about other artifacts, and what is about none. Whoever asks for the exit code asks
    /// about the same.
    pub fn only(&mut self, names: &BTreeSet<ArtifactName>) {
        let is_named = |name: &str| names.iter().any(|known| known.as_str() == name);
        let before = self.certificates.len();
        self.certificates.retain(|life| names.contains(life.name));
        self.hidden += before - self.certificates.len();
        self.attention.retain(|trouble| trouble.name.as_deref().is_some_and(is_named));
        self.waiting.retain(|waiting| names.contains(&waiting.name));
        self.absent.retain(|name| is_named(name));
        self.turns = None;
        self.rotations.clear();
        self.orphans.clear();
        self.foreign.clear();
        self.notes.clear();
        let own = self.certificates.iter().filter(|life| !life.is_brought);
        self.next_renewal = own.filter_map(|life| life.renewal).min();
    }

    /// Leaves out the certificates that are good beyond this time. What needs attention stays.
    pub fn ending_before(&mut self, when: Timestamp) {
        let before = self.certificates.len();
        self.certificates.retain(|life| life.expires <= when);
        self.hidden += before - self.certificates.len();
    }
}
