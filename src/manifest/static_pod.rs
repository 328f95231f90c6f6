//! A complete static pod of kpki's own, in kubeadm's shape and order.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::mounts::Mount;
use super::named_files::named_paths;
use super::probes::{LIVENESS, PORT_NAME, ProbeTarget, READINESS, STARTUP, probe_target};
use super::runs_as::RunsAs;
use super::scalar::scalar;
use crate::name::CertificatesDir;
use crate::profile::{Does, Process};
use crate::version::{Change, KubernetesVersion};

/// What one node's manifest of one process says.
#[derive(Debug, Clone)]
pub struct StaticPod {
    pub process: Process,
    /// kubeadm's of this version wrote its like.
    version: KubernetesVersion,
    pub image: String,
    /// By name without dashes: the table's and the user's, see [`super::merged`].
    pub flags: BTreeMap<String, String>,
    /// Besides those that kubeadm reads. A changed value makes the kubelet replace the pod.
    pub annotations: BTreeMap<String, String>,
    /// The process's own, and whatever a user adds.
    pub mounts: Vec<Mount>,
    /// `None`: root.
    pub runs_as: Option<RunsAs>,
}

impl StaticPod {
    pub fn new(
        process: Process,
        version: KubernetesVersion,
        image: String,
        flags: BTreeMap<String, String>,
        dir: &CertificatesDir,
    ) -> Self {
        let rows = process.row().mounts(version);
        let mut mounts: Vec<Mount> = rows.map(|row| Mount::of(row, dir)).collect();
        // Without its folder on the host, etcd's data would go with the container.
        let follows = match process {
            Process::Etcd => Some(("data-dir", "etcd-data")),
            Process::ControllerManager => Some(("flex-volume-plugin-dir", "flexvolume-dir")),
            Process::Apiserver | Process::Scheduler => None,
        };
        let given = follows.and_then(|(flag, volume)| Some((flags.get(flag)?, volume)));
        if let Some((folder, volume)) = given {
            for mount in mounts.iter_mut().filter(|mount| mount.name == volume) {
                mount.host_path.clone_from(folder);
                mount.mount_path.clone_from(folder);
            }
        }
        StaticPod {
            process,
            version,
            image,
            flags,
            annotations: BTreeMap::new(),
            mounts,
            runs_as: None,
        }
    }

    /// Mounts the folder of every file that a flag names and the container would not find. One that the
    /// process writes is writable.
    pub fn mount_files(&mut self) {
        let flags = self.flags.clone();
        for (name, value) in &flags {
            for named in named_paths(self.process, name, value) {
                if let Some(folder) = named.folder()
                    && !self.mounted(named.path)
                {
                    let name = self.volume_of(folder);
                    self.mounts.push(Mount {
                        name,
                        host_path: folder.to_owned(),
                        mount_path: folder.to_owned(),
                        file: false,
                        read_only: named.does == Does::Reads,
                    });
                }
            }
        }
    }

    /// A free name for a volume.
    fn volume_of(&self, folder: &str) -> String {
        let mut stem = "kpki".to_owned();
        for part in folder.split(|c: char| !c.is_ascii_alphanumeric()) {
            if !part.is_empty() && stem.len() + part.len() < 58 {
                stem.push('-');
                stem.push_str(&part.to_ascii_lowercase());
            }
        }
        let mut volume = stem.clone();
        let mut number = 1_u32;
        while self.mounts.iter().any(|mount| mount.name == volume) {
            number += 1;
            volume = format!("{stem}-{number}");
        }
        volume
    }

    /// Whether the container finds this absolute path of the host.
    pub fn mounted(&self, path: &str) -> bool {
        self.mounts.iter().any(|mount| mount.holds(path))
    }

    pub fn render(&self) -> String {
        let mut text = String::with_capacity(4096);
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    /// kubeadm's own annotations, which a later `kubeadm join` reads, and the caller's.
    fn all_annotations(&self, probe: &ProbeTarget) -> BTreeMap<&str, String> {
        let mut all = BTreeMap::new();
        let flag = |name: &str| self.flags.get(name).cloned();
        match self.process {
            Process::Etcd => all.extend(
                flag("advertise-client-urls")
                    .map(|urls| ("kubeadm.kubernetes.io/etcd.advertise-client-urls", urls)),
            ),
            Process::Apiserver => all.extend(flag("advertise-address").map(|address| {
                let host = if address.contains(':') { format!("[{address}]") } else { address };
                (
                    "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint",
                    format!("{host}:{}", probe.port),
                )
            })),
            Process::ControllerManager | Process::Scheduler => {}
        }
        all.extend(self.annotations.iter().map(|(name, value)| (name.as_str(), value.clone())));
        all
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let name = self.process.name();
        let row = self.process.row();
        let probe = probe_target(self.process, &self.flags);
        let paths = row.probes(self.version);
        let named = self.version.has(Change::NamedProbePort);
        out.push_str("apiVersion: v1\nkind: Pod\nmetadata:\n");
        let annotations = self.all_annotations(&probe);
        if !annotations.is_empty() {
            out.push_str("  annotations:\n");
        }
        for (name, value) in annotations {
            writeln!(out, "    {}: {}", scalar(name), scalar(&value))?;
        }
        write!(
            out,
            "  labels:\n    component: {name}\n    tier: control-plane\n  name: {name}\n  \
             namespace: kube-system\nspec:\n  containers:\n  - command:\n    - {name}\n"
        )?;
        for (flag, value) in &self.flags {
            writeln!(out, "    - {}", scalar(&format!("--{flag}={value}")))?;
        }
        write!(out, "    image: {}\n    imagePullPolicy: IfNotPresent\n", scalar(&self.image))?;
        LIVENESS.write(out, paths.liveness, &probe, named)?;
        writeln!(out, "    name: {name}")?;
        if named {
            write!(
                out,
                "    ports:\n    - containerPort: {}\n      name: {PORT_NAME}\n      protocol: TCP\n",
                probe.port
            )?;
        }
        if let Some(path) = paths.readiness {
            READINESS.write(out, path, &probe, named)?;
        }
        out.push_str("    resources:\n      requests:\n");
        for (resource, amount) in row.requests {
            writeln!(out, "        {resource}: {amount}")?;
        }
        if self.runs_as.is_some() {
            RunsAs::write_container(out, self.process);
        }
        STARTUP.write(out, paths.startup, &probe, named)?;
        self.write_mounts(out)?;
        // The priority is what the class means: the kubelet reads a static pod without asking admission.
        out.push_str(
            "  hostNetwork: true\n  priority: 2000001000\n  priorityClassName: system-node-critical\n  \
             securityContext:\n",
        );
        self.runs_as.map_or(Ok(()), |who| who.write_pod(out))?;
        out.push_str("    seccompProfile:\n      type: RuntimeDefault\n");
        self.runs_as.map_or(Ok(()), |who| who.write_groups(out))?;
        self.write_volumes(out)?;
        out.push_str("status: {}\n");
        Ok(())
    }

    fn write_mounts(&self, out: &mut String) -> fmt::Result {
        out.push_str("    volumeMounts:\n");
        for mount in &self.mounts {
            write!(
                out,
                "    - mountPath: {}\n      name: {}\n",
                scalar(&mount.mount_path),
                scalar(&mount.name)
            )?;
            if mount.read_only {
                out.push_str("      readOnly: true\n");
            }
        }
        Ok(())
    }

    fn write_volumes(&self, out: &mut String) -> fmt::Result {
        let mut volumes: Vec<&Mount> = self.mounts.iter().collect();
        volumes.sort_by(|a, b| a.name.cmp(&b.name));
        out.push_str("  volumes:\n");
        for volume in volumes {
            write!(
                out,
                "  - hostPath:\n      path: {}\n      type: {}\n    name: {}\n",
                scalar(&volume.host_path),
                volume.host_path_type(),
                scalar(&volume.name)
            )?;
        }
        Ok(())
    }
}
