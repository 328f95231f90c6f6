//! Whether another value of a static pod's field may pass without a word.

use crate::manifest::ProbeTarget;
use crate::pod::{FieldPath, FieldStep};
use crate::profile::{FieldOf, FieldWhen, HARMLESS_FIELDS, HarmlessField};

/// `probed`: where the process listens, as its flags say.
pub(super) fn is_harmless(path: &FieldPath, new: Option<&str>, probed: &ProbeTarget) -> bool {
    let found = HARMLESS_FIELDS.iter().find(|row| row.is_at(path));
    found.is_some_and(|row| match row.when {
        FieldWhen::Any => true,
        FieldWhen::Only(values) => new.is_some_and(|new| values.contains(&new)),
        FieldWhen::ListeningPort => {
            new.is_some_and(|new| new == "probe-port" || new == probed.port.to_string())
        }
        FieldWhen::ListeningHost => new.is_some_and(|new| {
            // A text that could be a number has quotes: `::1`.
            let new = new.trim_matches('"');
            new == probed.host || LOOPBACK.contains(&new)
        }),
    })
}

const LOOPBACK: [&str; 3] = ["127.0.0.1", "::1", "localhost"];

impl HarmlessField {
    fn is_at(&self, path: &FieldPath) -> bool {
        match (self.of, path.0.as_slice()) {
            (FieldOf::Pod, steps) => is_pattern(self.path, steps),
            (FieldOf::Annotation, [metadata, annotations, FieldStep::Key(name)]) => {
                is_key(metadata, "metadata")
                    && is_key(annotations, "annotations")
                    && name.starts_with(self.path)
            }
            (FieldOf::Annotation, _) => false,
            (of, _) => match path.in_container() {
                Some(("ephemeralContainers", ..)) | None => false,
                Some((_, _, [FieldStep::Key(probe), rest @ ..])) if of == FieldOf::Probe => {
                    PROBES.contains(&probe.as_str()) && is_pattern(self.path, rest)
                }
                Some((_, _, rest)) => of == FieldOf::Container && is_pattern(self.path, rest),
            },
        }
    }
}

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

fn is_key(step: &FieldStep, key: &str) -> bool {
    matches!(step, FieldStep::Key(found) if found == key)
}

/// `ports[*].name`, `labels.*`
fn is_pattern(pattern: &str, steps: &[FieldStep]) -> bool {
    let mut steps = steps.iter();
    for part in pattern.split('.') {
        if part == "*" {
            return true;
        }
        let key = part.strip_suffix("[*]");
        if !steps.next().is_some_and(|step| is_key(step, key.unwrap_or(part))) {
            return false;
        }
        if key.is_some() && !matches!(steps.next(), Some(FieldStep::Item(_))) {
            return false;
        }
    }
    steps.next().is_none()
}
