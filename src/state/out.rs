//! What lies below `out/`, by its name alone.

use crate::sealed::SUFFIX;

/// Where everything lies that kpki makes, in the project's folder.
pub const OUT: &str = "out";

/// Role bindings that a cluster has from kpki and must lose, for `kubectl delete -f`. Whoever has done that
/// deletes the file: no recipe makes it, and nothing prunes it.
pub const REMOVED_BINDINGS: &str = "cluster/removed-bindings.yaml";

/// A path of the project's folder is of what kpki makes.
pub fn is_in_out(path: &str) -> bool {
    path.strip_prefix(OUT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A CA's files, the service-account key's, and what is the operator's.
const CA: &str = "ca";

/// The folders in it, of which every file has one.
const FOLDERS: [&str; 6] = [CA, "nodes", "users", "identities", "certificates", "cluster"];

/// Endings of files that are no secret, and of those that are.
const PUBLIC: [&str; 4] = [".crt", ".pub", ".yaml", ".csr"];
const SECRET: [&str; 3] = [".key", ".conf", ".kubeconfig"];

fn has_ending(path: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| path.ends_with(ending))
}

/// The first folder of a path below `out/` is one of kpki's.
pub fn is_in_our_folders(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or(path);
    FOLDERS.contains(&first)
}

/// Whoever finds a file of this name takes it for kpki's. It says nothing of who made it; in `ca` lie keys
/// that somebody brought.
pub fn looks_like_own(path: &str) -> bool {
    let clear = path.strip_suffix(SUFFIX).unwrap_or(path);
    let folder = clear.split_once('/').map(|(folder, _)| folder);
    folder.is_some_and(|folder| folder != CA && FOLDERS.contains(&folder))
        && (has_ending(clear, &PUBLIC) || has_ending(clear, &SECRET))
}

/// Whether a file below `out/` is a secret, by its name: what plan never opens.
///
/// Anything not known to be public counts as secret.
pub fn is_public(path: &str) -> bool {
    has_ending(path, &PUBLIC)
}

/// What may be read without opening a secret: public files, and secrets that are sealed.
pub fn is_read(path: &str) -> bool {
    is_public(path) || sealed_secret(path).is_some()
}

/// The secret that a file of this name holds sealed.
pub fn sealed_secret(path: &str) -> Option<&str> {
    path.strip_suffix(SUFFIX).filter(|path| !is_public(path))
}
