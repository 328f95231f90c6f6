//! Flags that the described version does not know any more.

use std::collections::BTreeMap;

use super::found::{About, Contradiction, Severity};
use crate::profile::{GONE_FLAGS, Process};
use crate::spec::Spec;

/// Refused only where kpki says which image runs: an older one may know the flag.
pub(super) fn gone(
    spec: &Spec,
    process: Process,
    flags: &BTreeMap<String, String>,
) -> Vec<Contradiction> {
    let version = spec.cluster.kubernetes.value;
    let settings = spec.components.get(&process.component());
    let is_own_image =
        spec.manifests.is_none() && settings.is_none_or(|settings| settings.image.is_none());
    let rows = GONE_FLAGS.iter().filter(|row| row.process == process && version.has(row.since));
    let found = rows.flat_map(|row| {
        let names = flags.keys().filter(|name| row.flags.hold(name));
        names.map(move |name| Contradiction {
            flag: name.clone(),
            other: None,
            severity: if is_own_image { Severity::Refused } else { Severity::Remark },
            about: About::Description,
            message: format!(
                "--{name} is not known since {}: {} does not start with it",
                row.from,
                process.name()
            ),
            help: row.instead.to_owned(),
        })
    });
    found.collect()
}
