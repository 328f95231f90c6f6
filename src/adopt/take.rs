//! The files of `out/` and the lines of the lock for what the nodes have.
//!
//! Nothing is rendered that lies on a node: its bytes are the node's own, or there is a refusal.

use std::collections::BTreeMap;

use super::authorities::key_path;
use super::node::Node;
use super::refusal::{Refusal, Refusals};
use crate::content::{
    Input, bundle_content, kubeconfig_content, kubeconfig_entry, rendered_content,
};
use crate::facts::{
    CertificateFacts, KubeconfigFacts, PublicKey, certificate_pem, certificates_in_pem,
};
use crate::graph::{DerivationId, FilePart, Graph, Kubeconfig, Placement, Recipe, tree_of};
use crate::hash::Digest;
use crate::keys::PrivateKey;
use crate::name::{ArtifactName, NodeName, TreePath};
use crate::secret::Secret;
use crate::state::Entry;

/// What is taken over.
pub struct Taken {
    /// By their paths below `out/`, in the clear.
    pub files: BTreeMap<TreePath, TakenFile>,
    /// Lines of kubeconfigs: what they say was compared here, and they must not be rendered anew. All others
    /// are an ordinary plan's to write.
    pub entries: BTreeMap<ArtifactName, Entry>,
    /// The keys of CAs and of tokens, and a file that each was found in.
    pub anchors: BTreeMap<DerivationId, (NodeName, String, PublicKey)>,
    pub leaves: BTreeMap<DerivationId, CertificateFacts>,
    /// What does not fit; then nothing of all this is taken over.
    pub refusals: Refusals,
}

/// A file as it is on a node, or as it follows from one that is.
pub struct TakenFile {
    pub bytes: Secret,
    pub mode: u32,
    pub is_secret: bool,
}

/// Takes everything that the graph places on the given nodes.
pub fn take(graph: &Graph, nodes: &[Node<'_>]) -> Taken {
    let by_name = nodes.iter().map(|node| (node.name.as_str(), node)).collect();
    let mut taking = Taking {
        graph,
        by_name,
        taken: Taken {
            files: BTreeMap::new(),
            entries: BTreeMap::new(),
            anchors: BTreeMap::new(),
            leaves: BTreeMap::new(),
            refusals: Refusals::new(),
        },
        authorities: BTreeMap::new(),
    };
    for id in graph.ids() {
        taking.artifact(id);
    }
    taking.links();
    taking.taken
}

struct Taking<'a> {
    graph: &'a Graph,
    by_name: BTreeMap<&'a str, &'a Node<'a>>,
    taken: Taken,
    /// Of each CA.
    authorities: BTreeMap<DerivationId, Vec<u8>>,
}

/// A placement's file on its node.
struct Here<'a> {
    node: &'a Node<'a>,
    place: &'a Placement,
    /// Below the node's root.
    path: &'a str,
    bytes: Option<&'a [u8]>,
}

impl<'a> Taking<'a> {
    /// An artifact's files on the nodes that were given, of one part.
    fn here(&self, id: DerivationId, content: FilePart) -> Vec<Here<'a>> {
        let graph = self.graph;
        let places = graph.placements(id).iter().filter(|place| place.content == content);
        let here = places.filter_map(|place| {
            let (node, path) = tree_of(place.path.as_str())?;
            let node = *self.by_name.get(node)?;
            Some(Here { node, place, path, bytes: node.bytes(path) })
        });
        here.collect()
    }

    /// `install` follows no link where it writes.
    fn links(&mut self) {
        for place in self.graph.all_placements() {
            let Some((node, path)) = tree_of(place.path.as_str()) else { continue };
            let Some(node) = self.by_name.get(node) else { continue };
            let Some((real, _)) = node.machine.file(path).filter(|(real, _)| *real != path) else {
                continue;
            };
            let why = format!("leads to /{real} by a link, which kpki install does not follow");
            self.taken.refusals.push(
                Refusal::of_file(&node.name, path, why)
                    .help("put the real file in the link's place"),
            );
        }
    }

    fn refuse(&mut self, here: &Here<'_>, why: impl Into<String>) {
        self.taken.refusals.push(Refusal::of_file(&here.node.name, here.path, why));
    }

    fn put(&mut self, place: &Placement, bytes: &[u8]) {
        let file = TakenFile {
            bytes: Secret::new(bytes.to_vec()),
            mode: place.mode,
            is_secret: self.graph.holds_secret(place),
        };
        self.taken.files.insert(place.path.clone(), file);
    }

    /// The file in its places that are on no node.
    fn put_masters(&mut self, id: DerivationId, content: FilePart, bytes: &[u8]) {
        let graph = self.graph;
        for place in graph.placements_of(id, content).filter(|place| place.node.is_none()) {
            self.put(place, bytes);
        }
    }

    fn line(&mut self, id: DerivationId, entry: Entry) {
        let name = self.graph.get(id).name.clone();
        self.taken.entries.insert(name, entry);
    }

    fn artifact(&mut self, id: DerivationId) {
        let graph = self.graph;
        match &graph.get(id).recipe {
            Recipe::OwnCa(_) | Recipe::ImportedCa(_) => self.authority(id),
            Recipe::SigningKey(_) => self.signing_key(id),
            Recipe::Leaf(_) => match graph.kubeconfig_of(id) {
                Some(config) => self.embedded(id, config),
                None => self.pair(id),
            },
            Recipe::Rendered(_) => self.rendered(id),
            Recipe::StaticPod(_) => self.static_pod(id),
            // A kubeconfig goes with its identity, and of users' requests no node has anything.
            Recipe::Kubeconfig(_) | Recipe::Request(_) | Recipe::ClusterSigned(_) => {}
        }
    }

    /// Whose certificate was agreed upon before.
    fn authority(&mut self, id: DerivationId) {
        let graph = self.graph;
        let bundles = graph.bundles_of(id).collect::<Vec<_>>();
        let found = bundles.iter().flat_map(|bundle| self.here(*bundle, FilePart::Rendered));
        let mut found = found.filter_map(|here| {
            let der = certificates_in_pem(here.bytes?).ok()?.into_iter().next()?;
            Some((here.node.name.clone(), here.path.to_owned(), der))
        });
        let Some((node, path, der)) = found.next() else { return };
        drop(found);
        let Ok(facts) = CertificateFacts::from_der(&der) else { return };
        self.taken.anchors.insert(id, (node, path, facts.public_key.clone()));
        self.put_masters(id, FilePart::Certificate, certificate_pem(&der).as_bytes());
        self.keys(id, &facts.public_key);
        self.key_elsewhere(id, &facts.public_key);
        self.authorities.insert(id, der);
    }

    /// The key of a CA lies on some nodes, though not where the description places it.
    fn key_elsewhere(&mut self, id: DerivationId, public: &PublicKey) {
        let graph = self.graph;
        let Some(place) = graph.placements_of(id, FilePart::PrivateKey).next() else { return };
        let Some(ca) = graph.get(id).recipe.ca() else { return };
        if self.taken.files.contains_key(&place.path) {
            return;
        }
        let found = self.by_name.values().find_map(|node| {
            let path = key_path(ca, &node.certificates_dir);
            let bytes = node.bytes(&path)?;
            PrivateKey::from_pem(bytes).ok().filter(|key| key.public_key() == public)?;
            Some(bytes)
        });
        if let Some(bytes) = found {
            self.put_masters(id, FilePart::PrivateKey, bytes);
        }
    }

    /// A key's copies, and its master.
    fn keys(&mut self, id: DerivationId, public: &PublicKey) {
        for here in self.here(id, FilePart::PrivateKey) {
            let Some(bytes) = here.bytes else {
                self.refuse(&here, "is not there, and kpki would put it there");
                continue;
            };
            match PrivateKey::from_pem(bytes) {
                Ok(key) if key.public_key() == public => {
                    self.put(here.place, bytes);
                    self.put_masters(id, FilePart::PrivateKey, bytes);
                }
                Ok(_) => self.refuse(&here, "is not the private key of the certificate beside it"),
                Err(error) => self.refuse(&here, error.to_string()),
            }
        }
    }

    fn signing_key(&mut self, id: DerivationId) {
        let mut public = None;
        for here in self.here(id, FilePart::PublicKey) {
            let Some(bytes) = here.bytes else {
                self.refuse(&here, "is not there, and kpki would put it there");
                continue;
            };
            match PublicKey::from_pem(bytes) {
                Ok(key) if key.to_pem().as_bytes() == bytes => {
                    self.put(here.place, bytes);
                    self.put_masters(id, FilePart::PublicKey, bytes);
                    let at = (here.node.name.clone(), here.path.to_owned(), key.clone());
                    self.taken.anchors.insert(id, at);
                    public = Some(key);
                }
                Ok(_) => self.refuse(
                    &here,
                    "holds more than one public key in PEM: several are a rotation that was begun by hand",
                ),
                Err(error) => self.refuse(&here, error.to_string()),
            }
        }
        if let Some(public) = public {
            self.keys(id, &public);
        }
    }

    fn pair(&mut self, id: DerivationId) {
        for here in self.here(id, FilePart::Certificate) {
            let Some(bytes) = here.bytes else {
                self.refuse(&here, "is not there, and kpki would make it");
                continue;
            };
            let facts = certificates_in_pem(bytes)
                .ok()
                .and_then(|ders| CertificateFacts::from_der(ders.first()?).ok());
            let Some(facts) = facts else {
                self.refuse(&here, "holds no certificate");
                continue;
            };
            self.put(here.place, bytes);
            self.keys(id, &facts.public_key);
            self.taken.leaves.insert(id, facts);
        }
    }

    /// A leaf in a kubeconfig: a copy of its certificate, and the kubeconfig.
    fn embedded(&mut self, id: DerivationId, config_id: DerivationId) {
        let graph = self.graph;
        let Recipe::Kubeconfig(recipe) = &graph.get(config_id).recipe else { return };
        for here in self.here(config_id, FilePart::Kubeconfig) {
            let Some(bytes) = here.bytes else {
                self.refuse(&here, "is not there, and kpki would make it");
                continue;
            };
            match self.read_kubeconfig(recipe, bytes) {
                Ok((der, facts, bundle)) => {
                    self.put(here.place, bytes);
                    let pem = certificate_pem(&der);
                    self.put_masters(id, FilePart::Certificate, pem.as_bytes());
                    let content = kubeconfig_content(recipe, facts.digest, bundle);
                    let size = bytes.len() as u64;
                    let entry = kubeconfig_entry(graph.get(config_id), recipe, content, size);
                    self.line(config_id, entry);
                    self.taken.leaves.insert(id, facts);
                }
                Err(why) => self.refuse(&here, why),
            }
        }
    }

    /// What it embeds, if it says what the recipe says.
    fn read_kubeconfig(
        &self,
        recipe: &Kubeconfig,
        bytes: &[u8],
    ) -> Result<(Vec<u8>, CertificateFacts, Digest), String> {
        let config = KubeconfigFacts::from_yaml(bytes).map_err(|error| error.to_string())?;
        if config.server != recipe.server.url() {
            return Err(format!("dials {}, not {}", config.server, recipe.server.url()));
        }
        let cas = self.graph.cas_in(recipe.bundle).iter();
        let cas: Option<Vec<&[u8]>> =
            cas.map(|ca| self.authorities.get(ca).map(Vec::as_slice)).collect();
        let cas = cas.ok_or("is checked against a CA that was not found")?;
        let bundle = bundle_content(cas, self.graph.above_in(recipe.bundle));
        let trusted = certificates_in_pem(&config.certificate_authority);
        let trusted = trusted.map_err(|error| format!("has a CA that {error}"))?;
        let wanted = certificates_in_pem(bundle.as_bytes()).unwrap_or_default();
        if trusted != wanted {
            return Err("trusts another CA than pki/ca.crt holds".to_owned());
        }
        let ders = certificates_in_pem(&config.client_certificate);
        let ders = ders.map_err(|error| format!("has a client certificate that {error}"))?;
        let der = ders.into_iter().next().ok_or("has no client certificate")?;
        let facts = CertificateFacts::from_der(&der).map_err(|error| error.to_string())?;
        let key = config.client_key.as_ref().ok_or("names its key instead of holding it")?;
        let key = PrivateKey::from_pem(key.expose()).map_err(|error| error.to_string())?;
        if *key.public_key() != facts.public_key {
            return Err("holds a certificate and a key that do not belong together".to_owned());
        }
        Ok((der, facts, Digest::of(bundle.as_bytes())))
    }

    fn rendered(&mut self, id: DerivationId) {
        let graph = self.graph;
        let Recipe::Rendered(recipe) = &graph.get(id).recipe else { return };
        let inputs = recipe.inputs().iter().filter_map(|ca| {
            let der = self.authorities.get(ca)?.clone();
            let facts = CertificateFacts::from_der(&der).ok()?;
            Some((der, facts))
        });
        let inputs: Vec<_> = inputs.collect();
        let inputs: Vec<Input<'_>> = (inputs.iter())
            .map(|(der, facts)| Input { der, public_key: &facts.public_key })
            .collect();
        let Ok(content) = rendered_content(recipe, &inputs) else { return };
        let bytes = content.as_bytes();
        for here in self.here(id, FilePart::Rendered) {
            match here.bytes {
                Some(own) if own == bytes => self.put(here.place, bytes),
                Some(_) => self.refuse(
                    &here,
                    "says the same as kpki would write, or nearly, in other bytes: text around a certificate, another \
                     order or another end of line",
                ),
                None => self.refuse(&here, "is not there, and kpki would put it there"),
            }
        }
        self.put_masters(id, FilePart::Rendered, bytes);
    }

    /// Its line is the plan's matter: nothing of it is known before it is compared.
    fn static_pod(&mut self, id: DerivationId) {
        for here in self.here(id, FilePart::Rendered) {
            match here.bytes {
                Some(bytes) => self.put(here.place, bytes),
                None => self.refuse(&here, "is not there"),
            }
        }
    }
}

/// The public half of what a secret holds; `None`: it cannot be read.
pub fn public_half(file: &TakenFile, content: FilePart) -> Option<PublicKey> {
    let key = match content {
        FilePart::Kubeconfig => KubeconfigFacts::from_yaml(file.bytes.expose()).ok()?.client_key?,
        _ => file.bytes.clone(),
    };
    PrivateKey::from_pem(key.expose()).ok().map(|key| key.public_key().clone())
}
