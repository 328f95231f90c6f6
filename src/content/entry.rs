//! The lock's lines, as they are once an artifact is as described.

use super::EtcdStart;
use crate::facts::{CertificateFacts, PublicKey, RequestFacts};
use crate::graph::{Derivation, DerivationId, Graph, Kubeconfig, Recipe, Request};
use crate::hash::Digest;
use crate::state::Entry;

/// The line of a CA or leaf. That of a certificate over a brought key names the request, too: the key is not
/// kpki's.
pub fn certificate_entry(derivation: &Derivation, facts: &CertificateFacts) -> Entry {
    let brought = match &derivation.recipe {
        Recipe::Leaf(leaf) => leaf.brought.as_ref(),
        _ => None,
    };
    Entry {
        content: brought.map(|brought| brought.facts.digest),
        keypair: derivation.recipe.keypair_state(),
        brought: derivation.recipe.keypair_state().is_some()
            && matches!(derivation.recipe, Recipe::ImportedCa(_)),
        ..Entry::of_certificate(derivation.hash, derivation.recipe.revision(), facts)
    }
}

/// The line of a request. A brought one's has a content and no key: the key is not kpki's matter.
pub fn request_entry(derivation: &Derivation, request: &Request, facts: &RequestFacts) -> Entry {
    let own = request.brought.is_none();
    Entry {
        revision: derivation.recipe.revision(),
        public_key: own.then(|| facts.public_key.digest()),
        content: (!own).then_some(facts.digest),
        ..Entry::new(derivation.hash)
    }
}

/// The line of a certificate that the cluster signed. Over a brought key it names the request, as a leaf's
/// does.
pub fn cluster_signed_entry(
    graph: &Graph,
    id: DerivationId,
    request: Option<Digest>,
    facts: &CertificateFacts,
) -> Entry {
    let derivation = graph.get(id);
    let brought = graph.brought_request(id);
    Entry {
        request,
        content: brought
            .filter(|brought| brought.facts.public_key == facts.public_key)
            .map(|brought| brought.facts.digest),
        ..Entry::of_certificate(derivation.hash, derivation.recipe.revision(), facts)
    }
}

/// The line of a key pair without a certificate.
pub fn public_key_entry(derivation: &Derivation, key: &PublicKey) -> Entry {
    Entry {
        revision: derivation.recipe.revision(),
        public_key: Some(key.digest()),
        keypair: derivation.recipe.keypair_state(),
        ..Entry::new(derivation.hash)
    }
}

/// The line of a rendered file.
pub fn rendered_entry(derivation: &Derivation, bytes: &[u8]) -> Entry {
    Entry { content: Some(Digest::of(bytes)), ..Entry::new(derivation.hash) }
}

/// The line of a kubeconfig with this content, in a file of this size.
pub fn kubeconfig_entry(
    derivation: &Derivation,
    config: &Kubeconfig,
    content: Digest,
    size: u64,
) -> Entry {
    Entry {
        content: Some(content),
        size: Some(size),
        server: Some(config.server.url()),
        ..Entry::new(derivation.hash)
    }
}

/// The line of a static pod's manifest; `restart_digest`: of one without an annotation.
pub fn pod_entry(
    derivation: &Derivation,
    bytes: &[u8],
    start: Option<&EtcdStart>,
    restart_digest: Option<Digest>,
) -> Entry {
    Entry {
        initial_cluster: start.map(ToString::to_string),
        restart_digest,
        ..rendered_entry(derivation, bytes)
    }
}
