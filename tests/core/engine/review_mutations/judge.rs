//! What two trees mean to Kubernetes, and what differs: none of it is kpki's own reading.

use std::collections::{BTreeMap, BTreeSet};

use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::testkit::memory_project::Tree;

/// What each file means, as facts by name.
pub type Meaning = BTreeMap<String, BTreeMap<String, String>>;

pub fn meaning(out: &Tree) -> Meaning {
    let known = out.iter().filter_map(|(path, (bytes, _))| {
        let facts = match path.rsplit_once('.')?.1 {
            "crt" => certificates(bytes),
            "yaml" | "conf" | "kubeconfig" => values(bytes),
            _ => return None,
        };
        Some((path.clone(), facts))
    });
    known.collect()
}

fn certificates(pem: &[u8]) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    for (index, block) in pem::parse_many(pem).unwrap().iter().enumerate() {
        let (_, certificate) = X509Certificate::from_der(block.contents()).unwrap();
        let mut say = |what: &str, value: String| {
            facts.insert(format!("{index} {what}"), value);
        };
        say("subject", certificate.subject().to_string());
        say("issuer", certificate.issuer().to_string());
        let names = certificate.subject_alternative_name().unwrap();
        let mut names: Vec<String> = names
            .map(|names| names.value.general_names.iter().map(ToString::to_string).collect())
            .unwrap_or_default();
        names.sort();
        say("names", names.join(" "));
        let usage = certificate.extended_key_usage().unwrap();
        let usage = usage.map(|usage| (usage.value.client_auth, usage.value.server_auth));
        say("usage", format!("{usage:?}"));
        say("ca", certificate.is_ca().to_string());
        let validity = certificate.validity();
        say("life", (validity.not_after.timestamp() - validity.not_before.timestamp()).to_string());
    }
    facts
}

/// Of every document of a YAML file.
pub fn values(yaml: &[u8]) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let text = std::str::from_utf8(yaml).unwrap();
    for (index, document) in text.split("\n---").enumerate() {
        match serde_saphyr::from_str::<serde_json::Value>(document) {
            Ok(value) => flatten(&mut facts, &format!("{index} "), &value),
            Err(error) => {
                facts.insert(format!("{index} unreadable"), error.to_string());
            }
        }
    }
    // A new certificate and key is judged where it lies in the clear.
    facts.retain(|name, _| !name.ends_with("-data"));
    facts
}

fn flatten(facts: &mut BTreeMap<String, String>, path: &str, value: &serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                flatten(facts, &format!("{path}.{key}"), value);
            }
        }
        serde_json::Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let text = item.as_str().filter(|text| text.starts_with("--"));
                let flag = text.and_then(|text| text.split_once('='));
                let key = ["mountPath", "name"].iter().find_map(|key| item.get(key)?.as_str());
                match (flag, key) {
                    (Some((flag, value)), _) => {
                        facts.insert(format!("{path}[{flag}]"), value.to_owned());
                    }
                    (None, Some(key)) => flatten(facts, &format!("{path}[{key}]"), item),
                    (None, None) => flatten(facts, &format!("{path}[{index}]"), item),
                }
            }
        }
        scalar => {
            facts.insert(path.to_owned(), scalar.to_string());
        }
    }
}

/// By file: facts with their old and new value; an empty one is absent.
pub fn changes(
    before: &Meaning,
    after: &Meaning,
) -> BTreeMap<String, Vec<(String, String, String)>> {
    let none = BTreeMap::new();
    let mut changes = BTreeMap::new();
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for path in paths {
        let (old, new) = (before.get(path).unwrap_or(&none), after.get(path).unwrap_or(&none));
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let value = |of: &BTreeMap<String, String>, name| of.get(name).cloned().unwrap_or_default();
        let changed: Vec<(String, String, String)> = names
            .into_iter()
            .filter(|name| old.get(*name) != new.get(*name))
            .map(|name| (name.clone(), value(old, name), value(new, name)))
            .collect();
        if !changed.is_empty() {
            changes.insert(path.clone(), changed);
        }
    }
    changes
}

/// In a static pod: it changes nobody's power.
pub fn is_harmless(name: &str, old: &str, new: &str) -> bool {
    let within = |part: &str| name.contains(part);
    let probe = within(".livenessProbe.") || within(".readinessProbe.") || within(".startupProbe.");
    let is_number = |text: &str| text.parse::<i64>().is_ok();
    let numbers = (is_number(old) || old.is_empty()) && (is_number(new) || new.is_empty());
    if within(".metadata.labels.")
        || within(".annotations.kpki.dev/")
        || within(".annotations.kubeadm.kubernetes.io/")
        || within(".resources.")
        || name.ends_with(".priorityClassName")
        || name.ends_with(".spec.priority")
        || (name.ends_with(".spec.hostNetwork") && new == "false")
        // What Kubernetes takes it for where it is not there.
        || (name.ends_with(".spec.hostUsers") && (old, new) == ("", "true"))
        || name.ends_with(".terminationGracePeriodSeconds")
        || (probe && numbers && name.rsplit('.').next() != Some("port"))
    {
        return true;
    }
    let Some(flag) = name.rsplit_once("[--").and_then(|(_, flag)| flag.strip_suffix(']')) else {
        return false;
    };
    match flag {
        "profiling" | "enable-bootstrap-token-auth" => new == "false",
        // Below it nothing else is.
        "data-dir" => new.starts_with("/var/lib/etcd/"),
        "enable-admission-plugins" => {
            let new: Vec<&str> = new.split(',').collect();
            old.split(',').all(|plugin| plugin.is_empty() || new.contains(&plugin))
        }
        _ => HARMLESS.contains(&flag),
    }
}

pub fn flag(name: &str) -> Option<&str> {
    name.rsplit_once("[--").and_then(|(_, flag)| flag.strip_suffix(']'))
}

/// Without them somebody is let in, or believed, who was not. Of all others less is told by its name: the
/// process goes back to what kpki itself gives it.
pub const CHECKS: [&str; 14] = [
    "authorization-mode",
    "anonymous-auth",
    "client-ca-file",
    "enable-admission-plugins",
    "disable-admission-plugins",
    "kubelet-certificate-authority",
    "requestheader-client-ca-file",
    "requestheader-allowed-names",
    "service-account-lookup",
    "use-service-account-credentials",
    "client-cert-auth",
    "peer-client-cert-auth",
    "trusted-ca-file",
    "peer-trusted-ca-file",
];

/// Tuning: no other value of these lets anybody do more, or be believed more.
const HARMLESS: [&str; 13] = [
    "watch-progress-notify-interval",
    "v",
    "max-requests-inflight",
    "max-mutating-requests-inflight",
    "request-timeout",
    "event-ttl",
    "goaway-chance",
    "kube-api-qps",
    "kube-api-burst",
    "node-monitor-grace-period",
    "terminated-pod-gc-threshold",
    "quota-backend-bytes",
    "snapshot-count",
];
