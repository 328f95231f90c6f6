//! What a file says, as things to compare. Of a private key nothing is read.

use super::certificate::of_certificate;
use super::item::Item;
use super::kubeconfig;
use crate::facts::{KubeconfigFile, RequestFacts};
use crate::holdings::{self, Held};
use crate::sealed::{SealedFile, Stanza};
use crate::secret::Secret;
use crate::visible::printable;

/// Everything in the file, in its order; what cannot be read is a thing, too, and the same only where every
/// byte is.
pub fn items(bytes: &Secret) -> Vec<Item> {
    read(bytes.expose()).unwrap_or_else(|why| {
        let item = Item::new("unreadable file").text("why", format!("it {why}"));
        vec![item.hidden("content", bytes.clone())]
    })
}

fn read(bytes: &[u8]) -> Result<Vec<Item>, String> {
    // Before PEM is looked for: a kubeconfig may have some where base64 belongs.
    if !bytes.starts_with(b"-----BEGIN ")
        && !bytes.starts_with(b"age-")
        && bytes.first() != Some(&0x30)
    {
        match KubeconfigFile::from_yaml(bytes) {
            Ok(Some(config)) => return Ok(kubeconfig::items(config)),
            Err(why) if KubeconfigFile::is_meant(bytes) => return Err(why.to_string()),
            Ok(None) | Err(_) => {}
        }
    }
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
        Held::Other { label } => {
            let label = printable(&label);
            Ok(Item::new("PEM block").labelled(&*label).text("label", label))
        }
        Held::Kubeconfig(_) => return Err(format!("holds no {NOTHING_PUBLIC}")),
    };
    read.map(|item| vec![item]).map_err(|error| error.0)
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
