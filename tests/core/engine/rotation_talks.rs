//! While a root of trust is rotated, nodes are installed one by one: whoever must talk does, between a node
//! of one stage and a node of the next, in both directions.

use std::collections::{BTreeMap, BTreeSet};

use kpki::algorithm::KeyAlgorithm;
use kpki::build::certificate::Purpose;
use kpki::facts::{DistinguishedName, certificate_pem};
use kpki::plan::{Allow, Intent};
use kpki::time::Span;
use proptest::prelude::*;

use super::convergence::{Cluster, cluster};
use crate::testkit::memory_project::MemoryProject;
use crate::testkit::talks::{
    Judge, Kind, Stage, Talks, kubelet_pair, refused_tokens, talks, tokens_by_openssl,
};
use crate::testkit::{Authority, Wish, generate};

const ROOTS: [&str; 4] = ["ca/kubernetes", "ca/etcd", "ca/front-proxy", "service-account"];

/// How far a root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Start,
    Trust,
    Promote,
    ServingOnly,
    Distrust,
}
pub(super) use At::{Distrust, Promote, ServingOnly, Start, Trust};

impl At {
    /// `brought`: the file names of the two certificates.
    fn keypairs(self, brought: Option<&str>) -> String {
        let line = |number: u8, state: &str| {
            let certificate =
                brought.map(|ca| format!(" certificate=\"{ca}-{number}.crt\"")).unwrap_or_default();
            format!("keypair {number}{state}{certificate}; ")
        };
        let (trusted, serving) = (" state=\"trusted\"", " state=\"serving-only\"");
        match self {
            Start => line(1, ""),
            Trust => line(1, "") + &line(2, trusted),
            Promote => line(1, trusted) + &line(2, ""),
            ServingOnly => line(1, serving) + &line(2, ""),
            Distrust => line(2, ""),
        }
    }

    /// What must be consented to on the way.
    pub(super) fn word(self, next: At) -> Option<&'static str> {
        match (self, next) {
            (Start, Trust) => Some("trust"),
            (Trust, Promote) | (Promote, Trust) => Some("promote"),
            (Trust, Start) | (Promote | ServingOnly, Distrust) | (Promote, ServingOnly) => {
                Some("distrust")
            }
            (one, other) if one == other => None,
            other => panic!("{other:?}"),
        }
    }
}

const WAYS: [&[At]; 4] = [
    &[Start, Trust, Promote, Distrust],
    &[Start, Trust, Promote, ServingOnly, Distrust],
    &[Start, Trust, Start, Trust, Promote, Distrust],
    &[Start, Trust, Promote, Trust, Start],
];

#[derive(Clone, Debug)]
pub(super) struct Rotating {
    cluster: Cluster,
    /// Each with its way; the second one may start later.
    roots: Vec<(&'static str, &'static [At])>,
    lag: usize,
    /// CAs of which somebody brings all certificates, with so much of their chain.
    brought: Option<(&'static str, usize)>,
    pub(super) self_rotated: bool,
    seeded: bool,
    /// In hundredths of the time until the first certificate ends.
    waits: Vec<u64>,
}

prop_compose! {
    pub(super) fn rotating()(
        cluster in cluster(),
        roots in prop::sample::subsequence(ROOTS.to_vec(), 1..=2).prop_shuffle(),
        ways in prop::collection::vec(prop::sample::select(WAYS.to_vec()), 2),
        lag in 0usize..2,
        brought in prop::option::of((0usize..2, 1usize..3)),
        self_rotated in any::<bool>(),
        seeded in prop::bool::weighted(0.3),
        waits in prop::collection::vec(prop::sample::select(vec![0u64, 0, 45, 95]), 8),
    ) -> Rotating {
        let way = |root: &str, way: usize| match (root, ways[way]) {
            // Who a server takes for a client and what a client takes for a server differ for this CA alone.
            ("ca/kubernetes", way) => way,
            (_, way) if way.contains(&ServingOnly) => WAYS[0],
            (_, way) => way,
        };
        let brought = brought.and_then(|(index, length)| {
            let ca = roots.get(index)?.strip_prefix("ca/")?;
            Some((ca, length))
        });
        Rotating {
            roots: roots.iter().enumerate().map(|(at, root)| (*root, way(root, at))).collect(),
            cluster,
            lag,
            brought,
            self_rotated,
            seeded,
            waits,
        }
    }
}

impl Rotating {
    /// How far each root is after so many steps.
    pub(super) fn stage(&self, step: usize) -> Vec<(&'static str, At)> {
        let far = |lag: usize, way: &[At]| way[step.saturating_sub(lag).min(way.len() - 1)];
        let all = self.roots.iter().enumerate();
        all.map(|(index, (root, way))| (*root, far(index * self.lag, way))).collect()
    }

    pub(super) fn steps(&self) -> usize {
        let all = self.roots.iter().enumerate();
        all.map(|(index, (_, way))| way.len() + index * self.lag).max().unwrap()
    }

    pub(super) fn description(&self, step: usize) -> String {
        let mut text = self.cluster.description();
        if self.seeded {
            let not_before = "2026-11-24T11:59:00Z";
            let seeded = format!(
                "\nreproducible {{ seed-file \"lab.seed\"; not-before \"{not_before}\" }}\n"
            );
            text.push_str(&seeded);
            text = text.replace("kubernetes \"1.28\"", "kubernetes \"1.28.0\"");
            text = text.replace("kubernetes \"1.33\"", "kubernetes \"1.33.0\"");
        }
        if self.self_rotated {
            let component = "component \"kubelet\" ";
            text = text.replace(component, &format!("{component}client=\"self-rotated\" "));
        }
        for (root, at) in self.stage(step) {
            let brought = self.brought.filter(|(ca, _)| root == format!("ca/{ca}"));
            let keypairs = at.keypairs(brought.map(|(ca, _)| ca));
            let Some(ca) = root.strip_prefix("ca/") else {
                let block = format!("\ncomponent \"service-account\" {{ {keypairs} }}\n");
                text.push_str(&block);
                continue;
            };
            let lines = text.lines().map(|line| match line.strip_prefix(&format!("ca {ca:?}")) {
                Some(_) if brought.is_some() => format!("ca {ca:?} {{ {keypairs} }}"),
                Some(rest) => format!("ca {ca:?}{rest} {{ {keypairs} }}"),
                None => line.to_owned(),
            });
            text = lines.collect::<Vec<_>>().join("\n");
        }
        text
    }

    pub(super) fn project(&self) -> MemoryProject {
        let mut project = MemoryProject::new(&self.description(0));
        project.identity = Some(super::convergence::operator());
        project.seed = self.seeded.then(|| SEED.to_owned());
        if let Some((ca, length)) = self.brought {
            for number in 1..=2 {
                let (chain, key) = company(&project, number, length);
                project.extra.insert(format!("{ca}-{number}.crt"), chain);
                let name = if number == 1 { format!("ca/{ca}") } else { format!("ca/{ca}-2") };
                project.out.insert(format!("{name}.key"), (key, 0o600));
            }
        }
        project
    }
}

/// Public, as every seed of a test: the first private key of RFC 8032 7.1.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

/// A CA below a company's root, with so many certificates of its chain, and its key.
fn company(project: &MemoryProject, number: u8, length: usize) -> (Vec<u8>, Vec<u8>) {
    let wish = |name: &str| Wish {
        subject: DistinguishedName::new(["ACME"], Some(name)),
        purpose: Purpose::Authority,
        sans: BTreeSet::new(),
        not_before: project.now.minus(Span::days(1)),
        not_after: project.now.plus(Span::days(3000)),
    };
    let key = generate(KeyAlgorithm::EcdsaP256);
    let of_root = wish("ACME Root");
    let mut root = Authority {
        subject: of_root.subject.clone(),
        key_id: key.public_key().key_identifier().to_vec(),
        key,
        certificate: Vec::new(),
    };
    root.certificate = root.issue(&of_root, &root.key);
    let key = generate(KeyAlgorithm::EcdsaP256);
    let signer = root.issue(&wish(&format!("Kubernetes {number}")), &key);
    let chain = [signer, root.certificate];
    let chain: String = chain.iter().take(length).map(|der| certificate_pem(der)).collect();
    (chain.into_bytes(), key.to_pem().expose().to_vec())
}

/// The cluster's own part after an install: it signs what waits for it, and kubelets get new pairs.
fn cluster_signs(
    project: &mut MemoryProject,
    files: &BTreeMap<String, Vec<u8>>,
    rotates: bool,
) -> BTreeMap<String, Vec<u8>> {
    let stage = Stage::of(project, files);
    let signer = stage.cluster_signer();
    for user in project.waiting() {
        let Some(signer) = &signer else { break };
        let request = &project.out[&format!("users/{user}/request/{user}.csr")].0;
        let certificate = signer.sign(request, project.now, Span::days(90));
        project.accept(&user, &certificate).unwrap();
        assert!(!project.waiting().contains(&user), "{user} still waits");
    }
    project.assert_converged();
    let Some(signer) = signer.filter(|_| rotates) else { return files.clone() };
    let nodes = files.keys();
    let pair = |node: &String| kubelet_pair(&signer, node, project.now, Span::days(90));
    nodes.map(|node| (node.clone(), pair(node))).collect()
}

fn nodes_with_kubelets(project: &MemoryProject) -> BTreeMap<String, Vec<u8>> {
    let nodes = project.out.keys().filter_map(|path| path.strip_prefix("nodes/"));
    let nodes = nodes.filter_map(|path| path.split_once("/etc/kubernetes/kubelet.conf"));
    // Until the cluster signs another one, the certificate of a CA that nobody trusts.
    nodes.map(|(node, _)| (node.to_owned(), stranger())).collect()
}

fn stranger() -> Vec<u8> {
    certificate_pem(&Authority::new("stranger", KeyAlgorithm::EcdsaP256).certificate).into_bytes()
}

#[track_caller]
fn all_is_fine(talks: &Talks, what: &str) {
    let refused: Vec<&String> = talks.refused.iter().map(|(_, why)| why).collect();
    assert!(refused.is_empty(), "{what}\n{refused:#?}");
}

/// Each of them dials as often as the number of nodes says.
fn everybody_was_asked(talks: &Talks, description: &str) {
    let count = |word: &str| description.lines().filter(|line| line.contains(word)).count();
    let control_planes = count("role=\"control-plane\"");
    let others = count("role=\"etcd\"");
    let members = if others == 0 { control_planes } else { others };
    let kubelets = count("node \"w") + control_planes;
    let number = |kind: Kind| talks.fine.get(&kind).copied().unwrap_or_default();
    // Of each member its server's pair and the health check's, of each API server its own.
    assert_eq!(number(Kind::Etcd), members * (control_planes + 2 * members), "{description}");
    assert_eq!(number(Kind::EtcdPeer), members * members, "{description}");
    assert_eq!(number(Kind::Kubelet), kubelets * control_planes, "{description}");
    assert_eq!(number(Kind::Extension), control_planes * control_planes, "{description}");
    // A control-plane node's kubelet.conf, controller-manager.conf, scheduler.conf go to one server each or
    // to all; admin.conf and the pods' bundle to all.
    let least = control_planes * (3 + 2 * control_planes);
    assert!(number(Kind::ApiServer) >= least, "{description}");
}

fn go(rotating: &Rotating) {
    let mut project = rotating.project();
    project.apply().unwrap();
    project.assert_converged();
    let mut kubelets = BTreeMap::new();
    if rotating.self_rotated {
        kubelets = nodes_with_kubelets(&project);
    }
    kubelets = cluster_signs(&mut project, &kubelets, true);
    let mut before = Stage::of(&project, &kubelets);
    let mut judge = Judge::at(project.now);
    let steady = talks(&before, &before, &mut judge);
    all_is_fine(&steady, "at first");
    everybody_was_asked(&steady, &project.description);
    for step in 1..rotating.steps() {
        // A seed's certificates have the dates of the description.
        if !rotating.seeded {
            let left = before.ends.since(project.now).as_seconds();
            project.later(Span::seconds(left * rotating.waits[step % 8] / 100));
        }
        let (from, to) = (rotating.stage(step - 1), rotating.stage(step));
        let words = from.iter().zip(&to).filter_map(|((root, one), (_, other))| {
            one.word(*other).map(|stage| format!("{stage}:{root}"))
        });
        let words: BTreeSet<String> = words.collect();
        project.description = rotating.description(step);
        let asked = project.plan().blocked().into_iter();
        let asked: BTreeSet<String> =
            asked.map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
        assert_eq!(asked, words, "{from:?} -> {to:?}\n{}", project.description);
        let allow = words.iter().map(|word| word.parse::<Allow>().unwrap()).collect();
        let intent = Intent { allow, all: true, ..Intent::default() };
        project.apply_with(&intent, true).unwrap();
        project.assert_converged();
        let what = format!("{from:?} -> {to:?} at {}\n{}", project.now, project.description);
        let mut judge = Judge::at(project.now);
        let mut meet = |before: &Stage, after: &Stage| {
            for (clients, servers) in [(before, after), (after, before), (after, after)] {
                let talks = talks(clients, servers, &mut judge);
                all_is_fine(&talks, &what);
                everybody_was_asked(&talks, &project.description);
                assert_eq!(refused_tokens(clients, servers), [""; 0], "{what}");
            }
        };
        // Before the cluster has signed anything, and after.
        let installed = Stage::of(&project, &kubelets);
        meet(&before, &installed);
        kubelets = cluster_signs(&mut project, &kubelets, true);
        let after = Stage::of(&project, &kubelets);
        for (clients, servers) in [(&before, &after), (&after, &before), (&after, &after)] {
            all_is_fine(&talks(clients, servers, &mut judge), &what);
        }
        before = after;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn whoever_must_talk_does_from_stage_to_stage(rotating in rotating()) {
        go(&rotating);
    }
}

const ALL: &str = r#"
cluster "lab" { kubernetes "1.36.2"; endpoint "api.lab:6443" }
node "cp1" role="control-plane" address="10.0.0.1"
node "cp2" role="control-plane" address="10.0.0.2"
node "w1" address="10.0.1.1"
component "kubelet" serving=#true
user "jane" { group "dev" }
"#;

/// All roots at once, each question to OpenSSL, too; and what is two stages apart does not talk.
#[test]
fn openssl_says_the_same_and_stages_may_not_be_skipped() {
    let described = |at: At| {
        let all = ROOTS.iter().map(|root| {
            let keypairs = at.keypairs(None);
            match root.strip_prefix("ca/") {
                Some(ca) => format!("ca {ca:?} {{ {keypairs} }}\n"),
                None => format!("component {root:?} {{ {keypairs} }}\n"),
            }
        });
        format!("{ALL}{}", all.collect::<String>())
    };
    let none = BTreeMap::new();
    let mut project = MemoryProject::applied(&described(Start));
    let mut stages = vec![Stage::of(&project, &none)];
    for at in [Trust, Promote, Distrust] {
        project.description = described(at);
        let words = ROOTS.map(|root| format!("{}:{root}", stages_word(at)));
        let allow = words.iter().map(|word| word.parse::<Allow>().unwrap()).collect();
        project.apply_with(&Intent { allow, all: true, ..Intent::default() }, true).unwrap();
        project.assert_converged();
        stages.push(Stage::of(&project, &none));
    }
    let mut judge = Judge::at(project.now);
    for (one, clients) in stages.iter().enumerate() {
        for (other, servers) in stages.iter().enumerate() {
            let talks = talks(clients, servers, &mut judge);
            let what = format!("{one} -> {other}");
            assert_eq!(
                tokens_by_openssl(clients, servers),
                refused_tokens(clients, servers).is_empty()
            );
            if one.abs_diff(other) < 2 {
                all_is_fine(&talks, &what);
                everybody_was_asked(&talks, &project.description);
                assert_eq!(refused_tokens(clients, servers), [""; 0], "{what}");
                continue;
            }
            for kind in [Kind::Etcd, Kind::EtcdPeer, Kind::Kubelet] {
                assert_eq!(talks.fine.get(&kind), None, "{what} {kind:?}");
            }
            // Two nodes' pods, which show tokens, at two API servers.
            let pods = matches!((one, other), (2, 0) | (1, 3)).then_some(&4);
            assert_eq!(talks.fine.get(&Kind::ApiServer), pods, "{what}");
            // Who trusts both keys takes an old client still, and a new one already.
            let is_known = matches!((one, other), (0, 2) | (3, 1));
            assert_eq!(talks.fine.contains_key(&Kind::Extension), is_known, "{what}");
            assert_eq!(refused_tokens(clients, servers).is_empty(), is_known, "{what}");
        }
    }
    let asked = judge.agrees_with_openssl();
    assert!(asked > 50, "{asked} questions");
}

fn stages_word(at: At) -> &'static str {
    match at {
        Trust => "trust",
        Promote => "promote",
        _ => "distrust",
    }
}
