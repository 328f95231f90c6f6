//! What is found in flags.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The cluster would not work.
    Refused,
    /// It works, and somebody should know.
    Remark,
}

/// Which kind of mistake it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Flags that exclude or need each other.
    Company,
    /// A network of services or pods.
    Network,
    /// A URL, or a host that no certificate has.
    Url,
    /// What goes over the network in the clear.
    Plain,
    /// Whom it lets in.
    Access,
    /// A value that the kubelet puts there is not known.
    Variable,
    /// What only a description can be held against.
    Description,
}

/// About one flag of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// Without dashes.
    pub flag: String,
    /// The other flag, where two do not go together.
    pub other: Option<String>,
    pub severity: Severity,
    pub about: About,
    pub message: String,
    pub help: String,
}

pub(super) fn is_variable(value: &str) -> bool {
    value.contains("$(")
}
