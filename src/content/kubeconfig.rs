//! What a kubeconfig says in public.

use crate::graph::Kubeconfig;
use crate::hash::Digest;

/// Digest of everything public in a kubeconfig.
pub fn kubeconfig_content(config: &Kubeconfig, certificate: Digest, bundle: Digest) -> Digest {
    config.own_fields().recipe("certificate", certificate).recipe("bundle", bundle).hash()
}
