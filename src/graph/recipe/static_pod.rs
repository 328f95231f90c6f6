//! The recipe of a static pod's manifest.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::graph::DerivationId;
use crate::hash::{Digest, Fields};
use crate::manifest::RunsAs;
use crate::name::{CertificatesDir, NodeName};
use crate::pod::PodWish;
use crate::profile::{Input, Process};
use crate::version::KubernetesVersion;

/// One process's manifest on one node.
#[derive(Debug)]
pub struct StaticPod {
    pub process: Process,
    pub node: NodeName,
    pub source: PodSource,
    /// What the process reads only when it starts.
    pub restarts: Vec<(Input, DerivationId)>,
    /// etcd's, unless the description sets `--initial-cluster`: every member's name and peer URL.
    pub members: BTreeMap<String, String>,
}

#[derive(Debug)]
pub enum PodSource {
    /// kpki's own. The flags are all but `--initial-cluster`, which depends on the members that there were.
    Own {
        version: KubernetesVersion,
        image: String,
        flags: BTreeMap<String, String>,
        runs_as: Option<RunsAs>,
        certificates_dir: CertificatesDir,
    },
    /// The operator's, and what it must say.
    Patched { bytes: Arc<[u8]>, wish: PodWish },
}

impl StaticPod {
    pub(super) fn fields(&self, input: impl Fn(DerivationId) -> Digest) -> Fields {
        let fields =
            Fields::default().text("builder", "static-pod").text("process", self.process.name());
        let flag = |(name, value): (&String, &String)| format!("--{name}={value}");
        let fields = match &self.source {
            // What else the version decides is in the bytes, which the lock has a digest of.
            PodSource::Own { version: _, image, flags, runs_as, certificates_dir } => fields
                .text("image", image.as_str())
                .set("flags", flags.iter().map(flag))
                .text("user", runs_as.map_or_else(String::new, |who| who.to_string()))
                .text("certificates-dir", certificates_dir.hashed()),
            PodSource::Patched { bytes, wish } => {
                let flags = wish.flags.iter().map(|wish| (&wish.name, &wish.value));
                fields.text("source", Digest::of(bytes).to_string()).set("flags", flags.map(flag))
            }
        };
        self.restarts
            .iter()
            .fold(fields, |fields, (what, id)| fields.recipe(what.name(), input(*id)))
    }
}
