//! kpki's own static pods: what they say for a cluster, and what changes with its description.

mod inputs;
mod kubeadm;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use kpki::manifest::{EtcdMember, EtcdServers, FlagInputs, RunsAs, StaticPod, merged, own_flags};
use kpki::name::CertificatesDir;
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
    dir: CertificatesDir,
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
            dir: CertificatesDir::kubeadms(),
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
            ca_key_on_nodes: true,
            serving_kubelets: self.serving,
            other_files: &[],
            certificates_dir: &self.dir,
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
        let image = process.image(self.version).unwrap();
        StaticPod::new(process, self.version, image, flags, &self.dir)
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

fn list(only: Value) -> Value {
    Value::Array(vec![only])
}

/// By hand, from kubeadm's RunComponentAsNonRoot (cmd/kubeadm/app/util/staticpod/utils_linux.go).
#[test]
fn a_process_that_is_not_root_is_confined_as_kubeadm_confines_it() {
    let shared = Some(2000);
    for (process, shared, add, escalation) in [
        (Process::Apiserver, shared, Some("NET_BIND_SERVICE"), None),
        (Process::ControllerManager, shared, None, Some(false)),
        (Process::Scheduler, None, None, Some(false)),
        (Process::Etcd, None, None, Some(false)),
    ] {
        let mut pod = Cluster::stacked().pod(process, &[]);
        let as_root = parse(&pod);
        pod.runs_as = Some(RunsAs { user: 1001, group: 1002, shared });
        let mut document = parse(&pod);
        let container = &mut document["spec"]["containers"][0];
        let own = container.as_object_mut().unwrap().remove("securityContext").unwrap();
        assert_eq!(own["capabilities"]["drop"], list("ALL".into()));
        let add = add.map(|add| list(add.into()));
        assert_eq!(own["capabilities"].get("add"), add.as_ref(), "{process:?}");
        let escalation = escalation.map(Value::from);
        assert_eq!(own.get("allowPrivilegeEscalation"), escalation.as_ref(), "{process:?}");
        let context = document["spec"]["securityContext"].as_object_mut().unwrap();
        assert_eq!(context.remove("runAsUser"), Some(1001.into()));
        assert_eq!(context.remove("runAsGroup"), Some(1002.into()));
        let groups = shared.map(|group| list(group.into()));
        assert_eq!(context.remove("supplementalGroups"), groups, "{process:?}");
        assert_eq!(document, as_root, "nothing else changes");
    }
}
