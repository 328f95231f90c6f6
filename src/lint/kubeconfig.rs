//! Kubeconfigs: whom they trust, whom they dial, who they are.

use std::collections::BTreeSet;

use super::certificate::{may, subject};
use super::client::Client;
use super::finding::Findings;
use super::holds::Certificate;
use super::role::bundle;
use super::rules::{
    KUBECONFIG_CLIENT_CA, KUBECONFIG_OTHER_CA, KUBECONFIG_PLAIN_HTTP, KUBECONFIG_SERVER_NAME,
    NO_CLIENT_USAGE,
};
use super::world::World;
use crate::facts::{ExtendedKeyUsage, PublicKey};
use crate::name::{Endpoint, San};
use crate::profile::{Home, LEAVES};
use crate::spec::CaName;
use crate::visible::printable;

pub(super) fn check(world: &World<'_>, findings: &mut Findings) {
    for folder in &world.folders {
        let cluster = folder.authority_keys(bundle(CaName::Kubernetes));
        for row in LEAVES {
            let Home::Kubeconfig { file, .. } = row.home else {
                continue;
            };
            for (path, _) in folder.files(file) {
                if let Some(client) = world.client(path) {
                    let own = authorities(client);
                    if !own.is_empty() && !cluster.is_empty() && own.is_disjoint(&cluster) {
                        let all = client.authorities.here().unwrap_or_default();
                        let names: Vec<String> =
                            all.iter().map(|certificate| subject(&certificate.facts)).collect();
                        let detail = format!("trusts {}", names.join("; "));
                        findings.add(&KUBECONFIG_OTHER_CA, path, detail);
                    }
                }
            }
        }
    }
    let servers = api_servers(world);
    for config in &world.clients {
        client(world, findings, config);
        server(world, findings, config, &servers);
    }
}

fn authorities<'a>(config: &Client<'a>) -> BTreeSet<&'a PublicKey> {
    let all = config.authorities.here().unwrap_or_default();
    all.iter().map(|certificate| &certificate.facts.public_key).collect()
}

fn client(world: &World<'_>, findings: &mut Findings, config: &Client<'_>) {
    let path = config.path;
    let Some(leaf) = config.certificates.here().and_then(|all| all.first()) else {
        return;
    };
    if !may(&leaf.facts, &ExtendedKeyUsage::Client) {
        findings.add(&NO_CLIENT_USAGE, path, subject(&leaf.facts));
    }
    let trusted = authorities(config);
    if let Some(issuer) = world.issuer(leaf)
        && !trusted.is_empty()
        && !trusted.contains(&issuer.facts.public_key)
        && !findings.has(&KUBECONFIG_OTHER_CA, path)
    {
        let detail = format!("{}, signed by {}", subject(&leaf.facts), subject(&issuer.facts));
        findings.add(&KUBECONFIG_CLIENT_CA, path, detail);
    }
}

/// Serving certificates of API servers: from their places and flags.
fn api_servers<'a>(world: &'a World<'_>) -> Vec<&'a Certificate> {
    (world.folders.iter())
        .flat_map(|folder| folder.leaves("pki/apiserver.crt"))
        .map(|(_, leaf)| leaf)
        .collect()
}

fn server(
    world: &World<'_>,
    findings: &mut Findings,
    config: &Client<'_>,
    servers: &[&Certificate],
) {
    let path = config.path;
    let Some(server) = &config.config.server else { return };
    let Some(rest) = server.strip_prefix("https://") else {
        findings.add(&KUBECONFIG_PLAIN_HTTP, path, printable(server));
        return;
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    let Ok(endpoint) = authority.parse::<Endpoint>() else {
        return;
    };
    // The API servers that its CA vouches for; a tree may hold several clusters.
    let trusted = authorities(config);
    let mut its: Vec<&&Certificate> = (servers.iter())
        .filter(|leaf| {
            let issuer = world.issuer(leaf);
            issuer.is_some_and(|issuer| trusted.contains(&issuer.facts.public_key))
        })
        .collect();
    its.dedup_by_key(|leaf| leaf.facts.digest);
    let named =
        |leaf: &&Certificate| (leaf.facts.sans.iter()).any(|name| is_covered(&endpoint.host, name));
    // Without names it is another finding.
    if its.iter().any(|leaf| !leaf.facts.sans.is_empty()) && !its.iter().any(|leaf| named(leaf)) {
        findings.add(&KUBECONFIG_SERVER_NAME, path, format!("dials {}", endpoint.host));
    }
}

/// A wildcard stands for one label (RFC 6125 6.4.3).
fn is_covered(host: &San, name: &San) -> bool {
    match (host, name) {
        (San::Dns(host), San::Dns(name)) => {
            let wildcard = name.strip_prefix("*.");
            let parent = host.split_once('.').map(|(_, parent)| parent);
            host.eq_ignore_ascii_case(name) || wildcard.is_some() && wildcard == parent
        }
        (host, name) => host == name,
    }
}
