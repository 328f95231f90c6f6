//! The manifests of static pods.

use super::EtcdStart;
use crate::graph::{PodSource, StaticPod};
use crate::hash::{Digest, Fields};
use crate::manifest;
use crate::name::ArtifactName;
use crate::pod::{self, DIGEST_ANNOTATION};

/// The bytes of a manifest; `restarts`: what its annotation says, where it has one.
pub fn pod_content(
    recipe: &StaticPod,
    start: Option<&EtcdStart>,
    restarts: Option<Digest>,
) -> Result<Vec<u8>, String> {
    let annotation = restarts.map(|digest| (DIGEST_ANNOTATION.to_owned(), digest.to_string()));
    match &recipe.source {
        PodSource::Own { version, image, flags, runs_as, certificates_dir } => {
            let mut flags = flags.clone();
            if let Some(start) = start {
                flags.insert("initial-cluster".to_owned(), start.members.clone());
                if start.existing {
                    let state = flags.entry("initial-cluster-state".to_owned());
                    state.or_insert_with(|| "existing".to_owned());
                }
            }
            let (process, image) = (recipe.process, image.clone());
            let mut pod =
                manifest::StaticPod::new(process, *version, image, flags, certificates_dir);
            pod.runs_as = *runs_as;
            pod.mount_files();
            pod.annotations.extend(annotation);
            Ok(pod.render().into_bytes())
        }
        PodSource::Patched { bytes, wish } => {
            let mut wish = wish.clone();
            wish.annotations.extend(annotation);
            pod::patch(bytes, &wish).map(|patched| patched.bytes).map_err(|error| error.to_string())
        }
    }
}

/// A manifest as it was before kpki knew it, where that is all that is wished: everything but the annotation.
/// `None`: it cannot be made, or has an annotation of kpki's already, which says what it was made for.
pub fn pod_without_annotation(recipe: &StaticPod, start: Option<&EtcdStart>) -> Option<Vec<u8>> {
    let bytes = pod_content(recipe, start, None).ok()?;
    let facts = pod::read(&bytes, recipe.process).ok()?;
    let is_bare = facts.annotations.iter().all(|(name, _)| name != DIGEST_ANNOTATION);
    is_bare.then_some(bytes)
}

/// What stands for a file of several certificates or public keys: whoever read them once need not read them
/// again for their order.
pub fn set_digest(all: impl IntoIterator<Item = Digest>) -> Digest {
    Fields::default().set("set", all.into_iter().map(|one| one.to_string())).hash()
}

/// Digest over the public bytes of everything that a process must be restarted for.
pub fn restart_digest<'a>(inputs: impl IntoIterator<Item = (&'a ArtifactName, Digest)>) -> Digest {
    Fields::default()
        .set("inputs", inputs.into_iter().map(|(name, content)| format!("{name} {content}")))
        .hash()
}
