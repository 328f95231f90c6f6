//! The same trust in another order: whoever read it need not do so again.

use base64::Engine as _;

use super::pem::BASE64;
use super::{Kubeconfig, Part, certificates_in_pem};

/// The same certificates in another order, alone or as what a kubeconfig believes, of which every other byte
/// stays.
pub fn is_reordered(old: &[u8], new: &[u8]) -> bool {
    let [old, new] =
        [old, new].map(|bytes| around_authority(bytes).unwrap_or((None, bytes.to_vec())));
    let (old_around, old) = old;
    let (new_around, new) = new;
    let sorted = |bytes: &[u8]| {
        let mut all = certificates_in_pem(bytes).ok()?;
        all.sort();
        Some(all)
    };
    let known = sorted(&old);
    old_around == new_around
        && known.as_ref().is_some_and(|all| !all.is_empty())
        && known == sorted(&new)
}

/// A kubeconfig without what it believes, and that.
fn around_authority(bytes: &[u8]) -> Option<(Option<String>, Vec<u8>)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let Part::Embedded(authority) = Kubeconfig::from_yaml(bytes).ok()?.certificate_authority else {
        return None;
    };
    let data = BASE64.encode(authority.expose());
    let around = text.contains(&data).then(|| text.replacen(&data, "", 1))?;
    Some((Some(around), authority.expose().to_vec()))
}
