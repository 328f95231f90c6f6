//! How a command ends that did not fail.

/// What a command leaves with when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// Asked by `--detailed-exitcode`, or by a command that only compares.
    Differences,
    /// Asked by `--detailed-exitcode`: apply would stop until a person consents.
    NeedsAllow,
    /// What must not be is there; the report says so.
    Refused,
    /// Nothing wrong was seen, and not everything could be told.
    NotProven,
}
