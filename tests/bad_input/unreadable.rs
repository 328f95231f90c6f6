//! What belongs to another user, or has no mode that lets anybody read it: an error of its own, and never a
//! reason to make anything anew or to give a key up.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use crate::*;

/// `nobody`
const OTHER: u32 = 65534;
const PKI: &str = project::PKI;

/// What is taken away, what is run then, and what its message names.
const CASES: [(&str, &str, &str); 10] = [
    (
        "out/nodes/cp1/etc/kubernetes/pki/apiserver.crt",
        "plan",
        "apiserver.crt cannot be read: ",
    ),
    (
        "out/nodes/cp1/etc/kubernetes/pki/apiserver.crt",
        "apply",
        "apiserver.crt cannot be read: ",
    ),
    (
        "out/nodes/cp1/etc/kubernetes/manifests/etcd.yaml",
        "plan",
        "etcd.yaml cannot be read: ",
    ),
    (
        "out/ca/kubernetes.crt",
        "apply",
        "out/ca/kubernetes.crt cannot be read: ",
    ),
    ("out/ca", "plan", "out/ca cannot be read: "),
    ("out/nodes/cp1", "apply", "out/nodes/cp1 cannot be read: "),
    ("out/identities", "plan", "out/identities cannot be read: "),
    ("cluster.lock", "plan", "cannot read cluster.lock: "),
    (
        "out/ca/kubernetes.key",
        "apply --renew nodes/cp1/apiserver",
        "cannot read out/ca/kubernetes.key: ",
    ),
    ("out/ca/sa.key", "apply", "cannot read out/ca/sa.key: "),
];

#[test]
fn what_cannot_be_read_is_an_error_of_its_own() {
    let root = rustix::process::geteuid().is_root();
    for (path, command, says) in CASES {
        let project = Project::copy_of(&BASE);
        // A copy that is to be restored needs its master.
        if path.ends_with("sa.key") {
            project.remove(&format!("{PKI}/sa.key"));
        }
        if root {
            let other = Command::new("chown")
                .args(["-R", "65534:65534"])
                .arg(project.at("."))
                .status();
            assert!(other.unwrap().success());
        }
        hide(&project, path, root);
        let before = root.then(|| project.snapshot());
        let mut kpki = Command::new(env!("CARGO_BIN_EXE_kpki"));
        kpki.args(command.split(' '))
            .current_dir(project.at("."))
            .stdin(Stdio::null());
        if root {
            kpki.uid(OTHER).gid(OTHER);
        }
        let ended = Ended(kpki.output().unwrap());
        let why = if root {
            "it belongs to root, and you are uid 65534"
        } else {
            "its mode is 0000"
        };
        ended.expect(1, &[says, why, "owner"]);
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&ended.0.stdout),
            String::from_utf8_lossy(&ended.0.stderr)
        );
        for never in [
            "--allow",
            "--rekey",
            "move ",
            "put the right key",
            "reissue",
            "lost and",
        ] {
            assert!(!text.contains(never), "{path}: {never}\n{text}");
        }
        if let Some(before) = before {
            assert_eq!(before, project.snapshot(), "{path}");
        }
        let _ = Command::new("chmod")
            .arg("-R")
            .arg("u+rwX")
            .arg(project.at("."))
            .status();
    }
}

fn hide(project: &Project, path: &str, root: bool) {
    let at = project.at(path);
    let folder = at.is_dir();
    let mode = match (root, folder) {
        (false, _) => 0,
        (true, true) => 0o700,
        (true, false) => 0o600,
    };
    if root {
        chown(&at, Some(0), Some(0)).unwrap();
    }
    fs::set_permissions(&at, fs::Permissions::from_mode(mode)).unwrap();
}
