//! Secrets that others can read, in whatever form, and keys that are used twice.

use std::fs;

use base64::Engine as _;

use super::tree::{
    APISERVER, CLIENT, ETCD_CLIENT, KUBELET_CLIENT, Leaf, STRICT, Tree, ids, verify,
};

fn base64(bytes: impl AsRef<[u8]>) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn found(tree: &Tree) -> Vec<String> {
    ids(&verify(&tree.folder(), &[]).0)
}

const OTHERS: [&str; 1] = ["secret-readable-by-others"];

type Make = fn(&Tree) -> Vec<u8>;

/// A name, and what somebody puts there.
const FORMS: &[(&str, Make)] = &[
    ("keyset.yaml", |t| {
        let key = base64(t.read("pki/ca.key"));
        format!("apiVersion: kops.k8s.io/v1alpha2\nkind: Keyset\nspec:\n  keys:\n  - id: \"1\"\n    privateMaterial: {key}\n").into()
    }),
    ("secrets.yaml", |t| {
        let key = t.read("pki/ca.key").replace("EC PRIVATE", "ED25519 PRIVATE");
        format!("cluster: {{id: x}}\ncerts:\n  os:\n    key: {}\n", base64(key)).into()
    }),
    ("talosconfig", |t| {
        format!("context: a\ncontexts:\n  a:\n    key: {}\n", base64(t.read("pki/ca.key"))).into()
    }),
    ("tls.yaml", |t| {
        let key = base64(t.read("pki/ca.key"));
        format!("apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\ndata:\n  tls.key: {key}\n")
            .into()
    }),
    ("tls.json", |t| {
        format!(
            "{{\"kind\":\"Secret\",\"data\":{{\"tls.key\":\"{}\"}}}}",
            base64(t.read("pki/ca.key"))
        )
        .into()
    }),
    ("cloud-config.yaml", |t| {
        let key: String =
            t.read("pki/ca.key").lines().map(|line| format!("      {line}\n")).collect();
        format!("#cloud-config\nwrite_files:\n  - content: |\n{key}").into()
    }),
    ("bundle.p12", |t| store(t, "")),
    ("bundle.pfx", |t| store(t, "-keypbe NONE -certpbe NONE -nomac")),
    ("renamed", |t| store(t, "-keypbe aes-256-cbc -certpbe NONE")),
    ("key.der", |t| der(t, "pkcs8 -topk8 -nocrypt")),
    ("key", |t| der(t, "pkey")),
    ("sec1.bin", |t| der(t, "ec")),
    ("pkcs1", |t| {
        t.0.openssl("genrsa -traditional -out rsa");
        t.0.openssl("rsa -in rsa -traditional -outform DER -out der");
        t.0.read("der")
    }),
    ("known_tokens.csv", |_| b"0123456789abcdef,admin,1,\"system:masters\"\n".to_vec()),
    ("encryption.yaml", |_| {
        b"apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- providers:\n  - aescbc:\n      \
          keys:\n      - name: key1\n        secret: MDEyMzQ1Njc4OWFiY2RlZg==\n".to_vec()
    }),
    ("age.txt", |_| format!("# created\nAGE-{}-1{}\n", "SECRET-KEY", "Q".repeat(58)).into()),
    ("half.conf", |t| t.read("admin.conf").replace("kind: Config", "kind: [").into()),
];

fn der(tree: &Tree, command: &str) -> Vec<u8> {
    tree.0.openssl(&format!("{command} -in kubernetes/pki/ca.key -outform DER -out der"));
    tree.0.read("der")
}

fn store(tree: &Tree, how: &str) -> Vec<u8> {
    tree.0.openssl(
        format!("pkcs12 -export -in kubernetes/pki/ca.crt -inkey kubernetes/pki/ca.key -passout pass:x -out store {how}")
            .trim_end(),
    );
    tree.0.read("store")
}

#[test]
fn secrets_of_every_form_are_secrets() {
    for (name, make) in FORMS {
        let tree = Tree::right();
        let bytes = make(&tree);
        tree.put(name, &bytes, 0o644);
        let (report, code) = verify(&tree.folder(), &[]);
        let findings = report["findings"].as_array().unwrap();
        let told =
            findings.iter().find(|finding| finding["id"] == OTHERS[0] && finding["path"] == *name);
        assert!(told.is_some() && code == 2, "{name}: {report:#}");
        tree.mode(name, 0o640);
        assert!(found(&tree).contains(&"secret-readable-by-group".to_owned()), "{name}");
        tree.mode(name, 0o600);
        let found = found(&tree);
        assert!(!found.iter().any(|id| id.starts_with("secret-")), "{name}: {found:?}");
    }
}

/// What looks like one and is none.
#[test]
fn what_is_public_is_no_secret() {
    let tree = Tree::right();
    let put = |name: &str, bytes: Vec<u8>| tree.put(name, bytes, 0o644);
    let certificate = base64(tree.read("pki/ca.crt"));
    put("ca.yaml", format!("kind: ConfigMap\ndata:\n  ca.crt: {certificate}\n").into());
    tree.0.openssl("pkcs12 -export -nokeys -in kubernetes/pki/ca.crt -passout pass:x -out store");
    put("trust.p12", tree.0.read("store"));
    put("readme.md", b"Put the `-----BEGIN PRIVATE KEY-----` block there.\n".to_vec());
    put("table.csv", b"a,b,c\n".to_vec());
    put("tokens.csv", b"no rows\n".to_vec());
    put("policy.yaml", b"kind: EncryptionConfiguration\nresources: []\n".to_vec());
    assert_eq!(found(&tree), [""; 0]);
}

/// A flag makes a secret of whatever it names; so does a kubeconfig's tokenFile.
#[test]
fn what_is_loaded_as_a_secret_is_one() {
    let tree = Tree::right();
    tree.put("pki/users", "a,b,c\n", 0o644);
    assert_eq!(found(&tree), [""; 0]);
    tree.edit(
        "manifests/kube-apiserver.yaml",
        "    - --tls-cert-file",
        "    - --token-auth-file=/etc/kubernetes/pki/users\n    - --tls-cert-file",
    );
    assert_eq!(found(&tree), OTHERS);
    tree.mode("pki/users", 0o600);
    assert_eq!(found(&tree), [""; 0]);
    tree.put("token", "x\n", 0o644);
    tree.edit("admin.conf", "    client-key-data", "    tokenFile: token\n    client-key-data");
    assert_eq!(found(&tree), OTHERS);
}

/// path_resolution(7): a folder that lets nobody pass keeps what lies in it.
#[test]
fn a_closed_folder_keeps_what_is_in_it() {
    let tree = Tree::right();
    fs::create_dir_all(tree.path("pki/private/old")).unwrap();
    for (name, mode) in [("pki/private", 0o700), ("pki/private/old", 0o755)] {
        tree.mode(name, mode);
    }
    tree.put("pki/private/old/x.pem", tree.read("pki/ca.key"), 0o644);
    assert_eq!(found(&tree), [""; 0]);
    tree.mode("pki/private", 0o750);
    assert_eq!(found(&tree), ["secret-readable-by-group"]);
    tree.mode("pki/private", 0o711);
    assert_eq!(found(&tree), OTHERS);
}

#[test]
fn a_key_of_another_user() {
    for (name, is_secret) in [
        ("pki/ca.key", true),
        ("pki/apiserver.key", true),
        ("admin.conf", true),
        ("pki/ca.crt", false),
    ] {
        let tree = Tree::right();
        // Only root can give a file away.
        if std::os::unix::fs::chown(tree.path(name), Some(65534), None).is_err() {
            println!("skipped: giving a file away takes root");
            return;
        }
        let expected: &[&str] = if is_secret { &["secret-of-another-user"] } else { &[] };
        assert_eq!(found(&tree), expected, "{name}");
    }
    // A tree that is somebody's own from its top.
    let tree = Tree::right();
    let given =
        std::process::Command::new("chown").args(["-R", "65534"]).arg(tree.folder()).status();
    assert!(given.unwrap().success());
    assert!(!found(&tree).contains(&"secret-of-another-user".to_owned()));
}

/// The same key under another certificate.
fn over(tree: &Tree, leaf: Leaf, key: &str) {
    tree.copy(key, &format!("{}.key", leaf.0));
    tree.leaf(leaf, STRICT);
}

#[test]
fn one_key_in_two_roles() {
    let twice = ["key-in-two-roles"];
    let tree = Tree::right();
    tree.copy("pki/ca.key", "pki/sa.key");
    tree.0.openssl("pkey -in kubernetes/pki/sa.key -pubout -out kubernetes/pki/sa.pub");
    assert_eq!(found(&tree), twice);

    let tree = Tree::right();
    over(&tree, APISERVER, "pki/ca.key");
    assert_eq!(found(&tree), twice);

    let tree = Tree::right();
    over(&tree, KUBELET_CLIENT, "pki/apiserver-etcd-client.key");
    assert_eq!(found(&tree), twice);

    // Two users.
    let tree = Tree::right();
    let user = |name: &'static str, subject: &'static str| (name, "pki/ca", subject, CLIENT, "");
    tree.key("jane");
    tree.leaf(user("jane", "/CN=jane"), STRICT);
    over(&tree, user("john", "/CN=john"), "jane.key");
    assert_eq!(found(&tree), twice);

    // The same one, issued again over its key, in another group, too.
    let tree = Tree::right();
    tree.copy("pki/apiserver-etcd-client.crt", "old.crt");
    tree.leaf(ETCD_CLIENT, STRICT);
    let (stem, ca, _, usage, names) = ETCD_CLIENT;
    tree.copy("pki/apiserver-etcd-client.crt", "older.crt");
    tree.leaf((stem, ca, "/O=system:masters/CN=kube-apiserver-etcd-client", usage, names), STRICT);
    assert_eq!(found(&tree), [""; 0]);
}
