//! What certificates, keys, requests and kubeconfigs say: the only reader of X.509.
//!
//! Everything here is public, is read from bytes in memory and is judged by nobody yet: no clock, no files,
//! no randomness. Secrets, a kubeconfig's key or one found in the clear, are carried and never looked into.
//!
//! May import names, times and hashes. Never here: a judgement, and what to do with what was read.

pub mod alternative_names;
pub mod attribute;
mod binding_objects;
pub mod certificate;
mod curve;
pub(crate) mod der;
mod directory_string;
pub mod distinguished_name;
mod domain_name;
mod encoded_pem;
mod encoding;
pub mod extension;
mod extension_value;
mod extensions;
pub mod found_keys;
mod general_name;
mod json_web_key;
mod key_kind;
mod key_refusal;
mod key_store;
pub mod key_usage;
pub mod kubeconfig;
mod kubeconfig_file;
mod mailbox;
mod name_constraints;
mod parts;
pub mod pem;
pub mod plaintext;
mod policies;
pub mod public_key;
mod refused;
mod reordered;
pub mod request;
mod requested_life;
pub mod role_bindings;
mod rsa_signature;
mod sans;
pub mod signature;
mod signature_check;
mod signature_name;
mod signature_scheme;
pub(crate) mod spki;
mod uri;

pub use alternative_names::AlternativeNames;
pub use binding_objects::{BindingObject, binding_objects};
pub use certificate::{CertificateFacts, Reading};
pub use distinguished_name::DistinguishedName;
pub use domain_name::is_domain_name;
pub use encoded_pem::{EncodedPem, encoded_pem};
pub use extension::Extension;
pub use found_keys::private_keys_in;
pub use json_web_key::json_web_keys;
pub use key_kind::{KeyKind, OtherKey};
pub use key_store::key_store;
pub use key_usage::{ExtendedKeyUsage, KeyUsage};
pub use kubeconfig::{Kubeconfig, KubeconfigFacts, Part};
pub use kubeconfig_file::{KubeconfigFile, Setting, without_login};
pub use mailbox::Mailbox;
pub use name_constraints::{NameConstraints, Subtrees};
pub use pem::{certificate_pem, certificates_in_pem};
pub use plaintext::{Plaintext, plaintext_in};
pub use policies::Policies;
pub use public_key::PublicKey;
pub use refused::Refused;
pub use reordered::is_reordered;
pub use request::{AskedExtensions, RequestFacts, request_in_pem, request_pem};
pub use requested_life::requested_life;
pub use role_bindings::{RoleGrant, role_grants};
pub use signature::is_signed_by;
pub use signature_check::{SignatureCheck, check_signature};

/// Why bytes are not what they should be; reads after the name of the file: `ca.crt holds no certificate`.
///
/// The text never quotes the bytes: a private key may stand where a certificate was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FactsError(pub String);

impl FactsError {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        FactsError(why.into())
    }
}
