//! Files as files: readable, private, one Pod each.

use std::collections::BTreeMap;

use super::finding::Findings;
use super::holds::Manifest;
use super::places::is_place;
use super::rules::{
    DUPLICATE_POD, FOLDER_OF_ANOTHER_USER, FOLDER_WRITABLE_BY_GROUP, FOLDER_WRITABLE_BY_OTHERS,
    Rule, SECRET_OF_ANOTHER_USER, SECRET_READABLE_BY_GROUP, SECRET_READABLE_BY_OTHERS,
    STRAY_MANIFEST, UNCHECKED_MANIFEST, UNREAD, UNREAD_PLACE, UNREADABLE_MANIFEST,
    WRITABLE_BY_OTHERS,
};
use super::tree::Where;
use super::world::World;
use crate::profile::Content;
use crate::state::Loose;

/// What a manifest ends in; the kubelet itself does not look. kops writes `.manifest`.
const MANIFEST_ENDS: [&str; 4] = [".yaml", ".yml", ".json", ".manifest"];

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    let named = named_secrets(world);
    for (path, file) in &world.tree.files {
        let (holds, access) = (&file.holds, file.access);
        let form = holds.other_secret.or_else(|| named.get(path.as_str()).copied());
        let is_secret = holds.secret || form.is_some();
        let mode = match form {
            Some(form) => format!("mode {:04o}, {form}", access.mode),
            None => format!("mode {:04o}", access.mode),
        };
        if is_secret && access.everybodys() != 0 {
            findings.add(&SECRET_READABLE_BY_OTHERS, path, &mode);
        } else if is_secret && access.groups() != 0 {
            findings.add(&SECRET_READABLE_BY_GROUP, path, &mode);
        }
        if let Some(owner) = access.stranger
            && is_secret
            && !runs_here(world, owner)
        {
            findings.add(&SECRET_OF_ANOTHER_USER, path, format!("of uid {owner}"));
        }
        let matters = !holds.certificates.is_empty()
            || !holds.public_keys.is_empty()
            || holds.kubeconfig.is_some()
            || holds.manifest.is_some();
        if matters && !is_secret && access.everybodys() & 0o2 != 0 {
            findings.add(&WRITABLE_BY_OTHERS, path, mode);
        }
        for (rule, why) in &holds.damage {
            findings.add(rule, path, why);
        }
    }
    for (path, loose) in &world.tree.loose {
        let rule = match loose {
            Loose::Owner(_) => &FOLDER_OF_ANOTHER_USER,
            Loose::World(_) => &FOLDER_WRITABLE_BY_OTHERS,
            Loose::Group { .. } => &FOLDER_WRITABLE_BY_GROUP,
        };
        findings.add(rule, path, loose.to_string());
    }
    for (path, why) in &world.tree.unread {
        findings.add(unread(path), path, why);
    }
    for path in world.tree.links_out() {
        findings.add(unread(path), path, "a link to nothing in this tree");
    }
    manifests(world, findings);
}

/// Whether a static pod's `securityContext` makes it that user.
fn runs_here(world: &World<'_>, user: u32) -> bool {
    let mut pods = world.folders.iter().flat_map(|folder| &folder.pods);
    pods.any(|pod| pod.facts.runs_as.as_ref().is_some_and(|who| who.user == Some(user)))
}

/// The files that a flag or a kubeconfig names as secrets: their content alone does not tell.
fn named_secrets<'w>(world: &'w World<'_>) -> BTreeMap<&'w str, &'static str> {
    let flags = world.folders.iter().flat_map(|folder| &folder.flags);
    let of_flags = flags.filter_map(|named| match (&named.file, named.holds) {
        (Where::At(path), Content::Secret) => Some((path.as_str(), "loaded as a secret")),
        _ => None,
    });
    let tokens = world.clients.iter().flat_map(|client| &client.files);
    let of_tokens = tokens.filter_map(|named| match (&named.file, named.holds) {
        (Where::At(path), None) => Some((path.as_str(), "a token")),
        _ => None,
    });
    of_flags.chain(of_tokens).collect()
}

/// Nobody may pass by what the components load.
fn unread(path: &str) -> &'static Rule {
    if is_place(path) { &UNREAD_PLACE } else { &UNREAD }
}

fn manifests(world: &World<'_>, findings: &mut Findings) {
    let mut processes = BTreeMap::new();
    for (path, file) in &world.tree.files {
        let Some(manifest) = &file.holds.manifest else {
            continue;
        };
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if !is_read_by_a_kubelet(world, folder) {
            continue;
        }
        if !MANIFEST_ENDS.iter().any(|end| name.ends_with(end)) {
            let what = match manifest {
                Manifest::Process(process, _) | Manifest::Unclear(process, _) => {
                    format!("runs a second {}", process.name())
                }
                Manifest::Other => "runs a pod".to_owned(),
                Manifest::NotAPod(_) => "the kubelet fails to read it again and again".to_owned(),
            };
            findings.add(&STRAY_MANIFEST, path, what);
            continue;
        }
        match manifest {
            Manifest::NotAPod(why) => findings.add(&UNREADABLE_MANIFEST, path, why),
            Manifest::Unclear(_, why) => findings.add(&UNCHECKED_MANIFEST, path, why),
            Manifest::Process(..) | Manifest::Other => {}
        }
        if let Manifest::Process(process, _) | Manifest::Unclear(process, _) = manifest
            && let Some(first) = processes.insert((folder, *process), name)
        {
            let detail = format!("runs {}, as {first} does", process.name());
            findings.add(&DUPLICATE_POD, path, detail);
        }
    }
}

/// A folder of this name is a kubelet's if a PKI lies beside it or one of the four processes is in it.
fn is_read_by_a_kubelet(world: &World<'_>, folder: &str) -> bool {
    world.folders.iter().any(|kubernetes| kubernetes.manifests().as_deref() == Some(folder))
}
