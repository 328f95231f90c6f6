//! The kinds of keys that secrets are sealed to.

/// What a recipient is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecipientKind {
    X25519,
    SshEd25519,
    SshRsa,
}

impl RecipientKind {
    /// As age files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            RecipientKind::X25519 => "X25519",
            RecipientKind::SshEd25519 => "ssh-ed25519",
            RecipientKind::SshRsa => "ssh-rsa",
        }
    }
}

/// With which an ssh key's fingerprint starts.
pub(super) const FINGERPRINT: &str = "SHA256:";
