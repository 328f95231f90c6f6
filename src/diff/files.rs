//! What a file says, as things to compare. Of a private key nothing is read.

use std::sync::Arc;

use super::item::Item;
use crate::facts::pem::{self, Block};
use crate::facts::{
    CertificateFacts, FactsError, KubeconfigFacts, PublicKey, RequestFacts, certificates_in_pem,
    plaintext_in,
};
use crate::hash::Digest;
use crate::sealed::{SealedFile, Stanza};
use crate::secret::Secret;

/// Everything in the file, in its order; what cannot be read is a thing, too.
pub fn items(bytes: &Secret) -> Vec<Item> {
    read(bytes.expose()).unwrap_or_else(|why| {
        let item = Item::new("unreadable file").text("why", format!("it {why}"));
        // Two that cannot be read may differ; but of a secret no digest is ever made.
        vec![if plaintext_in(bytes.expose()).is_empty() {
            item.echo("content", &Digest::of(bytes.expose()))
        } else {
            item
        }]
    })
}

fn read(bytes: &[u8]) -> Result<Vec<Item>, String> {
    if bytes.trim_ascii().is_empty() {
        return Err("is empty".to_owned());
    }
    if bytes.starts_with(b"age-encryption.org/") {
        return sealed(bytes).map(|item| vec![item]);
    }
    // DER of every form here starts with a SEQUENCE.
    if bytes.first() == Some(&0x30) {
        return certificate(bytes)
            .or_else(|why| {
                let other = request(bytes).or_else(|_| public_key(bytes));
                other.map_err(|_| {
                    format!("is DER, but no request or public key; as a certificate it {why}")
                })
            })
            .map(|item| vec![item]);
    }
    let blocks = pem::blocks(bytes).map_err(|error| error.0)?;
    if blocks.is_empty() {
        return kubeconfig(bytes)
            .map_err(|error| format!("holds no certificate, request or public key, and {error}"));
    }
    let all = blocks.iter().map(block).collect::<Result<_, _>>();
    all.map_err(|error: FactsError| error.0)
}

fn block(block: &Block) -> Result<Item, FactsError> {
    match block.label.as_str() {
        label if label.ends_with("PRIVATE KEY") => Ok(Item::new("private key")),
        "CERTIFICATE" => certificate(&block.der),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => request(&block.der),
        "PUBLIC KEY" => public_key(&block.der),
        label => Ok(Item::new("PEM block").labelled(label).text("label", label)),
    }
}

fn certificate(der: &[u8]) -> Result<Item, FactsError> {
    CertificateFacts::from_der(der).map(|facts| of_certificate(&facts))
}

/// A certificate by what it means.
pub fn of_certificate(facts: &CertificateFacts) -> Item {
    let ca = match (facts.is_ca, facts.path_len) {
        (false, _) => String::new(),
        (true, None) => "yes".to_owned(),
        (true, Some(length)) => format!("yes, path length {length}"),
    };
    let sans = facts.sans.iter().map(ToString::to_string);
    let usages = facts.extended_key_usage.iter().map(ToString::to_string);
    let item = Item {
        certificate: Some(Arc::new(facts.clone())),
        ..Item::new("certificate").labelled(facts.subject.to_string())
    };
    let key_id = facts.authority_key_id.as_deref().unwrap_or_default();
    item.text("subject", facts.subject.to_string())
        .text("issuer", facts.issuer.to_string())
        .text("ca", ca)
        .set("sans", sans.chain(facts.other_sans.iter().cloned()))
        .set("usages", usages)
        .text("key-usage", facts.key_usage.to_string())
        .text("not-before", facts.not_before.to_string())
        .text("not-after", facts.not_after.to_string())
        .public_key(&facts.public_key)
        .digest("issuer-key", &hexadecimal(key_id))
        .text("signature", facts.signature_algorithm.clone())
        .echo("serial", &hexadecimal(&facts.serial))
        .echo("digest", &facts.digest)
}

fn request(der: &[u8]) -> Result<Item, FactsError> {
    let facts = RequestFacts::from_der(der)?;
    let sans = facts.sans.iter().map(ToString::to_string);
    let asks = if facts.asks_for_ca { "a CA certificate" } else { "" };
    let signature = if facts.is_signature_valid { "" } else { "does not belong to its key" };
    Ok(Item::new("certificate request")
        .labelled(facts.subject.to_string())
        .text("subject", facts.subject.to_string())
        .set("sans", sans.chain(facts.other_sans.iter().cloned()))
        .text("asks-for", asks)
        .public_key(&facts.public_key)
        .text("signature", signature)
        .echo("digest", &facts.digest))
}

fn public_key(der: &[u8]) -> Result<Item, FactsError> {
    PublicKey::from_spki_der(der).map(|key| Item::new("public key").public_key(&key))
}

fn sealed(bytes: &[u8]) -> Result<Item, String> {
    let file = SealedFile::read(bytes)?;
    let mut stanzas: Vec<String> = Vec::new();
    for stanza in &file.stanzas {
        let named = match stanza {
            Stanza::Ssh(kind, tag) => format!("{} {tag}", kind.as_str()),
            other => other.kind().to_owned(),
        };
        // age keys stay anonymous: only how many there are can be told.
        let same = stanzas.iter().filter(|known| known.starts_with(&named)).count();
        stanzas.push(match same {
            0 => named,
            more => format!("{named} ({})", more + 1),
        });
    }
    Ok(Item::new("sealed secret")
        .set("recipients", stanzas)
        .text("size", format!("{} bytes", file.size))
        .digest("file", &file.digest))
}

/// A kubeconfig, and the certificates in it. Its key is carried past and never looked at.
fn kubeconfig(bytes: &[u8]) -> Result<Vec<Item>, FactsError> {
    let config = KubeconfigFacts::from_yaml(bytes)?;
    let all = |pem: &[u8]| -> Result<Vec<CertificateFacts>, FactsError> {
        let all = certificates_in_pem(pem)?;
        all.iter().map(|der| CertificateFacts::from_der(der)).collect()
    };
    let trusted = all(&config.certificate_authority)?;
    let trusted = trusted
        .iter()
        .map(|facts| format!("{} (key {})", facts.subject, facts.public_key.digest()));
    let key = if config.client_key.is_some() { "embedded" } else { "a file of its own" };
    let own = Item::new("kubeconfig")
        .text("context", config.context)
        .text("cluster", config.cluster)
        .text("server", config.server)
        .text("user", config.user)
        .text("namespace", config.namespace.unwrap_or_default())
        .set("trusts", trusted)
        .text("private-key", key);
    let own_certificates = all(&config.client_certificate)?;
    let certificates = own_certificates.iter().map(of_certificate);
    Ok(std::iter::once(own).chain(certificates).collect())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
