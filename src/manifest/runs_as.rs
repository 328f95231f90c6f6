//! Whom a static pod of kpki's own runs as, where that is not root.

use std::fmt::{self, Write as _};

use crate::profile::Process;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunsAs {
    pub user: u32,
    pub group: u32,
    /// Of whoever reads the service-account key.
    pub shared: Option<u32>,
}

impl fmt::Display for RunsAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.user, self.group)?;
        self.shared.map_or(Ok(()), |group| write!(f, " and group {group}"))
    }
}

impl RunsAs {
    /// As kubeadm does (cmd/kubeadm/app/util/staticpod/utils_linux.go). The binary of kube-apiserver has the
    /// file capability cap_net_bind_service, and starts only with it.
    pub(super) fn write_container(out: &mut String, process: Process) {
        out.push_str("    securityContext:\n");
        if process == Process::Apiserver {
            out.push_str("      capabilities:\n        add:\n        - NET_BIND_SERVICE\n");
        } else {
            out.push_str("      allowPrivilegeEscalation: false\n      capabilities:\n");
        }
        out.push_str("        drop:\n        - ALL\n");
    }

    pub(super) fn write_pod(self, out: &mut String) -> fmt::Result {
        write!(out, "    runAsGroup: {}\n    runAsUser: {}\n", self.group, self.user)
    }

    pub(super) fn write_groups(self, out: &mut String) -> fmt::Result {
        self.shared.map_or(Ok(()), |group| write!(out, "    supplementalGroups:\n    - {group}\n"))
    }
}
