//! What no component reads as it stands, but somebody keeps: certificates and keys in base64, as in a
//! Secret's manifest, in Talos' secrets and in kops' keysets.

use super::holds::{Form, Holds};
use super::rules::{KEY_MISMATCH, UNREADABLE_CERTIFICATE};
use crate::facts::{EncodedPem, PublicKey, encoded_pem};
use crate::holdings;
use crate::visible::printable;

impl Holds {
    /// Whether the file is one of these.
    pub fn encoded(&mut self, bytes: &[u8]) -> bool {
        let Some(all) = encoded_pem(bytes) else { return false };
        self.form = Form::Encoded;
        for one in &all {
            self.take(one);
        }
        true
    }

    /// A key belongs to what stands beside it.
    fn take(&mut self, EncodedPem { place, texts }: &EncodedPem) {
        let mut one = Holds::default();
        for text in texts {
            match holdings::in_pem(text.expose()) {
                Ok(found) => found.into_iter().for_each(|held| one.add(held)),
                Err(error) => one.damage.push((&UNREADABLE_CERTIFICATE, error.0)),
            }
        }
        let is_its = |key: &PublicKey| {
            one.certificates.iter().any(|certificate| certificate.facts.public_key == *key)
        };
        let is_alone = one.certificates.is_empty();
        if !is_alone && one.private_keys.first().is_some_and(|key| !is_its(key)) {
            let why = format!("the key in {} is not of its certificate", printable(place));
            self.damage.push((&KEY_MISMATCH, why));
        }
        let damage = one.damage.into_iter();
        self.damage
            .extend(damage.map(|(rule, why)| (rule, format!("{}: {why}", printable(place)))));
        self.secret |= one.secret;
        self.certificates.extend(one.certificates);
        self.private_keys.extend(one.private_keys);
        self.public_keys.extend(one.public_keys);
    }
}
