//! age, the only file that names it: seals secrets and opens them.
//!
//! Its errors are told in our own words: its own carry marks of text direction and name no file.

use std::io::{Read as _, Write as _};

use age::armor::ArmoredReader;
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor};
use zeroize::Zeroizing;

use super::openssh::is_readable;
use super::unopened::{Locked, NotAnIdentity, NotSealed, Unopened};
use super::{Recipient, Recipients};
use crate::secret::Secret;

/// A secret key that opens what is sealed to it.
pub struct Identity(Box<dyn age::Identity + Send + Sync>);

/// A binary age file (<https://c2sp.org/age>). It is another one each time.
pub fn seal(recipients: &Recipients, secret: &[u8]) -> Result<Vec<u8>, NotSealed> {
    let failed = |_| NotSealed;
    let recipients = recipients.iter().map(|recipient| recipient.key().as_age());
    let encryptor = Encryptor::with_recipients(recipients).map_err(|_| NotSealed)?;
    let mut file = Vec::with_capacity(secret.len() + 1024);
    let mut writer = encryptor.wrap_output(&mut file).map_err(failed)?;
    writer.write_all(secret).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(file)
}

/// `size`: of what is inside, as the outside tells.
pub fn open(file: &[u8], size: u64, identities: &[Identity]) -> Result<Secret, Unopened> {
    let decryptor = Decryptor::new_buffered(file).map_err(|error| why(&error))?;
    let identities = identities.iter().map(|identity| &*identity.0 as _);
    let reader = decryptor.decrypt(identities).map_err(|error| why(&error))?;
    read(reader, size)
}

/// In its final size: an outgrown buffer would keep a part of the secret.
fn read(reader: impl std::io::Read, size: u64) -> Result<Secret, Unopened> {
    let capacity = usize::try_from(size).unwrap_or(0).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    reader.take(size.saturating_add(1)).read_to_end(&mut bytes).map_err(|_| Unopened::Damaged)?;
    Ok(Secret::new(std::mem::take(&mut *bytes)))
}

fn why(error: &DecryptError) -> Unopened {
    match error {
        DecryptError::NoMatchingKeys => Unopened::NoneFits,
        _ => Unopened::Damaged,
    }
}

/// One line of an identity file.
pub(super) fn native(line: &str) -> Option<Identity> {
    let identity = line.parse::<age::x25519::Identity>().ok()?;
    Some(Identity(Box::new(identity)))
}

/// Who can open what is sealed with this: a line of an identity file, or an ssh private key in the clear.
pub fn recipient_of(secret: &Secret) -> Option<Recipient> {
    let text = std::str::from_utf8(secret.expose()).ok()?;
    if let Ok(identity) = text.parse::<age::x25519::Identity>() {
        return identity.to_public().to_string().parse().ok();
    }
    if !is_readable(text.as_bytes()) {
        return None;
    }
    let identity = age::ssh::Identity::from_buffer(text.as_bytes(), None).ok()?;
    let recipient = age::ssh::Recipient::try_from(identity).ok()?;
    recipient.to_string().parse().ok()
}

/// An ssh private key.
pub(super) fn ssh(file: &[u8], passphrase: Locked<'_>) -> Result<Identity, NotAnIdentity> {
    use age::ssh::Identity as Ssh;
    let damaged = || NotAnIdentity::because("holds a damaged or unknown kind of ssh key");
    if !is_readable(file) {
        return Err(damaged());
    }
    let identity = Ssh::from_buffer(file, None).map_err(|_| damaged())?;
    let identity = match identity {
        Ssh::Unencrypted(_) => identity,
        Ssh::Encrypted(key) => {
            let passphrase = passphrase()?;
            let passphrase = text(&passphrase)?;
            let key = key.decrypt(passphrase).map_err(|_| wrong_passphrase())?;
            Ssh::from(key)
        }
        Ssh::Unsupported(_) => {
            return Err(NotAnIdentity::because(
                "holds an ssh key that cannot open anything; ssh-ed25519 and ssh-rsa can, in OpenSSH's own format",
            ));
        }
    };
    Ok(Identity(Box::new(identity)))
}

/// The text of an identity file that is encrypted with a passphrase.
pub(super) fn unlocked(file: &[u8], passphrase: Locked<'_>) -> Result<Secret, NotAnIdentity> {
    let damaged = || NotAnIdentity::because("is a damaged age file");
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(file)).map_err(|_| damaged())?;
    if !decryptor.is_scrypt() {
        return Err(NotAnIdentity::because(
            "is an age file sealed to a key; an identity file is in the clear or has a passphrase",
        ));
    }
    let passphrase = passphrase()?;
    let identity = age::scrypt::Identity::new(text(&passphrase)?);
    let reader =
        decryptor.decrypt(std::iter::once(&identity as _)).map_err(|error| match error {
            DecryptError::ExcessiveWork { .. } => {
                NotAnIdentity::because("asks for more work than this machine does in 16 seconds")
            }
            DecryptError::DecryptionFailed => wrong_passphrase(),
            _ => damaged(),
        })?;
    read(reader, file.len() as u64).map_err(|_| damaged())
}

fn wrong_passphrase() -> NotAnIdentity {
    NotAnIdentity::because("does not open with this passphrase")
}

fn text(passphrase: &Secret) -> Result<SecretString, NotAnIdentity> {
    let text = std::str::from_utf8(passphrase.expose())
        .map_err(|_| NotAnIdentity::because("has a passphrase that is not UTF-8"))?;
    Ok(SecretString::from(text))
}
