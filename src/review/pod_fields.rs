//! Whether another value of a static pod's field may pass without a word.

use crate::manifest::ProbeTarget;
use crate::pod::{FieldPath, FieldStep, PodFields};
use crate::profile::{DEFAULT_FIELDS, FieldOf, FieldWhen, HARMLESS_FIELDS, TAKEN_AWAY};

/// `probed`: where the process listens, as its flags say.
pub(super) fn is_harmless(path: &FieldPath, new: Option<&str>, probed: &ProbeTarget) -> bool {
    let found = HARMLESS_FIELDS.iter().find(|row| is_at(row.of, row.path, path));
    let new = new.or(default_of(path));
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

/// `None`: nothing follows from its absence.
fn default_of(path: &FieldPath) -> Option<&'static str> {
    let row = DEFAULT_FIELDS.iter().find(|row| is_at(row.of, row.path, path));
    row.map(|row| row.value)
}

/// What a field says that could be left out is as if it were.
pub(super) fn said<'p>(pod: &'p PodFields, path: &FieldPath) -> Option<&'p str> {
    let value = pod.fields.get(path).map(String::as_str);
    value.filter(|value| default_of(path) != Some(*value))
}

/// Nothing is left of what it is a part of.
pub(super) fn goes_whole(path: &FieldPath, after: &PodFields) -> bool {
    TAKEN_AWAY.iter().any(|pattern| {
        let length = pattern.split('.').map(|part| if part.ends_with("[*]") { 2 } else { 1 }).sum();
        let Some(whole) = path.0.get(..length) else {
            return false;
        };
        let is_left = |found: &FieldPath| said(after, found).is_some();
        let from = after.fields.range(FieldPath(whole.to_vec())..).map(|(found, _)| found);
        is_pattern(pattern, whole)
            && !from.take_while(|found| found.0.starts_with(whole)).any(is_left)
    })
}

fn is_at(of: FieldOf, pattern: &str, path: &FieldPath) -> bool {
    match (of, path.0.as_slice()) {
        (FieldOf::Pod, steps) => is_pattern(pattern, steps),
        (FieldOf::Annotation, [metadata, annotations, FieldStep::Key(name)]) => {
            is_key(metadata, "metadata")
                && is_key(annotations, "annotations")
                && name.starts_with(pattern)
        }
        (FieldOf::Annotation, _) => false,
        (of, _) => match path.in_container() {
            Some(("ephemeralContainers", ..)) | None => false,
            Some((_, _, [FieldStep::Key(probe), rest @ ..])) if of == FieldOf::Probe => {
                PROBES.contains(&probe.as_str()) && is_pattern(pattern, rest)
            }
            Some((_, _, rest)) => of == FieldOf::Container && is_pattern(pattern, rest),
        },
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
