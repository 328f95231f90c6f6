//! Servers on loopback that treat clients as Kubernetes' and etcd's do, and servers that behave badly.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, ServerConnection,
    SignatureScheme, Stream, SupportedProtocolVersion,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

/// An address of this machine that no other test has.
pub fn own_address() -> IpAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    assert!(next < 255, "too many addresses");
    Ipv4Addr::new(127, 32 + (high & 0x7f), low, next).into()
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Pair {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

/// Whose clients a server takes.
#[derive(Clone)]
pub enum Trusts {
    /// Of these CAs, in PEM.
    Cas(Vec<Vec<u8>>),
    /// Of any.
    Anybody,
}

/// How a server says that it does not take a client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// As an API server or a kubelet: HTTP 401 to whom it does not take, this to whom it does.
    Unauthorized(u16),
    /// As etcd: the handshake ends.
    Alert,
}

#[derive(Clone)]
pub struct Tls {
    pub pair: Pair,
    pub trusts: Trusts,
    pub says: Says,
    /// What is answered at the path of the service-account keys; 403 without.
    pub keys: Option<String>,
    pub version: Option<&'static SupportedProtocolVersion>,
}

/// Its thread ends with the process: it owns nothing that outlives it.
pub fn start(address: IpAddr, port: u16, tls: Tls) {
    let tls = Arc::new(tls);
    let config = Arc::new(config(&tls));
    raw(address, port, move |stream| {
        // What the client thinks of it is its own matter.
        drop(answer(stream, &config, &tls));
    });
}

/// A server that does with a connection whatever it likes.
pub fn raw(address: IpAddr, port: u16, serve: impl Fn(TcpStream) + Send + Sync + 'static) {
    let listener = TcpListener::bind((address, port)).unwrap();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
}

fn config(tls: &Tls) -> ServerConfig {
    let provider = Arc::new(default_provider());
    let verifier: Arc<dyn ClientCertVerifier> = match (&tls.trusts, tls.says) {
        (Trusts::Cas(cas), Says::Alert) => verifier(cas),
        _ => Arc::new(Anybody(provider.clone())),
    };
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = match tls.version {
        Some(version) => builder.with_protocol_versions(&[version]),
        None => builder.with_safe_default_protocol_versions(),
    };
    let chain = CertificateDer::pem_slice_iter(&tls.pair.certificate);
    let key = PrivateKeyDer::from_pem_slice(&tls.pair.key).unwrap();
    let builder = builder.unwrap().with_client_cert_verifier(verifier);
    builder.with_single_cert(chain.map(Result::unwrap).collect(), key).unwrap()
}

fn verifier(cas: &[Vec<u8>]) -> Arc<dyn ClientCertVerifier> {
    let mut roots = RootCertStore::empty();
    for ca in cas {
        roots.add(CertificateDer::from_pem_slice(ca).unwrap()).unwrap();
    }
    let provider = Arc::new(default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap()
}

fn answer(mut stream: TcpStream, config: &Arc<ServerConfig>, tls: &Tls) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut connection = ServerConnection::new(config.clone()).map_err(std::io::Error::other)?;
    let mut wire = Stream::new(&mut connection, &mut stream);
    let mut request: Vec<u8> = Vec::new();
    let mut piece = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match wire.read(&mut piece)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => request.extend(&piece[..read]),
        }
    }
    let is_taken = match (&tls.trusts, wire.conn.peer_certificates()) {
        // Without one it is anonymous, and some paths are for everybody.
        (Trusts::Anybody, _) | (Trusts::Cas(_), None) => true,
        (Trusts::Cas(cas), Some(chain)) => {
            verifier(cas).verify_client_cert(&chain[0], &chain[1..], UnixTime::now()).is_ok()
        }
    };
    let is_for_keys = request.starts_with(b"GET /openid/v1/jwks ");
    let (status, body) = match (tls.says, &tls.keys) {
        (Says::Unauthorized(_), _) if !is_taken => (401, "{}"),
        (_, Some(keys)) if is_for_keys => (200, keys.as_str()),
        _ if is_for_keys => (403, "{}"),
        (Says::Unauthorized(status), _) => (status, "{}"),
        (Says::Alert, _) => (200, "{}"),
    };
    let length = body.len();
    write!(wire, "HTTP/1.1 {status} Status\r\nContent-Length: {length}\r\n\r\n{body}")?;
    wire.conn.send_close_notify();
    wire.flush()
}

/// Asks for a certificate and takes any, as an API server does until it authenticates the request.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
