//! What a reviewer is told of changed static pods: manifests of kubeadm's shape on two nodes, each with the
//! same change.

use std::collections::BTreeMap;

use kpki::config;
use kpki::review::{AccessChange, Direction};
use kpki::sources::Sources;

use super::operators_manifests::{NODES, kubeadm_like};
use crate::testkit::memory_project::{MemoryProject, Planned};

const ETCD: &str = "etcd";
const API: &str = "kube-apiserver";
const CM: &str = "kube-controller-manager";
const SCHEDULER: &str = "kube-scheduler";

/// What is put before or in the place of what.
type Edit<'a> = (&'a str, &'a str);

const FLAG: &str = "    image: ";
const CONTAINER: &str = "    imagePullPolicy: ";
const SPEC: &str = "  hostNetwork: true\n";
const MOUNT: &str = "    volumeMounts:\n";
const VOLUME: &str = "  volumes:\n";
/// Before the first flag of a process.
const WORD: &str = "    - --";

fn edited(text: &str, edits: &[Edit<'_>]) -> String {
    let mut text = text.to_owned();
    for (at, new) in edits {
        assert!(text.contains(at), "{at} is not in\n{text}");
        let new = match *at {
            FLAG => format!("    - {new}\n{at}"),
            CONTAINER | SPEC | WORD => format!("{new}{at}"),
            MOUNT | VOLUME => format!("{at}{new}"),
            _ => (*new).to_owned(),
        };
        text = text.replacen(at, &new, 1);
    }
    text
}

/// Kubeadm's manifests with these changes in those of a process.
fn manifests(process: &str, edits: &[Edit<'_>]) -> BTreeMap<String, Vec<u8>> {
    let mut files = kubeadm_like();
    for node in ["cp1", "cp2"] {
        let path = format!("manifests/{node}/{process}.yaml");
        let text = String::from_utf8(files[&path].clone()).unwrap();
        files.insert(path, edited(&text, edits).into_bytes());
    }
    files
}

fn project(files: BTreeMap<String, Vec<u8>>, more: &str) -> MemoryProject {
    let mut project = MemoryProject::new(&format!("{NODES}manifests \"manifests/\"\n{more}"));
    project.extra.extend(files);
    project
}

/// Each change that stops, with how many artifacts it is about.
fn stops(project: &MemoryProject) -> Vec<String> {
    told(&project.plan())
}

fn told(planned: &Planned) -> Vec<String> {
    let changes = planned.review.changes.iter().filter(|change| change.stops());
    let told = changes.map(|change| {
        assert_eq!(change.access.direction(), Direction::Escalation);
        let nodes = match change.access {
            AccessChange::Joined(_) => 1,
            _ => change.artifacts.len(),
        };
        format!("{} {} [{nodes}]", change.principal, change.access)
    });
    told.collect()
}

struct Row<'a> {
    process: &'a str,
    before: &'a [Edit<'a>],
    after: &'a [Edit<'a>],
    says: &'a [&'a str],
}

const fn row<'a>(process: &'a str, after: &'a [Edit<'a>], says: &'a [&'a str]) -> Row<'a> {
    Row { process, before: &[], after, says }
}

fn check(rows: &[Row<'_>]) {
    let mut base = project(kubeadm_like(), "");
    base.apply().unwrap();
    let mut wrong = Vec::new();
    for Row { process, before, after, says } in rows {
        let mut project = if before.is_empty() {
            base.clone()
        } else {
            let mut other = project(manifests(process, before), "");
            other.apply().unwrap();
            other
        };
        project.extra.extend(manifests(process, after));
        let planned = project.plan();
        assert!(!planned.plan.steps.is_empty(), "{after:?}");
        let told = told(&planned);
        let expected: Vec<String> = says.iter().map(|line| format!("{line} [2]")).collect();
        if told != expected {
            wrong.push(format!("{process} {after:?}\n  {}", told.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const HOST: &str = "  - hostPath:\n      path: /\n    name: host\n";

#[test]
fn whatever_is_not_known_as_harmless_stops() {
    check(&[
        row(
            ETCD,
            &[(CONTAINER, "    lifecycle: {postStart: {exec: {command: [sh, -c, 'id; id']}}}\n")],
            &["etcd gets spec.containers[etcd].lifecycle.postStart.exec.command: [sh, -c, id; id]"],
        ),
        row(
            ETCD,
            &[(CONTAINER, "    securityContext: {privileged: yes}\n")],
            &["etcd gets spec.containers[etcd].securityContext.privileged: true"],
        ),
        row(
            ETCD,
            &[(MOUNT, "    - {mountPath: /host, name: host}\n"), (VOLUME, HOST)],
            &[
                "etcd gets spec.containers[etcd].volumeMounts[/host].mountPath: /host",
                "etcd gets spec.containers[etcd].volumeMounts[/host].name: host",
                "etcd gets spec.volumes[host].hostPath.path: /",
                "etcd gets spec.volumes[host].name: host",
            ],
        ),
        row(
            ETCD,
            &[(
                SPEC,
                "  initContainers:\n  - {name: x, image: 'registry.k8s.io/etcd:3.4.13-0', securityContext: {privileged: true}}\n",
            )],
            &[
                "etcd runs registry.k8s.io/etcd:3.4.13-0 in container x, ran no image",
                "etcd gets spec.initContainers[x].name: x",
                "etcd gets spec.initContainers[x].securityContext.privileged: true",
            ],
        ),
        row(
            API,
            &[(SPEC, "  ephemeralContainers: [{name: x, image: busybox}]\n")],
            &[
                "apiserver runs busybox in container x, ran no image",
                "apiserver gets spec.ephemeralContainers[x].name: x",
            ],
        ),
        row(
            API,
            &[(
                SPEC,
                "  - {name: proxy, image: 'registry.k8s.io/kube-apiserver:v1.36.2', command: [sh, -c, id]}\n",
            )],
            &[
                "apiserver runs registry.k8s.io/kube-apiserver:v1.36.2 in container proxy, ran no image",
                "apiserver gets spec.containers[proxy].command: [sh, -c, id]",
                "apiserver gets spec.containers[proxy].name: proxy",
            ],
        ),
        row(API, &[(SPEC, "  hostPID: true\n")], &["apiserver gets spec.hostPID: true"]),
        // The same name is not the same program.
        row(
            API,
            &[("    - kube-apiserver\n", "    - /etc/ssl/certs/kube-apiserver\n")],
            &[
                "apiserver has spec.containers[kube-apiserver].command: /etc/ssl/certs/kube-apiserver, was kube-apiserver",
            ],
        ),
        row(
            API,
            &[(SPEC, "  shareProcessNamespace: on\n")],
            &["apiserver gets spec.shareProcessNamespace: true"],
        ),
        row(
            API,
            &[(SPEC, "  hostAliases: [{ip: 10.6.6.6, hostnames: [etcd.lab, x]}]\n")],
            &[
                "apiserver gets spec.hostAliases[10.6.6.6].hostnames: [etcd.lab, x]",
                "apiserver gets spec.hostAliases[10.6.6.6].ip: 10.6.6.6",
            ],
        ),
        row(
            API,
            &[(SPEC, "  dnsConfig: {nameservers: [10.6.6.6]}\n  dnsPolicy: None\n")],
            &[
                "apiserver gets spec.dnsConfig.nameservers: [10.6.6.6]",
                "apiserver gets spec.dnsPolicy: None",
            ],
        ),
        row(
            SCHEDULER,
            &[(SPEC, "  serviceAccountName: root\n  automountServiceAccountToken: true\n")],
            &[
                "scheduler gets spec.automountServiceAccountToken: true",
                "scheduler gets spec.serviceAccountName: root",
            ],
        ),
        row(
            SCHEDULER,
            &[
                (MOUNT, "    - {mountPath: /usr/lib, name: x}\n"),
                (VOLUME, "  - {name: x, image: {reference: 'example.com/x:1'}}\n"),
            ],
            &[
                "scheduler gets spec.containers[kube-scheduler].volumeMounts[/usr/lib].mountPath: /usr/lib",
                "scheduler gets spec.containers[kube-scheduler].volumeMounts[/usr/lib].name: x",
                "scheduler gets spec.volumes[x].image.reference: example.com/x:1",
                "scheduler gets spec.volumes[x].name: x",
            ],
        ),
        row(
            ETCD,
            &[(
                "    - mountPath: /var/lib/etcd\n",
                "    - mountPath: /var/lib/etcd\n      subPath: x\n",
            )],
            &["etcd gets spec.containers[etcd].volumeMounts[/var/lib/etcd].subPath: x"],
        ),
        row(
            ETCD,
            &[(
                "    - containerPort: 2381\n",
                "    - containerPort: 2381\n      hostIP: 0.0.0.0\n      hostPort: 2381\n",
            )],
            &[
                "etcd gets spec.containers[etcd].ports[2381].hostIP: 0.0.0.0",
                "etcd gets spec.containers[etcd].ports[2381].hostPort: 2381",
            ],
        ),
        row(
            ETCD,
            &[(
                "    startupProbe:\n",
                "    startupProbe:\n      exec: {command: [etcdctl, snapshot]}\n",
            )],
            &["etcd gets spec.containers[etcd].startupProbe.exec.command: [etcdctl, snapshot]"],
        ),
        row(
            ETCD,
            &[("        host: 127.0.0.1\n", "        host: 169.254.169.254\n")],
            &[
                "etcd has spec.containers[etcd].livenessProbe.httpGet.host: 169.254.169.254, was 127.0.0.1",
            ],
        ),
        row(
            API,
            &[(
                CONTAINER,
                "    env: [{name: HTTPS_PROXY, value: 'http://10.6.6.6'}, {name: GODEBUG, value: 'x509sha1=1'}, {name: SSLKEYLOGFILE, value: /k}]\n",
            )],
            &[
                "apiserver gets spec.containers[kube-apiserver].env[GODEBUG].name: GODEBUG",
                "apiserver gets spec.containers[kube-apiserver].env[GODEBUG].value: x509sha1=1",
                "apiserver gets spec.containers[kube-apiserver].env[HTTPS_PROXY].name: HTTPS_PROXY",
                "apiserver gets spec.containers[kube-apiserver].env[HTTPS_PROXY].value: http://10.6.6.6",
                "apiserver gets spec.containers[kube-apiserver].env[SSLKEYLOGFILE].name: SSLKEYLOGFILE",
                "apiserver gets spec.containers[kube-apiserver].env[SSLKEYLOGFILE].value: /k",
            ],
        ),
        row(
            API,
            &[(CONTAINER, "    envFrom: [{configMapRef: {name: x}}]\n")],
            &["apiserver gets spec.containers[kube-apiserver].envFrom[0].configMapRef.name: x"],
        ),
        // An alias says again what stands elsewhere.
        row(
            SCHEDULER,
            &[
                ("      httpGet:\n", "      httpGet: &get\n"),
                ("    ports:\n", "    lifecycle: {preStop: {httpGet: *get}}\n    ports:\n"),
            ],
            &[
                "scheduler gets spec.containers[kube-scheduler].lifecycle.preStop.httpGet.host: 127.0.0.1",
                "scheduler gets spec.containers[kube-scheduler].lifecycle.preStop.httpGet.path: /livez",
                "scheduler gets spec.containers[kube-scheduler].lifecycle.preStop.httpGet.port: probe-port",
                "scheduler gets spec.containers[kube-scheduler].lifecycle.preStop.httpGet.scheme: HTTPS",
            ],
        ),
        row(
            API,
            &[(
                "  annotations:\n",
                "  annotations:\n    container.apparmor.security.beta.kubernetes.io/x: unconfined\n",
            )],
            &[
                "apiserver gets metadata.annotations[container.apparmor.security.beta.kubernetes.io/x]: unconfined",
            ],
        ),
        row(
            API,
            &[("      type: RuntimeDefault\n", "      type: Unconfined\n")],
            &[
                "apiserver has spec.securityContext.seccompProfile.type: Unconfined, was RuntimeDefault",
            ],
        ),
        row(
            API,
            &[("  securityContext:\n    seccompProfile:\n      type: RuntimeDefault\n", "")],
            &["apiserver loses spec.securityContext.seccompProfile.type: RuntimeDefault"],
        ),
        row(
            API,
            &[("      path: /etc/ssl/certs\n", "      path: /srv/certs\n")],
            &["apiserver has spec.volumes[ca-certs].hostPath.path: /srv/certs, was /etc/ssl/certs"],
        ),
        row(
            ETCD,
            &[("etcd:3.6.8-0", "etcd:3.4.13-0")],
            &[
                "etcd runs registry.k8s.io/etcd:3.4.13-0 in container etcd, ran registry.k8s.io/etcd:3.6.8-0",
            ],
        ),
        row(
            API,
            &[("v1.36.2", "v1.36.2@sha256:00")],
            &[
                "apiserver runs registry.k8s.io/kube-apiserver:v1.36.2@sha256:00 in container kube-apiserver, ran registry.k8s.io/kube-apiserver:v1.36.2",
            ],
        ),
    ]);
}

#[test]
fn flags_that_are_on_no_list_stop() {
    check(&[
        row(
            API,
            &[(FLAG, "--etcd-servers-overrides=/events#http://10.6.6.6:2379")],
            &[
                "apiserver runs with --etcd-servers-overrides=/events#http://10.6.6.6:2379, ran without --etcd-servers-overrides",
            ],
        ),
        row(
            SCHEDULER,
            &[(FLAG, "--master=http://10.6.6.6")],
            &["scheduler runs with --master=http://10.6.6.6, ran without --master"],
        ),
        row(
            API,
            &[(FLAG, "--feature-gates=AnonymousAuthConfigurableEndpoints=true")],
            &[
                "apiserver runs with --feature-gates=AnonymousAuthConfigurableEndpoints=true, ran without --feature-gates",
            ],
        ),
        row(
            API,
            &[(FLAG, "--profiling=true")],
            &["apiserver runs with --profiling=true, ran without --profiling"],
        ),
        row(
            API,
            &[(FLAG, "--audit-log-path=/etc/cron.d/audit")],
            &[
                "apiserver runs with --audit-log-path=/etc/cron.d/audit, ran without --audit-log-path",
            ],
        ),
        row(
            API,
            &[(FLAG, "--audit-log-path=/var/log/../../etc/cron.d/audit")],
            &[
                "apiserver runs with --audit-log-path=/var/log/../../etc/cron.d/audit, ran without --audit-log-path",
            ],
        ),
        row(
            API,
            &[(FLAG, "--audit-log-path=/var/log/a"), (FLAG, "--audit-log-path=/etc/x")],
            &[
                "apiserver runs with --audit-log-path=/var/log/a, /etc/x, ran without --audit-log-path",
            ],
        ),
        row(
            CM,
            &[(FLAG, "--cluster-signing-duration=87600h")],
            &[
                "controller-manager runs with --cluster-signing-duration=87600h, ran without --cluster-signing-duration",
            ],
        ),
        row(
            CM,
            &[("--bind-address=127.0.0.1", "--bind-address=0.0.0.0")],
            &[
                "controller-manager runs with --bind-address=0.0.0.0, ran with --bind-address=127.0.0.1",
            ],
        ),
        row(
            ETCD,
            &[(
                "--listen-metrics-urls=http://127.0.0.1:2381",
                "--listen-metrics-urls=http://0.0.0.0:2381",
            )],
            &[
                "etcd runs with --listen-metrics-urls=http://0.0.0.0:2381, ran with --listen-metrics-urls=http://127.0.0.1:2381",
            ],
        ),
        row(
            ETCD,
            &[(FLAG, "--force-new-cluster")],
            &["etcd runs with --force-new-cluster=true, ran without --force-new-cluster"],
        ),
        row(
            ETCD,
            &[(FLAG, "--log-outputs=/etc/cron.d/x")],
            &["etcd runs with --log-outputs=/etc/cron.d/x, ran without --log-outputs"],
        ),
        row(
            ETCD,
            &[("--data-dir=/var/lib/etcd\n", "--data-dir=/var/lib/kubelet\n")],
            &["etcd runs with --data-dir=/var/lib/kubelet, ran with --data-dir=/var/lib/etcd"],
        ),
        row(
            API,
            &[(
                "--enable-admission-plugins=NodeRestriction",
                "--enable-admission-plugins=PodSecurity",
            )],
            &[
                "apiserver runs with --enable-admission-plugins=PodSecurity, ran with --enable-admission-plugins=NodeRestriction",
            ],
        ),
        row(
            API,
            &[(FLAG, "--tls-min-version=VersionTLS10")],
            &["apiserver runs with --tls-min-version=VersionTLS10, ran without --tls-min-version"],
        ),
        row(
            API,
            &[(FLAG, "--tls-cipher-suites=TLS_RSA_WITH_RC4_128_SHA")],
            &[
                "apiserver runs with --tls-cipher-suites=TLS_RSA_WITH_RC4_128_SHA, ran without --tls-cipher-suites",
            ],
        ),
        row(
            API,
            &[("--etcd-servers=https://127.0.0.1:2379", "--etcd-servers=http://10.0.0.11:2379")],
            &[
                "apiserver runs with --etcd-servers=http://10.0.0.11:2379, ran with --etcd-servers=https://127.0.0.1:2379",
            ],
        ),
        row(
            API,
            &[
                (FLAG, "--external-hostname=$(POD_IP)"),
                (
                    CONTAINER,
                    "    env: [{name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]\n",
                ),
            ],
            &[
                "apiserver runs with --external-hostname=$(POD_IP), ran without --external-hostname",
                "apiserver gets spec.containers[kube-apiserver].env[POD_IP].name: POD_IP",
                "apiserver gets spec.containers[kube-apiserver].env[POD_IP].valueFrom.fieldRef.fieldPath: status.podIP",
            ],
        ),
    ]);
}

/// kpki's own value is no excuse for these.
#[test]
fn weaker_checks_stop_even_as_kpki_sets_them() {
    let gone = |process, flag, says| Row { process, before: flag, after: &[], says };
    check(&[
        gone(
            API,
            &[(FLAG, "--anonymous-auth=false")],
            &["apiserver runs without --anonymous-auth, ran with --anonymous-auth=false"],
        ),
        gone(
            API,
            &[(FLAG, "--profiling=false")],
            &["apiserver runs without --profiling, ran with --profiling=false"],
        ),
        gone(
            API,
            &[(FLAG, "--tls-min-version=VersionTLS13")],
            &["apiserver runs without --tls-min-version, ran with --tls-min-version=VersionTLS13"],
        ),
        gone(
            API,
            &[(FLAG, "--tls-cipher-suites=TLS_AES_128_GCM_SHA256")],
            &[
                "apiserver runs without --tls-cipher-suites, ran with --tls-cipher-suites=TLS_AES_128_GCM_SHA256",
            ],
        ),
        gone(
            API,
            &[("--authorization-mode=Node,RBAC", "--authorization-mode=Node,RBAC,AlwaysDeny")],
            &[
                "apiserver runs with --authorization-mode=Node,RBAC, ran with --authorization-mode=Node,RBAC,AlwaysDeny",
            ],
        ),
        gone(
            API,
            &[("=NodeRestriction", "=NodeRestriction,AlwaysPullImages")],
            &[
                "apiserver runs with --enable-admission-plugins=NodeRestriction, ran with --enable-admission-plugins=NodeRestriction,AlwaysPullImages",
            ],
        ),
        gone(
            ETCD,
            &[(FLAG, "--peer-cert-allowed-cn=x")],
            &["etcd runs without --peer-cert-allowed-cn, ran with --peer-cert-allowed-cn=x"],
        ),
        gone(
            API,
            &[(CONTAINER, "    securityContext: {runAsUser: 1000}\n")],
            &["apiserver loses spec.containers[kube-apiserver].securityContext.runAsUser: 1000"],
        ),
        gone(API, &[(SPEC, "  hostUsers: false\n")], &["apiserver loses spec.hostUsers: false"]),
        gone(
            API,
            &[(SPEC, "  runtimeClassName: gvisor\n")],
            &["apiserver loses spec.runtimeClassName: gvisor"],
        ),
        gone(
            SCHEDULER,
            &[(SPEC, "  automountServiceAccountToken: false\n")],
            &["scheduler loses spec.automountServiceAccountToken: false"],
        ),
        gone(
            API,
            &[(
                "  annotations:\n",
                "  annotations:\n    container.apparmor.security.beta.kubernetes.io/kube-apiserver: localhost/k8s\n",
            )],
            &[
                "apiserver loses metadata.annotations[container.apparmor.security.beta.kubernetes.io/kube-apiserver]: localhost/k8s",
            ],
        ),
        gone(
            API,
            &[(SPEC, "  initContainers: [{name: guard, image: 'registry.k8s.io/etcd:3.6.8-0'}]\n")],
            &[
                "apiserver runs no image in container guard, ran registry.k8s.io/etcd:3.6.8-0",
                "apiserver loses spec.initContainers[guard].name: guard",
            ],
        ),
        gone(
            ETCD,
            &[(
                "    - mountPath: /etc/kubernetes/pki/etcd\n",
                "    - mountPath: /etc/kubernetes/pki/etcd\n      readOnly: true\n",
            )],
            &[
                "etcd loses spec.containers[etcd].volumeMounts[/etc/kubernetes/pki/etcd].readOnly: true",
            ],
        ),
        gone(
            ETCD,
            &[(
                "    - mountPath: /var/lib/etcd\n",
                "    - mountPath: /var/lib/etcd\n      subPath: x\n",
            )],
            &["etcd loses spec.containers[etcd].volumeMounts[/var/lib/etcd].subPath: x"],
        ),
        gone(
            API,
            &[(CONTAINER, "    env: [{name: GODEBUG, value: fips140=on}]\n")],
            &[
                "apiserver loses spec.containers[kube-apiserver].env[GODEBUG].name: GODEBUG",
                "apiserver loses spec.containers[kube-apiserver].env[GODEBUG].value: fips140=on",
            ],
        ),
        gone(
            SCHEDULER,
            &[("hostNetwork: true\n", "hostNetwork: false\n")],
            &["scheduler gets spec.hostNetwork: true"],
        ),
        gone(
            API,
            &[(FLAG, "--feature-gates=A=true")],
            &["apiserver runs without --feature-gates, ran with --feature-gates=A=true"],
        ),
        gone(
            API,
            &[(FLAG, "--anonymous-auth=0")],
            &["apiserver runs without --anonymous-auth, ran with --anonymous-auth=0"],
        ),
        // What was wider before may become as kpki has it.
        gone(API, &[("--authorization-mode=Node,RBAC", "--authorization-mode=AlwaysAllow")], &[]),
        gone(API, &[(SPEC, "  hostPID: true\n")], &[]),
        gone(
            ETCD,
            &[
                (CONTAINER, "    lifecycle: {postStart: {exec: {command: [id]}}}\n"),
                (MOUNT, "    - {mountPath: /host, name: host, readOnly: true}\n"),
                (VOLUME, HOST),
            ],
            &[],
        ),
        gone(
            API,
            &[(
                SPEC,
                "  - {name: proxy, image: 'example.com/x:1', securityContext: {readOnlyRootFilesystem: true}}\n",
            )],
            &[],
        ),
    ]);
}

#[test]
fn daily_changes_stop_nothing() {
    check(&[
        row(API, &[(FLAG, "--v=4")], &[]),
        row(API, &[(FLAG, "-v=4")], &[]),
        row(API, &[(FLAG, "--profiling=false")], &[]),
        row(API, &[(FLAG, "--profiling=false"), (FLAG, "--profiling=false")], &[]),
        row(
            API,
            &[(
                CONTAINER,
                "    lifecycle: {}\n    stdin: false\n    tty: no\n    env: []\n    workingDir: \"\"\n",
            )],
            &[],
        ),
        row(
            API,
            &[
                (CONTAINER, "    securityContext: {}\n    terminationMessagePolicy: File\n"),
                (SPEC, "  restartPolicy: Always\n  hostUsers: true\n  nodeSelector: {}\n"),
            ],
            &[],
        ),
        row(API, &[(FLAG, "--anonymous-auth=false")], &[]),
        row(
            API,
            &[
                (FLAG, "--max-requests-inflight=800"),
                (FLAG, "--max_mutating_requests_inflight=400"),
            ],
            &[],
        ),
        row(API, &[(FLAG, "--request-timeout=2m")], &[]),
        row(API, &[(FLAG, "--event-ttl=2h"), (FLAG, "--goaway-chance=0.001")], &[]),
        row(
            API,
            &[
                (FLAG, "--audit-log-path=/var/log/kubernetes/audit.log"),
                (FLAG, "--audit-log-maxage=7"),
            ],
            &[],
        ),
        row(API, &[(FLAG, "--tls-min-version=VersionTLS13")], &[]),
        row(
            API,
            &[(
                FLAG,
                "--tls-cipher-suites=TLS_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            )],
            &[],
        ),
        row(API, &[("=NodeRestriction", "=NodeRestriction,AlwaysPullImages")], &[]),
        row(
            API,
            &[("https://127.0.0.1:2379", "https://127.0.0.1:2379,https://10.0.0.12:2379")],
            &[],
        ),
        row(API, &[(FLAG, "--logging-format=json")], &[]),
        row(CM, &[(FLAG, "--kube-api-qps=50"), (FLAG, "--kube-api-burst=100")], &[]),
        row(
            CM,
            &[
                (FLAG, "--concurrent-deployment-syncs=10"),
                (FLAG, "--terminated-pod-gc-threshold=100"),
            ],
            &[],
        ),
        row(
            CM,
            &[(FLAG, "--node-monitor-period=4s"), (FLAG, "--leader-elect-lease-duration=30s")],
            &[],
        ),
        row(SCHEDULER, &[(FLAG, "--leader-elect-retry-period=4s")], &[]),
        row(
            ETCD,
            &[(FLAG, "--quota-backend-bytes=8589934592"), (FLAG, "--auto-compaction-retention=1")],
            &[],
        ),
        row(ETCD, &[(FLAG, "--heartbeat-interval=200"), (FLAG, "--election-timeout=2000")], &[]),
        row(ETCD, &[("--snapshot-count=10000", "--snapshot-count=20000")], &[]),
        row(ETCD, &[(FLAG, "--wal-dir=/var/lib/etcd/wal")], &[]),
        row(API, &[("        cpu: 250m\n", "        cpu: 500m\n        memory: 1Gi\n")], &[]),
        row(API, &[(CONTAINER, "    # a comment\n")], &[]),
        row(API, &[("      failureThreshold: 8\n", "      failureThreshold: 12\n")], &[]),
        row(API, &[("        port: probe-port\n", "        port: 6443\n")], &[]),
        row(API, &[("    tier: control-plane\n", "    tier: control-plane\n    team: ops\n")], &[]),
        row(API, &[(SPEC, "  terminationGracePeriodSeconds: 60\n")], &[]),
        row(API, &[("system-node-critical", "system-cluster-critical")], &[]),
        row(
            API,
            &[(
                CONTAINER,
                "    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true}\n",
            )],
            &[],
        ),
        row(
            ETCD,
            &[(
                "    - mountPath: /etc/kubernetes/pki/etcd\n",
                "    - mountPath: /etc/kubernetes/pki/etcd\n      readOnly: true\n",
            )],
            &[],
        ),
    ]);
}

/// Of a description with kpki's own pods: before, after, and what stops.
#[test]
fn what_a_description_sets_is_judged_alike() {
    let rows: &[(&str, &str, &[&str])] = &[
        (
            "",
            "component \"etcd\" { flag \"data-dir\" \"/etc\" }",
            &["etcd runs with --data-dir=/etc, ran with --data-dir=/var/lib/etcd [2]"],
        ),
        (
            "",
            "component \"etcd\" { flag \"wal-dir\" \"/root/.ssh\" }",
            &["etcd runs with --wal-dir=/root/.ssh, ran without --wal-dir [2]"],
        ),
        (
            "",
            "component \"apiserver\" { flag \"audit-log-path\" \"/etc/cron.d/audit\" }",
            &[
                "apiserver runs with --audit-log-path=/etc/cron.d/audit, ran without --audit-log-path [2]",
            ],
        ),
        (
            "",
            "component \"apiserver\" { flag \"etcd-servers-overrides\" \"/events#http://10.6.6.6:2379\" }",
            &[
                "apiserver runs with --etcd-servers-overrides=/events#http://10.6.6.6:2379, ran without --etcd-servers-overrides [2]",
            ],
        ),
        (
            "",
            "component \"scheduler\" { flag \"master\" \"http://10.6.6.6\" }",
            &["scheduler runs with --master=http://10.6.6.6, ran without --master [2]"],
        ),
        (
            "",
            "component \"etcd\" image=\"registry.k8s.io/etcd:3.4.13-0\"",
            &[
                "etcd runs registry.k8s.io/etcd:3.4.13-0 in container etcd, ran registry.k8s.io/etcd:3.6.8-0 [2]",
            ],
        ),
        (
            "component \"kubelet\" serving=#true",
            "",
            &[
                "apiserver runs without --kubelet-certificate-authority, ran with --kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt [2]",
            ],
        ),
        (
            "component \"apiserver\" { flag \"anonymous-auth\" \"false\" }",
            "",
            &["apiserver runs without --anonymous-auth, ran with --anonymous-auth=false [2]"],
        ),
        (
            "component \"apiserver\" { flag \"audit-log-path\" \"/var/log/audit.log\" }",
            "",
            &[
                "apiserver runs without --audit-log-path, ran with --audit-log-path=/var/log/audit.log [2]",
            ],
        ),
        // What would be mounted is /var.
        (
            "",
            "component \"apiserver\" { flag \"audit-log-path\" \"/var/log\" }",
            &["apiserver runs with --audit-log-path=/var/log, ran without --audit-log-path [2]"],
        ),
        (
            "",
            "component \"apiserver\" { flag \"audit-log-path\" \"/var/log/\" }",
            &["apiserver runs with --audit-log-path=/var/log/, ran without --audit-log-path [2]"],
        ),
        (
            "",
            "component \"etcd\" { flag \"wal-dir\" \"/var/lib\" }",
            &["etcd runs with --wal-dir=/var/lib, ran without --wal-dir [2]"],
        ),
        (
            "component \"apiserver\" { flag \"allow-privileged\" \"false\" }",
            "",
            &["apiserver runs with --allow-privileged=true, ran with --allow-privileged=false [2]"],
        ),
        (
            "component \"controller-manager\" { flag \"controllers\" \"*,-csrapproving\" }",
            "",
            &[
                "controller-manager runs with --controllers=*,bootstrapsigner,tokencleaner, ran with --controllers=*,-csrapproving [2]",
            ],
        ),
        (
            "component \"controller-manager\" { flag \"cluster-signing-duration\" \"1h\" }",
            "",
            &[
                "controller-manager runs without --cluster-signing-duration, ran with --cluster-signing-duration=1h [2]",
            ],
        ),
        (
            "component \"etcd\" { flag \"tls-min-version\" \"TLS1.3\" }",
            "",
            &["etcd runs without --tls-min-version, ran with --tls-min-version=TLS1.3 [2]"],
        ),
        // A digest says which program, a tag whichever the registry has today.
        (
            "component \"etcd\" image=\"registry.k8s.io/etcd:3.6.8-0@sha256:00\"",
            "",
            &[
                "etcd runs registry.k8s.io/etcd:3.6.8-0 in container etcd, ran registry.k8s.io/etcd:3.6.8-0@sha256:00 [2]",
            ],
        ),
        (
            "component \"scheduler\" image=\"mirror.lab/kube-scheduler:v1.36.2@sha256:00\"",
            "component \"scheduler\" image=\"mirror.lab/kube-scheduler:v1.36.2\"",
            &[
                "scheduler runs mirror.lab/kube-scheduler:v1.36.2 in container kube-scheduler, ran mirror.lab/kube-scheduler:v1.36.2@sha256:00 [2]",
            ],
        ),
        (
            "component \"etcd\" image=\"registry.k8s.io/etcd:3.6.10-0\"",
            "component \"etcd\" image=\"registry.k8s.io/etcd:3.6.9-0\"",
            &[
                "etcd runs registry.k8s.io/etcd:3.6.9-0 in container etcd, ran registry.k8s.io/etcd:3.6.10-0 [2]",
            ],
        ),
        // Daily.
        (
            "",
            "component \"apiserver\" { flag \"audit-policy-file\" \"/etc/kubernetes/audit/policy.yaml\"; flag \"audit-log-path\" \"/var/log/kubernetes/audit.log\" }",
            &[],
        ),
        (
            "",
            "component \"apiserver\" { flag \"encryption-provider-config\" \"/etc/kubernetes/enc/enc.yaml\"; flag \"service-account-extend-token-expiration\" #false }",
            &[],
        ),
        (
            "",
            "component \"controller-manager\" { flag \"allocate-node-cidrs\" #true; flag \"node-cidr-mask-size-ipv4\" 25 }",
            &[],
        ),
        ("", "component \"kubelet\" serving=#true", &[]),
        (
            "",
            "component \"apiserver\" { flag \"audit-log-path\" \"/var/log/kubernetes/audit.log\" }",
            &[],
        ),
        ("component \"etcd\" image=\"registry.k8s.io/etcd:3.4.13-0\"", "", &[]),
        ("", "component \"apiserver\" { flag \"v\" 4; flag \"profiling\" #false }", &[]),
    ];
    let described = |more: &str| MemoryProject::new(&format!("{NODES}{more}"));
    for (before, after, says) in rows {
        let mut project = described(before);
        project.apply().unwrap();
        project.description = described(after).description;
        assert_eq!(stops(&project), *says, "{before} -> {after}");
    }
}

/// An upgrade adds flags, changes images and probes; a new node gets what the others have.
#[test]
fn upgrades_and_new_nodes_stop_nothing_but_the_node() {
    let version = |text: &str| NODES.replace("1.36.2", text);
    for (old, new) in [("1.33.4", "1.34.2"), ("1.35.3", "1.36.2"), ("1.36.1", "1.36.2")] {
        let mut project = MemoryProject::new(&version(old));
        project.apply().unwrap();
        project.description = version(new);
        assert!(project.plan().plan.steps.len() > 4);
        let told = stops(&project);
        assert!(told.iter().all(|line| line.starts_with("apiserver-kubelet-client ")), "{told:?}");
    }
    let node = "node \"cp3\" role=\"control-plane\" address=\"10.0.0.13\"\n";
    let joins = "cp3 joins as a control-plane node: it holds CA keys and an administrator's [1]";
    let mut own = MemoryProject::applied(NODES);
    own.description.push_str(node);
    assert_eq!(stops(&own), [joins]);

    let odd = [
        (FLAG, "--strict-transport-security-directives=max-age=31536000"),
        (CONTAINER, "    env: [{name: TZ, value: UTC}]\n"),
        ("v1.36.2", "v1.36.2-lab.1"),
    ];
    let mut operators = project(manifests(API, &odd), "");
    operators.apply().unwrap();
    operators.description.push_str(node);
    for process in [ETCD, API, CM, SCHEDULER] {
        let text = &operators.extra[&format!("manifests/cp1/{process}.yaml")];
        let text = String::from_utf8(text.clone()).unwrap();
        let text = text.replace("10.0.0.11", "10.0.0.13").replace("=cp1", "=cp3");
        operators.extra.insert(format!("manifests/cp3/{process}.yaml"), text.into_bytes());
    }
    assert_eq!(stops(&operators), [joins]);
    let path = "manifests/cp3/kube-apiserver.yaml".to_owned();
    let text = String::from_utf8(operators.extra[&path].clone()).unwrap();
    operators.extra.insert(path, edited(&text, &[(SPEC, "  hostPID: true\n")]).into_bytes());
    assert_eq!(stops(&operators), ["apiserver gets spec.hostPID: true [1]", joins]);
}

/// A manifest's line without its bytes, and the other way round, hide nothing; damage alone is none of it.
#[test]
fn half_a_record_of_a_manifest_only_adds_stops() {
    let path = |node: &str| format!("nodes/{node}/etc/kubernetes/manifests/kube-apiserver.yaml");
    let flag = "component \"apiserver\" { flag \"anonymous-auth\" \"false\" }\n";
    let oddity = "component \"apiserver\" { flag \"feature-gates\" \"A=true\" }\n";
    let gone = "apiserver had a manifest that cannot be read: its file is gone [2]";
    let other =
        "apiserver had a manifest that cannot be read: its file is not the one on record [2]";
    let weaker = "apiserver runs without --anonymous-auth, ran with --anonymous-auth=false [2]";
    let without_gates =
        "apiserver runs without --feature-gates, ran with --feature-gates=A=true [2]";
    let gates = "apiserver runs with --feature-gates=A=true, ran without --feature-gates [2]";
    let lose_file: fn(&mut MemoryProject, &str, &str) = |project, path, _| {
        project.out.remove(path).unwrap();
    };
    let spoil: fn(&mut MemoryProject, &str, &str) = |project, path, _| {
        project.out.get_mut(path).unwrap().0.extend(b"# x\n");
    };
    let break_it: fn(&mut MemoryProject, &str, &str) = |project, path, _| {
        project.out.get_mut(path).unwrap().0 = b"{".to_vec();
    };
    let lose_line: fn(&mut MemoryProject, &str, &str) = |project, _, node| {
        let lock = project.lock.clone().unwrap();
        let lines = lock.split_inclusive('\n');
        let name = format!("\"nodes/{node}/manifests/kube-apiserver\"");
        let kept: String = lines.filter(|line| !line.contains(&name)).collect();
        assert_ne!(kept, lock);
        project.lock = Some(kept);
    };
    let rows = [
        (flag, "", lose_file, &[gone][..]),
        (flag, "", lose_line, &[weaker]),
        (flag, "", spoil, &[weaker, other]),
        (flag, "", break_it, &[other]),
        (oddity, "", lose_line, &[without_gates]),
        (oddity, flag, lose_file, &[gone]),
        // Nobody agreed to what is here: it may be planted.
        (oddity, oddity, lose_line, &[gates]),
        ("", oddity, lose_line, &[gates]),
        // Mere damage.
        (flag, flag, lose_file, &[]),
        (oddity, oddity, lose_file, &[]),
        (oddity, oddity, spoil, &[]),
        (oddity, oddity, break_it, &[]),
    ];
    for (before, after, damage, says) in rows {
        let mut project = MemoryProject::applied(&format!("{NODES}{before}"));
        for node in ["cp1", "cp2"] {
            damage(&mut project, &path(node), node);
        }
        project.description = MemoryProject::new(&format!("{NODES}{after}")).description;
        assert_eq!(stops(&project), says, "{before} -> {after}");
    }
}

/// The other node's manifest is no measure for one that is known.
#[test]
fn a_known_node_is_not_held_against_another_one() {
    let weak = [
        (FLAG, "--authorization-mode=AlwaysAllow"),
        ("    - --authorization-mode=Node,RBAC\n", ""),
    ];
    let mut files = kubeadm_like();
    let path = |node: &str| format!("manifests/{node}/kube-apiserver.yaml");
    let text = String::from_utf8(files[&path("cp1")].clone()).unwrap();
    files.insert(path("cp1"), edited(&text, &weak).into_bytes());
    let mut project = project(files.clone(), "");
    project.apply().unwrap();
    project.out.remove("nodes/cp2/etc/kubernetes/manifests/kube-apiserver.yaml").unwrap();
    let lock = project.lock.clone().unwrap();
    let lines = lock.split_inclusive('\n');
    let name = "\"nodes/cp2/manifests/kube-apiserver\"";
    project.lock = Some(lines.filter(|line| !line.contains(name)).collect());
    assert_eq!(stops(&project), Vec::<String>::new());
    let text = String::from_utf8(files[&path("cp2")].clone()).unwrap();
    project.extra.insert(path("cp2"), edited(&text, &weak).into_bytes());
    assert_eq!(
        stops(&project),
        [
            "apiserver runs with --authorization-mode=AlwaysAllow, ran with --authorization-mode=Node,RBAC [1]"
        ]
    );
}

/// A mount as kpki has it, of a volume that has another folder under kpki's name.
#[test]
fn a_mount_shows_what_its_volume_is() {
    let before = [("      path: /etc/ssl/certs\n", "      path: /srv/certs\n")];
    let unmounted = ("    - mountPath: /etc/ssl/certs\n", "    - mountPath: /srv/certs\n");
    check(&[Row {
        process: API,
        before: &[before[0], unmounted],
        after: &before,
        says: &[
            "apiserver gets spec.containers[kube-apiserver].volumeMounts[/etc/ssl/certs].mountPath: /etc/ssl/certs",
            "apiserver gets spec.containers[kube-apiserver].volumeMounts[/etc/ssl/certs].name: ca-certs",
        ],
    }]);
}

/// A pull request introduces `manifests` where kpki's own pods were.
#[test]
fn manifests_where_none_were_are_held_against_kpkis_own() {
    let own = MemoryProject::applied(NODES);
    for (edits, says) in [
        (&[][..], &[][..]),
        (&[(SPEC, "  hostPID: true\n")][..], &["apiserver gets spec.hostPID: true [2]"][..]),
    ] {
        let mut project = own.clone();
        project.description.push_str("manifests \"manifests/\"\n");
        project.extra.extend(manifests(API, edits));
        assert_eq!(stops(&project), says);
    }
}

/// What two readers may read in two ways is no input.
#[test]
fn ambiguous_manifests_are_refused() {
    let rows: &[(&str, &[Edit<'_>], &str)] = &[
        (
            API,
            &[(FLAG, "!!binary LS1hdXRob3JpemF0aW9uLW1vZGU9QWx3YXlzQWxsb3c=")],
            "a tag (!) makes something else",
        ),
        (API, &[("  labels:\n", "  labels: !!map\n")], "a tag (!) makes something else"),
        (
            API,
            &[
                (FLAG, "$(X)"),
                (CONTAINER, "    env: [{name: X, value: --authorization-mode=AlwaysAllow}]\n"),
            ],
            "from the variable $(X)",
        ),
        (
            API,
            &[(FLAG, "--v=$(X)"), (CONTAINER, "    env: [{name: X, value: '4'}]\n")],
            "from the variable $(X)",
        ),
        (
            API,
            &[
                (FLAG, "--v=$(X)"),
                (
                    CONTAINER,
                    "    env: [{name: X, valueFrom: {fieldRef: {fieldPath: \"metadata.annotations['x']\"}}}]\n",
                ),
            ],
            "from the variable $(X)",
        ),
        (API, &[(FLAG, "--v=$$(X)")], "the kubelet leaves one `$`"),
        (
            API,
            &[(WORD, "    - --external-hostname\n")],
            "--external-hostname has no value: it would take the next word",
        ),
        (API, &[(FLAG, "sh -c")], "neither a flag nor the value of one"),
        (API, &[(FLAG, "-x")], "neither a flag nor the value of one"),
        (API, &[(FLAG, "--=x")], "neither a flag nor the value of one"),
        (API, &[(FLAG, "--"), (FLAG, "--authorization-mode=AlwaysAllow")], "a word after `--`"),
        (
            API,
            &[(FLAG, "--profiling"), (FLAG, "\"false\"")],
            "--profiling has its value in the next item",
        ),
        (
            API,
            &[(CONTAINER, "    args: [--a=b]\n"), (FLAG, "--audit-policy-file")],
            "--audit-policy-file has no value",
        ),
        (
            API,
            &[(CONTAINER, "    # x\u{85}    securityContext: {privileged: true}\n")],
            "a line break that not every reader takes",
        ),
        (
            API,
            &[("apiVersion: v1\n", "%TAG ! tag:yaml.org,2002:\n---\napiVersion: v1\n")],
            "a directive (%)",
        ),
        (API, &[(CONTAINER, "    <<: {stdin: true}\n")], "a merge key (<<)"),
        (
            API,
            &[(CONTAINER, "    env: [{name: A, value: x}, {name: A, value: y}]\n")],
            "two items of env have the name",
        ),
        (API, &[(CONTAINER, "    name: x\n")], "name is given twice"),
        (
            API,
            &[(MOUNT, "    - {mountPath: /etc/kubernetes/pki/ca.crt, name: ca-certs}\n")],
            "must see the host's /etc/kubernetes/pki/ca.crt under the same path",
        ),
        (
            API,
            &[(MOUNT, "    - {mountPath: /etc/kubernetes/pki/etcd, name: ca-certs}\n")],
            "must see the host's /etc/kubernetes/pki/etcd/ca.crt under the same path",
        ),
        (
            API,
            &[(MOUNT, "    - {mountPath: /etc/kubernetes/pki/etcd/, name: ca-certs}\n")],
            "must see the host's /etc/kubernetes/pki/etcd/ca.crt under the same path",
        ),
        (
            API,
            &[(MOUNT, "    - {mountPath: /etc/kubernetes/x/../pki/etcd, name: ca-certs}\n")],
            "is spelled in an unusual way",
        ),
        (
            API,
            &[(MOUNT, "    - {mountPath: etc/kubernetes/pki/etcd, name: ca-certs}\n")],
            "is spelled in an unusual way",
        ),
        (
            API,
            &[(MOUNT, "    - {mountPath: /etc/kubernetes/pki/, name: ca-certs}\n")],
            "is mounted twice",
        ),
        (
            ETCD,
            &[(
                MOUNT,
                "    - {mountPath: /srv, name: etcd-data}\n    - {mountPath: /srv, name: etcd-certs}\n",
            )],
            "two items of volumeMounts have",
        ),
        (API, &[(FLAG, "--a=b\n    command: [x]")], "command is given twice"),
    ];
    let bomb: String = std::iter::once("x0: &x0 [{a: b}]\n".to_owned())
        .chain((1..20).map(|n| format!("x{n}: &x{n} [*x{0}, *x{0}]\n", n - 1)))
        .collect();
    let bomb = [("status: {}\n", bomb.as_str())];
    let bomb = (API, &bomb[..], "aliases say more than any Pod does");
    for (process, edits, says) in rows.iter().chain([&bomb]) {
        let project = project(manifests(process, edits), "");
        let mut files = project.extra.clone();
        files.insert("cluster.kdl".into(), project.description.clone().into_bytes());
        let report = config::load(&Sources::Memory(files), "cluster.kdl", None);
        let Err(report) = report else { panic!("{edits:?} is taken") };
        let text = report.render(false);
        assert!(text.contains(says), "{edits:?}\n{text}");
        assert!(text.contains(&format!("{process}.yaml:")), "{text}");
    }
}
