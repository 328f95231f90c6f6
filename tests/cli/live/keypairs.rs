//! A CA with several keypairs, as while it is replaced: the same visit, of values.

use std::collections::HashMap;

use kpki::graph::Graph;
use kpki::holdings::Certificate;
use kpki::keys::Entropy;
use kpki::live::{
    Acceptance, FaultKind, Known, Life, Sockets, Target, Trust, TrustedKeypair, Verdict, client,
    stranger, targets, visit,
};
use kpki::name::ArtifactName;
use kpki::spec::{CaName, Spec};
use kpki::time::{Span, Timestamp};

use super::cluster::{Cluster, DAY, ETCD, Wrong, clients, faults, other_ca, wrong_pair};
use super::servers::{Tls, Trusts};
use crate::testkit::Authority;
use kpki::facts::certificate_pem;

fn loaded(cluster: &Cluster) -> (Spec, Graph) {
    let sources = kpki::sources::Sources::Folder(cluster.project.folder().to_owned());
    let loaded = kpki::config::load(&sources, "cluster.kdl", None).ok().unwrap();
    (loaded.spec, loaded.graph)
}

fn now() -> Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_unix(i64::try_from(now.as_secs()).unwrap())
}

fn keypair(name: &str, ca: &Authority, life: Life) -> TrustedKeypair {
    let certificate = Certificate::from_der(&ca.certificate).unwrap();
    let client = client(&certificate, &ca.key, life, &Entropy::system());
    TrustedKeypair { name: ArtifactName::of(name), certificate, client, lets_in: true }
}

fn seen(target: &Target, pairs: [(&str, &Authority); 2]) -> Verdict {
    let life = Life::of(now(), Span::minutes(1));
    let keypairs = pairs.map(|(name, ca)| keypair(name, ca, life)).into();
    let known = Known {
        cas: vec![Trust { ca: CaName::Etcd, keypairs }],
        leaves: HashMap::new(),
        token_keys: Vec::new(),
        stranger: stranger(life, &Entropy::system()),
        now: now(),
    };
    visit(&known, target, &Sockets::new(Span::minutes(1)))
}

#[test]
fn each_keypair_is_told_by_name_in_what_is_served_and_in_whom_it_lets_in() {
    // One subject, two keys: told apart by the key alone.
    let (first, second) = (other_ca("etcd-ca"), other_ca("etcd-ca"));
    for (trusted, (serves, expected), accepted) in [
        (vec![&first, &second], (&second, "ca/etcd/2"), [true, true]),
        (vec![&second, &first], (&first, "ca/etcd"), [true, true]),
        // Its process has not read the bundle yet: stage "trust" is not done here.
        (vec![&first], (&first, "ca/etcd"), [true, false]),
    ] {
        let cluster = Cluster::new("");
        let address = cluster.address.to_string();
        let names = [address.as_str()];
        let pair = wrong_pair(&Wrong { ca: serves, names: &names, from: -DAY, until: DAY });
        let trusts = trusted.iter().map(|ca| certificate_pem(&ca.certificate).into_bytes());
        let trusts = Trusts::Cas(trusts.collect());
        cluster.start_etcd(ETCD, |right| Tls { pair, trusts, ..right });
        let (spec, graph) = loaded(&cluster);
        let all = targets(&spec, &graph);
        let target = all.iter().find(|one| one.row.service == kpki::live::Service::Etcd).unwrap();
        let verdict = seen(target, [("ca/etcd", &first), ("ca/etcd/2", &second)]);
        let signed_by = verdict.served.as_ref().unwrap().signed_by.clone().unwrap();
        assert_eq!(signed_by.as_str(), expected);
        let found: Vec<_> = verdict.clients.iter().map(|one| one.acceptance.clone()).collect();
        let is = |is| if is { Acceptance::Accepted } else { Acceptance::Refused };
        assert_eq!(found, accepted.map(is));
        let kinds: Vec<_> = verdict.faults.iter().map(|fault| fault.kind).collect();
        let refused = accepted.iter().filter(|is| !**is).count();
        assert_eq!(kinds, vec![FaultKind::ClientsRefused; refused]);
    }
}

/// The stages of a rotation, as a description writes them: whom the API server should let in at each.
#[test]
fn a_description_says_which_keypairs_let_clients_in() {
    for (stage, cas, expected, kinds) in [
        ("trusted", &[1, 2][..], "ca/kubernetes: accepted; ca/kubernetes/2: accepted", &[][..]),
        (
            "trusted",
            &[1],
            "ca/kubernetes: accepted; ca/kubernetes/2: refused",
            &["clients-refused"],
        ),
        ("serving-only", &[1], "ca/kubernetes: accepted; ca/kubernetes/2: refused", &[]),
        (
            "serving-only",
            &[1, 2],
            "ca/kubernetes: accepted; ca/kubernetes/2: accepted",
            &["clients-accepted"],
        ),
    ] {
        let more = "ca \"kubernetes\" { keypair 1; keypair 2 state=\"trusted\" }\n";
        let cluster = Cluster::with(more, &["--allow", "trust:ca/kubernetes"]);
        let certificates: Vec<Vec<u8>> = (cas.iter())
            .map(|number| match number {
                1 => cluster.ca("kubernetes"),
                _ => cluster.ca("kubernetes-2"),
            })
            .collect();
        let trusts = Trusts::Cas(certificates);
        cluster.start_api(|right| Tls { trusts, ..right });
        let description = cluster.project.text("cluster.kdl");
        cluster
            .project
            .describe(&description.replace("state=\"trusted\"", &format!("state=\"{stage}\"")));
        let (_, report) = cluster.verify(&[]);
        assert_eq!(clients(&report, "apiserver"), expected, "{report:#}");
        assert_eq!(faults(&report, "apiserver"), kinds, "{report:#}");
    }
}
