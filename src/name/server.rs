//! The server that a kubeconfig names.

use std::fmt;
use std::str::FromStr;

use super::error::{NameError, refuse};
use super::{Endpoint, San};

/// `https://HOST[:PORT][/PATH]`, as client-go dials it: 443 where no port is written, and a path stands
/// before that of every request (client-go's rest.DefaultServerURL and rest.NewRequest). A query and a
/// fragment, which it drops without a word, and a login, which would stand in every copy of the file, are
/// refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Server {
    pub host: San,
    /// As written, so that the text of a kubeconfig that is there can be kept.
    port: Option<u16>,
    /// Empty, or from its first slash on.
    path: Box<str>,
}

/// Of URLs with `https` (RFC 9110 4.2.2).
const HTTPS_PORT: u16 = 443;

impl Server {
    /// As a kubeconfig has it.
    pub fn url(&self) -> String {
        self.to_string()
    }

    pub fn port(&self) -> u16 {
        self.port.unwrap_or(HTTPS_PORT)
    }

    /// Whether nobody but the endpoint answers there.
    pub fn is(&self, endpoint: &Endpoint) -> bool {
        self.host == endpoint.host
            && self.port() == endpoint.port
            && matches!(&*self.path, "" | "/")
    }
}

impl From<&Endpoint> for Server {
    fn from(endpoint: &Endpoint) -> Self {
        Server { host: endpoint.host.clone(), port: Some(endpoint.port), path: "".into() }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("https://")?;
        match &self.host {
            San::Ip(std::net::IpAddr::V6(six)) => write!(f, "[{six}]")?,
            host => host.fmt(f)?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.path)
    }
}

impl FromStr for Server {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let Some(rest) = text.strip_prefix("https://") else {
            return refuse(if text.contains("://") {
                "is no https:// URL; a client shows its key's certificate in TLS alone: write https://HOST:PORT"
            } else {
                "is no URL; write https://HOST:PORT"
            });
        };
        for (sign, what) in [
            ('?', "a query, which clients drop without a word"),
            ('#', "a fragment, which clients drop without a word"),
            ('@', "a login, which everybody who gets the file would read"),
        ] {
            if rest.contains(sign) {
                return refuse(format!("has {what}; delete it"));
            }
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        check_path(path)?;
        if authority.is_empty() {
            return refuse("names no host; write https://HOST:PORT");
        }
        // Here a port is told from an address by brackets alone, and 443 is meant where none is written.
        if !authority.starts_with('[') && authority.matches(':').count() > 1 {
            return refuse("has no brackets around its address; write https://[ADDRESS]:PORT");
        }
        let has_port = match authority.rsplit_once(']') {
            Some((_, rest)) => !rest.is_empty(),
            None => authority.contains(':'),
        };
        let Endpoint { host, port } = authority.parse()?;
        Ok(Server { host, port: has_port.then_some(port), path: path.into() })
    }
}

/// Go joins it with the path of each request and cleans the whole: what it would clean is another path to a
/// proxy that does not.
fn check_path(path: &str) -> Result<(), NameError> {
    let Some(path) = path.strip_prefix('/').filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let segments = path.strip_suffix('/').unwrap_or(path).split('/');
    for segment in segments {
        if matches!(segment, "" | "." | "..") {
            return refuse(
                "has an empty, `.` or `..` part in its path; write the path that is meant",
            );
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if let Some(bad) = segment.chars().find(|c| !plain(*c)) {
            return refuse(format!(
                "has {bad:?} in its path; use ASCII letters, digits, `-`, `.`, `_` and `~`"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Host and port as Go's net/url and client-go read them.
    #[test]
    fn a_server_is_an_https_url_of_one_host() {
        for (text, host, port) in [
            ("https://127.0.0.1:6443", "127.0.0.1", 6443),
            ("https://k8s.corp.example", "k8s.corp.example", 443),
            ("https://k8s.corp.example:443", "k8s.corp.example", 443),
            ("https://k8s.corp.example/", "k8s.corp.example", 443),
            ("https://rancher.example/k8s/clusters/c-m-1", "rancher.example", 443),
            ("https://[fd00::1]:6443/", "fd00::1", 6443),
            ("https://[fd00::1]", "fd00::1", 443),
            ("https://[::1]:7445", "::1", 7445),
            ("https://localhost:1", "localhost", 1),
        ] {
            let server: Server = text.parse().unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!((server.host.to_string().as_str(), server.port()), (host, port), "{text}");
            assert_eq!(server.to_string(), text);
        }
        for text in [
            "",
            "127.0.0.1:6443",
            "http://127.0.0.1:6443",
            "HTTPS://127.0.0.1:6443",
            "https:/127.0.0.1",
            "https://",
            "https://:6443",
            "https://a.lab:",
            "https://a.lab:0",
            "https://a.lab:06443",
            "https://a.lab:65536",
            "https://a.lab:6443?x=1",
            "https://a.lab:6443#x",
            "https://jane:secret@a.lab:6443",
            "https://fd00::1",
            "https://fd00::1:6443",
            "https://[fe80::1%25eth0]:6443",
            "https://[fe80::1]:6443",
            "https://0.0.0.0:6443",
            "https://*.lab:6443",
            "https://A.lab:6443",
            "https://a.lab:6443/../b",
            "https://a.lab:6443//b",
            "https://a.lab:6443/a%2fb",
            "https://a.lab:6443/a b",
            "https://a.lab\\b",
            " https://a.lab",
            "https://a.lab ",
        ] {
            assert!(text.parse::<Server>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_server_is_an_endpoint_or_another_place() {
        let is = |server: &str, endpoint: &str| {
            server.parse::<Server>().unwrap().is(&endpoint.parse().unwrap())
        };
        assert!(is("https://a.lab:6443", "a.lab"));
        assert!(is("https://a.lab/", "a.lab:443"));
        assert!(!is("https://a.lab", "a.lab"));
        assert!(!is("https://a.lab:6443/proxy", "a.lab"));
        assert!(!is("https://b.lab:6443", "a.lab"));
        let endpoint: Endpoint = "[fd00::1]:443".parse().unwrap();
        assert_eq!(Server::from(&endpoint).url(), "https://[fd00::1]:443");
    }
}
