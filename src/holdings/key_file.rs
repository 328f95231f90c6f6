//! A file of kpki's own that bears a private key: the key, or a kubeconfig around it.

use crate::facts::{CertificateFacts, FactsError, KubeconfigFacts, certificates_in_pem};
use crate::keys::PrivateKey;
use crate::secret::Secret;

/// Which of the two a file is was said by its place.
pub enum KeyFile {
    /// The key in PEM.
    Key(Secret),
    /// The kubeconfig; its key may be a file of its own.
    Kubeconfig(Box<KubeconfigFacts>),
}

impl KeyFile {
    /// Reads a kubeconfig.
    pub fn kubeconfig(file: &Secret) -> Result<Self, FactsError> {
        KubeconfigFacts::from_yaml(file.expose()).map(|facts| KeyFile::Kubeconfig(Box::new(facts)))
    }

    /// The key's PEM; `None`: a kubeconfig that names a file.
    pub fn pem(&self) -> Option<&Secret> {
        match self {
            KeyFile::Key(pem) => Some(pem),
            KeyFile::Kubeconfig(config) => config.client_key.as_ref(),
        }
    }

    /// The key, where the file holds one. The error reads after the file's name, as all here.
    pub fn key_if_held(&self) -> Result<Option<PrivateKey>, String> {
        let key = self.pem().map(|pem| PrivateKey::from_pem(pem.expose())).transpose();
        key.map_err(|error| error.to_string())
    }

    /// The key, which must be in the file.
    pub fn key(&self) -> Result<PrivateKey, String> {
        self.key_if_held()?.ok_or_else(|| "holds no key: it names a file".to_owned())
    }

    /// A kubeconfig's own certificate; a key has none.
    pub fn certificate(&self) -> Result<Option<CertificateFacts>, String> {
        let KeyFile::Kubeconfig(config) = self else {
            return Ok(None);
        };
        let all =
            certificates_in_pem(&config.client_certificate).map_err(|error| error.to_string())?;
        let own = all.first().ok_or("holds no certificate")?;
        CertificateFacts::from_der(own).map(Some).map_err(|error| error.to_string())
    }

    /// Whether a key is that of the certificate beside it.
    pub fn check_pair(
        certificate: &CertificateFacts,
        key: Option<&PrivateKey>,
    ) -> Result<(), String> {
        match key {
            Some(key) if *key.public_key() != certificate.public_key => {
                Err("holds a certificate of another key".to_owned())
            }
            _ => Ok(()),
        }
    }
}
