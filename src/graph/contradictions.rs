//! What a process is told against what its certificates say: mistakes that a cluster would show only as
//! failed handshakes.

mod found;
mod gone;
mod networks;
mod urls;
mod weak;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::sans::{first_service_address, sans};
use crate::manifest::{disagreements, excluder};
use crate::name::{API_PORT, San};
use crate::profile::{
    APISERVER, Answers, Business, ETCD_PEER, ETCD_SERVER, FLAGS, FRONT_PROXY_CLIENT,
    FRONT_PROXY_CLIENT_NAME, Process, Weight, below_root,
};
use crate::spec::{Node, Spec};
use crate::version::KubernetesVersion;

use found::is_variable;
pub use found::{About, Contradiction, Severity};
pub use networks::{LARGEST_BEFORE, largest_is_lifted};
pub use urls::{Host, Known, hosts};

/// Judges all flags of a process, by name without dashes, without a description.
pub fn flags_alone(
    process: Process,
    flags: &BTreeMap<String, String>,
    version: Option<KubernetesVersion>,
    known: &Known<'_>,
) -> Vec<Contradiction> {
    let mut found = company(process, flags);
    found.extend(networks::networks(process, flags, version));
    found.extend(urls::urls(process, flags, known));
    found.extend(weak::weak(process, flags));
    found
}

/// Judges all flags of a process on a node, by name without dashes.
pub fn contradictions(
    spec: &Spec,
    node: &Node,
    process: Process,
    flags: &BTreeMap<String, String>,
) -> Vec<Contradiction> {
    let version = Some(spec.cluster.kubernetes.value);
    let mut found =
        flags_alone(process, flags, version, &|answers, _| Some(answering(spec, node, answers)));
    found.extend(gone::gone(spec, process, flags));
    let mut judge = Judge { spec, node, flags, found };
    judge.left_out(process);
    match process {
        Process::Apiserver => {
            judge.service_network();
            judge.secure_port();
            judge.advertise_address();
            judge.separate_authorities();
            judge.anonymous();
            judge.front_proxy();
        }
        Process::ControllerManager => {
            judge.separate_authorities();
            judge.pod_network();
        }
        Process::Etcd | Process::Scheduler => {}
    }
    judge.found
}

/// Flags that exclude or need each other.
fn company(process: Process, flags: &BTreeMap<String, String>) -> Vec<Contradiction> {
    let found = disagreements(process, flags).into_iter().map(|one| Contradiction {
        flag: one.flag,
        other: Some(one.other),
        severity: match one.weight {
            Weight::Ends => Severity::Refused,
            Weight::MayFail => Severity::Remark,
        },
        about: About::Company,
        message: one.message,
        help: one.help,
    });
    found.collect()
}

/// The names that whoever answers has, by the description.
fn answering(spec: &Spec, node: &Node, answers: Answers) -> (BTreeSet<San>, String) {
    let of_node = || format!("which the certificate of {} lacks", node.name);
    match answers {
        Answers::EtcdMember => {
            let all = members(spec).flat_map(|member| sans(spec, &ETCD_SERVER, Some(member)));
            (all.collect(), "which no etcd member's certificate has".to_owned())
        }
        Answers::EtcdServer => (sans(spec, &ETCD_SERVER, Some(node)), of_node()),
        Answers::EtcdPeer => (sans(spec, &ETCD_PEER, Some(node)), of_node()),
    }
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
        self.flags.get(flag).map(String::as_str).filter(|value| !is_variable(value))
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

    /// What kpki does not say because of another flag.
    fn left_out(&mut self, process: Process) {
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
                about: About::Company,
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
            about: About::Description,
            message,
            help: help.into(),
        });
    }

    fn remark(&mut self, flag: &'static str, message: impl Into<String>) {
        self.found.push(Contradiction {
            flag: flag.to_owned(),
            other: None,
            severity: Severity::Remark,
            about: About::Description,
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
        // What is no network is said already.
        let Some(address) = first_service_address(value) else { return };
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

    /// Kubeconfigs of the node's own processes dial this port.
    fn secure_port(&mut self) {
        const FLAG: &str = "secure-port";
        self.unknown(FLAG);
        let wished = self.spec.api_port();
        let (listens, written) = match self.value(FLAG) {
            Some(value) => (crate::name::port(value), format!("--{FLAG}={value}")),
            None if self.has(FLAG) => return,
            None => (
                Some(API_PORT),
                format!("kube-apiserver listens on port {API_PORT} where no --{FLAG} is given"),
            ),
        };
        if listens == Some(wished) {
            return;
        }
        let message = format!(
            "{written}, but controller-manager.conf and scheduler.conf dial port {wished} of their node"
        );
        let help = match listens {
            Some(port) => format!(
                "give --{FLAG}={wished}, or write component \"apiserver\" port={port}, which all kubeconfigs follow; \
                 a load balancer may listen on another port (`endpoint`)"
            ),
            None => format!("write a port from 1 to 65535, such as {wished}"),
        };
        self.refuse(FLAG, message, help);
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

    fn anonymous(&mut self) {
        if self.value("anonymous-auth") == Some("true") {
            self.remark(
                "anonymous-auth",
                "--anonymous-auth=true: requests without a certificate or token are authorized as system:anonymous",
            );
        }
    }

    /// A node in the network of pods is right where the cloud gives pods addresses of the same network, and
    /// wrong where the controller-manager cuts it into parts.
    fn pod_network(&mut self) {
        const FLAG: &str = "cluster-cidr";
        let Some(value) = self.value(FLAG).map(str::to_owned) else { return };
        if self.value("allocate-node-cidrs") != Some("true") {
            return;
        }
        let networks = value.split(',').filter_map(|text| text.trim().parse::<IpNet>().ok());
        for network in networks {
            let addresses = self.spec.nodes.iter().flat_map(|node| {
                node.addresses.iter().map(move |address| (&node.name, address.ip()))
            });
            let inside = addresses.clone().find(|(_, address)| network.contains(address));
            if let Some((node, address)) = inside {
                let message = format!(
                    "--{FLAG} {network} holds the address of node {node}, {address}: a pod could be given it"
                );
                self.remark(FLAG, message);
            }
        }
    }

    /// kpki's front-proxy client must have an allowed name.
    fn front_proxy(&mut self) {
        const NAMES: &str = "requestheader-allowed-names";
        let client = FRONT_PROXY_CLIENT_NAME;
        let own =
            below_root(&self.spec.cluster.certificates_dir.value, FRONT_PROXY_CLIENT.home.file());
        let own = format!("/{own}");
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
