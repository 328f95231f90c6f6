//! What `verify --live` dials, by the description alone.

use std::collections::BTreeMap;

use kpki::config;
use kpki::live::targets;
use kpki::sources::Sources;

fn dialled(description: &str) -> Vec<String> {
    let files = BTreeMap::from([("cluster.kdl".to_owned(), description.as_bytes().to_vec())]);
    let loaded = config::load(&Sources::Memory(files), "cluster.kdl", None);
    let loaded = loaded.unwrap_or_else(|report| panic!("{}", report.render(false)));
    let targets = targets(&loaded.spec, &loaded.graph);
    let words = targets.iter().map(|target| {
        let node = target.node.as_ref().map_or("-", |node| node.as_str());
        let at = match &target.at {
            Ok(at) => at.to_string(),
            Err(why) => why.clone(),
        };
        let leaves = target.leaves.iter().map(|id| loaded.graph.get(*id).name.to_string());
        let leaves = leaves.collect::<Vec<_>>().join(" ");
        format!("{:?} {node} {at} [{leaves}]", target.row.service)
    });
    words.collect()
}

/// The ports are those of Kubernetes' page "Ports and Protocols".
#[test]
fn every_server_of_a_stacked_cluster_is_dialled_once() {
    let found = dialled(
        r#"
cluster "a" { kubernetes "1.36.2"; endpoint "api.lab:443"; }
node "cp1" role="control-plane" address="10.0.0.11"
node "cp2" role="control-plane" address="10.0.0.12"
node "w1" role="worker" address="fd00::21"
node "w2" role="worker"
"#,
    );
    assert_eq!(
        found,
        [
            "Apiserver cp1 10.0.0.11:6443 [nodes/cp1/apiserver]",
            "Apiserver cp2 10.0.0.12:6443 [nodes/cp2/apiserver]",
            "Endpoint - api.lab:443 [nodes/cp1/apiserver nodes/cp2/apiserver]",
            "Etcd cp1 10.0.0.11:2379 [nodes/cp1/etcd-server]",
            "Etcd cp2 10.0.0.12:2379 [nodes/cp2/etcd-server]",
            "EtcdPeer cp1 10.0.0.11:2380 [nodes/cp1/etcd-peer]",
            "EtcdPeer cp2 10.0.0.12:2380 [nodes/cp2/etcd-peer]",
            "Kubelet cp1 10.0.0.11:10250 []",
            "Kubelet cp2 10.0.0.12:10250 []",
            "Kubelet w1 [fd00::21]:10250 []",
            "Kubelet w2 the description has no address of this node []",
        ]
    );
}

#[test]
fn an_external_etcd_another_port_and_urls_of_its_own() {
    let found = dialled(
        r#"
cluster "a" { kubernetes "1.36.2"; }
component "apiserver" port=7443
component "kubelet" serving=#true
component "etcd" topology="external" {
    flag "advertise-client-urls" "https://10.0.0.9:12379,https://etcd.lab:12379"
}
node "cp1" role="control-plane" address="10.0.0.11"
node "etcd1" role="etcd" address="10.0.0.9" { san "etcd.lab" }
"#,
    );
    assert_eq!(
        found,
        [
            "Apiserver cp1 10.0.0.11:7443 [nodes/cp1/apiserver]",
            "Etcd etcd1 10.0.0.9:12379 [nodes/etcd1/etcd-server]",
            "Etcd etcd1 etcd.lab:12379 [nodes/etcd1/etcd-server]",
            "EtcdPeer etcd1 10.0.0.9:2380 [nodes/etcd1/etcd-peer]",
            "Kubelet cp1 10.0.0.11:10250 [nodes/cp1/kubelet-server]",
        ]
    );
}
