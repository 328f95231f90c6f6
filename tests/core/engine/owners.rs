//! Names, keys and groups that were somebody's: who gets one gains what the other had. By hand, from whom
//! clients of Kubernetes and its API server take for the same.

use super::privileges::changes;
use crate::testkit::memory_project::MemoryProject;

const CLUSTER: &str = r#"
cluster "lab" { endpoint "api.lab.internal" }
node "cp1" role="control-plane" address="10.0.0.1"
node "cp3" role="control-plane" address="10.0.0.3" primary=#true
node "w1" address="10.0.1.1" { san "w1.rack-a.lab.internal" }
node "w2.k8s.internal" address="10.0.1.2"
component "kubelet" serving=#true
user "jane" { group "dev"; bind cluster-role="edit" namespace="dev"; bind role="pager" namespace="ops" }
user "omar" via="csr"
certificate "ms" { san "10.0.9.9" "*.ms.internal"; node "w1" }
certificate "backup" { ca "etcd"; usage "client" }
"#;

/// Edits of [`CLUSTER`], and what a reviewer is told.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

fn check(rows: &[Row<'_>]) {
    let mut wrong = Vec::new();
    for (what, edits, expected) in rows {
        let mut project = MemoryProject::applied(CLUSTER);
        for (old, new) in *edits {
            assert!(project.description.contains(old), "{what}: {old}");
            project.description = project.description.replacen(old, new, 1);
        }
        let found = changes(&project.plan());
        let without_place = |line: &'_ String| match line.rsplit_once(" :") {
            Some((words, _)) => words.to_owned(),
            None => line.clone(),
        };
        let found: Vec<String> = found.iter().map(without_place).collect();
        if found != *expected {
            wrong.push(format!("{what}: {found:#?} instead of {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const W9: &str = "node \"w9\" address=\"10.0.1.9\"\nnode \"w1\"";

#[test]
fn names_that_had_another_owner() {
    check(&[
        ("a plain worker", &[("node \"w1\"", W9)], &["= w9 joins as a worker"]),
        (
            "the address of a control-plane node that moves away",
            &[
                ("address=\"10.0.0.1\"", "address=\"10.0.0.99\""),
                ("node \"w1\"", "node \"w9\" address=\"10.0.0.1\"\nnode \"w1\""),
            ],
            &[
                "x cp1 is at 10.0.0.99 from now on: whoever has that address is a control-plane node of the cluster",
                "x w9 can serve as 10.0.0.1, and so in the place of the API server",
                "= w9 joins as a worker",
            ],
        ),
        (
            "a control-plane node's address alone",
            &[("address=\"10.0.0.1\"", "address=\"10.66.66.66\"")],
            &[
                "x cp1 is at 10.66.66.66 from now on: whoever has that address is a control-plane node of the cluster",
            ],
        ),
        (
            "a further one",
            &[("address=\"10.0.0.1\"", "{ address \"10.0.0.1\" \"fd00::66\" }")],
            &[
                "x cp1 is at fd00::66 from now on: whoever has that address is a control-plane node of the cluster",
            ],
        ),
        (
            "a public one",
            &[("address=\"10.0.0.1\"", "address=\"203.0.113.66\"")],
            &[
                "x cp1 is at 203.0.113.66 from now on: whoever has that address is a control-plane node of the cluster",
            ],
        ),
        ("a worker's address alone", &[("address=\"10.0.1.1\"", "address=\"10.0.1.77\"")], &[]),
        (
            "all that the endpoint's domain has",
            &[(
                "certificate \"backup\"",
                "certificate \"x\" { san \"*.lab.internal\"; node \"w1\" }\ncertificate \"backup\"",
            )],
            &[
                "x x can serve as anything below lab.internal, and so in the place of the API server",
                "= x is a new server",
            ],
        ),
        (
            "all that another worker's domain has",
            &[(
                "certificate \"backup\"",
                "certificate \"x\" { san \"*.k8s.internal\"; node \"w1\" }\ncertificate \"backup\"",
            )],
            &[
                "x x can serve as anything below k8s.internal, and so in the place of node w2.k8s.internal",
                "= x is a new server",
            ],
        ),
        (
            "all of a domain where nobody is",
            &[(
                "certificate \"backup\"",
                "certificate \"x\" { san \"*.shop.internal\"; node \"w1\" }\ncertificate \"backup\"",
            )],
            &["x x can serve as anything below shop.internal", "= x is a new server"],
        ),
        (
            "an address of services for API servers",
            &[(
                "certificate \"backup\"",
                "component \"apiserver\" { san \"10.96.0.50\" }\ncertificate \"backup\"",
            )],
            &[
                "x apiserver can serve as 10.96.0.50, and so in the place of a service of the cluster",
            ],
        ),
        (
            "the address of a worker that leaves",
            &[("node \"w2.k8s.internal\" address", "node \"w9\" address")],
            &[
                "x w9 can serve as 10.0.1.2, and so in the place of node w2.k8s.internal",
                "= w9 joins as a worker",
                "= w2.k8s.internal is described no longer",
            ],
        ),
        (
            "the address of a certificate",
            &[("node \"w1\"", "node \"w9\" address=\"10.0.9.9\"\nnode \"w1\"")],
            &[
                "x w9 can serve as 10.0.9.9, and so in the place of certificate ms",
                "= w9 joins as a worker",
            ],
        ),
        (
            "a name below a certificate's wildcard",
            &[("node \"w1\"", "node \"a.ms.internal\" address=\"10.0.1.9\"\nnode \"w1\"")],
            &[
                "x a.ms.internal can serve as a.ms.internal, and so in the place of certificate ms",
                "= a.ms.internal joins as a worker",
            ],
        ),
        (
            "one certificate in the place of another",
            &[(
                "certificate \"backup\"",
                "certificate \"x\" { san \"10.0.9.9\" }\ncertificate \"backup\"",
            )],
            &[
                "x x can serve as 10.0.9.9, and so in the place of certificate ms",
                "= x is a new server",
            ],
        ),
        (
            "one that is described no longer",
            &[("certificate \"ms\"", "certificate \"x\"")],
            &[
                "x x can serve as anything below ms.internal, and so in the place of certificate ms",
                "x x can serve as 10.0.9.9, and so in the place of certificate ms",
                "= x is a new server",
                "= ms is described no longer",
            ],
        ),
        (
            "its own machine has the key already",
            &[("san \"w1.rack-a.lab.internal\"", "san \"w1.rack-a.lab.internal\" \"10.0.9.9\"")],
            &[],
        ),
        (
            "a control-plane node can sign for anybody",
            &[(
                "node \"w1\"",
                "node \"cp2\" role=\"control-plane\" address=\"10.0.0.2\"\nnode \"w1\"",
            )],
            &["x cp2 joins as a control-plane node: it holds CA keys and an administrator's"],
        ),
        (
            "and takes the address of one that it replaces",
            &[("node \"cp1\"", "node \"cp2\"")],
            &[
                "x cp2 joins as a control-plane node: it holds CA keys and an administrator's",
                "= cp1 is described no longer",
            ],
        ),
    ]);
}

#[test]
fn a_new_node_s_own_place_in_the_network() {
    let worker = |node: &'static str| [("node \"w1\"", node)];
    check(&[
        (
            "a public address",
            &worker("node \"w9\" address=\"8.8.8.8\"\nnode \"w1\""),
            &["x w9 can serve as the public address 8.8.8.8", "= w9 joins as a worker"],
        ),
        (
            "a name of another domain",
            &worker("node \"www.bank.example\" address=\"10.0.1.9\"\nnode \"w1\""),
            &[
                "x www.bank.example can serve as www.bank.example",
                "= www.bank.example joins as a worker",
            ],
        ),
        (
            "one where other nodes are",
            &worker("node \"w3.k8s.internal\" address=\"10.0.1.9\"\nnode \"w1\""),
            &["= w3.k8s.internal joins as a worker"],
        ),
        (
            "one of the cluster's own domain",
            &worker("node \"w3.cluster.local\" address=\"10.0.1.9\"\nnode \"w1\""),
            &["= w3.cluster.local joins as a worker"],
        ),
        (
            "one of services",
            &worker("node \"web.dev.svc.cluster.local\" address=\"10.0.1.9\"\nnode \"w1\""),
            &[
                "x web.dev.svc.cluster.local can serve as web.dev.svc.cluster.local",
                "= web.dev.svc.cluster.local joins as a worker",
            ],
        ),
        (
            "an address of services",
            &worker("node \"w9\" address=\"10.0.1.9\" san=\"10.96.7.7\"\nnode \"w1\""),
            &[
                "x kubelet-server can serve as 10.96.7.7, and so in the place of a service of the cluster",
                "= w9 joins as a worker",
            ],
        ),
        (
            "the rack's name for the machine, as others have it",
            &worker(
                "node \"w9\" address=\"10.0.1.9\" { san \"w9.rack-a.lab.internal\" }\nnode \"w1\"",
            ),
            &["= w9 joins as a worker"],
        ),
        (
            "of another rack",
            &worker(
                "node \"w9\" address=\"10.0.1.9\" { san \"w9.rack-z.lab.internal\" }\nnode \"w1\"",
            ),
            &["x w9 can serve as w9.rack-z.lab.internal", "= w9 joins as a worker"],
        ),
        (
            "a certificate for an address of services",
            &[(
                "certificate \"backup\"",
                "certificate \"x\" { san \"10.96.7.7\" }\ncertificate \"backup\"",
            )],
            &[
                "x x can serve as 10.96.7.7, and so in the place of a service of the cluster",
                "= x is a new server",
            ],
        ),
    ]);
}

#[test]
fn keys_and_common_names_that_were_somebody_s() {
    check(&[
        (
            "a server's key on one more node",
            &[("node \"w1\" }", "node \"w1\" \"w2.k8s.internal\" }")],
            &["x ms has its key on w2.k8s.internal from now on"],
        ),
        (
            "on a node that is new",
            &[("node \"w1\" }", "node \"w1\" \"w9\" }"), ("node \"w1\"", W9)],
            &["x ms has its key on w9 from now on", "= w9 joins as a worker"],
        ),
        (
            "the common name of one who leaves",
            &[("user \"jane\" {", "user \"eve\" { common-name \"jane\";")],
            &[
                "x eve is new: jane, in dev, to Kubernetes the same as users/jane before",
                "= eve gains role pager in ops",
                "= eve gains cluster-role edit in dev: the secrets and service accounts there",
                "= jane is described no longer, was in dev",
            ],
        ),
    ]);
}
