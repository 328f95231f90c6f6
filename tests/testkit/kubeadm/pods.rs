//! Static pods in the bytes that kubeadm writes (`sigs.k8s.io/yaml`: keys in the order of the alphabet);
//! a test holds them against the files of real runs in `tests/kubeadm`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A static pod, as far as two of kubeadm's differ.
#[derive(Clone, Debug)]
pub struct Pod {
    pub component: &'static str,
    pub annotation: Option<(&'static str, String)>,
    /// kubeadm sorts them by name; a name that is set twice has the last value.
    pub flags: BTreeMap<String, String>,
    pub image: String,
    /// Until 1.33 a probe names its port by number, and `creationTimestamp: null` is written.
    pub is_old: bool,
    pub liveness: Probe,
    pub readiness: Option<Probe>,
    pub startup: Probe,
    pub port: u16,
    pub resources: &'static [&'static str],
    pub volumes: Vec<Volume>,
}

#[derive(Clone, Debug)]
pub struct Probe {
    pub host: String,
    pub path: &'static str,
    pub scheme: &'static str,
}

#[derive(Clone, Debug)]
pub struct Volume {
    pub name: String,
    pub path: String,
    pub kind: &'static str,
    pub read_only: bool,
}

impl Volume {
    pub fn new(name: &str, path: &str, kind: &'static str, read_only: bool) -> Self {
        Volume { name: name.to_owned(), path: path.to_owned(), kind, read_only }
    }
}

impl Pod {
    fn probe(&self, kind: &str, probe: &Probe) -> String {
        let (failures, delay, period) = match kind {
            "liveness" => (8, "      initialDelaySeconds: 10\n", 10),
            "readiness" => (3, "", 1),
            _ => (24, "      initialDelaySeconds: 10\n", 10),
        };
        let port = if self.is_old { self.port.to_string() } else { "probe-port".to_owned() };
        let Probe { host, path, scheme } = probe;
        // An address of version 6 needs quotes where it begins with a colon only.
        let host = if host.starts_with(':') { format!("'{host}'") } else { host.clone() };
        format!(
            "    {kind}Probe:
      failureThreshold: {failures}
      httpGet:
        host: {host}
        path: {path}
        port: {port}
        scheme: {scheme}
{delay}      periodSeconds: {period}
      timeoutSeconds: 15
"
        )
    }

    pub fn yaml(&self) -> String {
        let component = self.component;
        let mut text = "apiVersion: v1\nkind: Pod\nmetadata:\n".to_owned();
        if let Some((name, value)) = &self.annotation {
            writeln!(text, "  annotations:\n    {name}: {value}").unwrap();
        }
        if self.is_old {
            text.push_str("  creationTimestamp: null\n");
        }
        write!(
            text,
            "  labels:
    component: {component}
    tier: control-plane
  name: {component}
  namespace: kube-system
spec:
  containers:
  - command:
    - {component}
"
        )
        .unwrap();
        for (flag, value) in &self.flags {
            writeln!(text, "    - --{flag}={value}").unwrap();
        }
        writeln!(text, "    image: {}\n    imagePullPolicy: IfNotPresent", self.image).unwrap();
        text.push_str(&self.probe("liveness", &self.liveness));
        writeln!(text, "    name: {component}").unwrap();
        if !self.is_old {
            let port = self.port;
            writeln!(
                text,
                "    ports:\n    - containerPort: {port}\n      name: probe-port\n      protocol: TCP"
            )
            .unwrap();
        }
        if let Some(readiness) = &self.readiness {
            text.push_str(&self.probe("readiness", readiness));
        }
        text.push_str("    resources:\n      requests:\n");
        for line in self.resources {
            writeln!(text, "        {line}").unwrap();
        }
        text.push_str(&self.probe("startup", &self.startup));
        // Mounts are in the order of the volumes' names, and etcd's as its code lists them.
        let mut mounts = self.volumes.clone();
        if component == "etcd" {
            mounts.sort_by_key(|mount| mount.name != "etcd-data");
        }
        text.push_str("    volumeMounts:\n");
        for Volume { name, path, read_only, .. } in &mounts {
            writeln!(text, "    - mountPath: {path}\n      name: {name}").unwrap();
            if *read_only {
                text.push_str("      readOnly: true\n");
            }
        }
        text.push_str(
            "  hostNetwork: true
  priority: 2000001000
  priorityClassName: system-node-critical
  securityContext:
    seccompProfile:
      type: RuntimeDefault
  volumes:
",
        );
        for Volume { name, path, kind, .. } in &self.volumes {
            writeln!(
                text,
                "  - hostPath:\n      path: {path}\n      type: {kind}\n    name: {name}"
            )
            .unwrap();
        }
        text.push_str("status: {}\n");
        text
    }
}
