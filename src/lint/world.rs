//! What the checks ask: every certificate once, who signed it, the Kubernetes folders, and what their readers
//! say.

use std::collections::{BTreeMap, BTreeSet};

use super::client::{Client, Given};
use super::holds::Certificate;
use super::issuers::{Issuers, Signer};
use super::judge::Answer;
use super::kubernetes_folder::{KubernetesFolder, folders};
use super::tree::Tree;
use super::verdicts::{Verdict, verdicts};
use crate::hash::Digest;
use crate::time::Timestamp;

pub(super) struct World<'a> {
    pub tree: &'a Tree,
    pub now: Timestamp,
    pub folders: Vec<KubernetesFolder<'a>>,
    /// Each with the first path that it was found at, those of kubeconfigs last. What its own process has
    /// exchanged for another is left out.
    pub certificates: Vec<(&'a str, &'a Certificate)>,
    /// Every kubeconfig, by path.
    pub clients: Vec<Client<'a>>,
    pub verdicts: Vec<Verdict<'a>>,
    issuers: Issuers<'a>,
    paths: BTreeMap<Digest, &'a str>,
    judged: BTreeSet<Digest>,
}

impl<'a> World<'a> {
    pub fn new(tree: &'a Tree, now: Timestamp) -> Self {
        let mut certificates = Vec::new();
        let mut paths = BTreeMap::new();
        let mut take = |path: &'a str, all: &'a [Certificate]| {
            for certificate in all {
                paths.entry(certificate.facts.digest).or_insert_with(|| {
                    certificates.push((path, certificate));
                    path
                });
            }
        };
        let history = tree.history();
        for (path, file) in &tree.files {
            if !history.contains(path.as_str()) {
                take(path, &file.holds.certificates);
            }
        }
        let clients: Vec<Client<'a>> = Client::all(tree).collect();
        for client in &clients {
            for given in [&client.certificates, &client.authorities] {
                if let Given::Here(path, all) = given {
                    take(path, all);
                }
            }
        }
        let folders = folders(tree);
        let verdicts = verdicts(tree, &folders, &clients, now);
        let mut signed = BTreeMap::new();
        for verdict in &verdicts {
            if let Answer::Taken(chain) = &verdict.answer {
                for pair in chain.windows(2) {
                    if let [below, above] = pair {
                        signed.insert(below.facts.digest, *above);
                    }
                }
            }
        }
        World {
            tree,
            now,
            issuers: Issuers::of(&certificates, signed),
            judged: (verdicts.iter())
                .filter(|verdict| !matches!(verdict.answer, Answer::Untold))
                .map(|verdict| verdict.leaf.facts.digest)
                .collect(),
            folders,
            certificates,
            clients,
            verdicts,
            paths,
        }
    }

    /// The certificate of this tree that signed it, itself where it is a root.
    pub fn issuer(&self, certificate: &Certificate) -> Option<&'a Certificate> {
        match self.issuers.signer(certificate) {
            Signer::Found(issuer) => Some(issuer),
            Signer::OtherKey | Signer::NotHere | Signer::NotSearched => None,
        }
    }

    pub fn signer(&self, certificate: &Certificate) -> Signer<'a> {
        self.issuers.signer(certificate)
    }

    /// Whether it lies below a Kubernetes folder.
    pub fn is_in_a_folder(&self, path: &str) -> bool {
        self.folders.iter().any(|folder| path.starts_with(folder.start()))
    }

    /// Where it was found first.
    pub fn path_of(&self, certificate: &Certificate) -> Option<&'a str> {
        self.paths.get(&certificate.facts.digest).copied()
    }

    /// Whether a reader has answered what it thinks of it.
    pub fn is_judged(&self, certificate: &Certificate) -> bool {
        self.judged.contains(&certificate.facts.digest)
    }

    /// The kubeconfig at a path, or where links lead from there.
    pub fn client(&self, path: &str) -> Option<&Client<'a>> {
        Client::at(self.tree, &self.clients, path)
    }
}
