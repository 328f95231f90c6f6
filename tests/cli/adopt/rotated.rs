//! A cluster that was taken over is rotated: its kubelets renew their own certificates.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kpki::facts::certificates_in_pem;
use kpki::time::{Span, Timestamp};

use super::proof::Desk;
use crate::testkit::contents;
use crate::testkit::kubeadm::Cluster;
use crate::testkit::talks::{Judge, Stage, kubelet_pair, refused_tokens, talks};

const ROOTS: [&str; 4] = ["ca/kubernetes", "ca/etcd", "ca/front-proxy", "service-account"];

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix(i64::try_from(now.as_secs()).unwrap())
}

type Pairs = BTreeMap<String, Vec<u8>>;

fn stage(desk: &Desk, kubelets: &Pairs) -> Stage {
    Stage::of_files(&contents(&desk.project.out("")), kubelets)
}

/// Each kubelet asks the cluster for another certificate.
fn renewed(desk: &Desk, kubelets: &Pairs) -> Pairs {
    let signer = stage(desk, kubelets).cluster_signer().unwrap();
    let pair = |node: &String| kubelet_pair(&signer, node, now(), Span::days(365));
    kubelets.keys().map(|node| (node.clone(), pair(node))).collect()
}

/// Every byte but the CA's stays, and the CAs are those of the stage.
fn assert_patched(desk: &Desk, stage: &str) {
    for (node, tree) in &desk.trees {
        let path = "etc/kubernetes/kubelet.conf";
        let field = |text: &str| {
            let line = text.lines().find(|line| line.contains("certificate-authority-data:"));
            line.unwrap().rsplit_once(' ').unwrap().1.to_owned()
        };
        let text = desk.project.read(&format!("nodes/{node}/{path}"));
        let (old, new) = (field(&tree.text(path)), field(&text));
        assert_eq!(text.replace(&new, &old), tree.text(path), "{stage} {node}");
        let named = |data: &str| certificates_in_pem(&STANDARD.decode(data).unwrap()).unwrap();
        let (old, new) = (named(&old), named(&new));
        let places: Vec<bool> = new.iter().map(|der| *der == old[0]).collect();
        let expected: &[bool] = match stage {
            "trust" => &[true, false],
            "promote" => &[false, true],
            _ => &[false],
        };
        assert_eq!(places, expected, "{stage} {node}");
    }
}

#[test]
fn an_adopted_cluster_rotates_its_roots() {
    let desk = Desk::new(Cluster::large().trees());
    desk.adopted(&[]);
    let first = desk.trees.iter().map(|(node, tree)| {
        let folder = "var/lib/kubelet/pki/kubelet-client-current.pem";
        let pair = tempfile::tempdir().unwrap();
        tree.write(pair.path());
        let link = std::fs::read_link(pair.path().join(folder)).unwrap();
        let file = pair.path().join(link.strip_prefix("/").unwrap());
        let pem = std::fs::read_to_string(file).unwrap();
        // The key stands there, too; it is not shown.
        let certificate = pem.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap();
        (node.clone(), certificate.as_bytes().to_vec())
    });
    let mut kubelets: Pairs = first.collect();
    let mut before = stage(&desk, &kubelets);
    for stage_word in ["trust", "promote", "distrust"] {
        let mut words = vec!["apply".to_owned(), "--all".to_owned(), "--prune".to_owned()];
        for root in ROOTS {
            desk.project.done(&["rotate", root]);
            words.extend(["--allow".to_owned(), format!("{stage_word}:{root}")]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        desk.project.done(&words);
        assert_eq!(desk.plan(&[]), BTreeSet::new(), "{stage_word}");
        assert_patched(&desk, stage_word);
        let mut judge = Judge::at(now());
        let mut meet = |before: &Stage, after: &Stage| {
            for (clients, servers) in [(before, after), (after, before), (after, after)] {
                let talks = talks(clients, servers, &mut judge);
                assert!(talks.refused.is_empty(), "{stage_word} {:#?}", talks.refused);
                let fine: usize = talks.fine.values().sum();
                assert!(fine > 40, "{:?}", talks.fine);
                assert_eq!(refused_tokens(clients, servers), [""; 0], "{stage_word}");
            }
        };
        meet(&before, &stage(&desk, &kubelets));
        kubelets = renewed(&desk, &kubelets);
        let after = stage(&desk, &kubelets);
        meet(&before, &after);
        before = after;
    }
}
