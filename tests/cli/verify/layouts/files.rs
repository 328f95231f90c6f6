//! A machine's PKI files in memory, made from rows. The certificates are made here, without kpki: extensions
//! by rcgen, keys and signatures by ring.
//!
//! All keys are EC, also where a distribution makes RSA keys, which would take minutes. So key encipherment
//! is set only where EC keys have it in reality.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm,
    SigningKey,
};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use time::{Duration, OffsetDateTime};

use crate::testkit::set_mode;

pub const SERVER: &str = "serverAuth";
pub const CLIENT: &str = "clientAuth";
pub const BOTH: &str = "serverAuth,clientAuth";

/// A CA: its certificate's path, its key's (none: nobody has it here), its subject.
#[derive(Clone, Copy)]
pub struct Ca {
    pub certificate: &'static str,
    pub key: &'static str,
    pub subject: &'static str,
    pub may_sign: bool,
    /// The path of its issuer's certificate, which follows its own; empty: its own.
    pub issuer: &'static str,
}

pub const fn ca(certificate: &'static str, key: &'static str, subject: &'static str) -> Ca {
    Ca { certificate, key, subject, may_sign: true, issuer: "" }
}

/// Paths in parentheses are of no file: the certificate lies in a kubeconfig alone.
#[derive(Clone, Copy)]
pub struct Leaf {
    pub certificate: &'static str,
    pub key: &'static str,
    /// The path of its CA's certificate.
    pub ca: &'static str,
    pub subject: &'static str,
    pub usages: &'static str,
    pub names: &'static str,
    /// Until it ends.
    pub days: i64,
    pub serial: Option<u8>,
}

pub const fn leaf(
    certificate: &'static str,
    key: &'static str,
    ca: &'static str,
    subject: &'static str,
    usages: &'static str,
    names: &'static str,
) -> Leaf {
    Leaf { certificate, key, ca, subject, usages, names, days: 365, serial: None }
}

/// A kubeconfig of the files at these paths.
#[derive(Clone, Copy)]
pub struct Config {
    pub path: &'static str,
    pub server: &'static str,
    pub ca: &'static str,
    pub certificate: &'static str,
    pub key: &'static str,
    pub embedded: bool,
}

pub const fn embedded(
    path: &'static str,
    server: &'static str,
    ca: &'static str,
    certificate: &'static str,
    key: &'static str,
) -> Config {
    Config { path, server, ca, certificate, key, embedded: true }
}

/// It names its files by their paths on the machine.
pub const fn named(
    path: &'static str,
    server: &'static str,
    ca: &'static str,
    certificate: &'static str,
    key: &'static str,
) -> Config {
    Config { path, server, ca, certificate, key, embedded: false }
}

/// What a distribution does in every certificate.
#[derive(Clone, Copy)]
pub struct Form {
    /// The CA's certificate follows the leaf's.
    pub chain: bool,
    pub key_encipherment: bool,
    pub ca_usages: &'static str,
    pub key_mode: u32,
}

pub const PLAIN: Form =
    Form { chain: false, key_encipherment: false, ca_usages: "", key_mode: 0o600 };

type Rendered = BTreeMap<String, (u32, Vec<u8>)>;
type Change = Box<dyn Fn(&mut Rendered)>;

pub struct Files {
    pub form: Form,
    pub cas: Vec<Ca>,
    pub leaves: Vec<Leaf>,
    pub configs: Vec<Config>,
    /// Path, mode, content.
    texts: Vec<(String, u32, Vec<u8>)>,
    /// A further path of a file, by name of the first.
    copies: Vec<(&'static str, &'static str)>,
    keys: BTreeMap<&'static str, Key>,
    /// Made of other files.
    derived: Vec<Change>,
    edits: Vec<Change>,
    /// Path and target.
    pub links: Vec<(&'static str, &'static str)>,
}

impl Files {
    pub fn new(form: Form, cas: &[Ca], leaves: &[Leaf], configs: &[Config]) -> Self {
        let own = cas.iter().map(|ca| ca.key).chain(leaves.iter().map(|leaf| leaf.key));
        Files {
            form,
            cas: cas.to_vec(),
            leaves: leaves.to_vec(),
            configs: configs.to_vec(),
            texts: Vec::new(),
            copies: Vec::new(),
            keys: own.map(|path| (path, Key::new())).collect(),
            derived: Vec::new(),
            edits: Vec::new(),
            links: Vec::new(),
        }
    }

    /// The same of another name, in paths and in subjects.
    pub fn renamed(mut self, old: &str, new: &str) -> Self {
        let rename = |text: &mut &'static str| *text = text.replace(old, new).leak();
        for ca in &mut self.cas {
            [&mut ca.certificate, &mut ca.key, &mut ca.subject].into_iter().for_each(rename);
        }
        for leaf in &mut self.leaves {
            let Leaf { certificate, key, ca, subject, .. } = leaf;
            [certificate, key, ca, subject].into_iter().for_each(rename);
        }
        for config in &mut self.configs {
            let Config { path, ca, certificate, key, .. } = config;
            [path, ca, certificate, key].into_iter().for_each(rename);
        }
        for (from, to) in &mut self.copies {
            [from, to].into_iter().for_each(rename);
        }
        for (path, ..) in &mut self.texts {
            *path = path.replace(old, new);
        }
        let keys = std::mem::take(&mut self.keys).into_iter();
        self.keys = keys.map(|(path, key)| (&*path.replace(old, new).leak(), key)).collect();
        self
    }

    pub fn text(&mut self, path: &str, mode: u32, content: impl AsRef<[u8]>) {
        self.texts.push((path.to_owned(), mode, content.as_ref().to_vec()));
    }

    pub fn copy(&mut self, from: &'static str, to: &'static str) {
        self.copies.push((from, to));
    }

    /// A certificate and its key in one file, as a kubelet keeps its own.
    pub fn joined(&mut self, certificate: &'static str, key: &'static str, path: &'static str) {
        self.derived.push(Box::new(move |files| {
            let bytes = [&*files[certificate].1, &*files[key].1].concat();
            files.insert(path.into(), (0o600, bytes));
        }));
    }

    /// A text with `<PATH>` for a file's content in base64.
    pub fn holding(&mut self, path: &'static str, template: &'static str) {
        self.derived.push(Box::new(move |files| {
            let mut text = String::new();
            for (at, part) in template.split(['<', '>']).enumerate() {
                let file = || files.get(part).unwrap_or_else(|| panic!("no {part}"));
                text += &if at % 2 == 0 { part.to_owned() } else { base64(&file().1) };
            }
            files.insert(path.into(), (0o600, text.into_bytes()));
        }));
    }

    /// A key without a certificate, and its public half where a path is given.
    pub fn bare_key(&mut self, private: &'static str, public: Option<&'static str>) {
        let key = Key::new();
        self.text(private, self.form.key_mode, key.pem());
        if let Some(path) = public {
            self.text(path, 0o644, pem_of("PUBLIC KEY", key.subject_public_key_info()));
        }
    }

    /// CAs above all others, the highest first.
    pub fn add_first(&mut self, above: [Ca; 2]) {
        self.keys.extend(above.map(|ca| (ca.key, Key::new())));
        self.cas.splice(..0, above);
    }

    pub fn add_ca(&mut self, ca: Ca) {
        self.keys.insert(ca.key, Key::new());
        self.cas.push(ca);
    }

    /// Of another kind than all others.
    pub fn ed25519(&mut self, key: &'static str) {
        *self.keys.get_mut(key).unwrap() = Key::ed25519();
    }

    /// A request for a certificate over this key.
    pub fn request(&mut self, key: &'static str, path: &str) {
        let der = CertificateParams::default().serialize_request(&self.keys[key]).unwrap();
        self.text(path, 0o644, pem_of("CERTIFICATE REQUEST", der.der().to_vec()));
    }

    pub fn mode(&mut self, path: &'static str, mode: u32) {
        self.edits.push(Box::new(move |files| {
            files.get_mut(path).unwrap_or_else(|| panic!("no {path}")).0 = mode;
        }));
    }

    pub fn leaf(&mut self, certificate: &str) -> &mut Leaf {
        self.leaves.iter_mut().find(|leaf| leaf.certificate == certificate).unwrap()
    }

    pub fn ca(&mut self, certificate: &str) -> &mut Ca {
        self.cas.iter_mut().find(|ca| ca.certificate == certificate).unwrap()
    }

    pub fn config(&mut self, path: &str) -> &mut Config {
        self.configs.iter_mut().find(|config| config.path == path).unwrap()
    }

    /// A change of the finished file, which must be there.
    pub fn edit(&mut self, path: &'static str, change: fn(&str) -> String) {
        self.edits.push(Box::new(move |files| {
            let (_, bytes) = files.get_mut(path).unwrap_or_else(|| panic!("no {path}"));
            let text = change(std::str::from_utf8(bytes).unwrap());
            assert_ne!(text.as_bytes(), *bytes, "{path} is as it was");
            *bytes = text.into_bytes();
        }));
    }

    pub fn exchange(&mut self, path: &'static str, by: &'static str) {
        self.edits.push(Box::new(move |files| {
            let other = files.get(by).unwrap_or_else(|| panic!("no {by}")).1.clone();
            files.get_mut(path).unwrap_or_else(|| panic!("no {path}")).1 = other;
        }));
    }

    pub fn remove(&mut self, path: &'static str) {
        self.edits.push(Box::new(move |files| {
            files.remove(path).unwrap_or_else(|| panic!("no {path}"));
        }));
    }

    pub fn render(&self) -> Rendered {
        let mut files = Rendered::new();
        for ca in &self.cas {
            let mut bytes = self.ca_pem(ca).into_bytes();
            if !ca.issuer.is_empty() {
                bytes.extend(&files[ca.issuer].1);
            }
            files.insert(ca.certificate.into(), (0o644, bytes));
            files.insert(ca.key.into(), (self.form.key_mode, self.keys[ca.key].pem().into()));
        }
        for leaf in &self.leaves {
            let mut bytes = self.leaf_pem(leaf).into_bytes();
            if self.form.chain {
                bytes.extend(&files[leaf.ca].1);
            }
            files.insert(leaf.certificate.into(), (0o644, bytes));
            files.insert(leaf.key.into(), (self.form.key_mode, self.keys[leaf.key].pem().into()));
        }
        for (path, mode, content) in &self.texts {
            files.insert(path.clone(), (*mode, content.clone()));
        }
        for config in &self.configs {
            let text = config.text(&files);
            files.insert(config.path.into(), (0o600, text.into()));
        }
        for derive in &self.derived {
            derive(&mut files);
        }
        for (from, to) in &self.copies {
            let file = files.get(*from).unwrap_or_else(|| panic!("no {from}")).clone();
            files.insert((*to).into(), file);
        }
        files.retain(|path, _| !path.starts_with('('));
        for edit in &self.edits {
            edit(&mut files);
        }
        files
    }

    /// Writes it, as if the folder were the machine's root.
    pub fn write(&self, folder: &Path) {
        for (path, (mode, bytes)) in self.render() {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, bytes).unwrap();
            set_mode(&path, mode);
        }
        for (path, target) in &self.links {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(target, path).unwrap();
        }
    }

    fn ca_pem(&self, row: &Ca) -> String {
        let key = &self.keys[row.key];
        let mut params = Self::params(row.subject, key, 3650, None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
        if self.form.key_encipherment {
            params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        }
        params.extended_key_usages = purposes(self.form.ca_usages);
        if !row.may_sign {
            params.is_ca = IsCa::ExplicitNoCa;
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        }
        let der = if row.issuer.is_empty() {
            params.self_signed(key).unwrap()
        } else {
            self.signed(params, key, row.issuer)
        };
        pem_of("CERTIFICATE", der.der().to_vec())
    }

    fn leaf_pem(&self, row: &Leaf) -> String {
        let key = &self.keys[row.key];
        let mut params = Self::params(row.subject, key, row.days, row.serial);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if self.form.key_encipherment {
            params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        }
        params.extended_key_usages = purposes(row.usages);
        params.subject_alt_names =
            row.names.split(',').filter(|name| !name.is_empty()).map(name).collect();
        // basicConstraints without CA:TRUE, critical: rcgen's own way would add a subject key identifier.
        let mut no_ca = CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 0]);
        no_ca.set_criticality(true);
        params.custom_extensions.push(no_ca);
        pem_of("CERTIFICATE", self.signed(params, key, row.ca).der().to_vec())
    }

    fn signed(&self, mut params: CertificateParams, key: &Key, issuer: &str) -> rcgen::Certificate {
        params.use_authority_key_identifier_extension = true;
        let row = self.cas.iter().find(|ca| ca.certificate == issuer);
        let row = row.unwrap_or_else(|| panic!("no CA {issuer}"));
        let issuer_key = &self.keys[row.key];
        let issuer_params = Self::params(row.subject, issuer_key, 0, None);
        params.signed_by(key, &Issuer::from_params(&issuer_params, issuer_key)).unwrap()
    }

    fn params(subject: &str, key: &Key, days: i64, serial: Option<u8>) -> CertificateParams {
        let mut params = CertificateParams::default();
        let digest = ring::digest::digest(&ring::digest::SHA256, key.der_bytes());
        let drawn = ring::rand::generate::<[u8; 8]>(&SystemRandom::new()).unwrap().expose();
        let serial = serial.map_or([&[1][..], &drawn].concat(), |number| vec![number]);
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.key_identifier_method = KeyIdMethod::PreSpecified(digest.as_ref()[..20].to_vec());
        let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap();
        params.not_before = now - Duration::days(if days > 0 { 1 } else { 400 });
        params.not_after = now + Duration::days(days);
        params.distinguished_name = rcgen::DistinguishedName::new();
        for part in subject.split('/') {
            let (kind, value) = part.split_once('=').unwrap();
            let kind = match kind {
                "CN" => DnType::CommonName,
                "O" => DnType::OrganizationName,
                "OU" => DnType::OrganizationalUnitName,
                "C" => DnType::CountryName,
                "L" => DnType::LocalityName,
                "ST" => DnType::StateOrProvinceName,
                other => panic!("{other}"),
            };
            params.distinguished_name.push(kind, value);
        }
        params
    }
}

fn purposes(usages: &str) -> Vec<ExtendedKeyUsagePurpose> {
    (usages.split(',').filter(|usage| !usage.is_empty()))
        .map(|usage| match usage {
            SERVER => ExtendedKeyUsagePurpose::ServerAuth,
            CLIENT => ExtendedKeyUsagePurpose::ClientAuth,
            other => panic!("{other}"),
        })
        .collect()
}

fn name(text: &str) -> SanType {
    match text.parse() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(text.try_into().unwrap()),
    }
}

pub fn pem_of(label: &str, der: Vec<u8>) -> String {
    pem::encode(&pem::Pem::new(label, der)).replace('\r', "")
}

pub fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

impl Config {
    fn text(&self, files: &Rendered) -> String {
        let member = |field: &str, path: &str| {
            if self.embedded {
                let bytes = &files.get(path).unwrap_or_else(|| panic!("no {path}")).1;
                format!("    {field}-data: {}\n", base64(bytes))
            } else {
                format!("    {field}: /{path}\n")
            }
        };
        let head = "apiVersion: v1\nkind: Config\npreferences: {}\ncurrent-context: default\n";
        let context =
            "contexts:\n- name: default\n  context:\n    cluster: default\n    user: default\n";
        let cluster =
            format!("clusters:\n- name: default\n  cluster:\n    server: {}\n", self.server);
        let parts = [
            head,
            &cluster,
            &member("certificate-authority", self.ca),
            context,
            "users:\n- name: default\n  user:\n",
            &member("client-certificate", self.certificate),
            &member("client-key", self.key),
        ];
        parts.concat()
    }
}

/// A pair, and its private half in DER.
pub enum Key {
    Ec(EcdsaKeyPair, Vec<u8>),
    Ed(Ed25519KeyPair, Vec<u8>),
}

impl Key {
    pub fn ed25519() -> Self {
        let seed = ring::rand::generate::<[u8; 32]>(&SystemRandom::new()).unwrap().expose();
        // RFC 8410 7
        let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        Key::Ed(Ed25519KeyPair::from_seed_unchecked(&seed).unwrap(), [&head[..], &seed].concat())
    }

    pub fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap().as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8, &random).unwrap();
        Key::Ec(pair, pkcs8)
    }

    /// The label of the second is Talos'.
    pub fn pem(&self) -> String {
        match self {
            Key::Ec(_, pkcs8) => pem_of("PRIVATE KEY", pkcs8.clone()),
            Key::Ed(_, pkcs8) => pem_of("ED25519 PRIVATE KEY", pkcs8.clone()),
        }
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Key::Ec(pair, _) => pair.public_key().as_ref(),
            Key::Ed(pair, _) => pair.public_key().as_ref(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self {
            Key::Ec(..) => &rcgen::PKCS_ECDSA_P256_SHA256,
            Key::Ed(..) => &rcgen::PKCS_ED25519,
        }
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(match self {
            Key::Ec(pair, _) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Key::Ed(pair, _) => pair.sign(message).as_ref().to_vec(),
        })
    }
}
