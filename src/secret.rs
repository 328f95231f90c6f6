//! Bytes that must not be seen: no Debug, no Display, no Serialize, wiped on drop.

use zeroize::Zeroizing;

/// A private key's file, or a kubeconfig that holds one.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub fn new(bytes: Vec<u8>) -> Self {
        Secret(Zeroizing::new(bytes))
    }

    /// The one way to the bytes, easy to find in a review.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}
