//! What kpki put on a node, as the node keeps it: public data only.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fingerprint, Holds, Layer, Wanted};
use crate::hash::Digest;
use crate::name::{Label, NodeName, TreePath};
use crate::secret::Secret;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub cluster: Label,
    pub node: NodeName,
    /// A path stands twice while its file is being replaced.
    pub files: BTreeSet<Recorded>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recorded {
    pub path: TreePath,
    pub layer: Layer,
    pub print: Fingerprint,
}

impl Record {
    pub fn of(cluster: &Label, node: &NodeName, wanted: &[Wanted]) -> Record {
        let line = |file: &Wanted| {
            Some(Recorded {
                path: file.path.clone(),
                layer: file.layer,
                print: file.holds.fingerprint()?,
            })
        };
        Record {
            cluster: cluster.clone(),
            node: node.clone(),
            files: wanted.iter().filter_map(line).collect(),
        }
    }

    /// These lines and those of another record.
    pub(super) fn with(&self, other: Option<&Record>) -> Record {
        let mut both = self.clone();
        both.files.extend(other.into_iter().flat_map(|other| other.files.clone()));
        both
    }

    /// kpki put this very file there.
    pub fn knows(&self, path: &TreePath, bytes: &Secret) -> bool {
        let mut lines = self.files.iter().filter(|line| line.path == *path).peekable();
        if lines.peek().is_none() {
            return false;
        }
        let print = Holds::of(bytes).fingerprint();
        lines.any(|line| Some(line.print) == print)
    }

    pub fn json(&self) -> String {
        let document = RecordDocument {
            format_version: VERSION,
            cluster: self.cluster.to_string(),
            node: self.node.to_string(),
            files: self
                .files
                .iter()
                .map(|line| FileLine {
                    path: line.path.to_string(),
                    layer: line.layer,
                    size: line.print.size,
                    digest: line.print.digest.to_string(),
                })
                .collect(),
        };
        // Texts and numbers always serialize.
        serde_json::to_string_pretty(&document).map_or_else(|_| String::new(), |text| text + "\n")
    }

    /// The error reads after the file's name.
    pub fn parse(bytes: &[u8]) -> Result<Record, String> {
        let damaged = |_| "is not a record of kpki's".to_owned();
        let head: Head = serde_json::from_slice(bytes).map_err(damaged)?;
        if head.format_version != VERSION {
            return Err(format!(
                "has format version {}, and this kpki reads {VERSION}",
                head.format_version
            ));
        }
        let document: RecordDocument = serde_json::from_slice(bytes).map_err(damaged)?;
        let line = |line: FileLine| {
            Some(Recorded {
                path: line.path.parse().ok()?,
                layer: line.layer,
                print: Fingerprint { size: line.size, digest: line.digest.parse::<Digest>().ok()? },
            })
        };
        let files = document.files.into_iter().map(line);
        let files = files.collect::<Option<BTreeSet<_>>>();
        Ok(Record {
            cluster: (document.cluster.parse()).map_err(|_| "names no cluster")?,
            node: document.node.parse().map_err(|_| "names no node")?,
            files: files.ok_or("has a line that names no file")?,
        })
    }
}

const VERSION: u32 = 1;

/// What `/var/lib/kpki/installed.json` holds.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RecordDocument {
    /// Version of this format.
    format_version: u32,
    cluster: String,
    node: String,
    /// Sorted by path.
    files: Vec<FileLine>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FileLine {
    /// Relative to the node's root.
    path: String,
    layer: Layer,
    size: u64,
    /// Of the file; of a private key its public half alone, of a kubeconfig everything but its key.
    digest: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Head {
    format_version: u32,
}
