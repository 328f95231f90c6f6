//! Kubeconfigs that name files instead of embedding them, as client-go follows them.

use std::os::unix::fs::symlink;
use std::path::Path;

use base64::Engine as _;

use super::tree::{SERVER_URL, STRICT, Tree, ids, verify};

const CURRENT: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";

/// What a kubeconfig's field holds, decoded.
fn data(text: &str, field: &str) -> Vec<u8> {
    let line = text.lines().find(|line| line.trim_start().starts_with(field)).unwrap();
    let base64 = line.split_once(": ").unwrap().1;
    base64::engine::general_purpose::STANDARD.decode(base64).unwrap()
}

/// Each field that is named instead names this file.
fn naming(text: &str, files: &[(&str, &str)]) -> String {
    let line = |line: &str| {
        let field = line.trim_start().split(':').next().unwrap();
        let file = files.iter().find(|(name, _)| format!("{name}-data") == field);
        match file {
            Some((name, file)) => format!("    {name}: {file}"),
            None => line.to_owned(),
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

/// A machine with `etc/kubernetes` and `var/lib/kubelet`, whose kubelet renews its own certificate: of this
/// subject.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new(subject: &str) -> Self {
        let machine = Machine(tempfile::tempdir().unwrap());
        let tree = Tree::right();
        tree.config("kubelet", "pki/ca", "pki/ca", subject, SERVER_URL, STRICT);
        let text = tree.read("kubelet.conf");
        let names = [("client-certificate", CURRENT), ("client-key", CURRENT)];
        tree.put("kubelet.conf", naming(&text, &names), 0o600);
        std::fs::create_dir_all(machine.path("etc")).unwrap();
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .args([tree.folder(), machine.path("etc/kubernetes")])
            .status();
        assert!(copied.unwrap().success());
        std::fs::create_dir_all(machine.path("var/lib/kubelet/pki")).unwrap();
        machine.rotated("2026-11-01-10-00-00", &text, CURRENT);
        // What it serves with, signed by a CA of its own that lies behind.
        for name in ["kubelet.crt", "kubelet.key"] {
            let to = machine.path("var/lib/kubelet/pki").join(name);
            std::fs::copy(tree.path(&format!("pki/{}", name.replace("kubelet", "apiserver"))), to)
                .unwrap();
        }
        machine
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// As client-go's file store writes it: the pair of a kubeconfig in a file of its own, and a link of the
    /// machine's own path.
    fn rotated(&self, date: &str, config: &str, link: &str) {
        let pem = [data(config, "client-certificate-data"), data(config, "client-key-data")];
        let name = format!("var/lib/kubelet/pki/kubelet-client-{date}.pem");
        std::fs::write(self.path(&name), pem.concat()).unwrap();
        crate::testkit::set_mode(self.path(&name), 0o600);
        let _ = std::fs::remove_file(self.path(&link[1..]));
        symlink(format!("/{name}"), self.path(&link[1..])).unwrap();
    }

    fn found(&self) -> (Vec<String>, Vec<String>) {
        let (report, _) = verify(self.0.path(), &[]);
        let findings = report["findings"].as_array().unwrap();
        let paths = findings.iter().map(|finding| finding["path"].as_str().unwrap().to_owned());
        (ids(&report), paths.collect())
    }
}

const RIGHT: &str = "/O=system:nodes/CN=system:node:kubemaster";
const DATED: &str = "var/lib/kubelet/pki/kubelet-client-2026-11-01-10-00-00.pem";

#[test]
fn the_kubelets_own_file_is_the_kubelets_place() {
    let right = Machine::new(RIGHT);
    assert_eq!(right.found().0, [""; 0]);
    for subject in ["/CN=cp1", "/CN=system:node:kubemaster", "/O=system:nodes/CN=kubemaster"] {
        let found = Machine::new(subject).found();
        assert_eq!(found, (vec!["wrong-identity".to_owned()], vec![DATED.to_owned()]), "{subject}");
    }
    // Copied from below /, too: the folder around tells.
    let around = tempfile::tempdir().unwrap();
    let node = around.path().join("cp1");
    std::fs::rename(right.0.path(), &node).unwrap();
    let (report, code) = verify(around.path(), &[]);
    assert_eq!((ids(&report), code), (vec![], 0), "{report:#}");
    std::fs::remove_file(node.join(DATED)).unwrap();
    let (report, code) = verify(around.path(), &[]);
    assert_eq!((ids(&report), code), (vec!["kubeconfig-missing-file".into(), "unread".into()], 2));
}

#[test]
fn the_file_that_a_link_leads_to_must_be_there() {
    let machine = Machine::new(RIGHT);
    std::fs::remove_file(machine.path(DATED)).unwrap();
    let (found, paths) = machine.found();
    assert_eq!(found, ["kubeconfig-missing-file", "unread"]);
    assert_eq!(paths[0], "etc/kubernetes/kubelet.conf");
    std::fs::remove_file(machine.path(&CURRENT[1..])).unwrap();
    // Another file of that folder is here, so this one was not just left out.
    assert!(machine.found().0.contains(&"kubeconfig-missing-file".to_owned()));
    std::fs::remove_dir_all(machine.path("var")).unwrap();
    assert_eq!(machine.found().0, [""; 0], "nobody copied /var/lib/kubelet");
}

/// Relative paths start at the kubeconfig's folder (client-go's ResolveLocalPaths), as minikube, RKE and
/// k3s's copies have them.
#[test]
fn relative_files_are_those_beside() {
    let files = [
        ("certificate-authority", "pki/ca.crt"),
        ("client-certificate", "users/jane.crt"),
        ("client-key", "users/jane.key"),
    ];
    let with = |change: &dyn Fn(&Tree)| {
        let tree = Tree::right();
        let text = tree.read("admin.conf");
        std::fs::create_dir(tree.path("users")).unwrap();
        tree.put("users/jane.crt", data(&text, "client-certificate-data"), 0o644);
        tree.put("users/jane.key", data(&text, "client-key-data"), 0o600);
        std::fs::remove_file(tree.path("admin.conf")).unwrap();
        tree.put("jane.kubeconfig", naming(&text, &files), 0o644);
        change(&tree);
        let (report, _) = verify(&tree.folder(), &[]);
        ids(&report)
    };
    let none: [&str; 0] = [];
    assert_eq!(with(&|_| {}), none);
    let remove = |tree: &Tree, name: &str| std::fs::remove_file(tree.path(name)).unwrap();
    assert_eq!(with(&|tree| remove(tree, "users/jane.crt")), ["kubeconfig-missing-file"]);
    assert_eq!(with(&|tree| remove(tree, "users/jane.key")), ["kubeconfig-missing-file"]);
    assert_eq!(with(&|tree| tree.key("users/jane")), ["key-mismatch"]);
    assert_eq!(
        with(&|tree| tree.edit("jane.kubeconfig", "pki/ca.crt", "ca.crt")),
        ["kubeconfig-missing-file"]
    );
    assert_eq!(
        with(&|tree| tree.edit("jane.kubeconfig", "pki/ca.crt", "users/jane.key")),
        ["wrong-content"]
    );
    // A token's file.
    assert_eq!(
        with(&|tree| tree.edit(
            "jane.kubeconfig",
            "    client-key:",
            "    tokenFile: jane.token\n    client-key:"
        )),
        ["kubeconfig-missing-file"]
    );
    // Out of the tree nobody can tell.
    assert_eq!(with(&|tree| tree.edit("jane.kubeconfig", "pki/ca.crt", "../ca.crt")), none);
    assert_eq!(
        with(&|tree| tree.edit("jane.kubeconfig", "pki/ca.crt", "/nowhere/at/all/ca.crt")),
        none
    );
    // The tree's own absolute place.
    let own = |tree: &Tree, name: &str| {
        let place = std::fs::canonicalize(tree.folder()).unwrap().join(name);
        tree.edit("jane.kubeconfig", "pki/ca.crt", place.to_str().unwrap());
    };
    assert_eq!(with(&|tree| own(tree, "pki/ca.crt")), none);
    assert_eq!(with(&|tree| own(tree, "pki/other.crt")), ["kubeconfig-missing-file"]);
}

/// In client-go embedded data wins over a file.
#[test]
fn data_wins_over_a_file() {
    let tree = Tree::right();
    tree.edit(
        "admin.conf",
        "    client-key-data:",
        "    client-key: nowhere.key\n    client-key-data:",
    );
    let (report, code) = verify(&tree.folder(), &[]);
    assert_eq!((ids(&report), code), (vec![], 0), "{report:#}");
}

/// `kubectl --context` takes one without; a component does not.
#[test]
fn a_current_context_may_be_left_to_kubectl() {
    let tree = Tree::right();
    let text = tree.read("admin.conf");
    let current = text.lines().find(|line| line.starts_with("current-context")).unwrap();
    for without in ["current-context: \"\"\n", "", "current-context:\n"] {
        let text = text.replace(&format!("{current}\n"), without);
        tree.put("cluster-info.yaml", &text, 0o600);
        let (report, code) = verify(&tree.folder(), &[]);
        assert_eq!((ids(&report), code), (vec![], 0), "{report:#}");
        assert_eq!(report["kubeconfigs"], 6);
        tree.put("cluster-info.yaml", &text, 0o644);
        assert_eq!(ids(&verify(&tree.folder(), &[]).0), ["secret-readable-by-others"]);
        std::fs::remove_file(tree.path("cluster-info.yaml")).unwrap();
        let right = tree.read("kubelet.conf");
        tree.put("kubelet.conf", &text, 0o600);
        assert_eq!(ids(&verify(&tree.folder(), &[]).0), ["unreadable-kubeconfig"]);
        tree.put("kubelet.conf", right, 0o600);
    }
}

/// kubectl: illegal base64 data at input byte 0.
#[test]
fn pem_where_base64_belongs_is_no_certificate() {
    for (name, field) in
        [("admin.conf", "certificate-authority-data"), ("jane.yaml", "client-certificate-data")]
    {
        let tree = Tree::right();
        let text = tree.read("admin.conf");
        let pem = String::from_utf8(data(&text, field)).unwrap();
        let block: String = pem.lines().map(|line| format!("      {line}\n")).collect();
        let line = text.lines().find(|line| line.trim_start().starts_with(field)).unwrap();
        let wrong = text.replace(&format!("{line}\n"), &format!("    {field}: |\n{block}"));
        tree.put(name, wrong, 0o600);
        let (report, code) = verify(&tree.folder(), &[]);
        assert_eq!(
            (ids(&report), code),
            (vec!["unreadable-kubeconfig".to_owned()], 2),
            "{report:#}"
        );
        let detail = report["findings"][0]["detail"].as_str().unwrap();
        assert!(detail.contains(field) && detail.contains("not base64, but PEM"), "{detail}");
        let show = crate::testkit::kpki(Path::new(".")).arg("show").arg(tree.path(name)).output();
        let said = String::from_utf8(show.unwrap().stderr).unwrap();
        assert!(said.contains("not base64, but PEM"), "{said}");
    }
}

/// By their names they are kubeconfigs, whatever is left of them.
#[test]
fn what_is_left_of_a_kubeconfig_is_found() {
    for name in ["kubelet.conf", "scheduler.conf", "admin.conf", "super-admin.conf"] {
        let right = Tree::right().read(name);
        let ca = right.find("certificate-authority-data").unwrap() + 60;
        for left in ["", "\n", &right[..11], &right[..ca], "# moved away\n", "\0\0\0\0"] {
            let tree = Tree::right();
            tree.put(name, left, 0o600);
            let (report, code) = verify(&tree.folder(), &[]);
            assert_eq!((ids(&report), code), (vec!["unreadable-kubeconfig".into()], 2), "{left}");
        }
    }
    // Elsewhere by what is left.
    let right = Tree::right().read("admin.conf");
    let ca = right.find("certificate-authority-data").unwrap() + 60;
    let tree = Tree::right();
    tree.put("bootstrap-kubelet.conf", "", 0o600);
    assert_eq!(ids(&verify(&tree.folder(), &[]).0), ["unreadable-kubeconfig"]);
    std::fs::remove_file(tree.path("bootstrap-kubelet.conf")).unwrap();
    tree.put("config", &right[..ca], 0o600);
    assert_eq!(ids(&verify(&tree.folder(), &[]).0), ["unreadable-kubeconfig"]);
}

/// `client-key` where `client-key-data` is meant: what stands there is no path, and no key is shown.
#[test]
fn data_in_the_place_of_a_path_is_not_shown() {
    let tree = Tree::right();
    tree.edit("admin.conf", "client-key-data: ", "client-key: ");
    let (report, code) = verify(&tree.folder(), &[]);
    assert_eq!((ids(&report), code), (vec!["kubeconfig-missing-file".to_owned()], 2));
    assert_eq!(report["findings"][0]["detail"], "client-key: no file, but data");
}

/// client-go never deletes what it has replaced: a node of a year has as many files as renewals.
#[test]
fn pairs_that_the_kubelet_has_replaced_are_history() {
    let machine = Machine::new(RIGHT);
    let tree = Tree::right();
    let old = |days: u32, machine: &Machine| {
        let form = super::tree::Form { days, ..STRICT };
        tree.config("kubelet", "pki/ca", "pki/ca", RIGHT, SERVER_URL, form);
        machine.rotated("2025-11-01-10-00-00", &tree.read("kubelet.conf"), CURRENT);
    };
    // Another CA than this tree's signed it, so it would be wrong in more than its dates.
    old(1, &machine);
    let current = machine.path(&CURRENT[1..]);
    std::fs::remove_file(&current).unwrap();
    symlink(format!("/{DATED}"), &current).unwrap();
    let judge = |machine: &Machine| {
        let now = kpki::time::Timestamp::from_unix(
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_secs()
                .cast_signed()
                + 3 * 86_400,
        );
        ids(&verify(machine.0.path(), &["--now", &now.to_string()]).0)
    };
    assert_eq!(judge(&machine), [""; 0]);
    // Copied with its links followed: the content tells which one is in use.
    let bytes = std::fs::read(machine.path(DATED)).unwrap();
    std::fs::remove_file(&current).unwrap();
    std::fs::write(&current, &bytes).unwrap();
    crate::testkit::set_mode(&current, 0o600);
    assert_eq!(judge(&machine), [""; 0]);
    // The one in use is judged.
    std::fs::remove_file(&current).unwrap();
    symlink("kubelet-client-2025-11-01-10-00-00.pem", &current).unwrap();
    assert!(judge(&machine).contains(&"expired".to_owned()));
    // Without a current one nobody knows.
    std::fs::remove_file(&current).unwrap();
    assert!(judge(&machine).contains(&"expired".to_owned()));
    // A secret that is history is one all the same.
    let machine = Machine::new(RIGHT);
    old(1, &machine);
    std::fs::remove_file(&current).ok();
    crate::testkit::set_mode(machine.path(DATED), 0o644);
    assert!(machine.found().0.contains(&"secret-readable-by-others".to_owned()));
}
