//! Kubeconfigs: whom they trust, whom they dial, who they are.

use std::collections::{BTreeMap, BTreeSet};

use super::api_servers::ApiServers;
use super::certificate::{may, subject};
use super::client::{Client, Given};
use super::finding::Findings;
use super::holds::{Certificate, Source};
use super::judge::{Anchors, Answer, Judge};
use super::kubernetes_folder::KubernetesFolder;
use super::readers::{As, READERS};
use super::rules::{
    KUBECONFIG_CA_DIFFERS, KUBECONFIG_CLIENT_CA, KUBECONFIG_HALF_PAIR, KUBECONFIG_INSECURE,
    KUBECONFIG_OTHER_CA, KUBECONFIG_PLAIN_HTTP, KUBECONFIG_PROXY, KUBECONFIG_SERVER_NAME,
    NO_CLIENT_USAGE, WRONG_CA,
};
use super::trust::{Case, broken, renamed, stranger};
use super::verdicts::Loaded;
use super::world::World;
use crate::facts::ExtendedKeyUsage;
use crate::hash::Digest;
use crate::name::{Endpoint, San};
use crate::path::Reason;
use crate::profile::LEAVES;
use crate::spec::CaName;
use crate::visible::printable;

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    let folders = folders(world);
    let mut dialling = Dialling {
        world,
        judge: Judge::new(world.now),
        servers: ApiServers::of(world),
        known: BTreeMap::new(),
    };
    let idle: BTreeSet<String> = world.folders.iter().flat_map(KubernetesFolder::idle).collect();
    for client in world.clients.iter().filter(|client| !idle.contains(client.path)) {
        login(findings, client);
        let is_tls = transport(findings, client);
        if is_tls && !client.config.dialling.skips_verification {
            dialling.server(findings, client, folders.get(client.path).copied());
        }
        if !folders.contains_key(client.path) {
            dialling.user(findings, client);
        }
    }
}

/// The Kubernetes folders of the kubeconfigs that have a place there, or name a client's certificate that has
/// one.
fn folders<'a>(world: &World<'a>) -> BTreeMap<&'a str, usize> {
    let mut all = BTreeMap::new();
    let mut certificates: BTreeMap<&str, usize> = BTreeMap::new();
    for (position, folder) in world.folders.iter().enumerate() {
        for row in LEAVES.iter().filter(|row| row.usage.client()) {
            for (path, _) in folder.files(row.home.file()) {
                match world.client(path) {
                    Some(client) => all.entry(client.path).or_insert(position),
                    None => certificates.entry(path).or_insert(position),
                };
            }
        }
    }
    for client in &world.clients {
        if let Given::Here(path, _) = client.certificates
            && let Some(position) = certificates.get(path)
        {
            all.entry(client.path).or_insert(*position);
        }
    }
    all
}

/// Who it says that it is.
fn login(findings: &mut Findings, client: &Client<'_>) {
    let path = client.path;
    let leaf = client.certificates.here().and_then(|all| all.first());
    if let Some(leaf) = leaf
        && !may(&leaf.facts, &ExtendedKeyUsage::Client)
    {
        findings.add(&NO_CLIENT_USAGE, path, subject(&leaf.facts));
    }
    let other = &client.config.login;
    let has_other =
        other.has_token || other.token_file.is_some() || other.has_password || other.asks_program;
    let half = match (&client.config.client, &client.config.key) {
        (Source::Absent, Source::Absent) => None,
        (Source::Absent, _) if has_other => None,
        (Source::Absent, _) => Some("a client key without a client certificate"),
        (_, Source::Absent) => Some("a client certificate without a client key"),
        _ => None,
    };
    if let Some(half) = half {
        findings.add(&KUBECONFIG_HALF_PAIR, path, half);
    }
}

/// Whether it dials in TLS.
fn transport(findings: &mut Findings, client: &Client<'_>) -> bool {
    let path = client.path;
    let dialling = &client.config.dialling;
    if let Some(proxy) = &dialling.proxy {
        findings.add(&KUBECONFIG_PROXY, path, printable(&without_password(proxy)));
    }
    let Some(server) = &client.config.server else { return false };
    if dialling.skips_verification {
        let beside = !matches!(client.authorities, Given::Absent);
        let what = if beside { ", beside a CA" } else { "" };
        let detail = format!("insecure-skip-tls-verify: true{what}, for {}", printable(server));
        findings.add(&KUBECONFIG_INSECURE, path, detail);
    }
    let is_tls = host_part(server).is_some();
    if !is_tls {
        findings.add(&KUBECONFIG_PLAIN_HTTP, path, printable(server));
    }
    is_tls
}

/// What stands behind `https://`, in letters of any case, up to the path.
fn host_part(server: &str) -> Option<&str> {
    let (scheme, rest) = server.split_once("://")?;
    scheme.eq_ignore_ascii_case("https").then(|| rest.split(['/', '?', '#']).next())?
}

/// A proxy's URL may hold a user's password.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        _ => url.to_owned(),
    }
}

/// The host that its client asks the server's certificate for.
fn dialled(client: &Client<'_>) -> Option<String> {
    if let Some(name) = &client.config.dialling.tls_server_name {
        return Some(name.clone());
    }
    let endpoint: Endpoint = host_part(client.config.server.as_ref()?)?.parse().ok()?;
    Some(match endpoint.host {
        San::Dns(name) => name.to_string(),
        San::Ip(address) => address.to_string(),
    })
}

struct Dialling<'w, 'a> {
    world: &'w World<'a>,
    judge: Judge<'a>,
    servers: ApiServers<'a>,
    /// By the kubeconfig's CAs and the name.
    known: BTreeMap<(Digest, Option<String>), Met>,
}

/// What a kubeconfig's client finds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    /// None of the API servers here is one that it trusts.
    Nobody,
    OtherNames,
    Served,
}

impl<'a> Dialling<'_, 'a> {
    /// A tree may hold several clusters: of the API servers here those count that its CA vouches for.
    fn server(&mut self, findings: &mut Findings, client: &Client<'a>, folder: Option<usize>) {
        let Some(own) = client.authorities.here() else { return };
        let anchors = Anchors::new(own.iter().collect());
        let name = dialled(client);
        let key = (anchors.id(), name.clone());
        let met = if let Some(met) = self.known.get(&key) {
            *met
        } else {
            let met = self.meet(&anchors, name.as_deref());
            self.known.insert(key, met);
            met
        };
        match met {
            Met::Served => {}
            Met::OtherNames => {
                let detail = format!("dials {}", printable(&name.unwrap_or_default()));
                findings.add(&KUBECONFIG_SERVER_NAME, client.path, detail);
            }
            Met::Nobody => {
                if let Some(folder) = folder {
                    self.nobody(findings, client, &anchors, folder);
                }
            }
        }
    }

    fn meet(&mut self, anchors: &Anchors<'a>, name: Option<&str>) -> Met {
        let mut met = Met::Nobody;
        for server in self.servers.below(anchors) {
            let shown = self.servers.shown(server);
            if !self.judge.ask(&shown, anchors, As::Server, None).is_taken() {
                continue;
            }
            // Without names it is another finding.
            let has_names = shown.first().is_some_and(|leaf| !leaf.facts.sans.is_empty());
            if !has_names || self.judge.ask(&shown, anchors, As::Server, name).is_taken() {
                return Met::Served;
            }
            met = Met::OtherNames;
        }
        met
    }

    /// Of the API servers beside it, what its client says.
    fn nobody(
        &mut self,
        findings: &mut Findings,
        client: &Client<'a>,
        anchors: &Anchors<'a>,
        folder: usize,
    ) {
        let world = self.world;
        let beside = self.servers.of_folder(folder);
        for server in beside {
            let shown = self.servers.shown(server);
            let Some(leaf) = shown.first().copied() else { continue };
            let Answer::Refused(refused) = self.judge.ask(&shown, anchors, As::Server, None) else {
                continue;
            };
            let reader = format!("the client of {}", world.tree.shown(client.path));
            let path = self.servers.path(server);
            let case = Case { reader, loaded: client.path, anchors, path, leaf };
            if !matches!(refused.reason, Reason::UnknownAuthority(_)) {
                broken(world, findings, &case, &refused);
            } else if !renamed(world, findings, &case, &refused) {
                // Where that certificate is the wrong one, the kubeconfig is not to blame.
                let is_blamed = findings.has(&WRONG_CA, path) && !self.differs(anchors, folder);
                if !is_blamed {
                    findings.add(&KUBECONFIG_OTHER_CA, client.path, trusts(anchors));
                }
            }
            return;
        }
        // A worker: the CA of clients that lies here is most often the CA of servers, too.
        if self.differs(anchors, folder) {
            findings.add(&KUBECONFIG_CA_DIFFERS, client.path, trusts(anchors));
        }
    }

    /// Whether none of these CAs is in the cluster's own bundle.
    fn differs(&self, anchors: &Anchors<'a>, folder: usize) -> bool {
        let name_and_key = |one: &'a Certificate| (&one.facts.subject, &one.facts.public_key);
        let here = self.world.folders.get(folder).into_iter();
        let paths =
            here.flat_map(KubernetesFolder::bundles).filter(|(ca, _)| *ca == CaName::Kubernetes);
        let files = paths.filter_map(|(_, path)| self.world.tree.file(&path));
        let certificates = files.flat_map(|file| &file.holds.certificates);
        let known: BTreeSet<_> = certificates.map(name_and_key).collect();
        let own: BTreeSet<_> = anchors.certificates.iter().copied().map(name_and_key).collect();
        !known.is_empty() && known.is_disjoint(&own)
    }

    /// Of a kubeconfig that lies anywhere: what the API servers that it trusts say of its client.
    fn user(&mut self, findings: &mut Findings, client: &Client<'a>) {
        let world = self.world;
        let (Some(own), Some(shown)) = (client.authorities.here(), client.certificates.here())
        else {
            return;
        };
        let shown: Vec<&Certificate> = shown.iter().collect();
        let Some(leaf) = shown.first().copied() else { return };
        let anchors = Anchors::new(own.iter().collect());
        let mut folders = BTreeSet::new();
        for server in self.servers.below(&anchors) {
            folders.insert(self.servers.folder(server));
        }
        let mut refusals = Vec::new();
        for folder in folders.into_iter().filter_map(|at| world.folders.get(at)) {
            let Some(reader) = READERS.first() else { return };
            let Some(loaded) = Loaded::of(world.tree, folder, reader) else { continue };
            match self.judge.ask(&shown, &loaded.anchors, As::Client, None) {
                Answer::Refused(refused) => refusals.push((loaded, refused)),
                Answer::Taken(_) | Answer::Untold => return,
            }
        }
        if let Some((loaded, refused)) = refusals.first() {
            let reader = format!("{} ({})", loaded.reader.who, world.tree.shown(&loaded.path));
            let anchors = &loaded.anchors;
            let case = Case { reader, loaded: &loaded.path, anchors, path: client.path, leaf };
            match &refused.reason {
                Reason::UnknownAuthority(unknown) => {
                    if !renamed(world, findings, &case, refused) {
                        stranger(world, findings, &KUBECONFIG_CLIENT_CA, &case, refused, unknown);
                    }
                }
                _ => broken(world, findings, &case, refused),
            }
        }
    }
}

fn trusts(anchors: &Anchors<'_>) -> String {
    let names: Vec<String> =
        anchors.certificates.iter().map(|certificate| subject(&certificate.facts)).collect();
    format!("trusts {}", names.join("; "))
}
