//! What a process is told against what its certificates say: mistakes that a cluster would show only as
//! failed handshakes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::sans::{first_service_address, sans};
use crate::manifest::{disagreements, excluder};
use crate::name::{API_PORT, San};
use crate::profile::{
    APISERVER, Business, ETCD_PEER, ETCD_SERVER, FLAGS, FRONT_PROXY_CLIENT,
    FRONT_PROXY_CLIENT_NAME, KUBERNETES_FOLDER, Process, Weight,
};
use crate::spec::{Node, Spec};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The cluster would not work.
    Refused,
    /// It works, and somebody should know.
    Remark,
}

/// About one flag of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// Without dashes.
    pub flag: String,
    /// The other flag, where two do not go together.
    pub other: Option<String>,
    pub severity: Severity,
    pub message: String,
    pub help: String,
}

/// Judges all flags of a process on a node, by name without dashes.
pub fn contradictions(
    spec: &Spec,
    node: &Node,
    process: Process,
    flags: &BTreeMap<String, String>,
) -> Vec<Contradiction> {
    let mut judge = Judge { spec, node, flags, found: Vec::new() };
    judge.company(process);
    match process {
        Process::Apiserver => {
            judge.service_network();
            judge.etcd_servers();
            judge.secure_port();
            judge.advertise_address();
            judge.separate_authorities();
            judge.access();
        }
        Process::ControllerManager => judge.separate_authorities(),
        Process::Etcd => judge.member_urls(),
        Process::Scheduler => {}
    }
    judge.found
}

struct Judge<'a> {
    spec: &'a Spec,
    node: &'a Node,
    flags: &'a BTreeMap<String, String>,
    found: Vec<Contradiction>,
}

impl Judge<'_> {
    /// `None` for what the kubelet takes from a variable, too: it cannot be judged.
    fn value(&self, flag: &str) -> Option<&str> {
        self.flags.get(flag).map(String::as_str).filter(|value| !value.contains("$("))
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.contains_key(flag)
    }

    /// What decides over access is not passed over in silence.
    fn unknown(&mut self, flag: &'static str) {
        if self.has(flag) && self.value(flag).is_none() {
            self.remark(
                flag,
                format!("--{flag} takes its value from a variable, which is not judged"),
            );
        }
    }

    /// Flags that exclude or need each other.
    fn company(&mut self, process: Process) {
        let found = disagreements(process, self.flags).into_iter().map(|one| Contradiction {
            flag: one.flag,
            other: Some(one.other),
            severity: match one.weight {
                Weight::Ends => Severity::Refused,
                Weight::MayFail => Severity::Remark,
            },
            message: one.message,
            help: one.help,
        });
        self.found.extend(found);
        let given = || self.flags.iter().map(|(flag, value)| (flag.as_str(), value.as_str()));
        let rows =
            FLAGS.iter().filter(|row| row.process == process && row.business == Business::Own);
        let left_out = rows.filter(|row| !self.has(row.name));
        let left_out =
            left_out.filter_map(|row| Some((row.name, excluder(process, row.name, given())?)));
        let remarks: Vec<Contradiction> = left_out
            .map(|(name, flag)| Contradiction {
                flag: flag.to_owned(),
                other: None,
                severity: Severity::Remark,
                message: format!("--{flag} excludes --{name}, which kpki leaves out"),
                help: String::new(),
            })
            .collect();
        self.found.extend(remarks);
    }

    fn refuse(&mut self, flag: &'static str, message: String, help: impl Into<String>) {
        self.found.push(Contradiction {
            flag: flag.to_owned(),
            other: None,
            severity: Severity::Refused,
            message,
            help: help.into(),
        });
    }

    fn remark(&mut self, flag: &'static str, message: impl Into<String>) {
        self.found.push(Contradiction {
            flag: flag.to_owned(),
            other: None,
            severity: Severity::Remark,
            message: message.into(),
            help: String::new(),
        });
    }

    /// Pods dial the network's first service address, and check it against the certificate.
    fn service_network(&mut self) {
        const FLAG: &str = "service-cluster-ip-range";
        let Some(value) = self.value(FLAG) else {
            return;
        };
        let Some(address) = first_service_address(value) else {
            let message = format!("--{FLAG}={value} names no network");
            return self.refuse(FLAG, message, "write address/prefix, such as 10.96.0.0/12");
        };
        if !sans(self.spec, &APISERVER, Some(self.node)).contains(&San::Ip(address)) {
            let message = format!(
                "--{FLAG}={value} gives the API server the address {address}, which its certificate lacks"
            );
            let written = &self.spec.cluster.service_cidrs;
            let networks: Vec<String> = written.value.iter().map(IpNet::to_string).collect();
            let help = format!(
                "the description has service-cidr {} ({}): write the same network in both",
                networks.join(" "),
                written.origin
            );
            self.refuse(FLAG, message, help);
        }
    }

    fn etcd_servers(&mut self) {
        const FLAG: &str = "etcd-servers";
        let known: BTreeSet<San> = members(self.spec)
            .flat_map(|member| sans(self.spec, &ETCD_SERVER, Some(member)))
            .collect();
        let who = "which no etcd member's certificate has";
        self.urls(FLAG, &known, who);
    }

    fn member_urls(&mut self) {
        let server = sans(self.spec, &ETCD_SERVER, Some(self.node));
        let peer = sans(self.spec, &ETCD_PEER, Some(self.node));
        let who = format!("which the certificate of {} lacks", self.node.name);
        self.urls("advertise-client-urls", &server, &who);
        self.urls("initial-advertise-peer-urls", &peer, &who);
        for flag in ["client-cert-auth", "peer-client-cert-auth"] {
            self.unknown(flag);
            if self.value(flag) != Some("true") && !(self.has(flag) && self.value(flag).is_none()) {
                self.remark(
                    flag,
                    format!(
                        "without --{flag}=true whoever reaches etcd's port can read and change the cluster"
                    ),
                );
            }
        }
    }

    /// Every host that others dial must be in a certificate.
    fn urls(&mut self, flag: &'static str, known: &BTreeSet<San>, who: &str) {
        let Some(value) = self.value(flag) else {
            return;
        };
        let urls: Vec<String> = value.split(',').map(str::to_owned).collect();
        for url in urls {
            if url.starts_with("http://") {
                self.remark(flag, format!("--{flag}: {url} is not encrypted"));
                continue;
            }
            match host_of(&url) {
                Some(host) if known.contains(&host) => {}
                Some(host) => {
                    let message = format!("--{flag} names {host}, {who}");
                    let help = format!(
                        "correct the flag or the node's `address`, or add component \"etcd\" {{ san \"{host}\" }}"
                    );
                    self.refuse(flag, message, help);
                }
                None => {
                    let message = format!("--{flag} has {url:?}, which is no URL of a server");
                    self.refuse(flag, message, "write https://ADDRESS:PORT");
                }
            }
        }
    }

    /// Kubeconfigs of the node's own processes dial this port.
    fn secure_port(&mut self) {
        const FLAG: &str = "secure-port";
        let wished = API_PORT.to_string();
        if let Some(value) = self.value(FLAG).filter(|value| *value != wished) {
            let message = format!(
                "--{FLAG}={value}, but controller-manager.conf and scheduler.conf dial port {API_PORT} of their node"
            );
            self.refuse(
                FLAG,
                message,
                format!("keep {API_PORT}; a load balancer may listen on another port (`endpoint`)"),
            );
        }
    }

    fn advertise_address(&mut self) {
        const FLAG: &str = "advertise-address";
        if let Some(value) = self.value(FLAG) {
            let own = value.parse::<IpAddr>().is_ok_and(|address| {
                let mut addresses = self.node.addresses.iter();
                addresses.any(|own| own.ip() == address)
            });
            if !own {
                let message = format!("--{FLAG}={value} is no address of {}", self.node.name);
                self.remark(FLAG, message);
            }
        }
    }

    /// Whoever may speak for others must not be whom everybody's client certificate comes from
    /// (kube-apiserver's documentation of `--requestheader-client-ca-file`).
    fn separate_authorities(&mut self) {
        const FLAG: &str = "requestheader-client-ca-file";
        let proxies = self.value(FLAG).map(str::to_owned);
        if proxies.is_some() && proxies.as_deref() == self.value("client-ca-file") {
            self.refuse(
                FLAG,
                format!("--{FLAG} and --client-ca-file name one file: every client could speak for others"),
                "the front proxy has a CA of its own, pki/front-proxy-ca.crt",
            );
        }
    }

    fn access(&mut self) {
        const MODES: &str = "authorization-mode";
        self.unknown(MODES);
        match self.value(MODES) {
            Some(modes) if modes.split(',').any(|mode| mode == "AlwaysAllow") => {
                self.remark(MODES, format!("--{MODES}={modes} allows everybody everything"));
            }
            None if !self.has(MODES) && !self.has("authorization-config") => {
                self.remark(MODES, format!("without --{MODES} everybody is allowed everything"));
            }
            _ => {}
        }
        if self.value("anonymous-auth") == Some("true") {
            self.remark(
                "anonymous-auth",
                "--anonymous-auth=true: requests without a certificate or token are authorized as system:anonymous",
            );
        }
        self.front_proxy();
    }

    /// kpki's front-proxy client must have an allowed name.
    fn front_proxy(&mut self) {
        const NAMES: &str = "requestheader-allowed-names";
        let client = FRONT_PROXY_CLIENT_NAME;
        let own = format!("/{KUBERNETES_FOLDER}/{}", FRONT_PROXY_CLIENT.home.file());
        // Whose certificate another file has is not known.
        if self.value("proxy-client-cert-file") != Some(&own) {
            return;
        }
        self.unknown(NAMES);
        if let Some(names) = self.value(NAMES)
            && !names.is_empty()
            && !names.split(',').any(|name| name == client)
        {
            let message = format!(
                "--{NAMES}={names} does not hold {client}: aggregated APIs refuse the API server"
            );
            self.refuse(NAMES, message, format!("write \"{names},{client}\""));
        }
    }
}

fn members(spec: &Spec) -> impl Iterator<Item = &Node> {
    let hosts = Process::Etcd.hosts();
    spec.nodes.iter().filter(move |node| hosts.include(node, spec))
}

/// `https://HOST:PORT/…`
fn host_of(url: &str) -> Option<San> {
    let rest = url.trim().strip_prefix("https://")?;
    let authority = rest.split('/').next()?;
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host.parse().ok()
}
