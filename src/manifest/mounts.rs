//! Host paths that a pod's container sees.

use std::path::{Component, Path};

use crate::name::CertificatesDir;
use crate::profile::MountRow;

/// One volume and its mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The volume's name, unique in the pod.
    pub name: String,
    pub host_path: String,
    pub mount_path: String,
    /// `FileOrCreate`, else `DirectoryOrCreate`.
    pub file: bool,
    pub read_only: bool,
}

impl Mount {
    /// A row's, with the folder of certificates where it is.
    pub fn of(row: &MountRow, dir: &CertificatesDir) -> Self {
        Mount {
            name: row.name.to_owned(),
            host_path: row.path_in(dir),
            mount_path: row.path_in(dir),
            file: row.file,
            read_only: row.read_only,
        }
    }

    /// Whether the container finds this absolute path in the mount. A path that climbs is not judged: no.
    pub fn holds(&self, path: &str) -> bool {
        let path = Path::new(path);
        !path.components().any(|part| part == Component::ParentDir)
            && path.starts_with(&self.mount_path)
    }

    pub(super) fn host_path_type(&self) -> &'static str {
        if self.file { "FileOrCreate" } else { "DirectoryOrCreate" }
    }
}
