//! Thousands of single changes, each planned: whatever changes what Kubernetes would do is told by a line of
//! its own, and what gives power stops.
//!
//! The judge knows nothing of the plan. Both projects are applied in memory, and their trees are compared by
//! what they mean: certificates by x509-parser, manifests, bindings and kubeconfigs as YAML values. What is
//! harmless in a static pod is written here by hand, from the reference pages of the components.
//!
//! `KPKI_MUTATIONS=3000` tries so many of each example; without it there are enough for every day.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use kpki::name::{ArtifactName, TreePath};
use kpki::review::Review;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::testkit::age::Key;
use crate::testkit::memory_project::{MemoryProject, Planned, Tree};

static OPERATOR: LazyLock<Key> = LazyLock::new(Key::age);

/// splitmix64: the same changes on every machine.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.next() % of.len()]
    }

    fn index(&mut self, length: usize) -> usize {
        self.next() % length
    }
}

/// One change, and whether it must stop unless the judge finds it harmless.
struct Mutation {
    what: String,
    project: MemoryProject,
    /// Whoever proposes it can gain something by it: it must stop, not only be told.
    is_power: bool,
}

mod judge {
    use super::*;

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
            say(
                "life",
                (validity.not_after.timestamp() - validity.not_before.timestamp()).to_string(),
            );
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
        let paths: std::collections::BTreeSet<&String> =
            before.keys().chain(after.keys()).collect();
        for path in paths {
            let (old, new) = (before.get(path).unwrap_or(&none), after.get(path).unwrap_or(&none));
            let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let value =
                |of: &BTreeMap<String, String>, name| of.get(name).cloned().unwrap_or_default();
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
        let probe =
            within(".livenessProbe.") || within(".readinessProbe.") || within(".startupProbe.");
        let is_number = |text: &str| text.parse::<i64>().is_ok();
        let numbers = (is_number(old) || old.is_empty()) && (is_number(new) || new.is_empty());
        if within(".metadata.labels.")
            || within(".annotations.kpki.dev/")
            || within(".annotations.kubeadm.kubernetes.io/")
            || within(".resources.")
            || name.ends_with(".priorityClassName")
            || name.ends_with(".spec.priority")
            || name.ends_with(".terminationGracePeriodSeconds")
            || (probe && numbers && name.rsplit('.').next() != Some("port"))
        {
            return true;
        }
        let Some(flag) = name.rsplit_once("[--").and_then(|(_, flag)| flag.strip_suffix(']'))
        else {
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
}

mod mutate {
    use super::*;

    const SPEC_FIELDS: [&str; 12] = [
        "hostPID: true",
        "hostIPC: true",
        "shareProcessNamespace: true",
        "serviceAccountName: default",
        "automountServiceAccountToken: true",
        "hostAliases: [{ip: 10.6.6.6, hostnames: [etcd.internal]}]",
        "dnsConfig: {nameservers: [10.6.6.6]}",
        "runtimeClassName: other",
        "hostUsers: true",
        "initContainers: [{name: first, image: evil.example.com/first}]",
        "nodeSelector: {a: b}",
        "tolerations: [{operator: Exists}]",
    ];
    const CONTAINER_FIELDS: [&str; 13] = [
        "lifecycle: {postStart: {exec: {command: [sh, -c, id]}}}",
        "env: [{name: HTTPS_PROXY, value: 'http://10.6.6.6:3128'}]",
        "env: [{name: GODEBUG, value: x509sha1=1}]",
        "envFrom: [{secretRef: {name: extra}}]",
        "workingDir: /tmp",
        "stdin: true",
        "ports: [{containerPort: 1, hostPort: 1}]",
        "startupProbe: {exec: {command: [sh]}}",
        "terminationMessagePath: /etc/kubernetes/pki/ca.crt",
        "securityContext: {privileged: true}",
        "volumeDevices: [{name: disk, devicePath: /dev/sda}]",
        "args: [--profiling=true]",
        "restartPolicy: Always",
    ];
    const FLAGS: [&str; 40] = [
        "anonymous-auth=true",
        "authorization-mode=AlwaysAllow",
        "authorization-webhook-config-file=/etc/kubernetes/pki/w",
        "etcd-servers-overrides=/events#http://10.6.6.6:2379",
        "external-hostname=evil.example.com",
        "master=http://10.6.6.6",
        "bind-address=0.0.0.0",
        "listen-metrics-urls=http://0.0.0.0:2381",
        "profiling=true",
        "profiling=false",
        "v=4",
        "request-timeout=30s",
        "max-requests-inflight=800",
        "event-ttl=2h",
        "kube-api-qps=50",
        "kube-api-burst=100",
        "feature-gates=AllAlpha=true",
        "runtime-config=api/all=true",
        "insecure-port=8080",
        "kubelet-certificate-authority=/etc/kubernetes/pki/other.crt",
        "token-auth-file=/etc/kubernetes/pki/tokens",
        "oidc-issuer-url=https://evil.example.com",
        "audit-log-path=/etc/cron.d/audit",
        "audit-webhook-config-file=/etc/kubernetes/pki/w",
        "admission-control-config-file=/etc/kubernetes/pki/a",
        "disable-admission-plugins=NodeRestriction",
        "enable-admission-plugins=NodeRestriction,AlwaysPullImages",
        "service-account-issuer=https://evil.example.com",
        "service-account-max-token-expiration=100000h",
        "tls-min-version=VersionTLS10",
        "proxy-client-key-file=/etc/kubernetes/pki/other.key",
        "allow-privileged=false",
        "cluster-signing-duration=876000h",
        "use-service-account-credentials=false",
        "leader-elect=false",
        "client-cert-auth=false",
        "peer-client-cert-auth=false",
        "auto-tls=true",
        "data-dir=/etc",
        "an-unknown-flag=1",
    ];

    fn split(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    /// A value of its kind that is another.
    fn other(draw: &mut Draw, value: &str) -> String {
        match value {
            "true" => "false".to_owned(),
            "false" => "true".to_owned(),
            _ => match value.parse::<i64>() {
                Ok(number) => (number + 1).to_string(),
                Err(_) => {
                    format!("{value}{}", draw.one(&["x", "-other", ".evil.example.com", "/x"]))
                }
            },
        }
    }

    /// One place of a manifest in kubeadm's shape.
    pub fn manifest(draw: &mut Draw, text: &str) -> (String, String) {
        let mut lines = split(text);
        let at =
            |lines: &[String], start: &str| lines.iter().position(|line| line.starts_with(start));
        let has_all = ["    image: ", "    volumeMounts:", "  volumes:"]
            .iter()
            .all(|start| at(&lines, start).is_some());
        let what = match draw.index(if has_all { 8 } else { 6 }) {
            0 | 1 => {
                let scalars: Vec<usize> = (0..lines.len())
                    .filter(|at| lines[*at].contains(": ") || lines[*at].contains("- --"))
                    .collect();
                let place = scalars[draw.index(scalars.len())];
                let line = lines[place].clone();
                let cut = line
                    .find('=')
                    .or_else(|| line.find(": ").map(|at| at + 1))
                    .unwrap_or(line.len() - 1);
                let value = other(draw, line[cut + 1..].trim());
                lines[place] = format!("{}{value}", &line[..=cut]);
                lines[place].trim().to_owned()
            }
            2 => {
                let place = draw.index(lines.len());
                format!("without {}", lines.remove(place).trim())
            }
            3 | 4 => {
                let flags: Vec<usize> =
                    (0..lines.len()).filter(|at| lines[*at].contains("- --")).collect();
                let place = flags[draw.index(flags.len())];
                let flag = draw.one(&FLAGS);
                let name = flag.split_once('=').unwrap().0;
                let line = format!("    - --{flag}");
                match flags.iter().find(|at| lines[**at].contains(&format!("--{name}="))) {
                    Some(known) => lines[*known].clone_from(&line),
                    None => lines.insert(place, line.clone()),
                }
                line.trim().to_owned()
            }
            5 => {
                let place = at(&lines, "spec:").unwrap() + 1;
                let field = draw.one(&SPEC_FIELDS);
                lines.insert(place, format!("  {field}"));
                field.to_owned()
            }
            6 => {
                let place = at(&lines, "    image: ").unwrap();
                let field = draw.one(&CONTAINER_FIELDS);
                lines.insert(place, format!("    {field}"));
                field.to_owned()
            }
            _ => {
                let host = draw.one(&[
                    "/",
                    "/etc",
                    "/root/.ssh",
                    "/var/lib/kubelet",
                    "/etc/kubernetes/other",
                ]);
                let inside =
                    draw.one(&["/host", "/etc/kubernetes/pki/ca.crt", "/etc/ssl/certs/", "/mnt"]);
                let mounts = at(&lines, "    volumeMounts:").unwrap() + 1;
                lines.insert(mounts, format!("    - {{mountPath: {inside}, name: more}}"));
                let volumes = at(&lines, "  volumes:").unwrap() + 1;
                lines.insert(volumes, format!("  - {{name: more, hostPath: {{path: {host}}}}}"));
                format!("{host} at {inside}")
            }
        };
        (lines.join("\n") + "\n", what)
    }

    /// Blocks that give somebody something: each must stop.
    const POWER: [&str; 27] = [
        "user \"eve\" { bind cluster-role=\"cluster-admin\" }",
        "user \"eve\" { bind cluster-role=\"edit\" }",
        "user \"eve\" { bind cluster-role=\"secret-admin\" namespace=\"shop\" }",
        "user \"eve\" { bind cluster-role=\"edit\" namespace=\"kube-system\" }",
        "user \"eve\" { bind cluster-role=\"admin\" namespace=\"kube-public\" }",
        "user \"eve\" { bind role=\"anything\" namespace=\"shop\" }",
        "user \"eve\" { common-name \"system:kube-controller-manager\" }",
        "user \"eve\" { group \"system:masters\"; allow-masters #true }",
        "user \"eve\" { group \"kubeadm:cluster-admins\" }",
        "user \"eve\" { via \"csr\"; bind cluster-role=\"cluster-admin\" }",
        "node \"w9\" address=\"10.77.0.9\" { recipient \"MALLORY\" }",
        "secrets { recipient \"MALLORY\" }",
        "node \"cp9\" role=\"control-plane\" address=\"10.77.0.9\"",
        "component \"kubelet\" serving=#true; node \"w9\" address=\"203.0.113.9\"",
        "certificate \"ms\" { san \"kubernetes.default\"; node \"NODE\" }",
        "certificate \"ms\" { san \"bank.example.com\"; node \"NODE\" }",
        "certificate \"ms\" ca=\"etcd\" usage=\"client\" { common-name \"root\"; node \"NODE\" }",
        "component \"apiserver\" { san \"bank.example.com\" }",
        "component \"apiserver\" { flag \"etcd-servers-overrides\" \"/events#http://10.6.6.6:2379\" }",
        "component \"apiserver\" { flag \"anonymous-auth\" #true }",
        "component \"apiserver\" { flag \"audit-log-path\" \"/etc/cron.d/audit\" }",
        "component \"scheduler\" { flag \"master\" \"http://10.6.6.6\" }",
        "component \"controller-manager\" { flag \"cluster-signing-duration\" \"876000h\" }",
        "component \"etcd\" image=\"registry.k8s.io/etcd:3.4.13-0\"",
        "component \"etcd\" { flag \"data-dir\" \"/etc\" }",
        "component \"etcd\" { flag \"client-cert-auth\" #false }",
        "component \"apiserver\" { flag \"authorization-mode\" \"AlwaysAllow\" }",
    ];
    const RECIPIENTS: &str = "recipients.txt";
    /// Anybody's key.
    const MALLORY: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    /// Blocks of every day: told, and stopped by nobody's rule here.
    const ORDINARY: [&str; 8] = [
        "user \"pat\" { bind cluster-role=\"view\" namespace=\"shop\" }",
        "user \"pat\" { bind cluster-role=\"edit\" namespace=\"shop\" }",
        "user \"pat\" { bind cluster-role=\"view\" }",
        "node \"w99\" address=\"10.77.0.99\"",
        "component \"apiserver\" { flag \"v\" 4 }",
        "component \"scheduler\" { flag \"profiling\" #false }",
        "component \"controller-manager\" { flag \"kube-api-qps\" 50 }",
        "component \"kubelet\" serving=#true",
    ];

    pub fn description(draw: &mut Draw, base: &MemoryProject, node: &str) -> Mutation {
        let mut project = base.clone();
        let text = &base.description;
        let (what, is_power) = match draw.index(4) {
            0 if base.extra.contains_key(RECIPIENTS) && draw.index(2) == 0 => {
                let file = project.extra.get_mut(RECIPIENTS).unwrap();
                file.extend(format!("\n{MALLORY}\n").bytes());
                ("mallory in the file of recipients".to_owned(), true)
            }
            0 | 1 => {
                let block = draw.one(&POWER).replace("NODE", node).replace("MALLORY", MALLORY);
                project.description = with_block(text, &block);
                (block, true)
            }
            2 => {
                let block = draw.one(&ORDINARY).to_owned();
                project.description = with_block(text, &block);
                (block, false)
            }
            _ => {
                let (changed, what) = token(draw, text);
                project.description = changed;
                (what, false)
            }
        };
        Mutation { what, project, is_power }
    }

    /// A component is described once: the words join its block.
    fn with_block(text: &str, block: &str) -> String {
        let mut words = block.split('"');
        let start = format!("component \"{}\"", words.nth(1).unwrap());
        if block.starts_with("component") && text.contains(&start) {
            // Another block of the same component is a mistake of the description, and refused.
            if let Some((_, body)) = block.split_once('{')
                && let Some((before, after)) = text.split_once(&format!("{start} {{"))
            {
                return format!("{before}{start} {{ {}\n{after}", body.trim_end_matches('}'));
            }
        }
        format!("{text}\n{block}\n")
    }

    /// One value of the description is another.
    fn token(draw: &mut Draw, text: &str) -> (String, String) {
        let quoted: Vec<(usize, usize)> = {
            let marks: Vec<usize> = text.match_indices('"').map(|(at, _)| at).collect();
            marks.chunks_exact(2).map(|pair| (pair[0] + 1, pair[1])).collect()
        };
        let (start, end) = quoted[draw.index(quoted.len())];
        let value = &text[start..end];
        let new = match value.rfind(|c: char| c.is_ascii_digit()) {
            Some(at) if draw.index(2) == 0 => {
                let digit = (value.as_bytes()[at] - b'0' + 1) % 10;
                format!("{}{digit}{}", &value[..at], &value[at + 1..])
            }
            _ => format!("{value}{}", draw.one(&["x", "2", "-b", "/8"])),
        };
        (format!("{}{new}{}", &text[..start], &text[end..]), format!("{value:?} becomes {new:?}"))
    }

    fn extension(path: &str) -> &str {
        path.rsplit('.').next().unwrap_or_default()
    }

    /// Something in the tree or the lock that nobody described.
    pub fn tree(draw: &mut Draw, base: &MemoryProject) -> Mutation {
        let mut project = base.clone();
        let public: Vec<String> = base
            .out
            .keys()
            .filter(|path| matches!(extension(path), "crt" | "yaml"))
            .cloned()
            .collect();
        let file = public[draw.index(public.len())].clone();
        match draw.index(3) {
            0 => {
                let lines: Vec<&str> = base.lock.as_ref().unwrap().lines().collect();
                let gone = 1 + draw.index(lines.len() - 1);
                let mut kept = lines.clone();
                let line = kept.remove(gone);
                project.lock = Some(kept.join("\n") + "\n");
                Mutation { what: format!("lock without {line}"), project, is_power: false }
            }
            1 => {
                let user = "user \"eve\" { bind cluster-role=\"cluster-admin\" }";
                project.description = format!("{}\n{user}\n", base.description);
                let mut eve = project.clone();
                eve.apply().unwrap();
                project
                    .out
                    .insert("users/eve/rbac.yaml".into(), eve.out["users/eve/rbac.yaml"].clone());
                let bytes = base.out[&file].clone();
                if extension(&file) == "crt" {
                    project.out.insert("users/eve/eve.crt".into(), bytes);
                }
                Mutation {
                    what: format!("eve's bindings and {file} planted"),
                    project,
                    is_power: true,
                }
            }
            _ => {
                let other = public[draw.index(public.len())].clone();
                let bytes = base.out[&other].clone();
                project.out.insert(file.clone(), bytes);
                Mutation {
                    what: format!("{other} put in the place of {file}"),
                    project,
                    is_power: false,
                }
            }
        }
    }
}

/// A cluster that was applied once, and whose plan is empty.
struct Base {
    name: &'static str,
    project: MemoryProject,
    /// The same with its static pods as the operator's own manifests, where it has any.
    with_manifests: Option<MemoryProject>,
    node: String,
}

impl Base {
    fn of(name: &'static str) -> Self {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
        let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
        let mut project = MemoryProject::new(&String::from_utf8(read("cluster.kdl")).unwrap());
        for entry in crate::testkit::entries_of(&folder) {
            let file = entry.file_name().unwrap().to_str().unwrap();
            if entry.is_dir() {
                for inner in crate::testkit::entries_of(&entry) {
                    let inner_name = inner.file_name().unwrap().to_str().unwrap();
                    if inner.is_file() {
                        project
                            .extra
                            .insert(format!("{file}/{inner_name}"), std::fs::read(&inner).unwrap());
                    } else {
                        for last in crate::testkit::entries_of(&inner) {
                            let name = last.file_name().unwrap().to_str().unwrap();
                            let bytes = std::fs::read(&last).unwrap();
                            project.extra.insert(format!("{file}/{inner_name}/{name}"), bytes);
                        }
                    }
                }
            } else if file != "cluster.kdl" {
                project.extra.insert(file.to_owned(), read(file));
            }
        }
        // Whose secrets nobody here could open.
        if name == "gitops" {
            project.extra.insert("recipients.txt".into(), OPERATOR.recipient.clone().into_bytes());
        }
        if name == "lab" {
            project.seed = Some(String::from_utf8(read("lab.seed")).unwrap());
        }
        project.apply().unwrap();
        project.identity = (name == "gitops").then(|| OPERATOR.secret());
        let node = project.spec().nodes[0].name.to_string();
        let manifests = project.out.iter().filter_map(|(path, (bytes, _))| {
            let (node, file) =
                path.strip_prefix("nodes/")?.split_once("/etc/kubernetes/manifests/")?;
            Some((format!("m/{node}/{file}"), bytes.clone()))
        });
        let manifests: Vec<(String, Vec<u8>)> = manifests.collect();
        let with_manifests = (!manifests.is_empty()).then(|| {
            let mut project = project.clone();
            project.extra.retain(|path, _| !path.starts_with("manifests/"));
            project.extra.extend(manifests);
            let text = project.description.replace("manifests \"manifests/\"", "");
            project.description = format!("{text}\nmanifests \"m/\"\n");
            project.apply().unwrap();
            project.assert_converged();
            project
        });
        Base { name, project, with_manifests, node }
    }

    fn mutate(&self, draw: &mut Draw) -> Mutation {
        match (draw.index(3), &self.with_manifests) {
            (0, Some(base)) => {
                let files: Vec<&String> =
                    base.extra.keys().filter(|path| path.starts_with("m/")).collect();
                let file = files[draw.index(files.len())].clone();
                let text = std::str::from_utf8(&base.extra[&file]).unwrap();
                let (changed, what) = mutate::manifest(draw, text);
                let mut project = base.clone();
                project.extra.insert(file.clone(), changed.into_bytes());
                Mutation { what: format!("{file}: {what}"), project, is_power: true }
            }
            (1, _) => mutate::tree(draw, &self.project),
            _ => mutate::description(draw, &self.project, &self.node),
        }
    }
}

#[derive(Default, Debug)]
struct Count {
    refused: usize,
    nothing: usize,
    told: usize,
    stopped: usize,
}

/// What is wrong with how a change was told.
fn judge(base: &MemoryProject, mutation: &Mutation, count: &mut Count) -> Result<(), String> {
    let mut after = mutation.project.clone();
    if !after.is_described() {
        count.refused += 1;
        return Ok(());
    }
    let Planned { plan, review, graph } = after.plan();
    let stops = review.changes.iter().any(kpki::review::ReviewedChange::stops)
        || !plan.blocked.is_empty()
        || !plan.key_mismatches.is_empty()
        || !review.violations.is_empty();
    let before = judge::meaning(&base.out);
    if after.apply().is_err() {
        if plan.is_empty() {
            return Err("the plan is empty, and apply refuses".to_owned());
        }
        count.refused += 1;
        return Ok(());
    }
    let mut changes = judge::changes(&before, &judge::meaning(&after.out));
    let mut harmless = 0;
    for facts in
        changes.iter_mut().filter(|(path, _)| path.contains("/manifests/")).map(|(_, facts)| facts)
    {
        let all = facts.len();
        facts.retain(|(name, old, new)| !judge::is_harmless(name, old, new));
        harmless += all - facts.len();
    }
    changes.retain(|_, facts| !facts.is_empty());
    if stops {
        count.stopped += 1;
        return Ok(());
    }
    if changes.is_empty() {
        count.nothing += 1;
        return Ok(());
    }
    let is_named = |facts: &[(String, String, String)]| {
        facts.iter().all(|(name, _, new)| {
            let reasons = plan.steps.iter().flat_map(|step| &step.reasons);
            let flag =
                judge::flag(name).filter(|flag| new.is_empty() && !judge::CHECKS.contains(flag));
            flag.is_some_and(|flag| {
                let words = format!("--{flag}");
                reasons.map(ToString::to_string).any(|reason| reason.contains(&words))
            })
        })
    };
    if mutation.is_power && !changes.values().all(|facts| is_named(facts)) {
        return Err(format!("{harmless} harmless, and nothing stops: {}", in_words(&changes)));
    }
    for path in changes.keys() {
        let place = path.parse::<TreePath>().ok().and_then(|path| graph.placed_at(&path).cloned());
        let Some(place) = place else {
            continue;
        };
        let name = &graph.get(place.derivation).name;
        let mut steps = plan.steps.iter().filter(|step| step.derivation == place.derivation);
        let is_said = steps.any(|step| {
            step.reasons.iter().any(|reason| !reason.to_string().starts_with("content:"))
        });
        if !is_said && !is_told(&review, name) {
            return Err(format!("{name} says only content, or nothing: {}", in_words(&changes)));
        }
    }
    count.told += 1;
    Ok(())
}

fn is_told(review: &Review, name: &ArtifactName) -> bool {
    review.changes.iter().any(|change| change.artifacts.contains(name))
}

fn in_words(changes: &BTreeMap<String, Vec<(String, String, String)>>) -> String {
    let mut text = String::new();
    for (path, facts) in changes.iter().take(3) {
        for (name, old, new) in facts.iter().take(3) {
            let _ = write!(text, "\n      {path} {name}: {old} -> {new}");
        }
    }
    text
}

#[test]
fn no_single_change_passes_unsaid() {
    use rayon::prelude::*;

    let each: usize = match std::env::var("KPKI_MUTATIONS") {
        Ok(number) => number.parse().unwrap(),
        Err(_) => 80,
    };
    let names = [
        "large",
        "gitops",
        "minimal",
        "ha",
        "dual-stack",
        "external-etcd",
        "users",
        "static-pods",
        "lab",
        "lab-up",
    ];
    let wrong: Vec<String> = names
        .into_par_iter()
        .flat_map_iter(|name| {
            let base = Base::of(name);
            let mut draw = Draw(0x6b70_6b69 + each as u64);
            let mut count = Count::default();
            let mut wrong = Vec::new();
            // A large cluster takes long, and its nodes are alike.
            let times = if name == "large" { each / 20 } else { each };
            for _ in 0..times {
                let mutation = base.mutate(&mut draw);
                let of = match &base.with_manifests {
                    Some(own)
                        if mutation.project.extra.keys().any(|path| path.starts_with("m/")) =>
                    {
                        own
                    }
                    _ => &base.project,
                };
                if let Err(why) = judge(of, &mutation, &mut count) {
                    wrong.push(format!("{}: {}\n    {why}", base.name, mutation.what));
                }
            }
            eprintln!("{}: {count:?}, {} wrong", base.name, wrong.len());
            wrong.sort();
            wrong.dedup();
            wrong
        })
        .collect();
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}
