//! examples/gitops in a real repository: review without a key, apply with one, put a node's files in place.

use std::fs;
use std::path::PathBuf;

use crate::testkit::{FolderProject, ended, files_below, mode, printed, tool};

/// In a clone, everything that is not ignored.
fn commit(clone: &FolderProject, message: &str) {
    clone.git(&["add", "-A"]);
    // What the hook of docs/guide/clear.md does.
    clone.done(&["check", "--no-plaintext"]);
    clone.git(&["commit", "--quiet", "-m", message]);
}

#[test]
fn a_change_is_reviewed_without_a_key_applied_with_one_and_installed() {
    let desk = tempfile::tempdir().unwrap();
    let identity = desk.path().join("ops.key");
    printed(tool("age-keygen").arg("-o").arg(&identity));
    let recipient = printed(tool("age-keygen").arg("-y").arg(&identity));
    let identity = identity.to_str().unwrap();

    // Once: the operator's repository.
    let operator = FolderProject::example("gitops");
    operator.write("recipients.txt", recipient);
    operator.done(&["init"]);
    operator.git(&["init", "--quiet", "--initial-branch", "main"]);
    operator.done(&["apply"]);
    commit(&operator, "The PKI of prod");
    let tracked = operator.git(&["ls-files", "out"]);
    assert!(tracked.lines().any(|path| path == "out/ca/kubernetes.key.age"), "{tracked}");
    assert!(tracked.lines().any(|path| path == "out/users/jane/jane.kubeconfig.age"), "{tracked}");
    for path in files_below(&operator.out("")) {
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("PRIVATE KEY"), "{}", path.display());
        assert!(!text.contains("client-key-data"), "{}", path.display());
    }

    // Somebody without any key proposes a change on a branch.
    let reviewer = FolderProject::at(desk.path().join("review"));
    operator.git(&["clone", "--quiet", ".", reviewer.folder().to_str().unwrap()]);
    assert!(reviewer.done(&["plan", "--detailed-exitcode"]).contains("nothing to do"));
    reviewer.git(&["switch", "--quiet", "-c", "another-name"]);
    let name = "san \"api.prod.example.com\"";
    reviewer.edit("cluster.kdl", name, &format!("{name} \"api2.prod.example.com\""));
    commit(&reviewer, "Another name for the API server");
    let plan = reviewer.done(&["plan"]);
    for node in ["cp1", "cp2", "cp3"] {
        let line = plan.lines().find(|line| line.contains(&format!("nodes/{node}/apiserver ")));
        assert!(line.unwrap().contains("san: +api2.prod.example.com"), "{plan}");
    }
    assert!(plan.contains("3 to reissue"), "{plan}");
    // And could not apply it: the CA's key is closed.
    let refused = ended(&reviewer.kpki(&["apply", "--allow", "escalation:apiserver"]), 1);
    assert!(refused.contains("out/ca/kubernetes.key.age"), "{refused}");
    assert!(refused.contains("--identity"), "{refused}");
    assert_eq!(reviewer.git(&["status", "--porcelain"]), "");

    // Merged, applied, committed.
    operator.git(&["pull", "--quiet", reviewer.folder().to_str().unwrap(), "another-name"]);
    let before = operator.git(&["rev-parse", "HEAD"]);
    operator.done(&["apply", "--identity", identity, "--allow", "escalation:apiserver"]);
    commit(&operator, "Apply: another name for the API server");
    let touched = operator.git(&["diff", "--name-only", before.trim(), "HEAD"]);
    let touched: Vec<&str> = touched.lines().collect();
    assert_eq!(
        touched,
        [
            "cluster.lock",
            "out/nodes/cp1/etc/kubernetes/pki/apiserver.crt",
            "out/nodes/cp2/etc/kubernetes/pki/apiserver.crt",
            "out/nodes/cp3/etc/kubernetes/pki/apiserver.crt",
        ]
    );

    // A fresh clone puts one node's files in place.
    let node = FolderProject::at(desk.path().join("checkout"));
    operator.git(&["clone", "--quiet", ".", node.folder().to_str().unwrap()]);
    let root = desk.path().join("root");
    fs::create_dir(&root).unwrap();
    let install = ["install", "cp1", "--root", root.to_str().unwrap()];
    let refused = ended(&node.kpki(&install), 1);
    assert!(refused.contains("no identity was given"), "{refused}");
    assert_eq!(files_below(&root), Vec::<PathBuf>::new());
    let install = [&install[..], &["--identity", identity]].concat();
    node.done(&install);
    let pki = root.join("etc/kubernetes/pki");
    assert_eq!(mode(pki.join("apiserver.key")), 0o600);
    assert_eq!(mode(pki.join("apiserver.crt")), 0o644);
    assert_eq!(mode(root.join("etc/kubernetes/admin.conf")), 0o600);
    let public = |arguments: &[&str], file: &str| {
        printed(tool("openssl").args(arguments).arg("-in").arg(pki.join(file)))
    };
    assert_eq!(
        public(&["x509", "-noout", "-pubkey"], "apiserver.crt"),
        public(&["pkey", "-pubout"], "apiserver.key")
    );
    let names = public(&["x509", "-noout", "-ext", "subjectAltName"], "apiserver.crt");
    assert!(names.contains("api2.prod.example.com"), "{names}");
    assert!(node.done(&install).contains("nothing to do"));
    assert!(node.done(&["plan", "--detailed-exitcode"]).contains("nothing to do"));
    assert_eq!(node.git(&["status", "--porcelain"]), "");
}
