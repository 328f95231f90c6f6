//! What belongs together and is not there: a certificate's key, a key's certificate, the CA's certificate.
//! Nobody can tell whether a lone file was copied or the other one lost, so a folder with whole pairs counts.

use super::finding::Findings;
use super::kubernetes_folder::KubernetesFolder;
use super::readers::bundle;
use super::rules::MISSING_COUNTERPART;
use super::tree::{Tree, Where};
use super::world::World;
use crate::profile::{AUTHORITY_FILES, AuthorityFile, Home, LEAVES, SERVICE_ACCOUNT_FILES};

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    // Of other layouts no row tells where a key lies.
    for folder in world.folders.iter().filter(|folder| folder.layout.is_none()) {
        let is_there = |place: &str| is_there(world.tree, folder, place);
        let is_whole = pairs().any(|(one, other)| is_there(one) && is_there(other));
        if !is_whole {
            continue;
        }
        for (here, missing) in pairs().chain(pairs().map(|(one, other)| (other, one))) {
            if is_there(here) && !is_there(missing) {
                tell(world, findings, folder, here, missing);
            }
        }
        for row in LEAVES {
            if let Home::Pair { certificate, .. } = row.home
                && is_there(certificate)
                && !is_there(bundle(row.issuer))
                // The kubelet's own folder has no CA.
                && bundles().any(is_there)
            {
                tell(world, findings, folder, certificate, bundle(row.issuer));
            }
        }
    }
}

fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    let leaves = LEAVES.iter().filter_map(|row| match row.home {
        Home::Pair { certificate, key } => Some((certificate, key)),
        Home::Kubeconfig { .. } => None,
    });
    leaves.chain([SERVICE_ACCOUNT_FILES])
}

fn bundles() -> impl Iterator<Item = &'static str> {
    let rows = AUTHORITY_FILES.iter().filter(|row| row.file == AuthorityFile::Bundle);
    rows.map(|row| row.path)
}

/// At its place, or where a flag says.
fn is_there(tree: &Tree, folder: &KubernetesFolder<'_>, place: &str) -> bool {
    let path = folder.path(place);
    folder.files(place).next().is_some() || tree.exists(&path) || tree.is_hidden(&path)
}

fn tell(
    world: &World<'_>,
    findings: &mut Findings,
    folder: &KubernetesFolder<'_>,
    here: &str,
    missing: &str,
) {
    let path = folder.path(missing);
    // A flag that names it is an error of its own.
    let is_told = folder.flags.iter().any(|named| named.file == Where::Missing(path.clone()));
    if !is_told {
        let path = folder.path(here);
        let missing = folder.path(missing);
        let detail = format!("without {}", world.tree.shown(&missing));
        findings.add(&MISSING_COUNTERPART, &path, detail);
    }
}
