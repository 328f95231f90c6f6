//! What a file says, as things to compare. Of a private key nothing is read.

use std::sync::Arc;

use super::item::Item;
use crate::facts::{CertificateFacts, FactsError, Kubeconfig, RequestFacts, plaintext_in};
use crate::hash::{Digest, hexadecimal};
use crate::holdings::{self, Certificate, Held};
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
    let all = holdings::read(bytes)
        .map_err(|why| why.in_words("request or public key", NOTHING_PUBLIC))?
        .into_iter();
    let items: Vec<Vec<Item>> = all.map(item).collect::<Result<_, _>>()?;
    Ok(items.into_iter().flatten().collect())
}

const NOTHING_PUBLIC: &str = "certificate, request or public key";

fn item(held: Held) -> Result<Vec<Item>, String> {
    let read = match held {
        Held::Certificate { read, .. } => {
            read.map(|certificate| of_certificate(&certificate.facts))
        }
        Held::Request(facts) => facts.map(|facts| request(&facts)),
        Held::PublicKey(key) => key.map(|key| Item::new("public key").public_key(&key)),
        Held::PrivateKey(_) => Ok(Item::new("private key")),
        Held::Sealed(file) => Ok(sealed(&file)),
        Held::Other { label } => Ok(Item::new("PEM block").labelled(&*label).text("label", label)),
        Held::Kubeconfig(config) => {
            return kubeconfig(*config)
                .map_err(|why| format!("holds no {NOTHING_PUBLIC}, and {why}"));
        }
    };
    read.map(|item| vec![item]).map_err(|error| error.0)
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

fn request(facts: &RequestFacts) -> Item {
    let sans = facts.sans.iter().map(ToString::to_string);
    let asks = if facts.asks_for_ca { "a CA certificate" } else { "" };
    let signature = if facts.is_signature_valid { "" } else { "does not belong to its key" };
    Item::new("certificate request")
        .labelled(facts.subject.to_string())
        .text("subject", facts.subject.to_string())
        .set("sans", sans.chain(facts.other_sans.iter().cloned()))
        .text("asks-for", asks)
        .public_key(&facts.public_key)
        .text("signature", signature)
        .echo("digest", &facts.digest)
}

fn sealed(file: &SealedFile) -> Item {
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
    Item::new("sealed secret")
        .set("recipients", stanzas)
        .text("size", format!("{} bytes", file.size))
        .digest("file", &file.digest)
}

/// A kubeconfig, and the certificates in it. Its key is carried past and never looked at.
fn kubeconfig(config: Kubeconfig) -> Result<Vec<Item>, FactsError> {
    let config = config.complete()?;
    let trusted = Certificate::all_in_pem(&config.certificate_authority)?;
    let trusted = trusted.iter().map(|Certificate { facts, .. }| {
        format!("{} (key {})", facts.subject, facts.public_key.digest())
    });
    let key = if config.client_key.is_some() { "embedded" } else { "a file of its own" };
    let own = Item::new("kubeconfig")
        .text("context", config.context)
        .text("cluster", config.cluster)
        .text("server", config.server)
        .text("user", config.user)
        .text("namespace", config.namespace.unwrap_or_default())
        .set("trusts", trusted)
        .text("private-key", key);
    let own_certificates = Certificate::all_in_pem(&config.client_certificate)?;
    let certificates = own_certificates.iter().map(|held| of_certificate(&held.facts));
    Ok(std::iter::once(own).chain(certificates).collect())
}
