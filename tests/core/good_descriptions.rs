//! What a description without mistakes means.

use std::collections::BTreeMap;

use kpki::algorithm::KeyAlgorithm;
use kpki::config::{Loaded, load};
use kpki::sources::Sources;
use kpki::spec::{CaName, Component, Delivery, EtcdTopology, Origin, Role, Usage};
use kpki::time::Span;
use kpki::version::KubernetesVersion;

const FULL: &str = include_str!("../good-descriptions/full.kdl");
const ROOT_CERTIFICATE: &[u8] = include_bytes!("../good-descriptions/root.crt");

fn sources(files: &[(&str, &[u8])]) -> Sources {
    let files = files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()));
    Sources::Memory(files.collect::<BTreeMap<_, _>>())
}

fn loaded(text: &str) -> Loaded {
    match load(&sources(&[("cluster.kdl", text.as_bytes())]), "cluster.kdl", None) {
        Ok(loaded) => loaded,
        Err(report) => panic!("{}", report.render(false)),
    }
}

/// A cluster with one control-plane node and more.
fn small(more: &str) -> Loaded {
    loaded(&format!(
        "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n{more}"
    ))
}

#[test]
fn two_lines_are_enough() {
    let Loaded { spec, notes, files, .. } = small("");
    assert!(notes.is_empty());
    assert_eq!(files.len(), 1);
    assert_eq!(spec.cluster.kubernetes.value.to_string(), "1.36.2");
    assert_eq!(spec.cluster.kubernetes.origin, Origin::Default);
    assert_eq!(spec.cluster.endpoint.value.to_string(), "10.0.0.11:6443");
    assert!(matches!(spec.cluster.endpoint.origin, Origin::Derived(_)));
    assert_eq!(spec.cluster.service_cidrs.value[0].to_string(), "10.96.0.0/12");
    assert_eq!(spec.cluster.dns_domain.value.as_str(), "cluster.local");
    assert_eq!(spec.cas.len(), 3);
    assert_eq!(spec.cas[&CaName::Etcd].signer.common_name.value.as_str(), "etcd-ca");
    assert_eq!(spec.cas[&CaName::Etcd].signer.validity.value, Span::days(3650));
    assert_eq!(spec.components.len(), Component::ALL.len());
    assert_eq!(spec.etcd, EtcdTopology::Stacked);
    assert!(!spec.kubelet_serving && !spec.kube_proxy);
    assert_eq!(spec.defaults.validity.value, Span::days(365));
    assert_eq!(spec.defaults.key.value, KeyAlgorithm::EcdsaP256);
}

/// A newer kpki knows newer patches, and reissues nothing for them.
#[test]
fn the_lock_keeps_the_patch_of_a_minor() {
    let version = |written: &str, locked: &str| {
        let text = format!(
            "cluster \"lab\" kubernetes=\"{written}\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\""
        );
        let sources = sources(&[("cluster.kdl", text.as_bytes())]);
        let loaded = load(&sources, "cluster.kdl", locked.parse().ok()).unwrap();
        loaded.spec.cluster.kubernetes.value.to_string()
    };
    assert_eq!(version("1.35", "1.35.1"), "1.35.1");
    assert_eq!(version("1.35.3", "1.35.1"), "1.35.3");
    assert_eq!(version("1.35", "1.34.2"), version("1.35", "none"));
}

#[test]
fn the_full_example() {
    let spec = loaded(FULL).spec;
    let origin = spec.cluster.endpoint.origin.to_string();
    assert_eq!(origin, "cluster.kdl:3");
    assert_eq!(spec.nodes.len(), 2);
    assert_eq!(spec.nodes[1].sans.len(), 1);
    assert_eq!(spec.nodes[1].role, Role::Worker);
    assert_eq!(spec.components[&Component::Apiserver].sans.len(), 2);
    assert!(spec.kubelet_serving);
    assert_eq!(spec.users.len(), 1);
    assert_eq!(spec.users[0].common_name.as_str(), "jane");
    assert_eq!(spec.users[0].policy.validity.value, Span::days(90));
    assert_eq!(spec.users[0].policy.renew_before().value, Span::days(30));
    let certificate = &spec.certificates[0];
    assert_eq!((certificate.usage, certificate.ca), (Usage::Server, CaName::Kubernetes));
    assert_eq!(certificate.common_name, None);
    assert_eq!(certificate.delivery, Delivery::Operator);
}

#[test]
fn the_order_of_nodes_does_not_matter() {
    let nodes = [
        "node \"b\" address=\"10.0.0.3\"\n",
        "node \"a\" address=\"10.0.0.2\"\n",
        "user \"u\"\n",
        "user \"t\"\n",
    ];
    let names = |loaded: Loaded| -> Vec<String> {
        let nodes = loaded.spec.nodes.iter().map(|node| node.name.to_string());
        nodes.chain(loaded.spec.users.iter().map(|user| user.name.to_string())).collect()
    };
    let forward = names(small(&nodes.concat()));
    let backward = names(small(&nodes.iter().rev().copied().collect::<String>()));
    assert_eq!(forward, backward);
    assert_eq!(forward, ["a", "b", "cp1", "t", "u"]);
}

#[test]
fn properties_and_child_nodes_mean_the_same() {
    let show = |text: &str| {
        let spec = small(text).spec;
        let node = spec.nodes.iter().find(|node| node.name.as_str() == "w1").unwrap();
        format!(
            "{:?} {:?} {} {:?}",
            node.addresses,
            node.sans.keys(),
            node.revision,
            node.policy.validity.as_ref().map(|v| v.value)
        )
    };
    let property =
        show("node \"w1\" address=\"10.0.0.21\" san=\"a.lab\" revision=2 validity=\"90d\"");
    assert_eq!(
        property,
        show("node \"w1\" { address \"10.0.0.21\"; san \"a.lab\"; revision 2; validity \"90d\" }")
    );
    assert_eq!(
        property,
        show(
            "node w1 revision=2 {\r\n address \"10.0.0.21\"\r\n san #\"a.lab\"#\r\n validity \"90d\"\r\n}\r\n"
        )
    );
}

#[test]
fn lists_accumulate() {
    let spec = small("component \"apiserver\" { san \"b.lab\" \"a.lab\"; san \"10.1.1.1\" }").spec;
    let sans: Vec<_> =
        spec.components[&Component::Apiserver].sans.keys().map(ToString::to_string).collect();
    assert_eq!(sans, ["a.lab", "b.lab", "10.1.1.1"]);
}

#[test]
fn what_is_hidden_does_not_count() {
    let spec = small(
        "/- node \"x\" {\n san \"y\" }\nnode \"w1\" /- address=\"bad\" /-{ san \"bad bad\" } {\n /- san \"no no\"\n san /-\"n o\" \"a.lab\" \\ // on\n  \"b.lab\"\n}\n/* \" { */ user \"u\" // {\n",
    )
    .spec;
    assert_eq!(spec.nodes.len(), 2);
    assert_eq!(spec.nodes[1].sans.len(), 2);
    assert_eq!(spec.users.len(), 1);
}

#[test]
fn ed25519_as_default_is_for_leaves() {
    let spec = small("defaults { key \"ed25519\" }").spec;
    assert_eq!(spec.defaults.key.value, KeyAlgorithm::Ed25519);
    for ca in spec.cas.values() {
        assert_eq!(ca.signer.key.value, KeyAlgorithm::EcdsaP256);
        assert!(matches!(ca.signer.key.origin, Origin::Derived(_)) && !ca.signer.explicit_key);
    }
    let key = spec.components[&Component::ServiceAccount].policy.key.clone().unwrap();
    assert_eq!(key.value, KeyAlgorithm::EcdsaP256);
    let spec = small("defaults key=\"rsa-2048\"\nca \"etcd\" key=\"ecdsa-p384\"").spec;
    assert_eq!(spec.cas[&CaName::Kubernetes].signer.key.value, KeyAlgorithm::Rsa2048);
    assert!(spec.cas[&CaName::Etcd].signer.explicit_key);
}

#[test]
fn dual_stack_and_several_control_planes() {
    let spec = loaded(
        "cluster \"lab\" {\n service-cidr \"10.96.0.0/16\" \"fd00:10:96::/112\"\n endpoint \"api.lab\"\n kubernetes \"1.35\"\n}
        node \"b\" role=\"control-plane\" primary=#true { address \"10.0.0.2\" \"fd00::2\" }
        node \"a\" role=\"control-plane\" address=\"10.0.0.1\"
        node \"c\" role=\"control-plane\" address=\"10.0.0.3\"",
    )
    .spec;
    assert_eq!(spec.cluster.service_cidrs.value.len(), 2);
    let newest: KubernetesVersion = "1.35".parse().unwrap();
    assert_eq!(spec.cluster.kubernetes.value, newest);
    assert_eq!(spec.nodes[1].addresses[0].to_string(), "10.0.0.2");
    assert!(spec.nodes[1].primary);
}

#[test]
fn certificates_are_delivered_to_nodes() {
    let spec = small("certificate \"robot\" usage=\"client\" node=\"cp1\"\ncertificate \"x\" { usage \"server\" \"client\"; san \"*.x.lab\"; node \"cp1\"; folder \"/srv/tls\" }").spec;
    assert_eq!(spec.certificates[0].common_name.as_ref().unwrap().as_str(), "robot");
    let Delivery::Nodes { nodes, folder } = &spec.certificates[1].delivery else {
        panic!("delivered to a node")
    };
    assert_eq!((nodes.len(), folder.as_str()), (1, "srv/tls"));
    assert_eq!(spec.certificates[1].usage, Usage::ServerAndClient);
}

#[test]
fn notes_tell_what_is_legal_and_odd() {
    let notes = loaded(
        "cluster \"lab\" { kubernetes \"1.38.0\"; endpoint \"api.lab\" }
        node \"a\" role=\"control-plane\" address=\"10.0.0.1\"
        node \"b\" role=\"control-plane\" address=\"10.0.0.2\"
        ca \"etcd\" validity=\"100d\"
        user \"u\" validity=\"20y\"
        certificate \"p\" ca=\"front-proxy\" usage=\"client\"",
    )
    .notes
    .join("\n");
    for part in
        ["1.38.0", "even number", "etcd CA (100d", "user u's", "front-proxy CA: it can speak"]
    {
        assert!(notes.contains(part), "{part} in {notes}");
    }
}

#[test]
fn a_brought_ca_speaks_for_itself() {
    let main = b"include \"ca/cas.kdl\"\ncluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"";
    let files = sources(&[
        ("cluster.kdl", main),
        ("ca/cas.kdl", b"ca \"kubernetes\" certificate=\"root.crt\""),
        ("ca/root.crt", ROOT_CERTIFICATE),
    ]);
    let loaded = load(&files, "cluster.kdl", None)
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    let ca = &loaded.spec.cas[&CaName::Kubernetes];
    let brought = ca.signer.brought.as_ref().unwrap();
    assert_eq!(&*brought.path, "ca/root.crt");
    assert_eq!(ca.signer.common_name.value.as_str(), "corp root");
    assert_eq!(ca.signer.key.value, KeyAlgorithm::EcdsaP256);
    assert_eq!(ca.signer.validity.value, Span::days(3650));
    assert!(!ca.signer.explicit_key);
    assert_eq!(loaded.files.len(), 2);
}

/// 10,000 workers in 0.6 MB, cut into pieces, with every place shifted back.
#[test]
fn ten_thousand_nodes() {
    use std::fmt::Write as _;
    let mut text = String::from(
        "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.1.0.11\"\n",
    );
    for n in 0..10_000 {
        let _ = writeln!(
            text,
            "node \"worker-{n:05}\" role=\"worker\" address=\"10.0.{}.{}\"",
            n / 250,
            n % 250 + 1
        );
    }
    let started = std::time::Instant::now();
    let spec = loaded(&text).spec;
    println!("{} bytes in {:?}", text.len(), started.elapsed());
    assert_eq!(spec.nodes.len(), 10_001);
    text.push_str("node \"last\" rol=\"worker\"\n");
    let report =
        load(&sources(&[("cluster.kdl", text.as_bytes())]), "cluster.kdl", None).unwrap_err();
    assert!(report.render(false).contains("cluster.kdl:10003:13"));
    assert_eq!(report.problems().len(), 1);
}

/// Public keys whose secret halves nobody has.
const RECIPIENTS: [&str; 3] = [
    "age1jzmn52y8vfcgtgrslf0ry6lx3m8gweyqeqedpfe9qsqtshr0qdlsl4jek8",
    "age10aufuftsm4xcr60vfey804unf25m5me4klplr3nqzw4g502dad9sy7p7uj",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII9BNld7YtyxWXw4ItB8to8LqmJmSLwxeMmQ9woImWTY carol@desk",
];

#[test]
fn recipients_are_a_set_whichever_way_they_are_given() {
    let [alice, bob, carol] = RECIPIENTS;
    let cluster = |secrets: &str| {
        let text = format!(
            "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\" recipient={bob:?}\n{secrets}"
        );
        let ops = format!("# the team\n\n{alice}\n  {carol}\n");
        let files = [("cluster.kdl", text.as_bytes()), ("ops.txt", ops.as_bytes())];
        match load(&sources(&files), "cluster.kdl", None) {
            Ok(loaded) => loaded.spec,
            Err(report) => panic!("{}", report.render(false)),
        }
    };
    let names = |spec: &kpki::spec::Spec| {
        let all = spec.secrets.iter().flat_map(|secrets| &secrets.value);
        all.map(kpki::sealed::Recipient::full_name).collect::<Vec<_>>()
    };
    let inline = cluster(&format!("secrets {{ recipient {carol:?} {alice:?} }}"));
    let several = cluster(&format!("secrets {{ recipient {alice:?}; recipient {carol:?} }}"));
    let from_file = cluster("secrets { recipients-file \"ops.txt\" }");
    // The fingerprint is the one that `ssh-keygen -l` shows.
    assert_eq!(
        names(&inline),
        ["SHA256:IJiYwFyt7idrtjnryvqeCRWdipqdICKAF5JzYB42Lro carol@desk", alice]
    );
    assert_eq!(names(&inline), names(&several));
    assert_eq!(names(&inline), names(&from_file));
    let own: Vec<String> =
        inline.nodes[0].recipients.iter().map(kpki::sealed::Recipient::full_name).collect();
    assert_eq!(own, [bob]);
    assert!(small("").spec.secrets.is_none());
}

/// Each with words of the note; `None`: nothing is to be said. By hand, from what Kubernetes does.
#[test]
fn networks_that_deserve_a_look_are_told() {
    let cases: [(&str, Option<&str>); 12] = [
        ("node \"a\" role=\"control-plane\" address=\"127.0.0.1\"", None),
        (
            "node \"a\" role=\"control-plane\" address=\"127.0.0.1\"\nnode \"w\" address=\"10.0.0.21\"",
            Some("no other machine reaches a at 127.0.0.1"),
        ),
        ("node \"a\" role=\"control-plane\" address=\"127.0.0.1\"\nnode \"w\"", None),
        (
            "node \"a\" role=\"control-plane\" address=\"10.0.0.255\"",
            Some("in a network of /24 10.0.0.255 (a) is its broadcast address"),
        ),
        (
            "node \"a\" role=\"control-plane\" address=\"10.0.0.0\"",
            Some("10.0.0.0 (a) is the network itself"),
        ),
        (
            "node \"a\" role=\"control-plane\" address=\"10.0.0.1\"\nnode \"w\" address=\"fd00::\"",
            Some("in a network of /64 fd00:: (w) is the network itself"),
        ),
        ("node \"a\" role=\"control-plane\" { address \"10.0.0.1\" \"fd00::1\"; }", None),
        (
            "node \"a\" role=\"control-plane\" { address \"fd00::1\" \"10.0.0.1\"; }\n\
             component \"apiserver\" { flag \"advertise-address\" \"10.0.0.1\"; }",
            None,
        ),
        (
            "node \"a\" role=\"control-plane\" address=\"10.0.0.1\"\n\
             component \"controller-manager\" { flag \"cluster-cidr\" \"10.0.0.0/8\"; }",
            Some("--cluster-cidr 10.0.0.0/8 holds --service-cluster-ip-range 10.96.0.0/12"),
        ),
        (
            "node \"a\" role=\"control-plane\" address=\"10.244.0.1\"\n\
             component \"controller-manager\" { flag \"cluster-cidr\" \"10.244.0.0/16\"; \
             flag \"allocate-node-cidrs\" \"true\"; }",
            Some("holds the address of node a, 10.244.0.1"),
        ),
        (
            "node \"a\" role=\"control-plane\" address=\"10.0.0.1\"\n\
             component \"controller-manager\" { flag \"cluster-cidr\" \"10.244.0.0/16\"; }",
            None,
        ),
        (
            "node \"a\" role=\"control-plane\" address=\"10.0.0.1\"\n\
             component \"apiserver\" { flag \"advertise-address\" \"10.0.0.2\"; }",
            Some("--advertise-address=10.0.0.2 is no address of a"),
        ),
    ];
    for (text, expected) in cases {
        let notes = loaded(&format!("cluster \"lab\"\n{text}\n")).notes;
        match expected {
            None => assert!(notes.is_empty(), "{text}: {notes:?}"),
            Some(words) => {
                assert!(notes.iter().any(|note| note.contains(words)), "{text}: {notes:?}");
            }
        }
    }
}

/// Before 1.34 the API server has a limit, which two feature gates lift; after it none.
#[test]
fn a_large_service_network_may_be_right() {
    let text = |version: &str, more: &str| {
        format!(
            "cluster \"lab\" {{ kubernetes \"{version}\"; service-cidr \"fd00:10::/64\"; }}\n\
             node \"a\" role=\"control-plane\" address=\"fd00::1\"\n{more}"
        )
    };
    assert_eq!(loaded(&text("1.34.1", "")).notes, [""; 0]);
    let gates =
        "component \"apiserver\" { flag \"feature-gates\" \"DisableAllocatorDualWrite=true\"; }\n";
    let notes = loaded(&text("1.33.4", gates)).notes;
    assert!(notes.iter().any(|note| note.contains("is too large")), "{notes:?}");
}

/// Kubernetes' signer takes usages from the CertificateSigningRequest: openssl's usual extensions do no harm.
#[test]
fn a_request_may_ask_for_key_usages() {
    let text = "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n\
                user \"usage\" via=\"csr\" csr=\"usage.csr\"\n";
    let request = include_bytes!("../good-descriptions/usage.csr");
    let files = sources(&[("cluster.kdl", text.as_bytes()), ("usage.csr", request)]);
    let loaded = load(&files, "cluster.kdl", None).map_err(|report| report.render(false)).unwrap();
    let expected =
        "user usage: usage.csr asks for extensions: left out, the description decides".to_owned();
    assert_eq!(loaded.notes, [expected]);
}
