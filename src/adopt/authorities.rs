//! The CAs and the service-account key: one and the same on every node, or nothing is taken over.

use std::collections::{BTreeMap, BTreeSet};

use super::node::Node;
use super::refusal::{Refusal, Refusals};
use crate::facts::{CertificateFacts, certificates_in_pem};
use crate::hash::Digest;
use crate::name::CertificatesDir;
use crate::profile::{
    AUTHORITY_FILES, AuthorityFile, AuthorityFileRow, SERVICE_ACCOUNT_FILES, below_root,
};
use crate::spec::{CaName, Role};

/// One CA as the nodes have it.
pub(super) struct Authority {
    pub name: CaName,
    pub der: Vec<u8>,
    pub facts: CertificateFacts,
    /// The nodes that have its key, by the file's place.
    pub keys_at: Vec<String>,
    /// Control-plane nodes that have it not.
    pub without_key: Vec<String>,
}

impl Authority {
    pub fn has_key(&self) -> bool {
        !self.keys_at.is_empty()
    }
}

/// Where kubeadm puts the key of a CA.
pub(super) fn key_path(name: CaName, dir: &CertificatesDir) -> String {
    let file = match name {
        CaName::Kubernetes => "pki/ca.key",
        CaName::Etcd => "pki/etcd/ca.key",
        CaName::FrontProxy => "pki/front-proxy-ca.key",
    };
    below_root(dir, file)
}

/// That of all nodes.
fn dir(nodes: &[Node<'_>]) -> CertificatesDir {
    nodes.first().map_or_else(CertificatesDir::kubeadms, |node| node.certificates_dir.clone())
}

fn bundle_path(name: CaName) -> Option<&'static str> {
    let is_bundle = |row: &&AuthorityFileRow| row.ca == name && row.file == AuthorityFile::Bundle;
    AUTHORITY_FILES.iter().find(is_bundle).map(|row| row.path)
}

pub(super) fn authorities(nodes: &[Node<'_>]) -> Result<BTreeMap<CaName, Authority>, Refusals> {
    let mut refusals = Refusals::new();
    let mut all = BTreeMap::new();
    for name in CaName::ALL {
        match authority(name, nodes) {
            Ok(found) => {
                all.insert(name, found);
            }
            Err(mut why) => refusals.append(&mut why),
        }
    }
    refusals.extend(service_account(nodes));
    if refusals.is_empty() { Ok(all) } else { Err(refusals) }
}

fn authority(name: CaName, nodes: &[Node<'_>]) -> Result<Authority, Refusals> {
    let dir = dir(nodes);
    let path = below_root(&dir, bundle_path(name).unwrap_or_default());
    let mut refusals = Refusals::new();
    let mut found: BTreeMap<Digest, (Vec<u8>, CertificateFacts, Vec<&Node<'_>>)> = BTreeMap::new();
    for node in nodes {
        let Some(bytes) = node.bytes(&path) else { continue };
        match one(bytes) {
            Ok((der, facts)) => {
                found.entry(facts.digest).or_insert((der, facts, Vec::new())).2.push(node);
            }
            Err((why, help)) => {
                let refusal = Refusal::of_file(&node.name, &path, why);
                refusals.push(match help {
                    Some(help) => refusal.help(help),
                    None => refusal,
                });
            }
        }
    }
    if found.len() > 1 {
        let most = found.values().map(|(_, _, nodes)| nodes.len()).max();
        let mut usual = found.values().filter(|(_, _, nodes)| Some(nodes.len()) == most);
        let usual = usual.next().map(|(_, facts, _)| facts.digest);
        let of_usual = usual.and_then(|digest| found.get(&digest));
        for (digest, (_, facts, nodes)) in &found {
            if Some(*digest) == usual {
                continue;
            }
            for node in nodes {
                let why = format!("holds another CA ({}) than {}", told(facts), others(of_usual));
                refusals.push(Refusal::of_file(&node.name, &path, why).help(
                    "nodes with different CAs are of two clusters, or of a rotation that was begun by hand: kpki does \
                     not choose between them",
                ));
            }
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let Some((_, (der, facts, _))) = found.into_iter().next() else {
        let why = format!("no node has /{path}, the certificate of ca \"{name}\"");
        return Err(vec![Refusal::of_cluster(why).help(super::node::COPY)]);
    };
    let key = key_path(name, &dir);
    let (mut keys_at, mut without_key) = (Vec::new(), Vec::new());
    let mut keys: BTreeMap<&[u8], Vec<&Node<'_>>> = BTreeMap::new();
    for node in nodes {
        match node.bytes(&key) {
            Some(bytes) => {
                keys_at.push(format!("{}:/{key}", node.name));
                keys.entry(bytes).or_default().push(node);
            }
            None if node.role == Role::ControlPlane => without_key.push(node.name.to_string()),
            None => {}
        }
    }
    if keys.len() > 1 {
        // Whether each is the certificate's key was asked before, file by file.
        for (_, nodes) in keys.iter().skip(1) {
            for node in nodes {
                let why = "holds the CA's key in other bytes than on the other nodes";
                refusals.push(Refusal::of_file(&node.name, &key, why));
            }
        }
        return Err(refusals);
    }
    Ok(Authority { name, der, facts, keys_at, without_key })
}

fn told(facts: &CertificateFacts) -> String {
    format!("{}, key {}", facts.subject, facts.public_key.fingerprint())
}

fn others(usual: Option<&(Vec<u8>, CertificateFacts, Vec<&Node<'_>>)>) -> String {
    usual.map_or_else(String::new, |(_, facts, nodes)| {
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        format!("{} ({})", names.join(", "), told(facts))
    })
}

type Unfit = (String, Option<&'static str>);

/// The one certificate of a CA's file.
fn one(bytes: &[u8]) -> Result<(Vec<u8>, CertificateFacts), Unfit> {
    let all = certificates_in_pem(bytes).map_err(|error| (error.to_string(), None))?;
    let mut distinct: Vec<Vec<u8>> = Vec::new();
    for der in all {
        if !distinct.contains(&der) {
            distinct.push(der);
        }
    }
    match <[Vec<u8>; 1]>::try_from(distinct) {
        Ok([der]) => {
            let facts =
                CertificateFacts::from_der(&der).map_err(|error| (error.to_string(), None))?;
            Ok((der, facts))
        }
        Err(others) if others.is_empty() => Err(("holds no certificate".to_owned(), None)),
        Err(others) => Err((
            format!("holds {} CA certificates: a rotation that was begun by hand", others.len()),
            Some(
                "finish it first (one certificate in ca.crt on every node, everything issued by it), then run kpki \
                 adopt again",
            ),
        )),
    }
}

/// Tokens that one API server signs must be believed by all.
fn service_account(nodes: &[Node<'_>]) -> Refusals {
    let (private, public) = SERVICE_ACCOUNT_FILES;
    let mut refusals = Refusals::new();
    for file in [public, private] {
        let path = below_root(&dir(nodes), file);
        let mut found: BTreeMap<&[u8], Vec<&Node<'_>>> = BTreeMap::new();
        for node in nodes.iter().filter(|node| node.role == Role::ControlPlane) {
            if let Some(bytes) = node.bytes(&path) {
                found.entry(bytes).or_default().push(node);
            }
        }
        let Some(usual) = found.iter().max_by_key(|(_, nodes)| nodes.len()) else { continue };
        let usual = *usual.0;
        let names: BTreeSet<&str> =
            (found.get(usual).into_iter().flatten()).map(|node| node.name.as_str()).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        for (_, nodes) in found.iter().filter(|(bytes, _)| **bytes != usual) {
            for node in nodes {
                let why = format!("is not that of {names}: tokens of one are refused by the other");
                refusals.push(Refusal::of_file(&node.name, &path, why).help(
                    "find out which of the two pairs signs the tokens in use, put sa.key and sa.pub of that one on every \
                     control-plane node, restart their API servers and controller-managers, then run kpki adopt again",
                ));
            }
        }
    }
    refusals
}
