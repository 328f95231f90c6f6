//! kpki's own static pods: what they say for a cluster, and what changes with its description.

mod inputs;
mod kubeadm;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use kpki::manifest::{EtcdMember, EtcdServers, FlagInputs, StaticPod, merged, own_flags};
use kpki::profile::Process;
use kpki::spec::FlagSetting;
use kpki::version::KubernetesVersion;
use serde_json::Value;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// One cluster, described to the renderer.
struct Cluster {
    version: KubernetesVersion,
    address: &'static str,
    cidrs: Vec<IpNet>,
    members: Vec<EtcdMember<'static>>,
    external: bool,
    serving: bool,
}

impl Cluster {
    fn stacked() -> Self {
        Cluster {
            version: KubernetesVersion::new(36, 2),
            address: "192.168.5.11",
            cidrs: vec!["10.96.0.0/12".parse().unwrap()],
            members: vec![EtcdMember { name: "kubemaster", address: ip("192.168.5.11") }],
            external: false,
            serving: false,
        }
    }

    fn external() -> Self {
        let member = |name, address| EtcdMember { name, address: ip(address) };
        Cluster {
            members: vec![member("etcd-1", "192.168.5.21"), member("etcd-2", "192.168.5.22")],
            external: true,
            ..Cluster::stacked()
        }
    }

    fn pod(&self, process: Process, overrides: &[(&str, &str)]) -> StaticPod {
        let inputs = FlagInputs {
            version: self.version,
            cluster_name: "kubernetes",
            node_name: "kubemaster",
            node_address: ip(self.address),
            api_port: 6443,
            service_cidrs: &self.cidrs,
            dns_domain: "cluster.local",
            serving_kubelets: self.serving,
            has_chain: false,
            etcd_servers: if self.external {
                EtcdServers::External(&self.members)
            } else {
                EtcdServers::Stacked
            },
            etcd_members: &self.members,
        };
        let overrides: BTreeMap<String, FlagSetting> = overrides
            .iter()
            .map(|(name, value)| ((*name).to_owned(), FlagSetting::Value((*value).to_owned())))
            .collect();
        let flags = merged(process, &own_flags(process, &inputs), &overrides);
        StaticPod::new(process, self.version, process.image(self.version).unwrap(), flags)
    }
}

fn parse(pod: &StaticPod) -> Value {
    serde_saphyr::from_str(&pod.render()).unwrap()
}

/// The command line without the binary's name, in order.
fn command(document: &Value) -> Vec<(String, String)> {
    document["spec"]["containers"][0]["command"]
        .as_array()
        .unwrap()
        .iter()
        .skip(1)
        .map(|argument| {
            let argument = argument.as_str().unwrap();
            let (name, value) = argument.strip_prefix("--").unwrap().split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect()
}
