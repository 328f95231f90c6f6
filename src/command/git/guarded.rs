//! The one way to run Git. A repository's configuration and files can name programs, and what a pull request,
//! an archive or a shared folder brings is nobody's consent to run them: nothing here converts content, runs
//! a hook or fetches.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Stronger than any configuration file (git-config(1), FILES).
const SETTINGS: [&str; 7] = [
    // A folder with HEAD, config, objects/ and refs/ is a repository to Git before the `.git` above it is.
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    // Attributes choose filters, textconv and merge drivers.
    "core.attributesFile=/dev/null",
    // A commit's parents, as the commit itself names them.
    "core.commitGraph=false",
    "advice.graftFileDeprecated=false",
    "protocol.allow=never",
];

const ENVIRONMENT: [(&str, &str); 8] = [
    ("LC_ALL", "C"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    // What stands in for other objects hides them.
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_GRAFT_FILE", "/dev/null"),
    // A partial clone's remote would be asked for what is missing. Git before 2.45 does not know this, and
    // any Git lets a repository's `protocol.NAME.allow` win over `protocol.allow`: none is on this list, so
    // none is allowed.
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_LITERAL_PATHSPECS", "1"),
];

/// Git refuses them together with literal paths.
const PATHSPECS: [&str; 3] = ["GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"];

/// What a hook's environment says of a repository, which may be another one (`git rev-parse
/// --local-env-vars`). `GIT_CONFIG_COUNT` and `GIT_CONFIG_PARAMETERS` stay: they are what the user told Git.
const OF_A_REPOSITORY: [&str; 12] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Where Git is installed. An empty or relative entry of PATH would be looked up in the project's folder.
pub(super) fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join("git"))
        .find(|file| {
            file.metadata()
                .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
        })
}

/// `keeps_environment`: it says which repository is meant.
pub(super) fn command(program: &Path, keeps_environment: bool) -> Command {
    let mut command = Command::new(program);
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command.arg("--no-pager").envs(ENVIRONMENT);
    // `git config` alone reads it, in place of the repository's own.
    command.env_remove("GIT_CONFIG").env_remove("GIT_ATTR_SOURCE");
    let unwanted = if keeps_environment { &[] } else { &OF_A_REPOSITORY[..] };
    for name in PATHSPECS.iter().chain(unwanted) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}
