//! A TLS server that asks of its clients what an API server asks, and kubectl to talk to it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rustls::crypto::ring::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::commands::{printed, tool};
use super::folder_project::FolderProject;

/// As a user of their own, without their settings.
pub fn kubectl(home: &Path) -> Command {
    let mut command = tool("kubectl");
    command.env("HOME", home).env_remove("KUBECONFIG").env("NO_PROXY", "*");
    command.arg("--request-timeout=20s");
    command
}

/// In RFC 2253 order: the last first.
pub fn subject_of(certificate: &[u8], folder: &Path) -> String {
    let file = folder.join("client.der");
    std::fs::write(&file, certificate).unwrap();
    let text = printed(
        tool("openssl")
            .args(["x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "RFC2253", "-in"])
            .arg(&file),
    );
    text.trim_end().strip_prefix("subject=").unwrap().to_owned()
}

/// A TLS server with apiserver.crt that demands a client certificate of the cluster CA and answers every
/// request with a version. Its thread ends with the process: it owns nothing that outlives it.
pub struct ApiServer {
    /// For each connection the client's certificate, or why there was none.
    clients: Receiver<Result<Vec<u8>, String>>,
}

impl ApiServer {
    pub fn start(listener: TcpListener, project: &FolderProject) -> Self {
        let pem = |path: &str| std::fs::read(project.on_node("cp1", path)).unwrap();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem("pki/ca.crt")) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(&pem("pki/apiserver.crt")).unwrap()],
                PrivateKeyDer::from_pem_slice(&pem("pki/apiserver.key")).unwrap(),
            )
            .unwrap();
        let (sender, clients) = channel();
        std::thread::spawn(move || serve(&listener, &Arc::new(config), &sender));
        ApiServer { clients }
    }

    pub fn next(&self) -> Result<Vec<u8>, String> {
        let patience = Duration::from_secs(20);
        self.clients.recv_timeout(patience).unwrap_or_else(|why| Err(why.to_string()))
    }
}

fn serve(
    listener: &TcpListener,
    config: &Arc<ServerConfig>,
    clients: &Sender<Result<Vec<u8>, String>>,
) {
    for stream in listener.incoming() {
        let answer = stream.and_then(|stream| answer(stream, config));
        if clients.send(answer.map_err(|why| why.to_string())).is_err() {
            return;
        }
    }
}

fn answer(mut stream: TcpStream, config: &Arc<ServerConfig>) -> std::io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut connection = ServerConnection::new(config.clone()).map_err(std::io::Error::other)?;
    let mut tls = Stream::new(&mut connection, &mut stream);
    let mut request: Vec<u8> = Vec::new();
    let mut piece = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match tls.read(&mut piece)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => request.extend(&piece[..read]),
        }
    }
    let body = r#"{"major":"1","minor":"36","gitVersion":"v1.36.2"}"#;
    let length = body.len();
    write!(
        tls,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    tls.conn.send_close_notify();
    tls.flush()?;
    let client = connection.peer_certificates().and_then(|chain| chain.first());
    client.map(|der| der.to_vec()).ok_or_else(|| std::io::Error::other("no client certificate"))
}
