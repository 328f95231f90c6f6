//! The interpreter of the table of flags that name files.

use std::path::{Component, Path};

use crate::profile::{Content, Does, FILE_FLAGS, FileForm, PkiFile, Process};

/// A path in a flag's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedPath<'v> {
    pub path: &'v str,
    pub is_folder: bool,
    pub does: Does,
    pub holds: Content,
}

impl<'v> NamedPath<'v> {
    /// What must be mounted for it; `None`: the whole disk.
    pub fn folder(&self) -> Option<&'v str> {
        let folder =
            if self.is_folder { self.path } else { Path::new(self.path).parent()?.to_str()? };
        (folder != "/").then_some(folder)
    }
}

/// The absolute paths that a flag names. One that no table knows is judged by the last word of its name:
/// a value such as `/healthz` may be a URL's path.
pub fn named_paths<'v>(process: Process, name: &str, value: &'v str) -> Vec<NamedPath<'v>> {
    let row = FILE_FLAGS.iter().find(|row| row.process == process && row.name == name);
    let (form, does, holds) = match row {
        Some(row) => (row.form, row.does, row.holds),
        None => match by_last_word(name) {
            Some((form, does)) => (form, does, Content::Other),
            None => return Vec::new(),
        },
    };
    let paths: Vec<&str> = match form {
        FileForm::File | FileForm::Folder => vec![value],
        FileForm::CertificateAndKey => {
            value.split(':').next().unwrap_or_default().split(',').collect()
        }
        FileForm::List => value.split(',').collect(),
        FileForm::Settings => {
            value.split(',').filter_map(|setting| Some(setting.split_once('=')?.1)).collect()
        }
    };
    let named = paths.into_iter().filter(|path| is_plain(path));
    let is_folder = form == FileForm::Folder;
    let named = named.enumerate().map(|(at, path)| {
        let holds = match (form, at) {
            (FileForm::CertificateAndKey, 0) => Content::Pki(Some(PkiFile::Certificate)),
            (FileForm::CertificateAndKey, _) => Content::Pki(Some(PkiFile::PrivateKey)),
            _ => holds,
        };
        NamedPath { path, is_folder, does, holds }
    });
    named.collect()
}

/// The endings that the Kubernetes components use.
fn by_last_word(name: &str) -> Option<(FileForm, Does)> {
    let form = match name.rsplit('-').next().unwrap_or(name) {
        "dir" => FileForm::Folder,
        "file" | "cafile" | "certfile" | "keyfile" | "cacert" | "path" | "filepath" | "config"
        | "kubeconfig" | "certificate" | "authority" => FileForm::File,
        _ => return None,
    };
    let writes = name.contains("log") || form == FileForm::Folder;
    Some((form, if writes { Does::Writes } else { Does::Reads }))
}

/// Neither climbing nor of more than one part; a colon has no place in a mount.
fn is_plain(value: &str) -> bool {
    let path = Path::new(value);
    path.is_absolute()
        && !value.contains([',', ':'])
        && path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_in_every_form() {
        use Process::{Apiserver as API, ControllerManager as CM, Etcd as ETCD, Scheduler};
        let cases: [(Process, &str, &str, &[&str]); 16] = [
            (API, "tls-sni-cert-key", "/a/x.crt,/b/x.key", &["/a/x.crt", "/b/x.key"]),
            (API, "tls-sni-cert-key", "/a/x.crt,/b/x.key:*.a,b", &["/a/x.crt", "/b/x.key"]),
            (API, "kubelet-certificate-authority", "/a/ca.crt", &["/a/ca.crt"]),
            (API, "oidc-ca-file", "/a/ca.crt", &["/a/ca.crt"]),
            (API, "audit-log-path", "-", &[]),
            (API, "service-account-signing-endpoint", "@signer", &[]),
            (API, "service-account-jwks-uri", "https://a/b", &[]),
            (API, "etcd-prefix", "/registry", &[]),
            (CM, "pv-recycler-pod-template-filepath-nfs", "/a/pod.yaml", &["/a/pod.yaml"]),
            (Scheduler, "write-config-to", "/a/config", &["/a/config"]),
            (ETCD, "log-outputs", "stderr,/var/log/etcd.log", &["/var/log/etcd.log"]),
            (
                ETCD,
                "auth-token",
                "jwt,pub-key=/a/pub,priv-key=/a/priv,sign-method=RS256",
                &["/a/pub", "/a/priv"],
            ),
            (ETCD, "auth-token", "simple", &[]),
            (API, "some-new-certificate", "/a/b", &["/a/b"]),
            (API, "some-new-endpoint", "/healthz", &[]),
            (API, "oidc-ca-file", "/a/../b", &[]),
        ];
        for (process, name, value, expected) in cases {
            let found: Vec<&str> =
                named_paths(process, name, value).iter().map(|named| named.path).collect();
            assert_eq!(found, expected, "--{name}={value}");
        }
    }
}
