//! The certificate that a server shows, right or wrong.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// What a server has shown.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub chain: Vec<Vec<u8>>,
    pub has_key: bool,
}

/// Takes any certificate and keeps it; its signature of the handshake must be right.
#[derive(Debug)]
pub struct Recorder {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Seen>,
}

impl Recorder {
    pub fn new(provider: &Arc<CryptoProvider>) -> Self {
        Recorder { provider: provider.clone(), seen: Mutex::default() }
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        self.change(|one| seen = one.clone());
        seen
    }

    fn signed(
        &self,
        checked: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.change(|seen| seen.has_key = checked.is_ok());
        checked
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = [leaf].into_iter().chain(above).map(|one| one.to_vec()).collect();
        self.change(|seen| *seen = Seen { chain, has_key: false });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.signed(verify_tls12_signature(message, leaf, signature, algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.signed(verify_tls13_signature(message, leaf, signature, algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
