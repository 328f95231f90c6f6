//! /etc/kubernetes as kubeadm v1.36.2 writes it, made by OpenSSL: the node `kubemaster`, 192.168.5.11,
//! stacked etcd, EC keys. Names, extensions and modes were copied by hand from a real run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use base64::Engine as _;

use crate::testkit::{Desk, kpki, set_mode};

pub const APISERVER_NAMES: &str = "DNS:kubemaster,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,\
     DNS:kubernetes.default.svc.cluster.local,IP:10.96.0.1,IP:192.168.5.11";
pub const ETCD_NAMES: &str = "DNS:kubemaster,DNS:localhost,IP:192.168.5.11,IP:127.0.0.1,IP:::1";
pub const SERVER: &str = "serverAuth";
pub const CLIENT: &str = "clientAuth";
pub const BOTH: &str = "serverAuth,clientAuth";

/// Stem, CA, subject, extended key usage, alternative names.
pub type Leaf = (&'static str, &'static str, &'static str, &'static str, &'static str);

pub const APISERVER: Leaf =
    ("pki/apiserver", "pki/ca", "/CN=kube-apiserver", SERVER, APISERVER_NAMES);
pub const KUBELET_CLIENT: Leaf =
    ("pki/apiserver-kubelet-client", "pki/ca", "/CN=kube-apiserver-kubelet-client", CLIENT, "");
pub const ETCD_CLIENT: Leaf =
    ("pki/apiserver-etcd-client", "pki/etcd/ca", "/CN=kube-apiserver-etcd-client", CLIENT, "");
pub const FRONT_PROXY_CLIENT: Leaf =
    ("pki/front-proxy-client", "pki/front-proxy-ca", "/CN=front-proxy-client", CLIENT, "");
pub const ETCD_SERVER: Leaf =
    ("pki/etcd/server", "pki/etcd/ca", "/CN=kubemaster", BOTH, ETCD_NAMES);
pub const ETCD_PEER: Leaf = ("pki/etcd/peer", "pki/etcd/ca", "/CN=kubemaster", BOTH, ETCD_NAMES);
pub const HEALTHCHECK: Leaf =
    ("pki/etcd/healthcheck-client", "pki/etcd/ca", "/CN=kube-etcd-healthcheck-client", CLIENT, "");
const LEAVES: [Leaf; 7] = [
    APISERVER,
    KUBELET_CLIENT,
    ETCD_CLIENT,
    FRONT_PROXY_CLIENT,
    ETCD_SERVER,
    ETCD_PEER,
    HEALTHCHECK,
];

pub const AUTHORITIES: [(&str, &str); 3] = [
    ("pki/ca", "kubernetes"),
    ("pki/etcd/ca", "etcd-ca"),
    ("pki/front-proxy-ca", "front-proxy-ca"),
];

pub const CONFIGS: [(&str, &str); 5] = [
    ("admin", "/O=kubeadm:cluster-admins/CN=kubernetes-admin"),
    ("super-admin", "/O=system:masters/CN=kubernetes-super-admin"),
    ("kubelet", "/O=system:nodes/CN=system:node:kubemaster"),
    ("controller-manager", "/CN=system:kube-controller-manager"),
    ("scheduler", "/CN=system:kube-scheduler"),
];

/// Fixtures beside, each with its name here; they are kubeadm's.
const MANIFESTS: [(&str, &str); 4] = [
    ("etcd", "tests/manifests/etcd-file-mount/input.yaml"),
    ("kube-apiserver", "tests/manifests/apiserver-unchanged/input.yaml"),
    ("kube-controller-manager", "tests/manifests/controller-manager/input.yaml"),
    ("kube-scheduler", "tests/manifests/scheduler/input.yaml"),
];

pub const SERVER_URL: &str = "https://192.168.5.11:6443";
pub const AUTHORITY_EXTENSIONS: &str = "keyUsage=critical,digitalSignature,keyCertSign
basicConstraints=critical,CA:TRUE
subjectKeyIdentifier=hash";

/// What a certificate's extensions are made of, beyond its row.
#[derive(Clone, Copy)]
pub struct Form {
    pub key_usage: &'static str,
    pub constraints: &'static str,
    pub authority_key_id: &'static str,
    pub days: u32,
    /// More words for `openssl x509`.
    pub signing: &'static str,
    /// More lines of extensions.
    pub more: &'static str,
}

/// Without the bit that kubeadm sets and linters refuse.
pub const STRICT: Form = Form {
    key_usage: "critical,digitalSignature",
    constraints: "critical,CA:FALSE",
    authority_key_id: "keyid",
    days: 365,
    signing: "-sha256",
    more: "",
};
pub const KUBEADM: Form = Form { key_usage: "critical,digitalSignature,keyEncipherment", ..STRICT };

/// What OpenSSL needs lies beside the tree.
pub struct Tree(pub Desk);

impl Tree {
    pub fn empty() -> Self {
        let tree = Tree(Desk::new());
        std::fs::create_dir_all(tree.0.path("kubernetes/pki/etcd")).unwrap();
        std::fs::create_dir_all(tree.0.path("kubernetes/manifests")).unwrap();
        tree
    }

    pub fn kubeadm(form: Form) -> Self {
        let tree = Tree::empty();
        for (stem, name) in AUTHORITIES {
            tree.key(stem);
            tree.authority(stem, &format!("/CN={name}"), AUTHORITY_EXTENSIONS);
        }
        for leaf in LEAVES {
            tree.key(leaf.0);
            tree.leaf(leaf, form);
        }
        tree.service_account("ecparam -name prime256v1 -genkey -noout");
        for (name, subject) in CONFIGS {
            tree.config(name, "pki/ca", "pki/ca", subject, SERVER_URL, form);
        }
        for (name, fixture) in MANIFESTS {
            let bytes = std::fs::read(fixture).unwrap();
            tree.put(&format!("manifests/{name}.yaml"), bytes, 0o600);
        }
        tree
    }

    /// A copy of one strict tree, which nothing is wrong with.
    pub fn right() -> Self {
        static RIGHT: OnceLock<Tree> = OnceLock::new();
        let right = RIGHT.get_or_init(|| Tree::kubeadm(STRICT));
        let copy = Tree(Desk::new());
        let done =
            Command::new("cp").arg("-a").args([right.folder(), copy.0.path("kubernetes")]).status();
        assert!(done.unwrap().success());
        copy
    }

    pub fn folder(&self) -> PathBuf {
        self.0.path("kubernetes")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>, mode: u32) {
        std::fs::write(self.path(name), bytes).unwrap();
        self.mode(name, mode);
    }

    pub fn mode(&self, name: &str, mode: u32) {
        set_mode(self.path(name), mode);
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Replaces the first occurrence, which must be there.
    pub fn edit(&self, name: &str, old: &str, new: &str) {
        let text = self.read(name);
        assert!(text.contains(old), "{name} has no {old}");
        std::fs::write(self.path(name), text.replacen(old, new, 1)).unwrap();
    }

    pub fn copy(&self, from: &str, to: &str) {
        std::fs::copy(self.path(from), self.path(to)).unwrap();
    }

    pub fn key(&self, stem: &str) {
        self.key_by(stem, "ecparam -name prime256v1 -genkey -noout");
    }

    pub fn key_by(&self, stem: &str, command: &str) {
        let file = format!("{stem}.key");
        self.0.openssl(&format!("{command} -out kubernetes/{file}"));
        self.mode(&file, 0o600);
    }

    pub fn service_account(&self, command: &str) {
        self.key_by("pki/sa", command);
        self.0.openssl("pkey -in kubernetes/pki/sa.key -pubout -out kubernetes/pki/sa.pub");
        self.mode("pki/sa.pub", 0o600);
    }

    /// Over the key that is there.
    pub fn authority(&self, stem: &str, subject: &str, extensions: &str) {
        self.authority_in("utf8only", stem, subject, extensions);
    }

    /// `strings` is OpenSSL's word for the types of a name's texts.
    pub fn authority_in(&self, strings: &str, stem: &str, subject: &str, extensions: &str) {
        let section = "distinguished_name=dn\n[dn]\n[ca]\n";
        self.0.put("ca.conf", format!("[req]\nstring_mask={strings}\n{section}{extensions}\n"));
        self.0.openssl(&format!(
            "req -new -x509 -key kubernetes/{stem}.key -days 3650 -subj {subject} -config ca.conf -extensions ca \
             -out kubernetes/{stem}.crt"
        ));
    }

    /// A CA below another one.
    pub fn intermediate(&self, stem: &str, ca: &str, subject: &str, extensions: &str) {
        self.0.put("leaf.conf", format!("{extensions}\nauthorityKeyIdentifier=keyid\n"));
        self.0.put("empty.conf", "[req]\ndistinguished_name=dn\n[dn]\n");
        self.0.openssl(&format!(
            "req -new -key kubernetes/{stem}.key -subj {subject} -config empty.conf -out leaf.csr"
        ));
        self.0.openssl(&format!(
            "x509 -req -in leaf.csr -CA kubernetes/{ca}.crt -CAkey kubernetes/{ca}.key -days 3000 -extfile leaf.conf \
             -set_serial 77 -out kubernetes/{stem}.crt"
        ));
    }

    pub fn remove(&self, names: &[&str]) {
        for name in names {
            std::fs::remove_file(self.path(name)).unwrap();
        }
    }

    pub fn leaf(&self, (stem, ca, subject, usages, names): Leaf, form: Form) {
        let mut extensions = format!(
            "keyUsage={}\nextendedKeyUsage={usages}\nbasicConstraints={}\nauthorityKeyIdentifier={}\n{}\n",
            form.key_usage, form.constraints, form.authority_key_id, form.more
        );
        if form.constraints.contains("TRUE") {
            extensions += "subjectKeyIdentifier=hash\n";
        }
        if !names.is_empty() {
            extensions = format!("{extensions}subjectAltName={names}\n");
        }
        self.0.put("leaf.conf", extensions);
        self.0.put("empty.conf", "[req]\ndistinguished_name=dn\n[dn]\n");
        self.0.openssl(&format!(
            "req -new -key kubernetes/{stem}.key -subj {subject} -config empty.conf -out leaf.csr"
        ));
        let serial = if form.signing.contains("-set_serial") {
            String::new()
        } else {
            let number = self.0.openssl("rand -hex 7");
            format!("-set_serial 0x1{}", number.trim())
        };
        self.0.openssl(
            format!(
                "x509 -req -in leaf.csr -CA kubernetes/{ca}.crt -CAkey kubernetes/{ca}.key -days {} -extfile leaf.conf \
                 -out kubernetes/{stem}.crt {} {serial}",
                form.days, form.signing
            )
            .trim_end(),
        );
    }

    /// As kubeadm orders it, with a client of its own.
    pub fn config(
        &self,
        name: &str,
        ca: &str,
        signer: &str,
        subject: &str,
        server: &str,
        form: Form,
    ) {
        let stem = format!("{name}-client");
        self.key(&stem);
        let leaf: Leaf = (
            Box::leak(stem.clone().into_boxed_str()),
            Box::leak(signer.to_owned().into_boxed_str()),
            Box::leak(subject.to_owned().into_boxed_str()),
            CLIENT,
            "",
        );
        self.leaf(leaf, form);
        let data = |file: &str| base64::engine::general_purpose::STANDARD.encode(self.read(file));
        let user = subject.rsplit('=').next().unwrap();
        let text = format!(
            "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {}
    server: {server}
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: {user}
  name: {user}@kubernetes
current-context: {user}@kubernetes
kind: Config
users:
- name: {user}
  user:
    client-certificate-data: {}
    client-key-data: {}
",
            data(&format!("{ca}.crt")),
            data(&format!("{stem}.crt")),
            data(&format!("{stem}.key")),
        );
        std::fs::remove_file(self.path(&format!("{stem}.crt"))).unwrap();
        std::fs::remove_file(self.path(&format!("{stem}.key"))).unwrap();
        self.put(&format!("{name}.conf"), text, 0o600);
    }
}

/// What the binary says of a folder, and how it ends.
pub fn verify(folder: &Path, more: &[&str]) -> (serde_json::Value, i32) {
    let output = kpki(Path::new("."))
        .args(["verify", "--format", "json"])
        .arg(folder)
        .args(more)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let report = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (report, output.status.code().unwrap())
}

/// The findings' ids, each once.
pub fn ids(report: &serde_json::Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let mut ids: Vec<String> =
        findings.iter().map(|finding| finding["id"].as_str().unwrap().to_owned()).collect();
    ids.dedup();
    ids
}
