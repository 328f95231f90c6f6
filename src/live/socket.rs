//! The one place that opens sockets.
//!
//! The handshake takes any certificate, so that a wrong one can be shown and judged; that the server has its
//! key is checked all the same. Every operation has the time that is left of its address, so that a server
//! that sends a byte at a time holds nobody up.

mod recorder;
mod wire;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};

use self::recorder::Recorder;
use self::wire::{Wire, left};
use super::answer::{Answer, Call, Dialler, End, Stage, Visit};
use super::http::{self, Read as Told};
use crate::name::{Endpoint, San};
use crate::time::Span;

/// What one address may take, all its connections together.
const ADDRESS: Duration = Duration::from_secs(10);

/// How long to wait for what a server says of itself after the handshake. With TLS 1.3 it judges the client
/// only then: a ticket or an alert follows (RFC 8446 4.4.2). A request that is under way when a server closes
/// makes the kernel throw its alert away.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// A server that refuses a client says so and closes. Where something of the client's is on its way then,
/// the kernel may throw away what the server said (RFC 9293 3.10.7), and only another attempt hears it.
const ATTEMPTS: usize = 3;

/// Dials over TCP.
pub struct Sockets {
    ends: Instant,
    provider: Arc<CryptoProvider>,
}

impl Sockets {
    /// The whole run has this time, from now on.
    pub fn new(limit: Span) -> Self {
        let limit = Duration::from_secs(limit.as_seconds());
        Sockets { ends: Instant::now() + limit, provider: Arc::new(ring::default_provider()) }
    }
}

impl Dialler for Sockets {
    fn visit<'a>(&'a self, at: &'a Endpoint) -> Box<dyn Visit + 'a> {
        let now = Instant::now();
        let ends = self.ends.min(now + ADDRESS);
        let addresses = if now < ends { addresses(at, ends) } else { Err(End::NotDialled) };
        Box::new(Address { at, ends, addresses, provider: &self.provider })
    }
}

struct Address<'a> {
    at: &'a Endpoint,
    ends: Instant,
    addresses: Result<Vec<SocketAddr>, End>,
    provider: &'a Arc<CryptoProvider>,
}

impl Visit for Address<'_> {
    fn dial(&self, call: &Call<'_>) -> Answer {
        let failed = |end| Answer { chain: Vec::new(), has_key: false, end };
        let addresses = match &self.addresses {
            Ok(addresses) => addresses,
            Err(end) => return failed(end.clone()),
        };
        let once = || match connect(addresses, self.ends) {
            Err(end) => failed(end),
            Ok(stream) => self.talk(stream, call),
        };
        let mut answer = once();
        for _ in 1..ATTEMPTS {
            if call.client.is_none() || !matches!(answer.end, End::Closed(_)) {
                break;
            }
            answer = once();
        }
        answer
    }
}

/// The resolver has no time limit of its own, so it is waited for from outside.
fn addresses(at: &Endpoint, ends: Instant) -> Result<Vec<SocketAddr>, End> {
    let name = match &at.host {
        San::Ip(address) => return Ok(vec![SocketAddr::new(*address, at.port)]),
        San::Dns(name) => name.to_string(),
    };
    let (sender, found) = channel();
    let port = at.port;
    std::thread::spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs();
        drop(sender.send(found.map(Iterator::collect::<Vec<_>>)));
    });
    match found.recv_timeout(left(ends)) {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Ok(Ok(_)) => Err(End::Unresolved("the resolver knows none".to_owned())),
        Ok(Err(why)) => Err(End::Unresolved(why.to_string())),
        Err(_) => Err(End::Unresolved("the resolver does not answer".to_owned())),
    }
}

/// The first that takes the connection. Each of several has its share of the time.
fn connect(addresses: &[SocketAddr], ends: Instant) -> Result<TcpStream, End> {
    let mut last = End::Silent(Stage::Connect);
    for (tried, address) in addresses.iter().enumerate() {
        let others = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let share = left(ends) / others;
        if share.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => return Ok(stream),
            Err(why) => {
                last = match why.kind() {
                    ErrorKind::ConnectionRefused => End::Refused,
                    ErrorKind::TimedOut | ErrorKind::WouldBlock => End::Silent(Stage::Connect),
                    _ => End::Unreachable(why.to_string()),
                };
            }
        }
    }
    Err(last)
}

impl Address<'_> {
    fn talk(&self, stream: TcpStream, call: &Call<'_>) -> Answer {
        let recorder = Arc::new(Recorder::new(self.provider));
        let end = match self.connection(call, &recorder) {
            Err(why) => End::Broken(why.to_string()),
            Ok(mut tls) => {
                let mut wire = Wire::new(stream, self.ends);
                exchange(&mut tls, &mut wire, &http::request(&self.at.to_string(), call.get), call)
                    .unwrap_or_else(|end| end)
            }
        };
        let seen = recorder.seen();
        Answer { chain: seen.chain, has_key: seen.has_key, end }
    }

    fn connection(
        &self,
        call: &Call<'_>,
        recorder: &Arc<Recorder>,
    ) -> Result<ClientConnection, rustls::Error> {
        let config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(recorder.clone());
        let config = match call.client {
            None => config.with_no_client_auth(),
            Some(client) => {
                let certificate = CertificateDer::from(client.certificate.clone());
                let key = PrivatePkcs8KeyDer::from(client.key.expose().to_vec());
                config.with_client_auth_cert(vec![certificate], key.into())?
            }
        };
        let name = match &self.at.host {
            San::Ip(address) => ServerName::IpAddress(IpAddr::into(*address)),
            San::Dns(name) => ServerName::try_from(name.to_string())
                .map_err(|_| rustls::Error::General("its name is no name of a server".into()))?,
        };
        ClientConnection::new(Arc::new(config), name)
    }
}

/// `Err`: how it ended before there was an answer.
fn exchange(
    tls: &mut ClientConnection,
    wire: &mut Wire,
    request: &[u8],
    call: &Call<'_>,
) -> Result<End, End> {
    while tls.is_handshaking() {
        match tls.complete_io(wire) {
            Ok((0, 0)) => return Err(End::Closed(Stage::Handshake)),
            Ok(_) => {}
            Err(why) => return Err(ended(&why, wire, Stage::Handshake)),
        }
    }
    if tls.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
        let whole = wire.ends;
        wire.ends = whole.min(Instant::now() + FIRST_WORD);
        let word = receive(tls, wire);
        wire.ends = whole;
        match word {
            Ok(0) => return Err(End::Closed(Stage::Handshake)),
            Ok(_) | Err(End::Silent(_)) => {}
            Err(end) => return Err(end),
        }
    }
    // A server may have refused the client meanwhile: then what it said is still to be read.
    let sent = send(tls, wire, request);
    let mut bytes = Vec::new();
    loop {
        let is_all = match receive(tls, wire) {
            Ok(0) => true,
            Ok(_) => false,
            Err(End::Silent(stage)) if sent => return Err(End::Silent(stage)),
            Err(End::Closed(_) | End::Silent(_)) => true,
            Err(end) => return Err(end),
        };
        let is_all = take(tls, &mut bytes) || is_all;
        match http::read(&bytes, call.wants_body, is_all) {
            Told::Done(response) => {
                tls.send_close_notify();
                drop(tls.write_tls(wire).and_then(|_| wire.flush()));
                return Ok(End::Answered(response));
            }
            Told::NotHttp if bytes.is_empty() => return Err(End::Closed(Stage::Request)),
            Told::NotHttp => return Err(End::NotHttp),
            Told::More => {}
        }
    }
}

fn send(tls: &mut ClientConnection, wire: &mut Wire, request: &[u8]) -> bool {
    let mut is_sent = tls.writer().write_all(request).is_ok();
    while is_sent && tls.wants_write() {
        is_sent = tls.write_tls(wire).is_ok();
    }
    is_sent && wire.flush().is_ok()
}

/// How many bytes came; 0: no more will.
fn receive(tls: &mut ClientConnection, wire: &mut Wire) -> Result<usize, End> {
    let count = tls.read_tls(wire).map_err(|why| ended(&why, wire, Stage::Request))?;
    tls.process_new_packets().map_err(|why| broken(&why, wire))?;
    Ok(count)
}

/// What was said so far; `true`: the server said that this is all.
fn take(tls: &mut ClientConnection, bytes: &mut Vec<u8>) -> bool {
    let mut piece = [0; 4096];
    loop {
        match tls.reader().read(&mut piece) {
            Ok(0) => return true,
            Ok(count) => bytes.extend_from_slice(piece.get(..count).unwrap_or(&[])),
            Err(why) => return why.kind() != ErrorKind::WouldBlock,
        }
    }
}

fn ended(why: &std::io::Error, wire: &Wire, stage: Stage) -> End {
    let cause = why.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match (cause, why.kind()) {
        (Some(cause), _) => broken(cause, wire),
        (None, ErrorKind::TimedOut | ErrorKind::WouldBlock) => End::Silent(stage),
        _ => End::Closed(stage),
    }
}

fn broken(why: &rustls::Error, wire: &Wire) -> End {
    match why {
        rustls::Error::AlertReceived(alert) => End::Alert((*alert).into()),
        // The first byte of a record of the handshake, or of an alert (RFC 8446 5.1).
        _ if wire.start.starts_with(b"HTTP/") => End::PlainHttp,
        _ if !matches!(wire.start.first(), None | Some(21 | 22)) => End::NotTls,
        other => End::Broken(other.to_string()),
    }
}
