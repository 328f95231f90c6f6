//! The manifests of static pods.

use super::EtcdStart;
use crate::graph::{PodSource, StaticPod};
use crate::hash::{Digest, Fields};
use crate::manifest;
use crate::name::ArtifactName;
use crate::pod::{self, DIGEST_ANNOTATION};

/// The bytes of a manifest.
pub fn pod_content(
    recipe: &StaticPod,
    start: Option<&EtcdStart>,
    annotation: Digest,
) -> Result<Vec<u8>, String> {
    let annotation = (DIGEST_ANNOTATION.to_owned(), annotation.to_string());
    match &recipe.source {
        PodSource::Own { version, image, flags } => {
            let mut flags = flags.clone();
            if let Some(start) = start {
                flags.insert("initial-cluster".to_owned(), start.members.clone());
                if start.existing {
                    let state = flags.entry("initial-cluster-state".to_owned());
                    state.or_insert_with(|| "existing".to_owned());
                }
            }
            let mut pod = manifest::StaticPod::new(recipe.process, *version, image.clone(), flags);
            pod.mount_files();
            pod.annotations.extend([annotation]);
            Ok(pod.render().into_bytes())
        }
        PodSource::Patched { bytes, wish } => {
            let mut wish = wish.clone();
            wish.annotations.push(annotation);
            pod::patch(bytes, &wish).map(|patched| patched.bytes).map_err(|error| error.to_string())
        }
    }
}

/// Digest over the public bytes of everything that a process must be restarted for.
pub fn restart_digest<'a>(inputs: impl IntoIterator<Item = (&'a ArtifactName, Digest)>) -> Digest {
    Fields::default()
        .set("inputs", inputs.into_iter().map(|(name, content)| format!("{name} {content}")))
        .hash()
}
