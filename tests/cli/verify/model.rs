//! A cluster as values: machines in kubeadm's layout, made in memory, so that thousands can be judged.

use std::collections::BTreeMap;

use base64::Engine as _;
use kpki::lint::{Finding, Severity, Tree, lint};
use kpki::state::Access;

use kpki::time::Timestamp;

use crate::testkit::NOW;
use crate::testkit::made::{
    CLIENT, DAY, DIGITAL_SIGNATURE, KEY_CERT_SIGN, Made, PRINTABLE, SERVER, element, oid,
    public_key, sequence, signing_key,
};

/// What a good cluster may look like.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
pub struct Shape {
    pub control_planes: usize,
    pub workers: usize,
    pub external_etcd: bool,
    /// Of the cluster's CA and of etcd's.
    pub middle: [Middle; 2],
    /// In the bundle of the cluster's CA.
    pub old: Old,
    pub old_first: bool,
    pub rotated: bool,
    pub manifests: bool,
    pub identifiers: bool,
    pub key_usage: bool,
    pub text_between: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Middle {
    None,
    /// The root in the bundle, the intermediate in the leaf's file.
    InFiles,
    /// The intermediate in the bundle, its root nowhere.
    Anchor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    None,
    Valid,
    Expired,
}

#[derive(Clone)]
pub struct Authority {
    pub root: Made,
    pub middle: Option<Made>,
    pub is_middle_trusted: bool,
    pub old: Option<Made>,
    pub old_first: bool,
}

#[derive(Clone)]
pub struct Leaf {
    pub machine: String,
    /// The stem below /etc/kubernetes, or a kubeconfig's name.
    pub stem: String,
    pub made: Made,
    pub ca: &'static str,
    /// Instead of the CA's signer.
    pub by: Option<Made>,
    pub without_chain: bool,
    pub config: Option<Config>,
}

#[derive(Clone)]
pub struct Config {
    pub server: String,
    /// More lines of the cluster.
    pub lines: Vec<String>,
    /// Of which bundle.
    pub ca: Option<&'static str>,
    pub has_certificate: bool,
    pub has_key: bool,
    /// The kubelet's own store.
    pub by_file: bool,
}

pub struct Model {
    pub shape: Shape,
    pub cas: BTreeMap<&'static str, Authority>,
    /// Where kubeconfigs have an earlier one than the bundle.
    pub embedded: Option<Authority>,
    pub leaves: Vec<Leaf>,
    /// Certificates with their signers that lie in no place.
    pub flat: Vec<(String, Made, Made)>,
    pub machines: Vec<String>,
    next: u32,
}

/// `[("O", "ops"), ("CN", "jane")]`
pub fn dn(pairs: &[(&str, &str)]) -> Vec<u8> {
    let rdns: Vec<u8> = (pairs.iter())
        .flat_map(|(kind, text)| {
            let kind = if *kind == "O" { oid("2.5.4.10") } else { oid("2.5.4.3") };
            let pair = sequence(&[&kind, &element(PRINTABLE, &[text.as_bytes()])]);
            element(0x31, &[&pair])
        })
        .collect();
    sequence(&[&rdns])
}

fn pem(label: &str, der: &[u8]) -> String {
    pem::encode(&pem::Pem::new(label, der))
}

/// SEC1 (RFC 5915), as kubeadm writes it.
fn key_pem(number: u32) -> String {
    let scalar = signing_key(number).to_bytes();
    let spki = public_key(number);
    let point = &spki[spki.len() - 65..];
    let der = sequence(&[
        &element(2, &[&[1]]),
        &element(4, &[&scalar]),
        &element(0xa0, &[&oid("1.2.840.10045.3.1.7")]),
        &element(0xa1, &[&element(3, &[&[0], point])]),
    ]);
    pem("EC PRIVATE KEY", &der)
}

impl Authority {
    pub fn signer(&self) -> &Made {
        self.middle.as_ref().unwrap_or(&self.root)
    }

    /// What its readers load.
    fn loaded(&self) -> Vec<Vec<u8>> {
        let own = match &self.middle {
            Some(middle) if self.is_middle_trusted => middle.signed_by(&self.root),
            _ => self.root.self_signed(),
        };
        let old = self.old.as_ref().map(Made::self_signed);
        let mut all: Vec<Vec<u8>> = [own].into_iter().chain(old).collect();
        if self.old_first {
            all.reverse();
        }
        all
    }
}

impl Model {
    pub fn new(shape: &Shape) -> Self {
        let mut model = Model {
            shape: shape.clone(),
            cas: BTreeMap::new(),
            embedded: None,
            leaves: Vec::new(),
            flat: Vec::new(),
            machines: Vec::new(),
            next: 1,
        };
        let middles = [shape.middle[0], shape.middle[1], Middle::None];
        let names = ["kubernetes", "etcd-ca", "front-proxy-ca"];
        for (name, middle) in names.into_iter().zip(middles) {
            let root = model.ca(if middle == Middle::None { name } else { "company" });
            let middle_made = (middle != Middle::None).then(|| model.ca(name));
            let old = (name == "kubernetes" && shape.old != Old::None).then(|| {
                let old = model.ca(name);
                let until = if shape.old == Old::Expired { NOW - 10 * DAY } else { old.until };
                Made { until, ..old }
            });
            model.cas.insert(
                name,
                Authority {
                    root,
                    middle: middle_made,
                    is_middle_trusted: middle == Middle::Anchor,
                    old,
                    old_first: shape.old_first,
                },
            );
        }
        for number in 1..=shape.control_planes {
            model.control_plane(&format!("cp{number}"), number);
        }
        for number in 1..=shape.workers {
            model.kubelet(&format!("w{number}"));
        }
        if shape.external_etcd {
            model.etcd("e1", 100);
        }
        model
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    pub fn ca(&mut self, name: &str) -> Made {
        let key = self.number();
        Made {
            serial: serial(key),
            key_usage: self.shape.key_usage.then_some(DIGITAL_SIGNATURE | KEY_CERT_SIGN),
            subject_key_id: self.shape.identifiers.then(|| identifier(key)),
            ..Made::ca(name, key)
        }
    }

    pub fn leaf_made(
        &mut self,
        subject: &[(&str, &str)],
        usages: &[&'static str],
        sans: &[String],
    ) -> Made {
        let key = self.number();
        Made {
            serial: serial(key),
            subject: dn(subject),
            key,
            constraints: Some((false, None)),
            key_usage: Some(DIGITAL_SIGNATURE),
            usages: Some(usages.to_vec()),
            sans: sans.to_vec(),
            until: NOW + 300 * DAY,
            ..Made::leaf("")
        }
    }

    fn pair(
        &mut self,
        machine: &str,
        stem: &str,
        ca: &'static str,
        subject: &[(&str, &str)],
        usages: &[&'static str],
        sans: &[String],
    ) {
        let made = self.leaf_made(subject, usages, sans);
        self.leaves.push(Leaf {
            machine: machine.into(),
            stem: stem.into(),
            made,
            ca,
            by: None,
            without_chain: false,
            config: None,
        });
    }

    fn config(&mut self, machine: &str, name: &str, subject: &[(&str, &str)], server: &str) {
        self.pair(machine, name, "kubernetes", subject, &[CLIENT], &[]);
        let last = self.leaves.last_mut().unwrap();
        last.config = Some(Config {
            server: server.into(),
            lines: Vec::new(),
            ca: Some("kubernetes"),
            has_certificate: true,
            has_key: true,
            by_file: false,
        });
    }

    fn kubelet(&mut self, machine: &str) {
        self.machines.push(machine.into());
        let name = format!("system:node:{machine}");
        let subject = [("O", "system:nodes"), ("CN", &*name)];
        self.config(machine, "kubelet.conf", &subject, "https://10.0.0.1:6443");
        let rotated = self.shape.rotated;
        self.leaves.last_mut().unwrap().config.as_mut().unwrap().by_file = rotated;
    }

    fn etcd(&mut self, machine: &str, number: usize) {
        if !self.machines.iter().any(|known| known == machine) {
            self.machines.push(machine.into());
        }
        let names = sans(&[
            &format!("DNS:{machine}"),
            "DNS:localhost",
            &format!("IP:10.0.0.{number}"),
            "IP:127.0.0.1",
        ]);
        let subject = [("CN", machine)];
        self.pair(machine, "pki/etcd/server", "etcd-ca", &subject, &[SERVER, CLIENT], &names);
        self.pair(machine, "pki/etcd/peer", "etcd-ca", &subject, &[SERVER, CLIENT], &names);
        let subject = [("CN", "kube-etcd-healthcheck-client")];
        self.pair(machine, "pki/etcd/healthcheck-client", "etcd-ca", &subject, &[CLIENT], &[]);
    }

    fn control_plane(&mut self, machine: &str, number: usize) {
        self.kubelet(machine);
        let address = format!("10.0.0.{number}");
        let local = format!("https://{address}:6443");
        let names = sans(&[
            &format!("DNS:{machine}"),
            "DNS:kubernetes",
            "DNS:kubernetes.default",
            "DNS:kubernetes.default.svc",
            "DNS:kubernetes.default.svc.cluster.local",
            "IP:10.96.0.1",
            "IP:10.0.0.1",
            &format!("IP:{address}"),
        ]);
        self.pair(
            machine,
            "pki/apiserver",
            "kubernetes",
            &[("CN", "kube-apiserver")],
            &[SERVER],
            &names,
        );
        for (stem, ca, name) in [
            ("pki/apiserver-kubelet-client", "kubernetes", "kube-apiserver-kubelet-client"),
            ("pki/apiserver-etcd-client", "etcd-ca", "kube-apiserver-etcd-client"),
            ("pki/front-proxy-client", "front-proxy-ca", "front-proxy-client"),
        ] {
            self.pair(machine, stem, ca, &[("CN", name)], &[CLIENT], &[]);
        }
        if !self.shape.external_etcd {
            self.etcd(machine, number);
        }
        let admin = [("O", "kubeadm:cluster-admins"), ("CN", "kubernetes-admin")];
        self.config(machine, "admin.conf", &admin, "https://10.0.0.1:6443");
        let name = [("CN", "system:kube-controller-manager")];
        self.config(machine, "controller-manager.conf", &name, &local);
        self.config(machine, "scheduler.conf", &[("CN", "system:kube-scheduler")], &local);
    }

    /// The first machine's.
    pub fn at(&mut self, stem: &str) -> &mut Leaf {
        self.leaves.iter_mut().find(|leaf| leaf.stem == stem).unwrap()
    }

    pub fn conf(&mut self, stem: &str) -> &mut Config {
        self.at(stem).config.as_mut().unwrap()
    }

    pub fn root(&mut self, ca: &str) -> &mut Made {
        &mut self.cas.get_mut(ca).unwrap().root
    }

    pub fn findings(&self) -> Vec<Finding> {
        lint(&self.tree(), Timestamp::from_unix(NOW))
    }

    pub fn errors(&self) -> Vec<Finding> {
        let is_error = |finding: &Finding| finding.rule.severity == Severity::Error;
        self.findings().into_iter().filter(is_error).collect()
    }

    pub fn tree(&self) -> Tree {
        let mut tree = Tree::new("/srv/copies");
        for machine in &self.machines {
            self.shared(&mut tree, machine);
        }
        for leaf in &self.leaves {
            self.leaf(&mut tree, leaf);
        }
        for (path, made, signer) in &self.flat {
            tree.add(
                path,
                Access::of(0o644),
                pem("CERTIFICATE", &made.signed_by(signer)).as_bytes(),
            );
        }
        tree
    }

    fn bundle(&self, certificates: &[Vec<u8>]) -> String {
        let between = if self.shape.text_between { "subject: a text between\n" } else { "" };
        certificates.iter().map(|der| format!("{between}{}", pem("CERTIFICATE", der))).collect()
    }

    /// Whether the file of the bundle is not the one that signs.
    fn has_signing_file(&self) -> bool {
        let ca = &self.cas["kubernetes"];
        ca.old.is_some() || ca.middle.is_some()
    }

    fn shared(&self, tree: &mut Tree, machine: &str) {
        let is_control_plane = machine.starts_with("cp");
        let folder = format!("{machine}/etc/kubernetes");
        for (ca, path) in [
            ("kubernetes", "pki/ca.crt"),
            ("etcd-ca", "pki/etcd/ca.crt"),
            ("front-proxy-ca", "pki/front-proxy-ca.crt"),
        ] {
            let is_here = match ca {
                "kubernetes" => !machine.starts_with('e'),
                "etcd-ca" => is_control_plane || machine.starts_with('e'),
                _ => is_control_plane,
            };
            if is_here {
                let text = self.bundle(&self.cas[ca].loaded());
                tree.add(&format!("{folder}/{path}"), Access::of(0o644), text.as_bytes());
            }
        }
        if !is_control_plane {
            return;
        }
        let signer = self.cas["kubernetes"].signer();
        let mut manifests = MANIFESTS.to_vec();
        let mut edits = vec![
            ("192.168.5.11".to_owned(), format!("10.0.0.{}", &machine[2..])),
            ("kubemaster".to_owned(), machine.to_owned()),
        ];
        let stem = if self.has_signing_file() { "signer" } else { "ca" };
        tree.add(
            &format!("{folder}/pki/{stem}.key"),
            Access::of(0o600),
            key_pem(signer.key).as_bytes(),
        );
        if self.has_signing_file() {
            let ca = &self.cas["kubernetes"];
            let above = ca.middle.as_ref().map_or(signer, |_| &ca.root);
            let text = pem("CERTIFICATE", &signer.signed_by(above));
            tree.add(&format!("{folder}/pki/signer.crt"), Access::of(0o644), text.as_bytes());
            for (flag, end) in [("cert-file", "crt"), ("key-file", "key")] {
                let flag = format!("--cluster-signing-{flag}=/etc/kubernetes/pki/");
                edits.push((format!("{flag}ca.{end}"), format!("{flag}signer.{end}")));
            }
        }
        if self.shape.external_etcd {
            manifests.retain(|(name, _)| *name != "etcd");
            edits.push(("https://127.0.0.1:2379".into(), "https://10.0.0.100:2379".into()));
        }
        tree.add(&format!("{folder}/pki/sa.key"), Access::of(0o600), key_pem(9999).as_bytes());
        let public = pem("PUBLIC KEY", &public_key(9999));
        tree.add(&format!("{folder}/pki/sa.pub"), Access::of(0o600), public.as_bytes());
        for (name, fixture) in manifests.iter().filter(|_| self.shape.manifests) {
            let text = std::fs::read_to_string(fixture).unwrap();
            let text = edits.iter().fold(text, |text, (old, new)| text.replace(old, new));
            tree.add(
                &format!("{folder}/manifests/{name}.yaml"),
                Access::of(0o600),
                text.as_bytes(),
            );
        }
    }

    /// The leaf and what comes with it.
    fn chain(&self, leaf: &Leaf) -> String {
        let ca = &self.cas[leaf.ca];
        let signer = leaf.by.as_ref().unwrap_or_else(|| ca.signer());
        let mut all = vec![leaf.made.signed_by(signer)];
        if let Some(middle) =
            ca.middle.as_ref().filter(|_| !ca.is_middle_trusted && leaf.by.is_none())
            && !leaf.without_chain
        {
            all.push(middle.signed_by(&ca.root));
        }
        self.bundle(&all)
    }

    fn leaf(&self, tree: &mut Tree, leaf: &Leaf) {
        let folder = format!("{}/etc/kubernetes", leaf.machine);
        let (certificate, key) = (self.chain(leaf), key_pem(leaf.made.key));
        let Some(config) = &leaf.config else {
            tree.add(
                &format!("{folder}/{}.crt", leaf.stem),
                Access::of(0o644),
                certificate.as_bytes(),
            );
            tree.add(&format!("{folder}/{}.key", leaf.stem), Access::of(0o600), key.as_bytes());
            return;
        };
        let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let mut lines = config.lines.clone();
        if let Some(ca) = config.ca {
            let embedded = self.embedded.as_ref().filter(|_| ca == "kubernetes");
            let loaded = embedded.unwrap_or(&self.cas[ca]).loaded();
            lines.push(format!("certificate-authority-data: {}", base64(&self.bundle(&loaded))));
        }
        let mut user = Vec::new();
        if config.by_file {
            let pki = "/var/lib/kubelet/pki";
            user.push(format!("client-certificate: {pki}/kubelet-client-current.pem"));
            user.push(format!("client-key: {pki}/kubelet-client-current.pem"));
            self.store(tree, leaf, &certificate, &key);
        } else {
            if config.has_certificate {
                user.push(format!("client-certificate-data: {}", base64(&certificate)));
            }
            if config.has_key {
                user.push(format!("client-key-data: {}", base64(&key)));
            }
        }
        let indent =
            |lines: &[String]| lines.iter().map(|line| format!("    {line}\n")).collect::<String>();
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: k\n  cluster:\n    server: {}\n{}\
             contexts:\n- name: c\n  context:\n    cluster: k\n    user: u\ncurrent-context: c\n\
             users:\n- name: u\n  user:\n{}",
            config.server,
            indent(&lines),
            indent(&user),
        );
        tree.add(&format!("{folder}/{}", leaf.stem), Access::of(0o600), text.as_bytes());
    }

    /// client-go's: an expired one that was exchanged, the one in use, and the absolute link to it.
    fn store(&self, tree: &mut Tree, leaf: &Leaf, certificate: &str, key: &str) {
        let pki = format!("{}/var/lib/kubelet/pki", leaf.machine);
        let old = Made { until: NOW - 30 * DAY, serial: vec![9], ..leaf.made.clone() };
        let signer = self.cas[leaf.ca].signer();
        let old = pem("CERTIFICATE", &old.signed_by(signer)) + &key_pem(leaf.made.key);
        tree.add(
            &format!("{pki}/kubelet-client-2025-01-02-03-04-05.pem"),
            Access::of(0o600),
            old.as_bytes(),
        );
        let name = "kubelet-client-2026-01-02-03-04-05.pem";
        tree.add(
            &format!("{pki}/{name}"),
            Access::of(0o600),
            format!("{certificate}{key}").as_bytes(),
        );
        let target = format!("/var/lib/kubelet/pki/{name}");
        tree.add_link(&format!("{pki}/kubelet-client-current.pem"), &target);
    }
}

const MANIFESTS: [(&str, &str); 4] = [
    ("etcd", "tests/manifests/etcd-file-mount/input.yaml"),
    ("kube-apiserver", "tests/manifests/apiserver-unchanged/input.yaml"),
    ("kube-controller-manager", "tests/manifests/controller-manager/input.yaml"),
    ("kube-scheduler", "tests/manifests/scheduler/input.yaml"),
];

pub fn sans(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn serial(number: u32) -> Vec<u8> {
    [&[1], &number.to_be_bytes()[..]].concat()
}

fn identifier(key: u32) -> Vec<u8> {
    [&[7; 16], &key.to_be_bytes()[..]].concat()
}
