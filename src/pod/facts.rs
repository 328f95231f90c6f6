//! What a manifest says about its process.

use super::argv::{self, Flag};
use super::mounts::{self, HostPath, Mount};
use super::{PodError, Process, annotations, locate, parse};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodFacts {
    /// In the order of the command line.
    pub flags: Vec<Flag>,
    pub mounts: Vec<Mount>,
    pub host_paths: Vec<HostPath>,
    pub annotations: Vec<(String, String)>,
    pub host_network: bool,
}

impl PodFacts {
    /// All values of a flag, in order.
    pub fn values<'a>(&'a self, flag: &'a str) -> impl Iterator<Item = &'a str> {
        self.flags
            .iter()
            .filter(move |found| found.name == flag)
            .map(|found| found.value.as_str())
    }
}

pub fn read(source: &[u8], process: Process) -> Result<PodFacts, PodError> {
    let tree = parse::parse(source)?;
    let pod = locate::pod(&tree, process)?;
    Ok(PodFacts {
        flags: argv::read(&tree, &pod)?.flags,
        mounts: mounts::mounts(&tree, &pod)?,
        host_paths: mounts::volumes(&tree, &pod)?
            .into_iter()
            .filter_map(|volume| volume.host)
            .collect(),
        annotations: annotations::read(&tree)?,
        host_network: tree.get_text(pod.spec, "hostNetwork")? == Some("true"),
    })
}
