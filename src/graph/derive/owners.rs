//! Who owns the secrets of processes that are not root.
//!
//! As kubeadm's control plane without root has it (cmd/kubeadm/app/util/staticpod/utils_linux.go): what one
//! process reads is that user's with mode 0600, and the service-account key, which two read, is root's and
//! open to a group that both are in.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Ownership;
use crate::manifest::RunsAs;
use crate::profile::{Business, FLAGS, FlagFrom, Process, below_root};
use crate::spec::{Component, Spec};

/// By path below the node's root.
#[derive(Default)]
pub(super) struct Owners(BTreeMap<String, Ownership>);

const OWNER_ONLY: u32 = 0o600;
const SHARED: u32 = 0o640;

impl Owners {
    pub fn of(spec: &Spec) -> Self {
        let mut readers: BTreeMap<&'static str, BTreeSet<Process>> = BTreeMap::new();
        for row in FLAGS.iter().filter(|row| row.business == Business::Own) {
            if let FlagFrom::File(path) = row.from
                && runs_as(spec, row.process).is_some()
            {
                readers.entry(path).or_default().insert(row.process);
            }
        }
        let owned = readers.into_iter().filter_map(|(path, processes)| {
            let owner = ownership(spec, path, &processes)?;
            Some((below_root(&spec.cluster.certificates_dir.value, path), owner))
        });
        Owners(owned.collect())
    }

    /// `None`: root's, who reads everything.
    pub fn of_file(&self, path: &str) -> Option<Ownership> {
        self.0.get(path).copied()
    }
}

fn ownership(spec: &Spec, path: &str, readers: &BTreeSet<Process>) -> Option<Ownership> {
    if path == PRIVATE
        && let Some(group) = service_account_group(spec)
    {
        return Some(Ownership { user: 0, group, mode: SHARED });
    }
    // Two of them are told apart while the description is read.
    let RunsAs { user, group, .. } = readers.iter().find_map(|process| runs_as(spec, *process))?;
    Some(Ownership { user, group, mode: OWNER_ONLY })
}

/// Whom a process runs as; `None`: root.
pub fn runs_as(spec: &Spec, process: Process) -> Option<RunsAs> {
    let settings = spec.components.get(&process.component())?;
    let user = settings.user.as_ref()?.value;
    let group = settings.group.as_ref().map_or(user, |group| group.value);
    let reads_service_account_key =
        matches!(process, Process::Apiserver | Process::ControllerManager);
    let shared = service_account_group(spec).filter(|_| reads_service_account_key);
    Some(RunsAs { user, group, shared })
}

const PRIVATE: &str = crate::profile::SERVICE_ACCOUNT_FILES.0;

fn service_account_group(spec: &Spec) -> Option<u32> {
    let settings = spec.components.get(&Component::ServiceAccount)?;
    settings.group.as_ref().map(|group| group.value)
}
