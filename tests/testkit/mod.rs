//! What the tests share: projects in memory and in folders, the tools that judge, keys, and a small CA.
#![allow(dead_code, unused_imports, reason = "each test binary uses its own part")]

pub mod age;
pub mod api_server;
pub mod commands;
pub mod files;
pub mod folder_project;
pub mod json_schema;
pub mod kubeadm;
pub mod kubeconfig;
pub mod leaks;
pub mod made;
pub mod memory_disk;
pub mod memory_project;
pub mod signer;
pub mod talks;

use std::collections::BTreeSet;
use std::path::PathBuf;

pub use commands::{
    done, ended, fed, git, git_command, kpki, path_with_kpki, printed, python, refused, said,
    shell, tool,
};
pub use files::{contents, copy, entries_of, files_below, mode, put, set_mode};
pub use folder_project::FolderProject;

use kpki::algorithm::KeyAlgorithm;
use kpki::build::certificate::{Issuer, Purpose, Template, issue};
use kpki::facts::certificate::CertificateFacts;
use kpki::facts::distinguished_name::DistinguishedName;
use kpki::facts::pem::{certificate_pem, certificates_in_pem};
use kpki::keys::Entropy;
use kpki::keys::PrivateKey;
use kpki::name::San;
use kpki::time::{Span, Timestamp};

/// A folder of files for OpenSSL.
pub struct Desk(tempfile::TempDir);

impl Desk {
    pub fn new() -> Self {
        Desk(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Runs `openssl` in the folder; words are split at spaces.
    pub fn openssl(&self, arguments: &str) -> String {
        let (done, text) = self.try_openssl(arguments);
        assert!(done, "openssl {arguments}\n{text}");
        text
    }

    pub fn try_openssl(&self, arguments: &str) -> (bool, String) {
        let output =
            tool("openssl").args(arguments.split(' ')).current_dir(self.0.path()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    pub fn certificate(&self, name: &str) -> Vec<u8> {
        certificates_in_pem(&self.read(name)).unwrap().remove(0)
    }
}

pub const NOW: i64 = 1_800_000_000; // 2027-01-15

pub fn now() -> Timestamp {
    Timestamp::from_unix(NOW)
}

pub fn sans(texts: &[&str]) -> BTreeSet<San> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub struct Authority {
    pub subject: DistinguishedName,
    pub key: PrivateKey,
    pub key_id: Vec<u8>,
    pub certificate: Vec<u8>,
}

impl Authority {
    pub fn new(common_name: &str, algorithm: KeyAlgorithm) -> Self {
        let key = generate(algorithm);
        let mut authority = Authority {
            subject: DistinguishedName::new([], Some(common_name)),
            key_id: key.public_key().key_identifier().to_vec(),
            key,
            certificate: Vec::new(),
        };
        let wish = Wish {
            subject: authority.subject.clone(),
            purpose: Purpose::Authority,
            sans: BTreeSet::new(),
            not_before: now(),
            not_after: now().plus(Span::days(3650)),
        };
        authority.certificate = authority.issue(&wish, &authority.key);
        authority
    }

    /// A CA that somebody else made.
    pub fn brought(certificate: Vec<u8>, key: PrivateKey) -> Self {
        let facts = CertificateFacts::from_der(&certificate).unwrap();
        Authority {
            subject: facts.subject,
            key,
            key_id: facts.subject_key_id.unwrap(),
            certificate,
        }
    }

    pub fn issue(&self, wish: &Wish, key: &PrivateKey) -> Vec<u8> {
        let template = Template {
            subject: &wish.subject,
            public_key: key.public_key(),
            not_before: wish.not_before,
            not_after: wish.not_after,
            purpose: wish.purpose,
            sans: &wish.sans,
        };
        let issuer = Issuer { subject: &self.subject, key: &self.key, key_id: &self.key_id };
        issue(&template, &issuer, &Entropy::system().serial().unwrap()).unwrap()
    }
}

pub struct Wish {
    pub subject: DistinguishedName,
    pub purpose: Purpose,
    pub sans: BTreeSet<San>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

impl Wish {
    pub fn leaf(subject: DistinguishedName, usage: kpki::spec::Usage, names: &[&str]) -> Self {
        Wish {
            subject,
            purpose: Purpose::Leaf(usage),
            sans: sans(names),
            not_before: now(),
            not_after: now().plus(Span::days(365)),
        }
    }
}

pub fn generate(algorithm: KeyAlgorithm) -> PrivateKey {
    PrivateKey::generate(algorithm, &Entropy::system()).unwrap()
}

pub fn facts(der: &[u8]) -> CertificateFacts {
    CertificateFacts::from_der(der).unwrap()
}

pub fn put_certificate(desk: &Desk, name: &str, der: &[u8]) {
    desk.put(name, certificate_pem(der));
}
