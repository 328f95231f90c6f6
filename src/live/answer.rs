//! What a dial is, and what came of it: the values between the judges and the sockets.

use std::fmt;

use super::client::Client;
use crate::name::Endpoint;

/// Dials. All that is asked of the world outside.
pub trait Dialler: Sync {
    /// Goes to an address; its time begins.
    fn visit<'a>(&'a self, at: &'a Endpoint) -> Box<dyn Visit + 'a>;
}

/// One address, to which several connections may be made.
pub trait Visit {
    fn dial(&self, call: &Call<'_>) -> Answer;
}

/// One connection, and one request on it.
pub struct Call<'a> {
    /// Shown where the server asks for a client's certificate.
    pub client: Option<&'a Client>,
    pub get: &'a str,
    pub wants_body: bool,
}

pub struct Answer {
    /// DER, as the server sent them: its own certificate first. Empty where it did not come to that.
    pub chain: Vec<Vec<u8>>,
    /// The server signed the handshake with the key of the first one.
    pub has_key: bool,
    pub end: End,
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The time of the whole run was over before it began.
    NotDialled,
    /// The name has no address.
    Unresolved(String),
    /// Nobody listens there.
    Refused,
    Unreachable(String),
    /// Nothing more came before the time was over.
    Silent(Stage),
    /// HTTP in the clear.
    PlainHttp,
    /// Something that is no TLS.
    NotTls,
    /// It ended without a word.
    Closed(Stage),
    /// The server said why it ends: the number of an alert (RFC 8446 6).
    Alert(u8),
    /// TLS of a form that nobody here speaks, or broken.
    Broken(String),
    /// What came over TLS is no answer to a request.
    NotHttp,
    Answered(Response),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// `None`: not asked for, too large or cut.
    pub body: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Connect,
    Handshake,
    Request,
}

/// What an alert says of the client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertMeans {
    /// It is not taken.
    NotTaken,
    /// Nothing about that.
    SomethingElse,
}

use AlertMeans::{NotTaken, SomethingElse};

/// RFC 8446 6.2; those that speak of a certificate. Go sends 42, 46 and 48 for what it cannot verify
/// (crypto/tls, `processCertsFromClient`), and 45 for one that is out of date: that is a clock's mistake.
/// OpenSSL and rustls send 51 for a certificate that names their CA and that another key signed; the other
/// signature that it may speak of is ours of the handshake, which is right.
const ALERTS: &[(u8, &str, AlertMeans)] = &[
    (40, "handshake_failure", SomethingElse),
    (42, "bad_certificate", NotTaken),
    (43, "unsupported_certificate", SomethingElse),
    (44, "certificate_revoked", SomethingElse),
    (45, "certificate_expired", SomethingElse),
    (46, "certificate_unknown", NotTaken),
    (48, "unknown_ca", NotTaken),
    (49, "access_denied", NotTaken),
    (51, "decrypt_error", NotTaken),
    (70, "protocol_version", SomethingElse),
    (80, "internal_error", SomethingElse),
    (112, "unrecognized_name", SomethingElse),
    (116, "certificate_required", SomethingElse),
];

pub fn alert_means(number: u8) -> AlertMeans {
    let row = ALERTS.iter().find(|(known, ..)| *known == number);
    row.map_or(SomethingElse, |(_, _, means)| *means)
}

impl fmt::Display for End {
    /// Reads after the address: "nobody listens there".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::NotDialled => f.write_str("not dialled: the time of the whole run was over"),
            End::Unresolved(why) => write!(f, "its name has no address: {why}"),
            End::Refused => f.write_str("nobody listens there (connection refused)"),
            End::Unreachable(why) => write!(f, "cannot be reached: {why}"),
            End::Silent(Stage::Connect) => f.write_str("does not answer within the time limit"),
            End::Silent(Stage::Handshake) => f.write_str(
                "takes the connection, and the TLS handshake is not done within the time limit",
            ),
            End::Silent(Stage::Request) => {
                f.write_str("does not answer a request within the time limit")
            }
            End::PlainHttp => f.write_str("speaks HTTP in the clear, no TLS"),
            End::NotTls => f.write_str("speaks no TLS"),
            End::Closed(Stage::Request) => {
                f.write_str("ended the connection without an answer to the request")
            }
            End::Closed(_) => {
                f.write_str("ended the connection in the TLS handshake, without a reason")
            }
            End::Alert(number) => {
                let name = ALERTS.iter().find(|(known, ..)| known == number);
                match name {
                    Some((_, name, _)) => write!(f, "ended the TLS handshake: {name}"),
                    None => write!(f, "ended the TLS handshake: alert {number}"),
                }
            }
            End::Broken(why) => write!(f, "the TLS handshake failed: {why}"),
            End::NotHttp => f.write_str("does not speak HTTP over TLS"),
            End::Answered(response) => write!(f, "answered {}", response.status),
        }
    }
}
