//! examples/gitops in a real repository: review without a key, apply with one, put a node's files in place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::testkit::commands::{git, printed, said, tool};
use crate::testkit::files::files_below;
use crate::testkit::folder_project::FolderProject;

/// A clone of the repository, and what somebody has there.
struct Clone {
    folder: PathBuf,
}

impl Clone {
    fn git(&self, arguments: &[&str]) -> String {
        git(&self.folder, arguments)
    }

    fn kpki(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_kpki"))
            .args(arguments)
            .current_dir(&self.folder)
            .env_remove("KPKI_IDENTITY")
            .output()
            .unwrap()
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.kpki(arguments);
        assert!(output.status.success(), "{arguments:?}\n{}", said(&output));
        said(&output)
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        // What the hook of the README does.
        self.done(&["check", "--no-plaintext"]);
        self.git(&["commit", "--quiet", "-m", message]);
    }
}

#[test]
fn a_change_is_reviewed_without_a_key_applied_with_one_and_installed() {
    let desk = tempfile::tempdir().unwrap();
    let identity = desk.path().join("ops.key");
    printed(tool("age-keygen").arg("-o").arg(&identity));
    let recipient = printed(tool("age-keygen").arg("-y").arg(&identity));
    let identity = identity.to_str().unwrap();

    // Once: the operator's repository.
    let project = FolderProject::example("gitops");
    let operator = Clone { folder: project.folder().to_owned() };
    fs::write(operator.folder.join("recipients.txt"), recipient).unwrap();
    operator.done(&["init"]);
    operator.git(&["init", "--quiet", "--initial-branch", "main"]);
    operator.done(&["apply"]);
    operator.commit("The PKI of prod");
    let tracked = operator.git(&["ls-files", "out"]);
    assert!(tracked.lines().any(|path| path == "out/ca/kubernetes.key.age"), "{tracked}");
    assert!(tracked.lines().any(|path| path == "out/users/jane/jane.kubeconfig.age"), "{tracked}");
    for path in files_below(&operator.folder.join("out")) {
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("PRIVATE KEY"), "{}", path.display());
        assert!(!text.contains("client-key-data"), "{}", path.display());
    }

    // Somebody without any key proposes a change on a branch.
    let reviewer = Clone { folder: desk.path().join("review") };
    operator.git(&["clone", "--quiet", ".", reviewer.folder.to_str().unwrap()]);
    assert!(reviewer.done(&["plan", "--detailed-exitcode"]).contains("nothing to do"));
    reviewer.git(&["switch", "--quiet", "-c", "another-name"]);
    let description = reviewer.folder.join("cluster.kdl");
    let text = fs::read_to_string(&description).unwrap();
    let changed = text.replace(
        "san \"api.prod.example.com\"",
        "san \"api.prod.example.com\" \"api2.prod.example.com\"",
    );
    assert_ne!(text, changed);
    fs::write(&description, changed).unwrap();
    reviewer.commit("Another name for the API server");
    let plan = reviewer.done(&["plan"]);
    for node in ["cp1", "cp2", "cp3"] {
        let line = plan.lines().find(|line| line.contains(&format!("nodes/{node}/apiserver ")));
        assert!(line.unwrap().contains("san: +api2.prod.example.com"), "{plan}");
    }
    assert!(plan.contains("3 to reissue"), "{plan}");
    // And could not apply it: the CA's key is closed.
    let refused = reviewer.kpki(&["apply", "--allow", "escalation:apiserver"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("out/ca/kubernetes.key.age"), "{}", said(&refused));
    assert!(said(&refused).contains("--identity"), "{}", said(&refused));
    assert_eq!(reviewer.git(&["status", "--porcelain"]), "");

    // Merged, applied, committed.
    operator.git(&["pull", "--quiet", reviewer.folder.to_str().unwrap(), "another-name"]);
    let before = operator.git(&["rev-parse", "HEAD"]);
    operator.done(&["apply", "--identity", identity, "--allow", "escalation:apiserver"]);
    operator.commit("Apply: another name for the API server");
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
    let node = Clone { folder: desk.path().join("checkout") };
    operator.git(&["clone", "--quiet", ".", node.folder.to_str().unwrap()]);
    let root = desk.path().join("root");
    fs::create_dir(&root).unwrap();
    let install = ["install", "cp1", "--root", root.to_str().unwrap()];
    let refused = node.kpki(&install);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("no identity was given"), "{}", said(&refused));
    assert_eq!(files_below(&root), Vec::<PathBuf>::new());
    let install = [&install[..], &["--identity", identity]].concat();
    node.done(&install);
    let pki = root.join("etc/kubernetes/pki");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&pki.join("apiserver.key")), 0o600);
    assert_eq!(mode(&pki.join("apiserver.crt")), 0o644);
    assert_eq!(mode(&root.join("etc/kubernetes/admin.conf")), 0o600);
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
