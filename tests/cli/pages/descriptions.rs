//! The descriptions that stand in a page without a name of a file are descriptions.

use std::collections::BTreeMap;

use kpki::config;
use kpki::sources::Sources;

use super::parts::blocks;

/// Each is one, alone or with the two lines that a cluster needs.
pub fn are_accepted(path: &str) {
    let page = std::fs::read_to_string(path).unwrap();
    for block in blocks(&page) {
        if block.info != "kdl" {
            continue;
        }
        let mut text = block.text.clone();
        if !text.lines().any(|line| line.starts_with("cluster ")) {
            text.push_str("cluster \"lab\" { endpoint \"api.lab\" }\n");
        }
        if !text.contains("role=\"control-plane\"") {
            text.push_str("node \"base\" role=\"control-plane\" address=\"10.9.0.1\"\n");
        }
        let mut files = BTreeMap::from([("cluster.kdl".to_owned(), text.clone().into_bytes())]);
        files.insert("nodes.kdl".into(), b"node \"w9\" address=\"10.9.0.9\"\n".to_vec());
        let brought = std::fs::read("tests/good-descriptions/root.crt").unwrap();
        files.insert("company-ca.crt".into(), brought);
        let chain = std::fs::read("tests/good-descriptions/chain.crt").unwrap();
        files.insert("company-chain.crt".into(), chain);
        // A public key whose secret half nobody has.
        files.insert(
            "ops.txt".into(),
            b"age1xe27wruxchpsz79vnaqvxfafqhqpffghdp4ss8sylkypf24htdvsrjklk2\n".to_vec(),
        );
        let request = std::fs::read("examples/users/omar.csr").unwrap();
        files.insert("omar.csr".into(), request);
        let scheduler = std::fs::read("examples/static-pods/manifests/kube-scheduler.yaml");
        files.insert("manifests/kube-scheduler.yaml".into(), scheduler.unwrap());
        if let Err(report) = config::load(&Sources::Memory(files), "cluster.kdl", None) {
            panic!("{path}:{}\n{}", block.line, report.render(false));
        }
    }
}
