//! Files as files: readable, private, one Pod each.

use std::collections::BTreeMap;

use super::finding::Findings;
use super::holds::Manifest;
use super::places::is_place;
use super::rules::{
    DUPLICATE_POD, FOLDER_OF_ANOTHER_USER, FOLDER_WRITABLE_BY_GROUP, FOLDER_WRITABLE_BY_OTHERS,
    Rule, SECRET_READABLE_BY_GROUP, SECRET_READABLE_BY_OTHERS, STRAY_MANIFEST, UNCHECKED_MANIFEST,
    UNREAD, UNREAD_PLACE, UNREADABLE_MANIFEST, WRITABLE_BY_OTHERS,
};
use super::world::World;
use crate::state::Loose;

/// What a manifest ends in; the kubelet itself does not look.
const MANIFEST_ENDS: [&str; 3] = [".yaml", ".yml", ".json"];

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    for (path, file) in &world.tree.files {
        let mode = format!("mode {:04o}", file.mode);
        if file.holds.secret && file.mode & 0o007 != 0 {
            findings.add(&SECRET_READABLE_BY_OTHERS, path, &mode);
        } else if file.holds.secret && file.mode & 0o070 != 0 {
            findings.add(&SECRET_READABLE_BY_GROUP, path, &mode);
        }
        let holds = &file.holds;
        let matters = !holds.certificates.is_empty()
            || !holds.public_keys.is_empty()
            || holds.kubeconfig.is_some()
            || holds.manifest.is_some();
        if matters && !holds.secret && file.mode & 0o002 != 0 {
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
    world.folders.iter().any(|kubernetes| kubernetes.manifests() == folder)
}
