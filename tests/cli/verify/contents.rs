//! What a file must hold for whoever loads it, and PEM as Go reads it.

use std::fs;

use super::tree::{Tree, ids, verify};

fn found(tree: &Tree) -> Vec<(String, String)> {
    let (report, _) = verify(&tree.folder(), &[]);
    let findings = report["findings"].as_array().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    findings.iter().map(|finding| (text(&finding["id"]), text(&finding["path"]))).collect()
}

fn remove(tree: &Tree, name: &str) {
    fs::remove_file(tree.path(name)).unwrap();
}

/// What lies there instead: of a key, with a key's mode.
fn replace(tree: &Tree, name: &str, by: impl AsRef<[u8]>) {
    let mode = if name.ends_with(".crt") && !by.as_ref().windows(7).any(|at| at == b"PRIVATE") {
        0o644
    } else {
        0o600
    };
    remove(tree, name);
    tree.put(name, by, mode);
}

fn wrong(paths: &[&str]) -> Vec<(String, String)> {
    paths.iter().map(|path| ("wrong-content".to_owned(), (*path).to_owned())).collect()
}

#[test]
fn a_key_where_a_certificate_belongs_and_the_other_way_round() {
    let tree = Tree::right();
    let (certificate, key) = (tree.read("pki/apiserver.crt"), tree.read("pki/apiserver.key"));
    replace(&tree, "pki/apiserver.crt", &key);
    replace(&tree, "pki/apiserver.key", &certificate);
    assert_eq!(found(&tree), wrong(&["pki/apiserver.crt", "pki/apiserver.key"]));

    let tree = Tree::right();
    replace(&tree, "pki/apiserver.key", tree.read("pki/apiserver.crt"));
    assert_eq!(found(&tree), wrong(&["pki/apiserver.key"]));

    // Without its CA nothing of the cluster can be judged, and that is said once for each.
    let tree = Tree::right();
    replace(&tree, "pki/front-proxy-ca.crt", tree.read("pki/sa.key"));
    assert!(found(&tree).contains(&wrong(&["pki/front-proxy-ca.crt"])[0]));

    let tree = Tree::right();
    replace(&tree, "pki/sa.key", tree.read("pki/sa.pub"));
    assert_eq!(found(&tree), wrong(&["pki/sa.key"]));

    // kube-apiserver takes the public key from a private one and from a certificate, too.
    let tree = Tree::right();
    replace(&tree, "pki/sa.pub", tree.read("pki/sa.key"));
    assert_eq!(found(&tree), []);
    replace(&tree, "pki/sa.pub", tree.read("pki/ca.crt"));
    assert!(!found(&tree).iter().any(|(id, _)| id == "wrong-content"));

    let tree = Tree::right();
    replace(&tree, "admin.conf", tree.read("pki/ca.crt"));
    assert_eq!(found(&tree)[0].0, "unreadable-kubeconfig");

    // Both in one file is what the kubelet itself writes.
    let tree = Tree::right();
    let both = tree.read("pki/apiserver.crt") + &tree.read("pki/apiserver.key");
    replace(&tree, "pki/apiserver.crt", &both);
    replace(&tree, "pki/apiserver.key", &both);
    assert_eq!(found(&tree), []);
}

/// Labels that OpenSSL writes or takes and Go passes over.
#[test]
fn blocks_that_go_passes_over() {
    let client = "pki/etcd/healthcheck-client";
    let crt = format!("{client}.crt");
    for (label, id) in [
        ("TRUSTED CERTIFICATE", "unreadable-certificate"),
        ("X509 CERTIFICATE", "unreadable-certificate"),
        ("CERTIFICATE REQUEST", "wrong-content"),
        ("NEW CERTIFICATE REQUEST", "wrong-content"),
        ("PKCS7", "wrong-content"),
        ("X509 CRL", "wrong-content"),
    ] {
        let tree = Tree::right();
        replace(&tree, &crt, tree.read(&crt).replace("CERTIFICATE", label));
        assert_eq!(found(&tree), [(id.to_owned(), crt.clone())], "{label}");
        // A bundle loses one of its members without a word.
        let is_lost = label.ends_with(" CERTIFICATE");
        let tree = Tree::right();
        let whole = tree.read("pki/ca.crt");
        replace(&tree, "pki/ca.crt", whole.clone() + &whole.replace("CERTIFICATE", label));
        assert_eq!(!found(&tree).is_empty(), is_lost, "{label}");
    }
    let tree = Tree::right();
    tree.0.openssl(&format!("x509 -in kubernetes/{crt} -trustout -out trusted"));
    replace(&tree, &crt, tree.0.read("trusted"));
    assert_eq!(found(&tree)[0], ("unreadable-certificate".into(), crt.clone()));
    tree.0.put("empty.conf", "[req]\ndistinguished_name=dn\n[dn]\n");
    tree.0.openssl(&format!(
        "req -new -key kubernetes/{client}.key -subj /CN=a -config empty.conf -out request"
    ));
    replace(&tree, &crt, tree.0.read("request"));
    assert_eq!(found(&tree), wrong(&[&crt]));
    // Parameters of the curve, before a key, are what every reader passes over.
    let tree = Tree::right();
    tree.service_account("ecparam -name prime256v1 -genkey");
    assert!(tree.read("pki/sa.key").starts_with("-----BEGIN EC PARAMETERS"));
    assert_eq!(found(&tree), []);
}

/// Line for line as Go 1.19's and later encoding/pem, which was asked for each of these: whether it finds a
/// certificate in the text.
#[test]
fn pem_is_what_go_finds() {
    let tree = Tree::right();
    let crt = "pki/etcd/healthcheck-client.crt";
    let right = tree.read(crt);
    let lines = |edit: &dyn Fn(&str) -> String| right.lines().map(edit).collect::<String>();
    let edge = |before: &str, after: &str| {
        lines(&|line: &str| {
            if line.starts_with("-----") {
                format!("{before}{line}{after}\n")
            } else {
                format!("{line}\n")
            }
        })
    };
    let body = |before: &str, after: &str| {
        lines(&|line: &str| {
            if line.starts_with("-----") {
                format!("{line}\n")
            } else {
                format!("{before}{line}{after}\n")
            }
        })
    };
    let cases: Vec<(&str, String, bool)> = vec![
        ("as it is", right.clone(), true),
        ("CRLF", right.replace('\n', "\r\n"), true),
        ("no newline at the end", right.trim_end().to_owned(), true),
        ("text before and after", format!("subject=a\n\n{right}\nissuer=b\n"), true),
        ("blanks at the end of lines", lines(&|line| format!("{line} \t\n")), true),
        ("base64 indented", body("   ", ""), true),
        ("blanks inside the base64", right.replace('M', "M "), true),
        ("empty lines inside", body("\n", "\n"), true),
        ("indented", lines(&|line| format!("   {line}\n")), false),
        ("indented by a tab", lines(&|line| format!("\t{line}\n")), false),
        ("the edges indented", edge("  ", ""), false),
        ("the end indented", right.replace("-----END", " -----END"), false),
        ("quoted as in a mail", lines(&|line| format!("> {line}\n")), false),
        ("a byte order mark", format!("\u{feff}{right}"), false),
        ("text after the edges", edge("", " x"), false),
        ("a form feed after the edges", edge("", "\u{c}"), false),
        ("old line ends of the Mac", right.replace('\n', "\r"), false),
        ("lines ended twice", right.replace('\n', "\r\r\n"), false),
        ("four dashes", right.replace("-----\n", "----\n"), false),
        ("another end", right.replace("END CERTIFICATE", "END X509 CRL"), false),
        ("headers", right.replacen('\n', "\nName: x\n\n", 1), false),
        ("a header in the middle", body("", "\nName: x"), false),
        ("a letter that is no base64", right.replacen('M', "!", 1), false),
        ("no padding", right.replace('=', ""), !right.contains('=')),
        ("one line in JSON", right.replace('\n', "\\n"), false),
        ("cut", right[..right.len() - 30].to_owned(), false),
    ];
    for (what, text, is_found) in cases {
        let tree = Tree::right();
        replace(&tree, crt, &text);
        let (report, _) = verify(&tree.folder(), &[]);
        let findings = report["findings"].to_string();
        assert_eq!(ids(&report).is_empty(), is_found, "{what}: {findings}");
        // show reads with the same eyes; what stands under headers it can tell all the same.
        let mut show = crate::testkit::kpki(std::path::Path::new("."));
        let shown = show.arg("show").arg(tree.path(crt)).output().unwrap().status.success();
        assert_eq!(shown, is_found || what == "headers", "show, {what}");
    }
    for (name, kind) in
        [("pki/apiserver.key", "unreadable-key"), ("pki/ca.crt", "unreadable-certificate")]
    {
        let tree = Tree::right();
        let text: String = tree.read(name).lines().map(|line| format!("   {line}\n")).collect();
        replace(&tree, name, &text);
        let (report, _) = verify(&tree.folder(), &[]);
        assert!(ids(&report).contains(&kind.to_owned()), "{report:#}");
        assert!(report.to_string().contains("indented PEM block (line 1)"), "{report:#}");
        let mut show = crate::testkit::kpki(std::path::Path::new("."));
        let output = show.arg("show").arg(tree.path(name)).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("indented PEM block (line 1)"));
    }
}

/// By any name, where a flag names it.
#[test]
fn what_a_flag_names_is_judged_by_the_flag() {
    let api = "manifests/kube-apiserver.yaml";
    let flag = "--etcd-certfile=/etc/kubernetes/pki/apiserver-etcd-client.crt";
    let with = |name: &str, bytes: &dyn Fn(&Tree) -> Vec<u8>| {
        let tree = Tree::right();
        let bytes = bytes(&tree);
        tree.put(&format!("pki/{name}"), bytes, 0o600);
        tree.edit(api, flag, &format!("--etcd-certfile=/etc/kubernetes/pki/{name}"));
        found(&tree)
    };
    let text = |name: &'static str| move |tree: &Tree| tree.read(name).into_bytes();
    assert_eq!(with("client", &text("pki/apiserver-etcd-client.crt")), []);
    for (name, from) in
        [("client", "pki/sa.pub"), ("client.txt", api), ("client.pem", "pki/ca.key")]
    {
        let path = format!("pki/{name}");
        let found = with(name, &text(from));
        assert!(found.contains(&("wrong-content".to_owned(), path)), "{name}: {found:?}");
    }
    // DER where nothing loads it is what it is.
    let der = |tree: &Tree| {
        tree.0.openssl("x509 -in kubernetes/pki/apiserver-etcd-client.crt -outform DER -out der");
        tree.0.read("der")
    };
    for name in ["company.cer", "company.der", "company"] {
        let tree = Tree::right();
        tree.put(&format!("pki/{name}"), der(&tree), 0o644);
        let (report, _) = verify(&tree.folder(), &[]);
        assert_eq!(ids(&report), [""; 0], "{report:#}");
        assert_eq!(with(name, &der), wrong(&[&format!("pki/{name}")]));
    }
    let tree = Tree::right();
    tree.put("pki/company.cer", [0x30, 3, 2, 1, 1], 0o644);
    assert_eq!(found(&tree), [("unreadable-certificate".into(), "pki/company.cer".into())]);
}

/// Among whole pairs a half is told; a folder of certificates alone is a copy without its keys.
#[test]
fn a_missing_half_of_a_pair() {
    let client = "pki/etcd/healthcheck-client";
    let missing = |path: &str| vec![("missing-counterpart".to_owned(), path.to_owned())];
    for (gone, told) in [
        (format!("{client}.key"), format!("{client}.crt")),
        (format!("{client}.crt"), format!("{client}.key")),
        ("pki/sa.pub".into(), "pki/sa.key".into()),
    ] {
        let tree = Tree::right();
        fs::remove_dir_all(tree.path("manifests")).unwrap();
        remove(&tree, &gone);
        assert_eq!(found(&tree), missing(&told), "{gone}");
    }
    let tree = Tree::right();
    fs::remove_dir_all(tree.path("manifests")).unwrap();
    remove(&tree, "pki/ca.crt");
    let without_ca = found(&tree);
    for leaf in ["pki/apiserver.crt", "pki/apiserver-kubelet-client.crt"] {
        assert!(without_ca.contains(&missing(leaf)[0]), "{without_ca:?}");
    }
    // With the manifests beside, the flags are wrong, and that is an error.
    let tree = Tree::right();
    remove(&tree, "pki/apiserver.key");
    assert_eq!(ids(&verify(&tree.folder(), &[]).0), ["flag-missing-file"]);
    let tree = Tree::right();
    fs::remove_dir_all(tree.path("manifests")).unwrap();
    for folder in ["pki", "pki/etcd"] {
        for entry in fs::read_dir(tree.path(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "key") {
                fs::remove_file(path).unwrap();
            }
        }
    }
    assert_eq!(found(&tree), [], "certificates alone");
    // A sealed key is there.
    let tree = Tree::right();
    fs::remove_dir_all(tree.path("manifests")).unwrap();
    fs::rename(tree.path("pki/apiserver.key"), tree.path("pki/apiserver.key.age")).unwrap();
    tree.put("pki/apiserver.key.age", "age-encryption.org/v1\n", 0o644);
    assert_eq!(found(&tree), []);
}

/// tls.X509KeyPair goes by the bytes; client-go's keyutil, which loads the keys that sign, by the label.
#[test]
fn labels_of_keys_are_read_as_go_reads_them() {
    let relabelled = |name: &str, label: &str| {
        let tree = Tree::right();
        let text = tree.read(name);
        assert!(text.contains("EC PRIVATE KEY"), "{text}");
        replace(&tree, name, text.replace("EC PRIVATE KEY", label));
        found(&tree)
    };
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "ANY PRIVATE KEY"] {
        assert_eq!(relabelled("pki/apiserver.key", label), [], "{label}");
        for name in ["pki/ca.key", "pki/sa.key"] {
            assert_eq!(relabelled(name, label), wrong(&[name]), "{label}");
        }
    }
    // The first key counts, whatever stands before it.
    let tree = Tree::right();
    let (key, crt) = (tree.read("pki/apiserver.key"), tree.read("pki/apiserver.crt"));
    replace(&tree, "pki/apiserver.key", crt + &key + &tree.read("pki/etcd/peer.key"));
    assert_eq!(found(&tree), []);
}
