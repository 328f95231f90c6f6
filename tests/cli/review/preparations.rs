//! What a description alone cannot say: keys and certificates that others made, files that somebody changed
//! by hand, and what would be long to keep.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::testkit::{done, printed, tool};

pub struct Preparation {
    name: &'static str,
    /// Beside `before.kdl`, before it is applied.
    pub before: fn(&Path),
    /// Beside `after.kdl`.
    pub after: fn(&Path),
}

pub const NOTHING: Preparation = Preparation { name: "nothing", before: |_| {}, after: |_| {} };

const ALL: [Preparation; 15] = [
    Preparation {
        name: "400-users",
        before: |project| users(project, "30d", ""),
        after: |project| users(project, "20d", " group=\"ops\""),
    },
    Preparation {
        name: "brought-ca",
        before: |project| {
            fs::create_dir_all(project.join("out/ca")).unwrap();
            authority(project, "out/ca/kubernetes.key");
        },
        after: |project| authority(project, "../other.key"),
    },
    Preparation {
        name: "company-ca",
        before: |_| {},
        after: |project| authority(project, "out/ca/front-proxy.key"),
    },
    Preparation {
        name: "brought-request",
        before: |project| request(project, "../omar.key"),
        after: |project| request(project, "../other.key"),
    },
    Preparation {
        name: "second-root",
        before: |_| {},
        after: |project| {
            authority(project, "../other.key");
            let second = fs::read(project.join("company.crt")).unwrap();
            let path = project.join("out/ca/kubernetes.crt");
            let first = fs::read(&path).unwrap();
            fs::write(path, [first, second].concat()).unwrap();
        },
    },
    Preparation {
        name: "files-with-hostile-names",
        before: |_| {},
        after: |project| {
            for name in
                ["```", "</details>", "<!-- @all #1", "`a`|b", "- [x](http://example.com)", "a\nb"]
            {
                fs::write(project.join("out/nodes").join(name.replace('/', "\u{2215}")), "")
                    .unwrap();
            }
        },
    },
    Preparation {
        name: "sealed",
        before: |project| {
            let identity = project.with_file_name("identity");
            printed(tool("age-keygen").arg("-o").arg(&identity));
            let recipient = printed(tool("age-keygen").arg("-y").arg(&identity));
            fs::write(project.join("ops.txt"), recipient).unwrap();
        },
        after: |_| {},
    },
    Preparation {
        name: "deleted-lock",
        before: |_| {},
        after: |project| fs::remove_file(project.join("cluster.lock")).unwrap(),
    },
    Preparation {
        name: "emptied-lock",
        before: |_| {},
        after: |project| {
            let lock = project.join("cluster.lock");
            let text = fs::read_to_string(&lock).unwrap();
            let head = text.lines().next().unwrap();
            fs::write(&lock, format!("{head}\n")).unwrap();
        },
    },
    Preparation {
        name: "forged-certificate-and-lock",
        before: |_| {},
        after: |project| {
            let digests = || {
                let shown = super::kpki(
                    project,
                    &["show", "out/users/jane/jane.crt", "--format", "json"],
                    &[],
                );
                let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
                shown["file"]["holds"][0]["certificate"]["digest"].as_str().unwrap().to_owned()
            };
            let old = digests();
            forge_certificate(project);
            let lock = project.join("cluster.lock");
            let text = fs::read_to_string(&lock).unwrap();
            assert!(text.contains(&old));
            fs::write(&lock, text.replace(&old, &digests())).unwrap();
        },
    },
    Preparation {
        name: "exchanged-ca",
        before: |_| {},
        after: |project| {
            let key = "out/ca/kubernetes.key";
            new_key(project, key);
            exchange_ca(project, "kubernetes", "kubernetes", "ca.crt");
            // Where the nodes have it, too.
            fs::copy(project.join(key), project.join("out/nodes/cp1/etc/kubernetes/pki/ca.key"))
                .unwrap();
        },
    },
    Preparation {
        name: "exchanged-front-proxy-ca",
        before: |_| {},
        after: |project| {
            new_key(project, "out/ca/front-proxy.key");
            exchange_ca(project, "front-proxy", "front-proxy-ca", "front-proxy-ca.crt");
        },
    },
    Preparation {
        name: "ca-over-its-key",
        before: |_| {},
        after: |project| exchange_ca(project, "kubernetes", "kubernetes", "ca.crt"),
    },
    Preparation { name: "forged-certificate", before: |_| {}, after: forge_certificate },
    Preparation { name: "forged-lock", before: |_| {}, after: forge_lock },
];

pub fn named(name: &str) -> &'static Preparation {
    const PREPARATIONS: &[Preparation] = &ALL;
    let found = PREPARATIONS.iter().find(|one| one.name == name);
    found.unwrap_or_else(|| panic!("no preparation is named {name}"))
}

/// So many that nobody reads them all. One is in the midst.
fn users(project: &Path, validity: &str, of_one: &str) {
    let mut text = String::new();
    for number in 1..=400 {
        let one = if number == 217 { of_one } else { "" };
        writeln!(text, "user \"member-of-a-large-team-{number:03}\" validity=\"{validity}\"{one}")
            .unwrap();
    }
    fs::write(project.join("users.kdl"), text).unwrap();
}

fn new_key(project: &Path, key: &str) {
    openssl(project, &format!("ecparam -genkey -name prime256v1 -noout -out {key}"));
}

/// `company.crt`; whoever makes it anew changes nothing else.
fn authority(project: &Path, key: &str) {
    new_key(project, key);
    openssl(
        project,
        &format!(
            "req -x509 -new -key {key} -subj /CN=company -days 3650 -out company.crt -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign"
        ),
    );
}

/// `omar.csr` over a key that only omar has.
fn request(project: &Path, key: &str) {
    new_key(project, key);
    openssl(project, &format!("req -new -key {key} -subj /O=dev/CN=omar -out omar.csr"));
}

fn openssl(folder: &Path, words: &str) {
    printed(tool("openssl").args(words.split(' ')).current_dir(folder));
}

/// A lock that says of the new description that it was applied: its hashes, beside the files of the old one.
fn forge_lock(project: &Path) {
    let elsewhere = project.with_file_name("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::copy(project.join("cluster.kdl"), elsewhere.join("cluster.kdl")).unwrap();
    done(super::kpki(&elsewhere, &["apply"], &[]));
    let lock = |folder: &Path| fs::read_to_string(folder.join("cluster.lock")).unwrap();
    let hashes: BTreeMap<String, String> =
        lock(&elsewhere).lines().filter_map(name_and_hash).collect();
    let mut forged = 0;
    let lines = lock(project)
        .lines()
        .map(|line| match name_and_hash(line) {
            Some((name, hash)) if hashes[&name] != hash => {
                forged += 1;
                line.replace(&hash, &hashes[&name]) + "\n"
            }
            _ => format!("{line}\n"),
        })
        .collect::<String>();
    assert!(forged > 0);
    fs::write(project.join("cluster.lock"), lines).unwrap();
}

/// Another certificate of a CA of kpki's own over the key that lies there, by the same name.
fn exchange_ca(project: &Path, ca: &str, common_name: &str, bundle: &str) {
    let certificate = format!("out/ca/{ca}.crt");
    openssl(
        project,
        &format!(
            "req -x509 -new -key out/ca/{ca}.key -subj /CN={common_name} -days 3650 -out {certificate} -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign"
        ),
    );
    for node in ["cp1", "w1"] {
        let copy = project.join(format!("out/nodes/{node}/etc/kubernetes/pki/{bundle}"));
        if copy.exists() {
            fs::copy(project.join(&certificate), copy).unwrap();
        }
    }
}

/// A certificate of jane's that says of the new description that it was applied: over her own key, by a CA of
/// the same name.
fn forge_certificate(project: &Path) {
    let run = |words: &str| openssl(project, words);
    run("ecparam -genkey -name prime256v1 -noout -out ../forged.key");
    run("req -x509 -new -key ../forged.key -subj /CN=kubernetes -days 3650 -out ../forged.crt");
    run("x509 -in out/users/jane/jane.crt -noout -pubkey -out ../jane.pub");
    run("req -new -key ../forged.key -subj /O=dev/O=system:masters/CN=jane -out ../jane.csr");
    let extensions = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n\
                      authorityKeyIdentifier=keyid\n";
    fs::write(project.join("../extensions"), extensions).unwrap();
    run(
        "x509 -req -in ../jane.csr -force_pubkey ../jane.pub -CA ../forged.crt -CAkey ../forged.key -days 365 \
         -extfile ../extensions -out out/users/jane/jane.crt",
    );
}

fn name_and_hash(line: &str) -> Option<(String, String)> {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let text = |key: &str| Some(line.get(key)?.as_str()?.to_owned());
    Some((text("name")?, text("hash")?))
}
