//! What a kubeconfig embeds.

use crate::facts::{CertificateFacts, KubeconfigFacts, certificates_in_pem};

/// The certificate that a kubeconfig embeds.
pub(super) fn embedded_certificate(kubeconfig: &[u8]) -> Option<CertificateFacts> {
    let config = KubeconfigFacts::from_yaml(kubeconfig).ok()?;
    let ders = certificates_in_pem(&config.client_certificate).ok()?;
    CertificateFacts::from_der(ders.first()?).ok()
}
