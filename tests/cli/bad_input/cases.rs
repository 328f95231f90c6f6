//! The table: damage, command, exit code, and what the message says.

use std::fs;
use std::os::unix::fs::symlink;

use super::project::{ADMIN, APISERVER, Damaged, OTHER, PKI};

pub struct Case {
    pub name: &'static str,
    pub damage: fn(&Damaged),
    pub command: &'static [&'static str],
    pub code: i32,
    pub says: &'static [&'static str],
}

fn case(
    name: &'static str,
    damage: fn(&Damaged),
    command: &'static [&'static str],
    code: i32,
    says: &'static [&'static str],
) -> Case {
    Case { name, damage, command, code, says }
}

pub const APPLY: &[&str] = &["apply"];
/// The same, where the lock is gone and that is known.
pub const UNRECORDED: &[&str] = &["apply", "--allow", "escalation:cluster"];
pub const PLAN: &[&str] = &["plan"];
const SIGN: &[&str] = &["apply", "--renew", "nodes/cp1/etcd-server"];
const EVIL_FOLDER: &str = r#"certificate "evil" { san "e.lab"; node "cp1"; folder "/root/.ssh" }"#;
pub const NOTHING: &str = "nothing was written";

fn description_cases() -> Vec<Case> {
    vec![
        case(
            "no description",
            |p| p.remove("cluster.kdl"),
            APPLY,
            1,
            &["there is no ./cluster.kdl", "kpki init", NOTHING],
        ),
        case("no project folder", |_| {}, &["-C", "nowhere", "apply"], 1, &["nowhere/cluster.kdl"]),
        case(
            "a manifest that is a folder",
            |p| {
                p.change("cluster.kdl", |text| text + "manifests \"m\"\n");
                fs::create_dir_all(p.path("m/etcd.yaml")).unwrap();
            },
            APPLY,
            1,
            &["cannot read m/etcd.yaml: a folder, not a file", "cluster.kdl:", NOTHING],
        ),
        case(
            "a manifest that links to nothing",
            |p| {
                p.change("cluster.kdl", |text| text + "manifests \"m\"\n");
                fs::create_dir(p.path("m")).unwrap();
                symlink("nowhere", p.path("m/etcd.yaml")).unwrap();
            },
            PLAN,
            1,
            &["cannot read m/etcd.yaml: a symbolic link to nothing"],
        ),
        case(
            "a manifest that is too large",
            |p| {
                p.change("cluster.kdl", |text| text + "manifests \"m\"\n");
                fs::create_dir(p.path("m")).unwrap();
                fs::write(p.path("m/etcd.yaml"), "#".repeat(1024 * 1024 + 1)).unwrap();
            },
            PLAN,
            1,
            &["cannot read m/etcd.yaml: larger than 1 MiB"],
        ),
        case(
            "a manifest that is no text",
            |p| {
                p.change("cluster.kdl", |text| text + "manifests \"m\"\n");
                fs::create_dir(p.path("m")).unwrap();
                fs::write(p.path("m/kube-scheduler.yaml"), b"kind: Pod\n\xff\n").unwrap();
            },
            APPLY,
            1,
            &["the manifest is not UTF-8", "m/kube-scheduler.yaml:2", NOTHING],
        ),
        case(
            "the project folder is a file",
            |_| {},
            &["-C", "cluster.lock", "plan"],
            1,
            &["cluster.lock"],
        ),
        case(
            "description: FIFO",
            |p| p.fifo("cluster.kdl"),
            APPLY,
            1,
            &["cluster.kdl: a named pipe", NOTHING],
        ),
        case(
            "description: folder",
            |p| p.make_folder("cluster.kdl"),
            APPLY,
            1,
            &["cluster.kdl: a folder"],
        ),
        case(
            "description: link to nowhere",
            |p| {
                p.remove("cluster.kdl");
                symlink("nowhere", p.path("cluster.kdl")).unwrap();
            },
            APPLY,
            1,
            &["cluster.kdl: a symbolic link to nothing"],
        ),
        case(
            "description: endless",
            |p| {
                p.remove("cluster.kdl");
                symlink("/dev/zero", p.path("cluster.kdl")).unwrap();
            },
            APPLY,
            1,
            &["cluster.kdl: a symbolic link that leads out of the project folder"],
        ),
        case(
            "description: no text",
            |p| p.write("cluster.kdl", b"\xff\xfe\x00c"),
            APPLY,
            1,
            &["cluster.kdl", "UTF-8"],
        ),
        case(
            "description: a key",
            |p| p.write("cluster.kdl", p.get("out/ca/etcd.key")),
            APPLY,
            1,
            &["cluster.kdl: a private key, not a description"],
        ),
        case(
            "description: huge",
            |p| fs::File::create(p.path("cluster.kdl")).unwrap().set_len(1 << 36).unwrap(),
            APPLY,
            1,
            &["cluster.kdl", "1 MiB"],
        ),
    ]
}

fn lock_cases() -> Vec<Case> {
    vec![
        case(
            "lock: truncated",
            |p| {
                let lock = p.get("cluster.lock");
                p.write("cluster.lock", &lock[..lock.len() - 9]);
            },
            APPLY,
            1,
            &["cluster.lock:32: is cut off", "restore it from Git", NOTHING],
        ),
        case(
            "lock: truncated, plan",
            |p| {
                let lock = p.get("cluster.lock");
                p.write("cluster.lock", &lock[..lock.len() / 2 - 7]);
            },
            PLAN,
            1,
            &["cluster.lock:", "is cut off"],
        ),
        case(
            "lock: merge conflict",
            |p| p.change("cluster.lock", |t| t.replacen('\n', "\n<<<<<<< HEAD\n", 1)),
            APPLY,
            1,
            &["cluster.lock:2: is a merge conflict", "git checkout --ours"],
        ),
        case(
            "lock: newer format",
            |p| p.change("cluster.lock", |t| t.replacen(":1,", ":9,", 1)),
            APPLY,
            1,
            &["cluster.lock:1: was written by a newer kpki", "run the kpki that wrote it"],
        ),
        case(
            "lock: wrong type",
            |p| p.change("cluster.lock", |t| t.replacen("\"content\":\"", "\"size\":\"", 1)),
            APPLY,
            1,
            &["cluster.lock:2:", "expected u64"],
        ),
        case(
            "lock: unknown field",
            |p| p.change("cluster.lock", |t| t.replacen("\"content\"", "\"\\u001b[31mx\"", 1)),
            APPLY,
            1,
            &["cluster.lock:2:", "unknown field"],
        ),
        case(
            "lock: a name that leads out",
            |p| p.change("cluster.lock", |t| t.replacen("bundle/etcd", "../../etc/passwd", 1)),
            APPLY,
            1,
            &["cluster.lock:2: has a bad name"],
        ),
        case(
            "lock: a name with control characters",
            |p| p.change("cluster.lock", |t| t.replacen("bundle/etcd", "a\\u001b[2J", 1)),
            PLAN,
            1,
            &["cluster.lock:2: has a bad name: \"a\\u{1b}[2J\""],
        ),
        case(
            "lock: a cluster with control characters",
            |p| p.change("cluster.lock", |t| t.replacen("lab", "l\\u001b[2Jab", 1)),
            PLAN,
            1,
            &["cluster.lock:1: has a text that kpki never writes"],
        ),
        case(
            "lock: twice",
            |p| {
                p.change("cluster.lock", |t| {
                    format!("{t}{}", t.split_inclusive('\n').next_back().unwrap())
                })
            },
            APPLY,
            1,
            &["cluster.lock:33: names users/jane/kubeconfig a second time"],
        ),
        case(
            "lock: a key",
            |p| p.write("cluster.lock", p.get("out/ca/etcd.key")),
            APPLY,
            1,
            &["cluster.lock:1: is not a lock line"],
        ),
        case(
            "lock: no text",
            |p| p.write("cluster.lock", b"\xff\n"),
            APPLY,
            1,
            &["cluster.lock:1: is not UTF-8"],
        ),
        case(
            "lock: folder",
            |p| p.make_folder("cluster.lock"),
            APPLY,
            1,
            &["cluster.lock is not a regular file"],
        ),
        case(
            "lock: FIFO",
            |p| p.fifo("cluster.lock"),
            PLAN,
            1,
            &["cluster.lock is not a regular file"],
        ),
        case(
            "lock: link",
            |p| p.link("cluster.lock"),
            APPLY,
            1,
            &["cluster.lock is a symbolic link"],
        ),
        case(
            "lock: 100 MB",
            |p| {
                fs::File::options()
                    .append(true)
                    .open(p.path("cluster.lock"))
                    .unwrap()
                    .set_len(100_000_000)
                    .unwrap()
            },
            APPLY,
            1,
            &["cluster.lock is larger than 64 MiB", "restore it"],
        ),
        case(
            "lock: 60 MB of nothing",
            |p| {
                fs::File::options()
                    .append(true)
                    .open(p.path("cluster.lock"))
                    .unwrap()
                    .set_len(60_000_000)
                    .unwrap()
            },
            APPLY,
            1,
            &["cluster.lock:33: is cut off"],
        ),
        case(
            "lock: of another cluster",
            |p| p.write("cluster.lock", OTHER.get("cluster.lock")),
            APPLY,
            1,
            &[
                "ca/kubernetes",
                "out/ca/kubernetes.crt has another key than cluster.lock says",
                "check out one side",
            ],
        ),
        case(
            "lock: a folder in the way of the new one",
            |p| {
                p.make_folder("cluster.lock.new");
                p.remove(&format!("{PKI}/ca.crt"));
            },
            APPLY,
            1,
            &["cluster.lock.new is not a regular file", NOTHING],
        ),
        case(
            // The certificate is here and says better.
            "clock: a lock that claims the year 9000",
            |p| {
                p.change("cluster.lock", |t| {
                    t.replacen("\"not-before\":\"2", "\"not-before\":\"9", 1)
                })
            },
            APPLY,
            0,
            &["recorded"],
        ),
    ]
}

fn tree_cases() -> Vec<Case> {
    vec![
        case("out: link", |p| p.link("out"), APPLY, 1, &["out is a symbolic link", NOTHING]),
        case(
            "out: file",
            |p| {
                fs::rename(p.path("out"), p.path("aside")).unwrap();
                p.write("out", "");
            },
            APPLY,
            1,
            &["out is not a folder"],
        ),
        case(
            "out: gone",
            |p| fs::rename(p.path("out"), p.path("aside")).unwrap(),
            APPLY,
            3,
            &[
                "ca/kubernetes: its certificate and its key are both lost",
                "--allow replace:ca/kubernetes",
                NOTHING,
            ],
        ),
        case(
            "out/ca: open, and a key lost",
            |p| {
                p.mode("out/ca", 0o775);
                p.remove("out/ca/etcd.key");
            },
            &["apply", "--renew", "nodes/cp1/etcd-server"],
            3,
            &["--allow replace:ca/etcd", NOTHING],
        ),
        case(
            "out/nodes: link",
            |p| p.link("out/nodes"),
            APPLY,
            1,
            &["out/nodes is a symbolic link", NOTHING],
        ),
        case(
            "out/nodes: link, plan",
            |p| p.link("out/nodes"),
            PLAN,
            1,
            &["out/nodes is a symbolic link"],
        ),
        case("out/ca: link", |p| p.link("out/ca"), APPLY, 1, &["out/ca is a symbolic link"]),
        case(
            "out/ca: FIFO",
            |p| {
                fs::rename(p.path("out/ca"), p.path("aside")).unwrap();
                p.fifo("out/ca");
            },
            APPLY,
            1,
            &["out/ca is not a regular file"],
        ),
        case(
            "a file in a folder's place",
            |p| {
                fs::rename(p.path("out/nodes/cp1/etc"), p.path("aside")).unwrap();
                p.write("out/nodes/cp1/etc", "x");
            },
            APPLY,
            1,
            &["out/nodes/cp1/etc is a file where a folder must be"],
        ),
        case(
            "a folder in a certificate's place",
            |p| {
                p.make_folder(&format!("{APISERVER}.crt"));
                p.write(&format!("{APISERVER}.crt/x"), "");
            },
            APPLY,
            1,
            &["apiserver.crt is not a regular file"],
        ),
        case(
            "certificate: link",
            |p| p.link(&format!("{APISERVER}.crt")),
            APPLY,
            1,
            &["pki/apiserver.crt is a symbolic link", NOTHING],
        ),
        case(
            "certificate: FIFO",
            |p| p.fifo(&format!("{APISERVER}.crt")),
            APPLY,
            1,
            &["pki/apiserver.crt is not a regular file"],
        ),
        case(
            "CA certificate: link",
            |p| p.link("out/ca/kubernetes.crt"),
            APPLY,
            1,
            &["out/ca/kubernetes.crt is a symbolic link"],
        ),
        case(
            "CA key: FIFO",
            |p| p.fifo("out/ca/kubernetes.key"),
            APPLY,
            1,
            &["out/ca/kubernetes.key is not a regular file", NOTHING],
        ),
        case(
            "CA key: link",
            |p| p.link("out/ca/etcd.key"),
            SIGN,
            1,
            &["out/ca/etcd.key is a symbolic link"],
        ),
        case(
            "CA key: folder",
            |p| p.make_folder("out/ca/etcd.key"),
            SIGN,
            1,
            &["out/ca/etcd.key is not a regular file", NOTHING],
        ),
        case(
            "leaf key: FIFO",
            |p| p.fifo(&format!("{APISERVER}.key")),
            APPLY,
            1,
            &["pki/apiserver.key is not a regular file"],
        ),
        case(
            "leaf key: FIFO, plan",
            |p| p.fifo(&format!("{APISERVER}.key")),
            PLAN,
            1,
            &["pki/apiserver.key is not a regular file"],
        ),
        case(
            "kubeconfig: FIFO",
            |p| p.fifo(ADMIN),
            APPLY,
            1,
            &["admin.conf is not a regular file"],
        ),
        case(
            "a file name with control characters",
            |p| p.write("out/nodes/a\x1b[2Jb", ""),
            PLAN,
            0,
            &["out/nodes/a\\u{1b}[2Jb"],
        ),
        case(
            "pending: damaged journal",
            |p| {
                p.make_folder("out/.pending");
                p.write("out/.pending/journal", "kpki journal 1\nput ca/etcd.key\n");
            },
            APPLY,
            1,
            &["its journal does not begin with", "kpki discard sets it aside", NOTHING],
        ),
        case(
            "pending: replaced files without their journal",
            |p| {
                p.make_folder("out/.pending");
                p.make_folder("out/.pending/old");
            },
            APPLY,
            1,
            &["out/.pending/old", "journal", "kpki discard sets it aside", NOTHING],
        ),
        case(
            "pending: link",
            |p| symlink(p.path("cluster.kdl"), p.path("out/.pending")).unwrap(),
            APPLY,
            1,
            &["out/.pending is a symbolic link", NOTHING],
        ),
    ]
}

fn key_cases() -> Vec<Case> {
    vec![
        case(
            "CA key: empty",
            |p| p.write("out/ca/etcd.key", ""),
            APPLY,
            3,
            &["ca/etcd: its key file out/ca/etcd.key is empty", "--allow replace:ca/etcd", NOTHING],
        ),
        case(
            "CA key: empty, with a copy",
            |p| p.write("out/ca/kubernetes.key", ""),
            APPLY,
            3,
            &[
                "out/ca/kubernetes.key is empty; out/nodes/cp1/etc/kubernetes/pki/ca.key is not: delete the empty file",
            ],
        ),
        case(
            "CA key: of another CA",
            |p| p.write("out/ca/etcd.key", OTHER.get("out/ca/etcd.key")),
            SIGN,
            3,
            &[
                "out/ca/etcd.key does not hold the private key of out/ca/etcd.crt",
                "put the right key back",
                NOTHING,
            ],
        ),
        case(
            "CA key: of another CA, with a copy",
            |p| p.write("out/ca/kubernetes.key", OTHER.get("out/ca/kubernetes.key")),
            &["apply", "--renew", "nodes/cp1/*"],
            1,
            &[
                "out/ca/kubernetes.key does not hold",
                "pki/ca.key holds the right key; move the other one away",
            ],
        ),
        case(
            "CA key: truncated, with a copy",
            |p| {
                let key = p.get("out/ca/kubernetes.key");
                p.write("out/ca/kubernetes.key", &key[..99]);
            },
            APPLY,
            1,
            &["out/ca/kubernetes.key ends inside a PEM block", "pki/ca.key holds the right key"],
        ),
        case(
            "CA key: garbage",
            |p| p.write("out/ca/etcd.key", "x"),
            SIGN,
            3,
            &["out/ca/etcd.key holds no private key"],
        ),
        case(
            "CA key: huge",
            |p| {
                fs::File::options()
                    .append(true)
                    .open(p.path("out/ca/etcd.key"))
                    .unwrap()
                    .set_len(1 << 36)
                    .unwrap()
            },
            SIGN,
            3,
            &["out/ca/etcd.key is larger than 1 MiB"],
        ),
        case(
            "CA key: encrypted",
            |p| {
                p.openssl("pkey -in out/ca/etcd.key -aes256 -passout pass:x -out new.key");
                p.write("out/ca/etcd.key", p.get("new.key"));
            },
            SIGN,
            3,
            &["out/ca/etcd.key is encrypted; decrypt it with `openssl pkey"],
        ),
        case(
            "CA key: a request",
            |p| {
                p.openssl("req -new -key out/ca/etcd.key -subj /CN=x -out new.key");
                p.write("out/ca/etcd.key", p.get("new.key"));
            },
            SIGN,
            3,
            &["out/ca/etcd.key holds something other than a private key"],
        ),
        case(
            "CA key: a certificate",
            |p| p.write("out/ca/etcd.key", p.get("out/ca/etcd.crt")),
            SIGN,
            3,
            &["out/ca/etcd.key holds a certificate where a private key belongs"],
        ),
        case(
            "CA key: not here, to sign",
            |p| p.remove("out/ca/etcd.key"),
            SIGN,
            3,
            &[
                "nodes/cp1/etcd-server needs its signature, and its key is not here; run this where the key is, or put it at out/ca/etcd.key",
            ],
        ),
        case(
            "CA certificate: another cluster's",
            |p| p.write("out/ca/kubernetes.crt", OTHER.get("out/ca/kubernetes.crt")),
            APPLY,
            1,
            &["out/ca/kubernetes.crt has another key than cluster.lock says", NOTHING],
        ),
        case(
            "sa.pub: of another key",
            |p| p.write("out/ca/sa.pub", OTHER.get("out/ca/sa.pub")),
            APPLY,
            1,
            &["out/ca/sa.pub has another key than cluster.lock says"],
        ),
        case(
            "sa.pub: of another key, no lock",
            |p| {
                p.write("out/ca/sa.pub", OTHER.get("out/ca/sa.pub"));
                p.remove("cluster.lock");
            },
            UNRECORDED,
            1,
            &[
                "service-account: out/ca/sa.pub is sha256:",
                "but out/nodes/cp1/etc/kubernetes/pki/sa.pub is sha256:",
                NOTHING,
            ],
        ),
        case(
            "sa.key: empty",
            |p| p.write("out/ca/sa.key", ""),
            APPLY,
            3,
            &["out/ca/sa.key is empty", "pki/sa.key is not"],
        ),
        case(
            "sa.key: garbage",
            |p| p.write("out/ca/sa.key", "garbage"),
            APPLY,
            1,
            &["out/ca/sa.key holds no private key", "pki/sa.key holds the right key"],
        ),
        case(
            "all of an anchor gone, and its node renamed",
            |p| {
                fs::remove_dir_all(p.path("out/ca")).unwrap();
                p.remove("cluster.lock");
                p.change("cluster.kdl", |t| t.replace("cp1", "cp9"));
            },
            APPLY,
            3,
            &[
                "service-account",
                "a node that is no longer described",
                "ca/kubernetes: certificates of this CA are here",
                NOTHING,
            ],
        ),
        case(
            "leaf: another cluster's certificate",
            |p| p.write(&format!("{APISERVER}.crt"), OTHER.get(&format!("{APISERVER}.crt"))),
            APPLY,
            1,
            &["pki/apiserver.crt has another key than cluster.lock says"],
        ),
        case(
            "leaf: another's key, to check it",
            |p| {
                p.write(&format!("{APISERVER}.key"), OTHER.get(&format!("{APISERVER}.key")));
            },
            &["apply", "--renew", "nodes/cp1/apiserver"],
            1,
            &[
                "pki/apiserver.key does not hold the private key of",
                "kpki apply --rekey nodes/cp1/apiserver",
            ],
        ),
        case(
            "leaf: certificate and key gone",
            |p| {
                p.remove(&format!("{APISERVER}.key"));
                p.remove(&format!("{APISERVER}.crt"));
            },
            APPLY,
            3,
            &[
                "nodes/cp1/apiserver: its certificate and its key are both gone",
                "--allow lost-key:nodes/cp1/apiserver",
            ],
        ),
        case(
            "kubeconfig: no YAML",
            |p| p.write(ADMIN, ": : [\n\x1b"),
            APPLY,
            1,
            &["admin.conf is not a kubeconfig (line 1"],
        ),
        case(
            "kubeconfig: without its key",
            |p| p.change(ADMIN, |t| t.split("    client-key-data").next().unwrap().to_owned()),
            APPLY,
            1,
            &["admin.conf has no client-key-data"],
        ),
        case(
            "kubeconfig: its key is no base64",
            |p| p.change(ADMIN, |t| t.replace("client-key-data: ", "client-key-data: $")),
            APPLY,
            1,
            &["admin.conf has a client-key-data that is not base64"],
        ),
        case(
            "kubeconfig: another cluster's",
            |p| {
                let text = OTHER.text(ADMIN);
                p.write(ADMIN, format!("{text}\n"));
            },
            APPLY,
            1,
            &["admin.conf does not hold the private key of out/identities/nodes/cp1/admin.crt"],
        ),
    ]
}

fn healing_cases() -> Vec<Case> {
    vec![
        case(
            "certificate: one bit of its signature",
            |p| p.flip(&format!("{APISERVER}.crt")),
            APPLY,
            0,
            &[
                "nodes/cp1/apiserver",
                "reissue",
                "apiserver.crt is damaged: ca/kubernetes did not sign it",
            ],
        ),
        case(
            "certificate: one bit, no lock",
            |p| {
                p.flip(&format!("{APISERVER}.crt"));
                p.remove("cluster.lock");
            },
            UNRECORDED,
            0,
            &["ca/kubernetes did not sign it", "1 reissued"],
        ),
        case(
            "certificate: truncated",
            |p| {
                let pem = p.get(&format!("{APISERVER}.crt"));
                p.write(&format!("{APISERVER}.crt"), &pem[..300]);
            },
            APPLY,
            0,
            &["apiserver.crt ends inside a PEM block"],
        ),
        case(
            "certificate: two of them",
            |p| {
                let both = [p.get(&format!("{APISERVER}.crt")), p.get("out/ca/etcd.crt")].concat();
                p.write(&format!("{APISERVER}.crt"), both);
            },
            APPLY,
            0,
            &["holds 2 certificates instead of one"],
        ),
        case(
            "certificate: with a private key",
            |p| {
                let both = [p.get(&format!("{APISERVER}.crt")), p.get(&format!("{APISERVER}.key"))]
                    .concat();
                p.write(&format!("{APISERVER}.crt"), both);
            },
            APPLY,
            0,
            &["holds a private key where only certificates belong"],
        ),
        case(
            "certificate: huge",
            |p| {
                fs::File::options()
                    .append(true)
                    .open(p.path(&format!("{APISERVER}.crt")))
                    .unwrap()
                    .set_len(1 << 36)
                    .unwrap()
            },
            APPLY,
            0,
            &["apiserver.crt is too large"],
        ),
        case(
            "CA certificate: one bit of its signature",
            |p| p.flip("out/ca/kubernetes.crt"),
            APPLY,
            0,
            &["out/ca/kubernetes.crt was modified", "1 repaired, 30 unchanged"],
        ),
        case(
            "CA certificate: one bit, no lock",
            |p| {
                p.flip("out/ca/kubernetes.crt");
                p.remove("cluster.lock");
            },
            UNRECORDED,
            0,
            &["out/ca/kubernetes.crt was modified", "1 repaired"],
        ),
        case(
            "kubeconfig: readable by all",
            |p| p.mode(ADMIN, 0o644),
            APPLY,
            0,
            &["admin.conf is readable by others (mode 0644)"],
        ),
        case(
            "kubeconfigs: readable by all, no lock",
            |p| {
                p.mode(ADMIN, 0o644);
                p.remove("cluster.lock");
            },
            UNRECORDED,
            0,
            &["applied"],
        ),
        case(
            "kubeconfig: another cluster's, readable by all",
            |p| {
                p.write(ADMIN, OTHER.get(ADMIN));
                p.mode(ADMIN, 0o644);
            },
            APPLY,
            1,
            &["admin.conf does not hold the private key of"],
        ),
        case(
            "CA key: gone, with a copy",
            |p| p.remove("out/ca/kubernetes.key"),
            APPLY,
            0,
            &["out/ca/kubernetes.key is missing", "1 repaired"],
        ),
        case(
            "pending: cut off before its journal",
            |p| {
                p.make_folder("out/.pending");
                p.write("out/.pending/journal.new", "x");
            },
            APPLY,
            0,
            &["cleared away an apply that was interrupted"],
        ),
    ]
}

fn usage_cases() -> Vec<Case> {
    let none: fn(&Damaged) = |_| {};
    vec![
        case(
            "--renew: a typing error",
            none,
            &["apply", "--renew", "nodes/cp1/apiservr"],
            64,
            &["no artifact is named nodes/cp1/apiservr", "did you mean nodes/cp1/apiserver?"],
        ),
        case(
            "--rekey: a typing error",
            none,
            &["plan", "--rekey", "apiservr"],
            64,
            &["did you mean nodes/cp1/apiserver?"],
        ),
        case(
            "--renew: a path that leads out",
            none,
            &["apply", "--renew", "../x"],
            64,
            &["'../x'"],
        ),
        case(
            "--renew: control characters",
            none,
            &["apply", "--renew", "a\u{1b}[2Jb"],
            64,
            &["--renew"],
        ),
        case(
            "--allow: no permission",
            none,
            &["apply", "--allow", "everything"],
            64,
            &["write replace:NAME, lost-key:NAME, escalation:NAME"],
        ),
        case(
            "--allow: no such permission",
            none,
            &["apply", "--allow", "steal:ca/etcd"],
            64,
            &["write replace:NAME, lost-key:NAME, escalation:NAME"],
        ),
        case(
            "--allow replace: all",
            none,
            &["apply", "--allow", "replace:ca/*"],
            64,
            &["replace:ca/*"],
        ),
        case(
            "--allow replace: no anchor",
            none,
            &["apply", "--allow", "replace:nodes/cp1/apiserver"],
            64,
            &["permits nothing", "--rekey nodes/cp1/apiserver makes a new key"],
        ),
        case(
            "--allow lost-key: anchors",
            none,
            &["apply", "--allow", "lost-key:ca/*"],
            64,
            &["permits nothing", "no key that could be given up"],
        ),
        case(
            "--allow escalation: a typing error",
            none,
            &["apply", "--allow", "escalation:apisrver"],
            64,
            &[
                "--allow escalation:apisrver permits nothing",
                "nobody here is called apisrver; did you mean apiserver?",
            ],
        ),
        case(
            "--allow escalation: of another kind",
            none,
            &["plan", "--allow", "escalation:users/apiserver"],
            64,
            &["permits nothing", "nobody here is called users/apiserver"],
        ),
        case(
            "--allow escalation: nobody",
            none,
            &["apply", "--allow", "escalation:qqqqqqqqqqqqqqqqqqqqqq"],
            64,
            &["kpki plan says who gains something"],
        ),
        // Consent may come before the change.
        case(
            "certificate: a folder that runs what lies in it",
            |p| p.change("cluster.kdl", |t| format!("{t}\n{EVIL_FOLDER}")),
            APPLY,
            1,
            &[
                "certificates/evil is put into /root/.ssh, which is on no list of harmless folders",
                "allow-folder",
                NOTHING,
            ],
        ),
        case(
            "certificate: another policy does not help",
            |p| {
                p.change("cluster.kdl", |t| format!("{t}\n{EVIL_FOLDER}"));
                p.write("policy.kdl", "policy { allow-folder \"/root/.ss\" }\n");
            },
            &["apply", "--policy", "policy.kdl"],
            1,
            &["certificates/evil is put into /root/.ssh"],
        ),
        case(
            "certificate: a folder that the policy has",
            |p| {
                p.change("cluster.kdl", |t| format!("{t}\n{EVIL_FOLDER}"));
                p.write("policy.kdl", "policy { allow-folder \"/root\" }\n");
            },
            &["plan", "--policy", "policy.kdl"],
            0,
            &["evil"],
        ),
        case(
            "--allow: not needed now",
            none,
            &[
                "apply",
                "--allow",
                "escalation:apiserver",
                "--allow",
                "escalation:cp1",
                "--allow",
                "escalation:secrets",
                "--allow",
                "escalation:components/etcd",
                "--allow",
                "clock",
                "--allow",
                "plaintext",
            ],
            0,
            &["nothing to do"],
        ),
        case(
            "--allow lost-key: an anchor",
            none,
            &["apply", "--allow", "lost-key:ca/etcd"],
            64,
            &["permits nothing", "--allow replace:ca/etcd"],
        ),
        case(
            "--allow replace: unknown",
            none,
            &["apply", "--allow", "replace:ca/ectd"],
            64,
            &["did you mean ca/etcd?"],
        ),
        case(
            "--rekey: an anchor",
            none,
            &["apply", "--rekey", "ca/etcd"],
            3,
            &["a new CA key replaces every certificate below it", "add --allow replace:ca/etcd"],
        ),
        case("--now: no time", none, &["plan", "--now", "tomorrow"], 64, &["is not a time"]),
        case("--now: before all clocks", none, &["plan", "--now", "0001-01-01"], 64, &["1970"]),
        case("--now: the end of time", none, &["plan", "--now", "9999-12-31"], 0, &[]),
        case("--format: unknown", none, &["plan", "--format", "xml"], 64, &["json"]),
        case("no such command", none, &["aply"], 64, &["apply"]),
    ]
}

pub fn all() -> Vec<Case> {
    [description_cases(), lock_cases(), tree_cases(), key_cases(), healing_cases(), usage_cases()]
        .into_iter()
        .flatten()
        .collect()
}
