//! How the kubelet probes a process, and where: what its flags say, as kubeadm reads them.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::net::IpAddr;

use super::flags::loopback_like;
use super::scalar::scalar;
use crate::name::API_PORT;
use crate::profile::{ETCD_METRICS_PORT, Process};

/// kubeadm's numbers: a pod is ready within a second of its process, and dies only after long silence.
pub(super) struct Probe {
    name: &'static str,
    failures: u32,
    initial_delay: Option<u32>,
    period: u32,
}

pub(super) const LIVENESS: Probe =
    Probe { name: "livenessProbe", failures: 8, initial_delay: Some(10), period: 10 };

pub(super) const READINESS: Probe =
    Probe { name: "readinessProbe", failures: 3, initial_delay: None, period: 1 };

pub(super) const STARTUP: Probe =
    Probe { name: "startupProbe", failures: 24, initial_delay: Some(10), period: 10 };

/// kubeadm's name for the port of a pod's probes.
pub(super) const PORT_NAME: &str = "probe-port";

impl Probe {
    /// `named`: the container gives the port a name, [`PORT_NAME`].
    pub(super) fn write(
        &self,
        out: &mut String,
        path: &str,
        target: &ProbeTarget,
        named: bool,
    ) -> fmt::Result {
        write!(
            out,
            "    {}:\n      failureThreshold: {}\n      httpGet:\n        host: {}\n        path: {}\n        port: ",
            self.name,
            self.failures,
            scalar(&target.host),
            scalar(path),
        )?;
        if named {
            out.push_str(PORT_NAME);
        } else {
            write!(out, "{}", target.port)?;
        }
        write!(out, "\n        scheme: {}\n", target.scheme)?;
        if let Some(delay) = self.initial_delay {
            writeln!(out, "      initialDelaySeconds: {delay}")?;
        }
        write!(out, "      periodSeconds: {}\n      timeoutSeconds: 15\n", self.period)
    }
}

/// Where a process answers the kubelet.
#[derive(Debug, PartialEq, Eq)]
pub struct ProbeTarget {
    pub host: String,
    pub port: u16,
    pub scheme: &'static str,
}

pub fn probe_target(process: Process, flags: &BTreeMap<String, String>) -> ProbeTarget {
    let flag = |name: &str| flags.get(name).map(String::as_str);
    match process {
        Process::Etcd => metrics_target(flag("listen-metrics-urls").unwrap_or_default()),
        Process::Apiserver => {
            https(flag("bind-address").or(flag("advertise-address")), flag("secure-port"), API_PORT)
        }
        Process::ControllerManager => https(flag("bind-address"), flag("secure-port"), 10257),
        Process::Scheduler => https(flag("bind-address"), flag("secure-port"), 10259),
    }
}

fn https(host: Option<&str>, port: Option<&str>, default_port: u16) -> ProbeTarget {
    ProbeTarget {
        host: dialable(host.unwrap_or("127.0.0.1")),
        port: port.and_then(crate::name::port).unwrap_or(default_port),
        scheme: "HTTPS",
    }
}

/// The first of etcd's metrics URLs.
fn metrics_target(urls: &str) -> ProbeTarget {
    let first = urls.split(',').next().unwrap_or_default();
    let (scheme, rest) = match first.strip_prefix("https://") {
        Some(rest) => ("HTTPS", rest),
        None => ("HTTP", first.strip_prefix("http://").unwrap_or(first)),
    };
    let (host, port) = rest
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host, crate::name::port(port)?)))
        .unwrap_or((rest, ETCD_METRICS_PORT));
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ProbeTarget { host: dialable(if host.is_empty() { "127.0.0.1" } else { host }), port, scheme }
}

/// A process that listens on every address is probed on its loopback.
fn dialable(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => loopback_like(address).to_string(),
        Ok(address) => address.to_string(),
        Err(_) => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(process: Process, flags: &[(&str, &str)]) -> (String, u16, &'static str) {
        let flags =
            flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let target = probe_target(process, &flags);
        (target.host, target.port, target.scheme)
    }

    #[test]
    fn probes_follow_the_flags() {
        let etcd = |urls| target(Process::Etcd, &[("listen-metrics-urls", urls)]);
        assert_eq!(etcd("http://127.0.0.1:2381"), ("127.0.0.1".into(), 2381, "HTTP"));
        assert_eq!(etcd("http://[::1]:2381"), ("::1".into(), 2381, "HTTP"));
        assert_eq!(
            etcd("https://0.0.0.0:99,http://10.0.0.1:2381"),
            ("127.0.0.1".into(), 99, "HTTPS")
        );
        assert_eq!(etcd("http://[::]:2381"), ("::1".into(), 2381, "HTTP"));
        assert_eq!(etcd("http://localhost"), ("localhost".into(), 2381, "HTTP"));
        assert_eq!(etcd(""), ("127.0.0.1".into(), 2381, "HTTP"));
        let api = |flags| target(Process::Apiserver, flags);
        assert_eq!(
            api(&[("advertise-address", "10.0.0.1"), ("secure-port", "443")]),
            ("10.0.0.1".into(), 443, "HTTPS")
        );
        assert_eq!(
            api(&[("advertise-address", "10.0.0.1"), ("bind-address", "::")]),
            ("::1".into(), 6443, "HTTPS")
        );
        assert_eq!(
            target(Process::Scheduler, &[("bind-address", "0.0.0.0")]),
            ("127.0.0.1".into(), 10259, "HTTPS")
        );
        assert_eq!(target(Process::ControllerManager, &[]), ("127.0.0.1".into(), 10257, "HTTPS"));
    }
}
