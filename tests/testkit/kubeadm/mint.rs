//! Keys and certificates in kubeadm's form (`cmd/kubeadm/app/util/pkiutil`): keys and signatures are
//! OpenSSL's, the certificate's bytes are put together here, since OpenSSL 3.0 takes no dates. What was made
//! once is given again: many clusters share most of their certificates.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::testkit::Desk;
use crate::testkit::made::{PRINTABLE, UTF8, element, general_name, oid, sequence, time};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Keys {
    P256,
    Rsa2048,
}

/// How a name's texts are encoded: Go writes PrintableString, `openssl req` UTF8String.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Texts {
    Printable,
    Utf8,
}

/// What was made once, by what it was made of; two who ask at the same time wait for one.
struct Once<K, V>(Mutex<HashMap<K, Arc<OnceLock<V>>>>);

impl<K: Hash + Eq, V: Clone> Once<K, V> {
    fn new() -> Self {
        Once(Mutex::new(HashMap::new()))
    }

    fn get(&self, key: K, make: impl FnOnce() -> V) -> V {
        let cell = Arc::clone(self.0.lock().unwrap().entry(key).or_default());
        cell.get_or_init(make).clone()
    }
}

static MADE_KEYS: LazyLock<Once<(Keys, String), Arc<Key>>> = LazyLock::new(Once::new);
static MADE_CERTIFICATES: LazyLock<Once<Certificate, Vec<u8>>> = LazyLock::new(Once::new);

pub struct Key {
    pub keys: Keys,
    /// `RSA PRIVATE KEY` or `EC PRIVATE KEY`, as kubeadm writes it.
    pub pem: String,
    /// `PUBLIC KEY`
    pub public_pem: String,
}

impl Key {
    /// The same name is the same key for as long as the tests run, and another each time they do.
    pub fn named(name: &str, keys: Keys) -> Arc<Key> {
        MADE_KEYS.get((keys, name.to_owned()), || {
            let desk = Desk::new();
            desk.openssl(match keys {
                Keys::P256 => "ecparam -name prime256v1 -genkey -noout -out key",
                Keys::Rsa2048 => "genrsa -traditional -out key 2048",
            });
            desk.openssl("pkey -in key -pubout -out public");
            let text = |name| String::from_utf8(desk.read(name)).unwrap();
            Arc::new(Key { keys, pem: text("key"), public_pem: text("public") })
        })
    }

    /// The SubjectPublicKeyInfo.
    fn public(&self) -> Vec<u8> {
        ::pem::parse(&self.public_pem).unwrap().into_contents()
    }

    /// The first 20 bytes of the SHA-256 of the key's bit string (RFC 7093, 2, method 1), as Go has it
    /// since 1.25. The bit string is the last element.
    fn id(&self) -> Vec<u8> {
        let info = self.public();
        let bits = match self.keys {
            Keys::P256 => &info[info.len() - 65..],
            Keys::Rsa2048 => &info[info.len() - 270..],
        };
        ring::digest::digest(&ring::digest::SHA256, bits).as_ref()[..20].to_vec()
    }

    fn algorithm(&self) -> Vec<u8> {
        match self.keys {
            Keys::P256 => sequence(&[&oid("1.2.840.10045.4.3.2")]),
            Keys::Rsa2048 => sequence(&[&oid("1.2.840.113549.1.1.11"), &element(5, &[])]),
        }
    }

    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let desk = Desk::new();
        desk.put("key", &self.pem);
        desk.put("signed", bytes);
        desk.openssl("dgst -sha256 -sign key -out signature signed");
        desk.read("signature")
    }
}

/// All that a certificate of kubeadm's is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Certificate {
    pub common_name: String,
    pub organization: Option<String>,
    pub texts: Texts,
    /// Empty is a CA.
    pub usages: Vec<&'static str>,
    /// `DNS:`, `IP:`, as kubeadm orders them.
    pub sans: Vec<String>,
    /// kubeadm asks for it whatever the key; a kubelet with an EC key does not (since 1.27).
    pub is_key_encipherment: bool,
    pub from: i64,
    pub until: i64,
    /// A name for `Key::named`.
    pub key: (String, Keys),
    /// Nobody is itself.
    pub issuer: Option<Box<Certificate>>,
}

/// RFC 5280, 4.2.1.3; the first bit is the highest.
const DIGITAL_SIGNATURE_AND_KEY_ENCIPHERMENT: [u8; 2] = [5, 0xa0];
const DIGITAL_SIGNATURE: [u8; 2] = [7, 0x80];
const THOSE_AND_CERT_SIGN: [u8; 2] = [2, 0xa4];

impl Certificate {
    /// The key is the kubelet's own: EC in every version.
    pub fn of_a_kubelet(&mut self) {
        self.key.1 = Keys::P256;
        self.is_key_encipherment = false;
    }

    pub fn key(&self) -> Arc<Key> {
        Key::named(&self.key.0, self.key.1)
    }

    fn subject(&self) -> Vec<u8> {
        // As Go's asn1 chooses: what does not fit a PrintableString (X.680 41.4) is UTF-8.
        let fits = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte))
        };
        let part = |number, text: &str| {
            let tag = match self.texts {
                Texts::Printable if fits(text) => PRINTABLE,
                _ => UTF8,
            };
            element(0x31, &[&sequence(&[&oid(number), &element(tag, &[text.as_bytes()])])])
        };
        let organization = self.organization.as_ref().map(|text| part("2.5.4.10", text));
        let name = part("2.5.4.3", &self.common_name);
        sequence(&[organization.as_deref().unwrap_or_default(), &name])
    }

    fn extensions(&self) -> Vec<u8> {
        let is_ca = self.usages.is_empty();
        let mut all = Vec::new();
        let mut add = |number: &str, critical: bool, value: &[u8]| {
            let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
            all.extend(sequence(&[&oid(number), critical, &element(4, &[value])]));
        };
        let bits = match (is_ca, self.is_key_encipherment) {
            (true, _) => THOSE_AND_CERT_SIGN,
            (false, true) => DIGITAL_SIGNATURE_AND_KEY_ENCIPHERMENT,
            (false, false) => DIGITAL_SIGNATURE,
        };
        add("2.5.29.15", true, &element(3, &[&bits]));
        if !is_ca {
            let usages: Vec<u8> = self.usages.iter().flat_map(|usage| oid(usage)).collect();
            add("2.5.29.37", false, &sequence(&[&usages]));
        }
        add("2.5.29.19", true, &sequence(&[if is_ca { &[1, 1, 0xff] } else { &[] }]));
        if is_ca {
            add("2.5.29.14", false, &element(4, &[&self.key().id()]));
        }
        if let Some(issuer) = &self.issuer {
            add("2.5.29.35", false, &sequence(&[&element(0x80, &[&issuer.key().id()])]));
        }
        if !self.sans.is_empty() {
            let names: Vec<u8> = self.sans.iter().flat_map(|san| general_name(san)).collect();
            add("2.5.29.17", false, &sequence(&[&names]));
        }
        all
    }

    pub fn der(&self) -> Vec<u8> {
        MADE_CERTIFICATES.get(self.clone(), || {
            let issuer = self.issuer.as_deref().unwrap_or(self);
            let algorithm = issuer.key().algorithm();
            let signed = sequence(&[
                &element(0xa0, &[&element(2, &[&[2]])]),
                &element(2, &[&serial()]),
                &algorithm,
                &issuer.subject(),
                &sequence(&[&time(self.from), &time(self.until)]),
                &self.subject(),
                &self.key().public(),
                &element(0xa3, &[&sequence(&[&self.extensions()])]),
            ]);
            let signature = issuer.key().sign(&signed);
            sequence(&[&signed, &algorithm, &element(3, &[&[0], &signature])])
        })
    }

    pub fn pem(&self) -> String {
        let body = STANDARD.encode(self.der());
        let lines: Vec<&str> =
            body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }
}

/// From 1 to 2^63 - 1, as pkiutil draws it, in DER's shortest form.
fn serial() -> Vec<u8> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    // Always eight bytes: neither negative nor with a leading zero.
    bytes[0] = bytes[0] & 0x3f | 0x40;
    bytes.to_vec()
}
