//! The certificates that API servers show, and which CAs vouch for them.

use std::collections::{BTreeMap, BTreeSet};

use super::certificate::may;
use super::holds::{Certificate, Form};
use super::identity::names_the_api_server;
use super::judge::Anchors;
use super::world::World;
use crate::facts::{CertificateFacts, DistinguishedName, ExtendedKeyUsage, PublicKey};
use crate::hash::Digest;
use crate::pod::Process;
use crate::profile::APISERVER;

struct Server<'a> {
    /// Its position; past the last one where it has none.
    folder: usize,
    path: String,
    /// The leaf and what comes with it.
    shown: &'a [Certificate],
}

fn is_one(facts: &CertificateFacts) -> bool {
    !facts.is_ca && may(facts, &ExtendedKeyUsage::Server) && names_the_api_server(facts)
}

/// Each certificate once for a folder. The numbers are positions.
pub(super) struct ApiServers<'a> {
    all: Vec<Server<'a>>,
    by_folder: BTreeMap<usize, Vec<usize>>,
    by_issuer: BTreeMap<(&'a DistinguishedName, &'a PublicKey), Vec<usize>>,
    by_certificate: BTreeMap<Digest, Vec<usize>>,
}

impl<'a> ApiServers<'a> {
    /// From their place and their flags; one that only some clients are shown (SNI) is one of them.
    pub fn of(world: &World<'a>) -> Self {
        let mut servers = ApiServers {
            all: Vec::new(),
            by_folder: BTreeMap::new(),
            by_issuer: BTreeMap::new(),
            by_certificate: BTreeMap::new(),
        };
        for (folder, here) in world.folders.iter().enumerate() {
            let mut paths: BTreeSet<String> =
                here.files(APISERVER.home.file()).map(|(path, _)| path.to_owned()).collect();
            paths.extend(here.flag_files(Process::Apiserver, "tls-sni-cert-key"));
            for path in paths {
                let Some(file) = world.tree.file(&path) else { continue };
                let shown = file.holds.certificates.as_slice();
                if !shown.is_empty() {
                    servers.add(world, Server { folder, path, shown });
                }
            }
        }
        // By their names alone, where no folder says which one it is. Of copies one answers for all.
        let mut known: BTreeSet<Vec<Digest>> = BTreeSet::new();
        for (path, file) in &world.tree.files {
            let shown = file.holds.certificates.as_slice();
            if shown.first().is_some_and(|leaf| is_one(&leaf.facts))
                && file.holds.form != Form::Encoded
                && !world.is_in_a_folder(path)
                && known.insert(shown.iter().map(|one| one.facts.digest).collect())
            {
                servers.add(world, Server { folder: usize::MAX, path: path.clone(), shown });
            }
        }
        servers
    }

    fn add(&mut self, world: &World<'a>, server: Server<'a>) {
        let position = self.all.len();
        self.by_folder.entry(server.folder).or_default().push(position);
        for certificate in server.shown {
            self.by_certificate.entry(certificate.facts.digest).or_default().push(position);
            if let Some(issuer) = world.issuer(certificate) {
                let by = (&issuer.facts.subject, &issuer.facts.public_key);
                self.by_issuer.entry(by).or_default().push(position);
            }
        }
        self.all.push(server);
    }

    /// Those that a reader with these anchors may trust.
    pub fn below(&self, anchors: &Anchors<'a>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for anchor in &anchors.certificates {
            let facts = &anchor.facts;
            let signed = self.by_issuer.get(&(&facts.subject, &facts.public_key));
            let itself = self.by_certificate.get(&facts.digest);
            found.extend(signed.into_iter().chain(itself).flatten());
        }
        found
    }

    pub fn of_folder(&self, folder: usize) -> Vec<usize> {
        self.by_folder.get(&folder).cloned().unwrap_or_default()
    }

    pub fn shown(&self, server: usize) -> Vec<&'a Certificate> {
        self.all.get(server).map(|server| server.shown.iter().collect()).unwrap_or_default()
    }

    pub fn path(&self, server: usize) -> &str {
        self.all.get(server).map_or("", |server| &server.path)
    }

    pub fn folder(&self, server: usize) -> usize {
        self.all.get(server).map_or(usize::MAX, |server| server.folder)
    }
}
