//! What two manifests of one process say differently, in an operator's words.

use std::collections::{BTreeMap, BTreeSet};

use super::Reason;
use crate::pod::{self, DIGEST_ANNOTATION, FieldPath, FieldStep, PodFacts, PodFields};
use crate::profile::Process;

/// Why a manifest that is as it was written last is another one now.
pub(super) fn compare(
    process: Process,
    facts: &PodFacts,
    (old, new): (&[u8], &[u8]),
    reasons: &mut Vec<Reason>,
) {
    if let Ok(wished) = pod::read(new, process) {
        differences(facts, &wished, reasons);
        // Manifests of kpki's own have one image.
        if let (Some(old), Some(new)) = (facts.images.first(), wished.images.first())
            && old != new
        {
            reasons.push(Reason::changed("image", old.clone(), new.clone()));
        }
    }
    let (Ok(old), Ok(new)) = (pod::fields(old, process), pod::fields(new, process)) else {
        return;
    };
    probes(&old, &new, reasons);
    mounts(&old, &new, reasons);
    if reasons.is_empty() {
        other_fields(&old, &new, reasons);
    }
}

/// The field of the container that runs the process.
fn of_container<'p>(pod: &'p PodFields, keys: &[&str]) -> Option<&'p str> {
    let key = |key: &&str| FieldStep::Key((*key).to_owned());
    let mut path: Vec<FieldStep> = ["spec", "containers"].iter().map(key).collect();
    path.push(FieldStep::Item(pod.container.clone()));
    path.extend(keys.iter().map(key));
    pod.fields.get(&FieldPath(path)).map(String::as_str)
}

/// Where the kubelet asks. Another host or number follows from a flag.
fn probes(old: &PodFields, new: &PodFields, reasons: &mut Vec<Reason>) {
    for (probe, words) in [
        ("livenessProbe", "liveness probe"),
        ("readinessProbe", "readiness probe"),
        ("startupProbe", "startup probe"),
    ] {
        let path = |pod| of_container(pod, &[probe, "httpGet", "path"]).unwrap_or_default();
        if path(old) != path(new) {
            reasons.push(Reason::changed(words, path(old), path(new)));
        }
    }
    let port = |pod| of_container(pod, &["livenessProbe", "httpGet", "port"]);
    let is_number = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if let (Some(before), Some(after)) = (port(old), port(new))
        && is_number(before) != is_number(after)
    {
        let told = |pod, port: &str| match number_of(pod, port) {
            Some(number) => format!("{port} ({number})"),
            None => port.to_owned(),
        };
        reasons.push(Reason::changed("port of the probes", told(old, before), told(new, after)));
    }
}

/// The number of a container's port that has a name.
fn number_of<'p>(pod: &'p PodFields, port: &str) -> Option<&'p str> {
    pod.fields.iter().find_map(|(path, value)| match path.in_container()?.2 {
        [FieldStep::Key(list), FieldStep::Item(number), FieldStep::Key(name)]
            if list == "ports" && name == "name" && value == port =>
        {
            Some(number.as_str())
        }
        _ => None,
    })
}

/// Paths that came or went, but for those that follow from a flag, which is told.
fn mounts(old: &PodFields, new: &PodFields, reasons: &mut Vec<Reason>) {
    let paths = |pod: &PodFields| -> BTreeSet<String> {
        let of_mount = |path: &FieldPath| match path.in_container() {
            Some(("containers", name, [FieldStep::Key(list), FieldStep::Item(path), ..]))
                if name == pod.container && list == "volumeMounts" =>
            {
                Some(path.clone())
            }
            _ => None,
        };
        pod.fields.keys().filter_map(of_mount).collect()
    };
    let (before, after) = (paths(old), paths(new));
    let follows =
        |pod: &PodFields, path: &str| pod.flags.values().any(|value| value.contains(path));
    for path in before.difference(&after).filter(|path| !follows(old, path)) {
        reasons.push(Reason::changed("mount", path.as_str(), ""));
    }
    for path in after.difference(&before).filter(|path| !follows(new, path)) {
        reasons.push(Reason::changed("mount", "", path.as_str()));
    }
}

/// Of what a manifest says besides flags and images: the first differences, and how many there are.
fn other_fields(old: &PodFields, new: &PodFields, reasons: &mut Vec<Reason>) {
    const SHOWN: usize = 3;
    let is_digest = |path: &FieldPath| matches!(path.0.last(), Some(FieldStep::Key(key)) if key == DIGEST_ANNOTATION);
    let paths: BTreeSet<&FieldPath> = old.fields.keys().chain(new.fields.keys()).collect();
    let differ = |path: &&FieldPath| old.fields.get(path) != new.fields.get(path);
    let differing: Vec<&FieldPath> =
        paths.into_iter().filter(|path| !is_digest(path)).filter(differ).collect();
    for path in differing.iter().take(SHOWN) {
        let (old, new) = match (old.fields.get(path), new.fields.get(path)) {
            (None, new) => (String::new(), format!("{path}={}", new.map_or("", String::as_str))),
            (Some(old), new) => (format!("{path}={old}"), new.cloned().unwrap_or_default()),
        };
        // Not by `changed`: a value may be any text, the path and the old value, too.
        reasons.push(Reason::changed("manifest", old, new));
    }
    if let Some(more) = differing.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        reasons.push(Reason::changed("manifest", "", format!("{more} more")));
    }
}

/// Flag for flag, what the manifest says otherwise.
fn differences(old: &PodFacts, new: &PodFacts, reasons: &mut Vec<Reason>) {
    let by_name = |facts: &PodFacts| {
        let mut flags: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for flag in &facts.flags {
            let values = flags.entry(format!("--{}", flag.name)).or_default();
            values.push(flag.value.clone());
        }
        flags
    };
    let (old, new) = (by_name(old), by_name(new));
    let text = |flags: &BTreeMap<String, Vec<String>>, name: &String| {
        flags.get(name).map_or_else(String::new, |values| values.join(","))
    };
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        let (old, new) = (text(&old, name), text(&new, name));
        if old != new {
            let named = |value: String| {
                if value.is_empty() { value } else { format!("{name}={value}") }
            };
            reasons.push(Reason::changed("flag", named(old), named(new)));
        }
    }
}
