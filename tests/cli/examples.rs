//! Every example, applied by the binary and judged by OpenSSL, webpki and pkilint.
//!
//! What is expected stands here in tables written from "PKI certificates and requirements" (Kubernetes
//! documentation) and RFC 5280, never taken from kpki's own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use base64::Engine as _;
use rustls::crypto::ring::sign::any_supported_type;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::testkit::kubeconfig::Kubeconfig;
use crate::testkit::{FolderProject, ended, printed, python, said, tool};

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum For {
    Server,
    Client,
    Both,
    Signing,
}

/// Files of a node below /etc/kubernetes: the CA that signs each and its use.
const ON_NODES: [(&str, &str, For); 11] = [
    ("pki/apiserver.crt", "kubernetes", For::Server),
    ("pki/apiserver-kubelet-client.crt", "kubernetes", For::Client),
    ("pki/apiserver-etcd-client.crt", "etcd", For::Client),
    ("pki/front-proxy-client.crt", "front-proxy", For::Client),
    ("pki/kubelet.crt", "kubernetes", For::Server),
    ("pki/etcd/server.crt", "etcd", For::Both),
    ("pki/etcd/peer.crt", "etcd", For::Both),
    ("pki/etcd/healthcheck-client.crt", "etcd", For::Client),
    ("pki/ca.crt", "kubernetes", For::Signing),
    ("pki/front-proxy-ca.crt", "front-proxy", For::Signing),
    ("pki/etcd/ca.crt", "etcd", For::Signing),
];

/// What one example says about itself.
struct Example {
    name: &'static str,
    cluster: &'static str,
    /// What clients dial.
    endpoint: &'static str,
    /// Control-plane nodes and the address that their own clients dial.
    local: &'static [(&'static str, &'static str)],
    /// Extra certificates: CA and use.
    certificates: &'static [(&'static str, &'static str, For)],
    /// Namespaces of users' kubeconfigs.
    namespaces: &'static [(&'static str, &'static str)],
    /// Files below out/ that the example is about, so that an empty result cannot pass.
    has: &'static [&'static str],
    /// Files that must not be.
    lacks: &'static [&'static str],
}

#[test]
fn minimal() {
    check(&Example {
        name: "minimal",
        cluster: "lab",
        endpoint: "https://192.168.5.11:6443",
        local: &[("kubemaster", "https://192.168.5.11:6443")],
        certificates: &[],
        namespaces: &[],
        has: &[
            "ca/kubernetes.key",
            "cluster/cluster-role-bindings.yaml",
            "nodes/kubemaster/etc/kubernetes/super-admin.conf",
        ],
        lacks: &[
            "nodes/kubemaster/etc/kubernetes/pki/kubelet.crt",
            "nodes/kubemaster/etc/kubernetes/kube-proxy.conf",
        ],
    });
}

#[test]
fn ha() {
    check(&Example {
        name: "ha",
        cluster: "prod",
        endpoint: "https://api.prod.example.com:6443",
        local: &[
            ("cp1", "https://10.10.0.11:6443"),
            ("cp2", "https://10.10.0.12:6443"),
            ("cp3", "https://10.10.0.13:6443"),
        ],
        certificates: &[
            ("metrics-server", "kubernetes", For::Server),
            ("etcd-backup", "etcd", For::Client),
        ],
        namespaces: &[("jane", "shop")],
        has: &[
            "nodes/cp1/etc/kubernetes/super-admin.conf",
            "nodes/cp3/etc/kubernetes/pki/etcd/peer.crt",
            "nodes/cp2/etc/kubernetes/pki/kubelet.crt",
            "nodes/w1/etc/kubernetes/kube-proxy.conf",
            "nodes/w1/etc/kubernetes/pki/metrics-server/metrics-server.key",
            "nodes/w2/etc/kubernetes/pki/metrics-server/metrics-server.crt",
            "certificates/etcd-backup/etcd-backup.key",
            "users/jane/jane.kubeconfig",
            "users/omar/omar.crt",
            "users/deploy-bot/deploy-bot.key",
        ],
        lacks: &[
            "nodes/cp2/etc/kubernetes/super-admin.conf",
            "nodes/w1/etc/kubernetes/pki/ca.key",
            "nodes/w1/etc/kubernetes/pki/sa.key",
            "nodes/w1/etc/kubernetes/admin.conf",
            "nodes/cp1/etc/kubernetes/pki/etcd/ca.key",
        ],
    });
}

#[test]
fn external_etcd() {
    check(&Example {
        name: "external-etcd",
        cluster: "ext",
        endpoint: "https://api.ext.example.com:6443",
        local: &[("cp1", "https://10.20.0.11:6443"), ("cp2", "https://10.20.0.12:6443")],
        certificates: &[],
        namespaces: &[],
        has: &[
            "ca/super-admin.conf",
            "identities/operator/super-admin.crt",
            "nodes/etcd1/etc/kubernetes/pki/etcd/server.crt",
            "nodes/etcd3/etc/kubernetes/pki/etcd/healthcheck-client.crt",
            "nodes/etcd3/etc/kubernetes/pki/etcd/ca.crt",
            "nodes/cp2/etc/kubernetes/pki/apiserver-etcd-client.crt",
            "nodes/cp2/etc/kubernetes/pki/etcd/ca.crt",
        ],
        lacks: &[
            "nodes/cp1/etc/kubernetes/super-admin.conf",
            "nodes/cp1/etc/kubernetes/pki/etcd/server.crt",
            "nodes/cp1/etc/kubernetes/pki/etcd/peer.key",
            "nodes/etcd1/etc/kubernetes/kubelet.conf",
            "nodes/etcd1/etc/kubernetes/pki/ca.crt",
            "nodes/etcd1/etc/kubernetes/pki/etcd/ca.key",
            "nodes/w1/etc/kubernetes/pki/etcd/ca.crt",
        ],
    });
}

#[test]
fn dual_stack() {
    check(&Example {
        name: "dual-stack",
        cluster: "dual",
        endpoint: "https://[2001:db8:10::10]:6443",
        local: &[
            ("cp1", "https://10.30.0.11:6443"),
            ("cp2", "https://10.30.0.12:6443"),
            ("cp3", "https://10.30.0.13:6443"),
        ],
        certificates: &[],
        namespaces: &[],
        has: &["nodes/w2/etc/kubernetes/pki/kubelet.crt"],
        lacks: &[],
    });
}

#[test]
fn static_pods() {
    check(&Example {
        name: "static-pods",
        cluster: "shop",
        endpoint: "https://api.shop.internal:6443",
        local: &[
            ("cp1", "https://10.40.0.11:6443"),
            ("cp2", "https://10.40.0.12:6443"),
            ("cp3", "https://10.40.0.13:6443"),
        ],
        certificates: &[],
        namespaces: &[],
        has: &[
            "nodes/cp1/etc/kubernetes/manifests/etcd.yaml",
            "nodes/cp3/etc/kubernetes/manifests/kube-apiserver.yaml",
        ],
        lacks: &["nodes/cp1/etc/kubernetes/pki/kubelet.crt"],
    });
}

#[test]
fn lab() {
    check(&Example {
        name: "lab",
        cluster: "lab",
        endpoint: "https://192.168.56.11:6443",
        local: &[("cp1", "https://192.168.56.11:6443")],
        certificates: &[],
        namespaces: &[],
        has: &["users/ci/ci.key", "users/legacy/legacy.key", "users/omar/omar.key"],
        lacks: &["lab.seed"],
    });
}

#[test]
fn lab_up() {
    check(&Example {
        name: "lab-up",
        cluster: "lab",
        endpoint: "https://192.168.56.11:6443",
        local: &[("cp1", "https://192.168.56.11:6443")],
        certificates: &[],
        namespaces: &[],
        has: &[
            "nodes/cp1/etc/kubernetes/pki/kubelet.crt",
            "nodes/w1/var/lib/kubelet/config.yaml",
            "users/jane/rbac.yaml",
        ],
        lacks: &["nodes/w1/etc/kubernetes/pki/ca.key", "nodes/cp1/etc/kubernetes/pki/etcd/ca.key"],
    });
}

#[test]
fn large() {
    check(&Example {
        name: "large",
        cluster: "fleet",
        endpoint: "https://api.fleet.example.com:443",
        local: &[
            ("cp1", "https://10.40.0.11:6443"),
            ("cp2", "https://10.40.0.12:6443"),
            ("cp3", "https://10.40.0.13:6443"),
        ],
        certificates: &[],
        namespaces: &[],
        has: &[
            "nodes/worker-a001/etc/kubernetes/kubelet.conf",
            "nodes/worker-c100/etc/kubernetes/pki/kubelet.key",
        ],
        lacks: &["nodes/worker-c101/etc/kubernetes/kubelet.conf"],
    });
}

fn check(example: &Example) {
    let project = FolderProject::example(example.name).applied();
    ended(&project.kpki(&["plan", "--detailed-exitcode"]), 0);
    ended(&project.kpki(&["verify"]), 0);
    for path in example.has {
        assert!(project.out(path).is_file(), "{path} is missing");
    }
    for path in example.lacks {
        assert!(!project.out(path).exists(), "{path} must not be there");
    }
    check_modes(&project);
    let certificates = certificates(&project, example);
    openssl_verifies(&project, &certificates);
    webpki_verifies(&project, &certificates);
    usages_in_words(&project, &certificates);
    pkilint_is_content(&project, &certificates);
    keys_belong(&project);
    check_kubeconfigs(&project, example);
}

/// Kubernetes' and kubeadm's modes.
fn check_modes(project: &FolderProject) {
    for entry in project.entries() {
        let suffix = entry.path.rsplit_once('.').map_or("", |(_, suffix)| suffix);
        let expected = match (entry.is_folder, suffix) {
            (true, _) if entry.path.ends_with("/manifests") => 0o700,
            (true, _) => 0o755,
            (false, "yaml") if entry.path.contains("/manifests/") => 0o600,
            (false, "crt" | "yaml") => 0o644,
            (false, "key" | "pub" | "conf" | "kubeconfig") => 0o600,
            (false, _) => panic!("{} is no file that this test knows", entry.path),
        };
        assert_eq!(entry.mode, expected, "{} has mode {:o}", entry.path, entry.mode);
    }
}

struct Certificate {
    path: String,
    ca: String,
    used_for: For,
    der: Vec<u8>,
}

/// Every certificate file with its row; one that no row knows is a failure.
fn certificates(project: &FolderProject, example: &Example) -> Vec<Certificate> {
    let all: Vec<_> = project
        .files(".crt")
        .into_iter()
        .map(|path| {
            let (ca, used_for) = row(&path, example);
            let ca = ca.to_owned();
            let der = one_certificate(&project.read(&path), &path);
            Certificate { path, ca, used_for, der }
        })
        .collect();
    assert!(all.len() >= 18, "only {} certificates", all.len());
    all
}

fn row<'a>(path: &'a str, example: &Example) -> (&'a str, For) {
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        ["ca", file] => (file.trim_end_matches(".crt"), For::Signing),
        // What kubeconfigs embed.
        ["identities" | "users", ..] => ("kubernetes", For::Client),
        ["nodes", _, "etc", "kubernetes", rest @ ..]
            if ON_NODES.iter().any(|row| row.0 == rest.join("/")) =>
        {
            let (_, ca, used_for) = *ON_NODES.iter().find(|row| row.0 == rest.join("/")).unwrap();
            (ca, used_for)
        }
        ["nodes" | "certificates", .., file] => {
            let name = file.trim_end_matches(".crt");
            let (_, ca, used_for) = *example
                .certificates
                .iter()
                .find(|extra| extra.0 == name)
                .unwrap_or_else(|| panic!("no row of this test knows {path}"));
            (ca, used_for)
        }
        _ => panic!("no row of this test knows {path}"),
    }
}

fn one_certificate(text: &str, path: &str) -> Vec<u8> {
    assert_eq!(text.matches("-----BEGIN ").count(), 1, "{path}");
    let inner = text
        .strip_prefix("-----BEGIN CERTIFICATE-----\n")
        .and_then(|rest| rest.strip_suffix("-----END CERTIFICATE-----\n"))
        .unwrap_or_else(|| panic!("{path} is not one PEM certificate"));
    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(inner.replace('\n', "")).unwrap()
}

/// Groups by CA and use: one process judges many files.
fn openssl_verifies(project: &FolderProject, certificates: &[Certificate]) {
    let mut groups: BTreeMap<(&str, For), Vec<&str>> = BTreeMap::new();
    for certificate in certificates {
        let group = groups.entry((&certificate.ca, certificate.used_for)).or_default();
        group.push(&certificate.path);
    }
    let verify = |ca: &str, purpose: &str, files: &[&str]| {
        tool("openssl")
            .args(["verify", "-x509_strict", "-check_ss_sig", "-purpose", purpose])
            .args(["-CAfile", &format!("ca/{ca}.crt")])
            .args(files)
            .current_dir(project.out(""))
            .output()
            .unwrap()
    };
    for ((ca, used_for), files) in &groups {
        for (purpose, fits) in [
            ("sslserver", matches!(used_for, For::Server | For::Both)),
            ("sslclient", matches!(used_for, For::Client | For::Both)),
        ] {
            if *used_for == For::Signing {
                continue;
            }
            let output = verify(ca, purpose, files);
            let text = said(&output);
            let count = |ending: &str| text.lines().filter(|line| line.ends_with(ending)).count();
            if fits {
                assert_eq!(count(": OK"), files.len(), "{ca} {purpose}\n{text}");
            } else {
                // "unsuitable certificate purpose", once a file.
                let refused = text.matches("error 26 at 0 depth lookup").count();
                assert_eq!(refused, files.len(), "{ca} {purpose}\n{text}");
            }
        }
        if *used_for == For::Signing {
            let output = verify(ca, "any", files);
            let good = said(&output).lines().filter(|line| line.ends_with(": OK")).count();
            assert_eq!(good, files.len(), "{ca}\n{}", said(&output));
        }
        // A certificate of one CA is nothing to another.
        let stranger = if *ca == "etcd" { "kubernetes" } else { "etcd" };
        let refused = said(&verify(stranger, "any", files));
        assert!(!refused.contains(": OK"), "{ca} to {stranger}\n{refused}");
    }
}

fn webpki_verifies(project: &FolderProject, certificates: &[Certificate]) {
    let now = UnixTime::since_unix_epoch(
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap(),
    );
    for certificate in certificates.iter().filter(|one| one.used_for != For::Signing) {
        let path = &certificate.path;
        let ca = format!("ca/{}.crt", certificate.ca);
        let root = CertificateDer::from(one_certificate(&project.read(&ca), &ca));
        let anchor = anchor_from_trusted_cert(&root).unwrap();
        let der = CertificateDer::from(certificate.der.as_slice());
        let leaf = EndEntityCert::try_from(&der).unwrap_or_else(|why| panic!("{path}: {why}"));
        for (usage, fits) in [
            (KeyUsage::server_auth(), certificate.used_for != For::Client),
            (KeyUsage::client_auth(), certificate.used_for != For::Server),
        ] {
            let judged = leaf.verify_for_usage(
                ALL_VERIFICATION_ALGS,
                std::slice::from_ref(&anchor),
                &[],
                now,
                usage,
                None,
                None,
            );
            match judged {
                Ok(_) => assert!(fits, "{path} is good for {usage:?}"),
                Err(webpki::Error::RequiredEkuNotFoundContext(_)) => {
                    assert!(!fits, "{path} is not good for {usage:?}");
                }
                Err(why) => panic!("{path}: {why}"),
            }
        }
    }
}

/// What OpenSSL prints of each certificate, by the DER's place in the list.
fn in_words(project: &FolderProject, certificates: &[Certificate]) -> Vec<String> {
    let all: String = certificates.iter().map(|one| project.read(&one.path)).collect();
    let file = project.path("all.pem");
    std::fs::write(&file, all).unwrap();
    let text = printed(tool("openssl").args(["storeutl", "-noout", "-text", "-certs"]).arg(&file));
    let words: Vec<String> = text.split("\nCertificate:\n").skip(1).map(str::to_owned).collect();
    assert_eq!(words.len(), certificates.len());
    words
}

/// The line below an extension's name.
fn extension<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut lines = text.lines().skip_while(|line| line.trim() != name);
    lines.next()?;
    lines.next().map(str::trim)
}

/// RFC 5280 4.2.1.3 and RFC 5480 3: no key encipherment where the key cannot encipher.
fn usages_in_words(project: &FolderProject, certificates: &[Certificate]) {
    for (certificate, text) in certificates.iter().zip(in_words(project, certificates)) {
        let path = &certificate.path;
        let is_rsa = text.contains("Public Key Algorithm: rsaEncryption");
        let expected = match (certificate.used_for, is_rsa) {
            (For::Signing, false) => "Digital Signature, Certificate Sign",
            (For::Signing, true) => "Digital Signature, Key Encipherment, Certificate Sign",
            (_, false) => "Digital Signature",
            (_, true) => "Digital Signature, Key Encipherment",
        };
        let usage = extension(&text, "X509v3 Key Usage: critical");
        assert_eq!(usage, Some(expected), "{path}\n{text}");
        let extended = match certificate.used_for {
            For::Server => Some("TLS Web Server Authentication"),
            For::Client => Some("TLS Web Client Authentication"),
            For::Both => Some("TLS Web Server Authentication, TLS Web Client Authentication"),
            For::Signing => None,
        };
        assert_eq!(extension(&text, "X509v3 Extended Key Usage:"), extended, "{path}");
        let constraint = extension(&text, "X509v3 Basic Constraints: critical").unwrap();
        let is_ca = certificate.used_for == For::Signing;
        assert!(constraint.starts_with(if is_ca { "CA:TRUE" } else { "CA:FALSE" }), "{path}");
        // OpenSSL verify does not look for these two.
        let subject_id = extension(&text, "X509v3 Subject Key Identifier:");
        assert_eq!(subject_id.is_some(), is_ca, "{path}");
        let authority_id = extension(&text, "X509v3 Authority Key Identifier:");
        assert!(is_ca || authority_id.is_some(), "{path} lacks an authority key identifier");
        // RFC 5280 4.2.1.6: critical where nothing else names the subject, and only there.
        let nameless = text.lines().any(|line| line.trim_end() == "        Subject:");
        let names = extension(
            &text,
            if nameless {
                "X509v3 Subject Alternative Name: critical"
            } else {
                "X509v3 Subject Alternative Name:"
            },
        );
        let serves = matches!(certificate.used_for, For::Server | For::Both);
        assert!(!serves || names.is_some(), "{path} has no name that a client could check");
    }
}

fn pkilint_is_content(project: &FolderProject, certificates: &[Certificate]) {
    let mut seen = BTreeSet::new();
    let files: Vec<&str> = certificates
        .iter()
        .filter(|certificate| seen.insert(&certificate.der))
        .map(|certificate| certificate.path.as_str())
        .collect();
    let report = printed(
        python()
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lint_pkix.py"))
            .args(&files)
            .current_dir(project.out("")),
    );
    assert!(report.ends_with(&format!("linted\t{}\n", files.len())), "{report}");
    let errors: Vec<&str> = report
        .lines()
        .filter(|line| !line.starts_with("linted\t"))
        .filter(|line| !is_single_label(line))
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

/// `kubernetes`, `localhost` and node names are names of one label. pkilint takes them for malformed; RFC
/// 1034 3.5 (`<subdomain> ::= <label>`), which RFC 5280 4.2.1.6 refers to, does not, and every Kubernetes
/// client in a pod dials `kubernetes`.
fn is_single_label(finding: &str) -> bool {
    let complaint = "pkix.invalid_domain_name_syntax\tInvalid domain name syntax: \"";
    finding.split_once(complaint).and_then(|(_, name)| name.strip_suffix('"')).is_some_and(|name| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !name.is_empty() && name.chars().all(allowed)
    })
}

/// Each private key has its public half beside it: in a certificate or in sa.pub.
fn keys_belong(project: &FolderProject) {
    let keys = project.files(".key");
    assert!(keys.len() >= 13, "only {} keys", keys.len());
    for (index, path) in keys.iter().enumerate() {
        let stem = path.trim_end_matches(".key");
        let public = if stem.ends_with("/sa") {
            project.read(&format!("{stem}.pub"))
        } else {
            public_key(&project.read(&format!("{stem}.crt")), path)
        };
        assert_eq!(public_half(&project.read(path), path), public, "{path}");
        // A process a key: in the large example for some of them.
        if index % keys.len().div_ceil(60) == 0 {
            let file = project.out(path);
            let answer = printed(tool("openssl").args(["pkey", "-pubout", "-in"]).arg(file));
            assert_eq!(answer, public, "{path}");
        }
    }
}

/// What rustls makes of a private key.
fn public_half(key: &str, path: &str) -> String {
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let key = any_supported_type(&key).unwrap_or_else(|why| panic!("{path}: {why}"));
    public_pem(&key.public_key().unwrap())
}

/// A certificate's public key as webpki reads it, in PEM.
fn public_key(certificate: &str, path: &str) -> String {
    let der = CertificateDer::from(one_certificate(certificate, path));
    let leaf = EndEntityCert::try_from(&der);
    let spki = if let Ok(leaf) = leaf {
        leaf.subject_public_key_info().to_vec()
    } else {
        // A CA is no end entity to webpki.
        let anchor = anchor_from_trusted_cert(&der).unwrap();
        sequence(&anchor.subject_public_key_info)
    };
    public_pem(&spki)
}

fn public_pem(spki: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(spki);
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(std::str::from_utf8(line).unwrap());
        pem.push('\n');
    }
    pem + "-----END PUBLIC KEY-----\n"
}

/// A trust anchor's key comes without its outer SEQUENCE.
fn sequence(content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut der = vec![0x30];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 0x80 => der.push(short),
        (Ok(byte), _) => der.extend([0x81, byte]),
        (_, Ok(two)) => {
            der.push(0x82);
            der.extend(two.to_be_bytes());
        }
        _ => panic!("a key of {length} bytes"),
    }
    der.extend(content);
    der
}

fn check_kubeconfigs(project: &FolderProject, example: &Example) {
    let mut files = project.files(".conf");
    files.extend(project.files(".kubeconfig"));
    assert!(files.len() >= 5, "only {files:?}");
    let ca = project.read("ca/kubernetes.crt");
    for path in &files {
        let config = Kubeconfig::read(&project.out(path));
        let (server, identity, user) = expected_kubeconfig(path, example);
        assert_eq!(config.server, server, "{path}");
        assert_eq!(config.cluster, example.cluster, "{path}");
        if let Some(user) = user {
            assert_eq!(config.user, user, "{path}");
        }
        assert_eq!(config.context, format!("{}@{}", config.user, config.cluster), "{path}");
        let name = path.rsplit('/').next().unwrap().trim_end_matches(".kubeconfig");
        let namespace = example.namespaces.iter().find(|(user, _)| *user == name);
        assert_eq!(config.namespace.as_deref(), namespace.map(|(_, space)| *space), "{path}");
        assert_eq!(config.authority, ca, "{path}");
        // The witness was verified as a client of this CA above.
        assert_eq!(config.certificate, project.read(&identity), "{path}");
        let public = public_key(&config.certificate, path);
        assert_eq!(public_half(&config.key, path), public, "{path}");
    }
}

/// A kubeconfig's server, witness and user (Kubernetes documentation, "Configure certificates for user
/// accounts"); a person's user is the common name that the description gives.
fn expected_kubeconfig(path: &str, example: &Example) -> (String, String, Option<String>) {
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        ["nodes", node, "etc", "kubernetes", file] => {
            let name = file.trim_end_matches(".conf");
            let local = || {
                let found = example.local.iter().find(|(local, _)| local == node);
                found.unwrap_or_else(|| panic!("{path} is not on a control-plane node")).1
            };
            let (server, user) = match name {
                "admin" => (example.endpoint, "kubernetes-admin".to_owned()),
                "super-admin" => (example.endpoint, "kubernetes-super-admin".to_owned()),
                // From 1.33 on that of the node itself, where there is one.
                "kubelet" => {
                    let own = example.local.iter().find(|(local, _)| local == node);
                    (
                        own.map_or(example.endpoint, |(_, server)| server),
                        format!("system:node:{node}"),
                    )
                }
                "kube-proxy" => (example.endpoint, "system:kube-proxy".to_owned()),
                "controller-manager" => (local(), "system:kube-controller-manager".to_owned()),
                "scheduler" => (local(), "system:kube-scheduler".to_owned()),
                _ => panic!("no row of this test knows {path}"),
            };
            (server.to_owned(), format!("identities/nodes/{node}/{name}.crt"), Some(user))
        }
        ["users", user, _] => {
            (example.endpoint.to_owned(), format!("users/{user}/{user}.crt"), None)
        }
        // Several control-plane nodes and none of them primary.
        ["ca", "super-admin.conf"] => (
            example.endpoint.to_owned(),
            "identities/operator/super-admin.crt".to_owned(),
            Some("kubernetes-super-admin".to_owned()),
        ),
        _ => panic!("no row of this test knows {path}"),
    }
}
