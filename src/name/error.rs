//! Why a text is refused.

/// Why a text is not the name that it should be; reads after the quoted text: `"a b" contains a space`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NameError(pub String);

pub(super) fn refuse<T>(why: impl Into<String>) -> Result<T, NameError> {
    Err(NameError(why.into()))
}
