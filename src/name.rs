//! The vocabulary of names: types that cannot hold a bad one.
//!
//! Every type parses with [`FromStr`] and says in one sentence why it refuses. Names that become path
//! segments are ASCII and cannot be `.`, `..` or start with a dot, so no name ever leads out of the
//! output folder.

use std::borrow::Borrow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

mod address;
mod certificates_dir;
mod endpoint;
mod error;
mod server;

use self::address::Use;
use self::error::refuse;
use crate::json::json_as_text;

pub use address::{NodeAddress, unfit_for_services};
pub use certificates_dir::CertificatesDir;
pub use endpoint::{API_PORT, Endpoint, port};
pub use error::NameError;
pub use server::Server;

/// A newtype over a checked text. Shared: a cluster's graph names each node and path many times.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                $check(text)?;
                Ok($name(text.into()))
            }
        }

        /// So that a map of names can be asked with any text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        json_as_text!($name);
    };
}

checked_text!(
    /// A node's registered name: an RFC 1123 subdomain (Kubernetes' rule for object names), at most 52
    /// bytes so that `system:node:NAME` fits the 64 bytes of a common name (RFC 5280, ub-common-name).
    NodeName, check_node_name
);
checked_text!(
    /// A user, certificate or cluster: ASCII letters, digits, `.`, `_` and `-`, starting with a letter or
    /// digit, at most 63 bytes: safe as one path segment everywhere.
    Label, check_label
);
checked_text!(
    /// An X.509 common name: 1 to 64 bytes (RFC 5280, ub-common-name) of printable ASCII.
    CommonName, check_attribute
);
checked_text!(
    /// An X.509 organization, which Kubernetes reads as a group: 1 to 64 bytes of printable ASCII.
    Organization, check_attribute
);
checked_text!(
    /// A Role or ClusterRole: what the API server takes for a path segment, in printable ASCII.
    RoleName, check_role_name
);
checked_text!(
    /// A DNS name per RFC 1123, lower case, at most 253 bytes, no trailing dot, no wildcard.
    DnsName, check_dns_name
);
checked_text!(
    /// A relative path in slashes below the project folder; every segment is a name of our own making.
    TreePath, check_tree_path
);
checked_text!(
    /// The name of an artifact, as the lock, `why` and `--renew` write it: `nodes/cp1/apiserver`.
    ArtifactName, check_tree_path
);

fn check_node_name(text: &str) -> Result<(), NameError> {
    check_dns_name(text)?;
    if text.len() > 52 {
        return refuse(
            "is longer than 52 bytes; shorten it: `system:node:NAME` must fit a common name of 64",
        );
    }
    Ok(())
}

fn check_label(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return refuse("is empty; write a name");
    }
    if text.len() > 63 {
        return refuse("is longer than 63 bytes; shorten it");
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return refuse("must start with an ASCII letter or digit; put one before it");
    }
    match text.chars().find(|c| !(c.is_ascii_alphanumeric() || "._-".contains(*c))) {
        Some(bad) => {
            refuse(format!("contains {bad:?}; use ASCII letters, digits, `.`, `_` and `-`"))
        }
        None => Ok(()),
    }
}

fn check_attribute(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return refuse("is empty; write a name");
    }
    if text.len() > 64 {
        return refuse("is longer than 64 bytes (RFC 5280); shorten it");
    }
    if text.trim() != text {
        return refuse("starts or ends with a space; delete it");
    }
    match text.chars().find(|c| !(' '..='~').contains(c)) {
        Some(bad) => refuse(format!("contains {bad:?}; use printable ASCII")),
        None => Ok(()),
    }
}

fn check_role_name(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return refuse("is empty; write a name");
    }
    if text.len() > 253 {
        return refuse("is longer than 253 bytes; shorten it");
    }
    if text == "." || text == ".." {
        return refuse("is not a role's name; write the one that kubectl get clusterroles shows");
    }
    match text.chars().find(|c| !('!'..='~').contains(c) || "/%".contains(*c)) {
        Some(bad) => refuse(format!("contains {bad:?}, which no role's name may; delete it")),
        None => Ok(()),
    }
}

fn check_dns_name(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return refuse("is empty; write a name");
    }
    if text.len() > 253 {
        return refuse("is longer than 253 bytes; shorten it");
    }
    if text.parse::<IpAddr>().is_ok() {
        return refuse("is an IP address, not a name; write a name, such as w1 or w1.example.com");
    }
    for label in text.split('.') {
        if label.is_empty() {
            return refuse("has an empty label (two dots, or a dot at an end); delete that dot");
        }
        if label.len() > 63 {
            return refuse("has a label longer than 63 bytes; shorten that part");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return refuse("has a label that starts or ends with `-`; delete that `-`");
        }
        if let Some(bad) =
            label.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-'))
        {
            return refuse(if bad.is_ascii_uppercase() {
                "contains an upper-case letter; write it in lower case".to_owned()
            } else if bad.is_ascii() {
                format!("contains {bad:?}; use lower-case letters, digits, `-` and `.`")
            } else {
                format!("contains {bad:?}; write international names in punycode (xn--…)")
            });
        }
    }
    // An all-numeric last label would be read as an IPv4 address by some resolvers (WHATWG URL, RFC 1123
    // 2.1).
    if text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
        && text.contains('.')
    {
        return refuse("ends in a number and is not an IP address; correct it");
    }
    Ok(())
}

fn check_tree_path(text: &str) -> Result<(), NameError> {
    for segment in text.split('/') {
        if segment.is_empty() || segment == "." || segment == ".." {
            return refuse("is not a plain relative path; write names with one `/` between them");
        }
        if let Some(bad) =
            segment.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
        {
            return refuse(format!(
                "contains {bad:?}; use ASCII letters, digits, `.`, `_` and `-`"
            ));
        }
    }
    Ok(())
}

impl TreePath {
    /// Joins names that are path-safe already.
    ///
    /// # Panics
    /// Never on names of this module's types; a literal that is not a plain path is a defect.
    #[expect(clippy::expect_used, reason = "segments are literals and checked names")]
    pub fn of(text: &str) -> Self {
        text.parse().expect("a path made of checked names")
    }

    pub fn join(&self, rest: &str) -> Self {
        TreePath::of(&format!("{}/{rest}", self.0))
    }

    pub fn with_suffix(&self, suffix: &str) -> Self {
        TreePath::of(&format!("{}{suffix}", self.0))
    }
}

impl ArtifactName {
    /// Joins names that are path-safe already.
    ///
    /// # Panics
    /// Never on names of this module's types; a literal that is not a plain path is a defect.
    #[expect(clippy::expect_used, reason = "segments are literals and checked names")]
    pub fn of(text: &str) -> Self {
        text.parse().expect("an artifact name made of checked names")
    }
}

impl Label {
    /// A literal of this program.
    ///
    /// # Panics
    /// Never on a literal that is a name; any other is a defect.
    #[expect(clippy::expect_used, reason = "literals are tested")]
    pub fn of(text: &'static str) -> Self {
        text.parse().expect("a name of this program")
    }
}

impl CommonName {
    /// A name of a table, or one made around a node's.
    ///
    /// # Panics
    /// Never: tables are tested, and a node's name leaves room for what is put around it.
    #[expect(clippy::expect_used, reason = "tables are tested, and node names are short enough")]
    pub fn of(text: &str) -> Self {
        text.parse().expect("a common name made of checked names")
    }
}

/// A subject alternative name: the two forms that Kubernetes components check.
///
/// Ordered as Go and kubeadm write them: DNS names first, then addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum San {
    /// A DNS name, possibly with a wildcard as its whole first label (RFC 6125 6.4.3).
    Dns(Box<str>),
    Ip(IpAddr),
}

impl FromStr for San {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if let Some(address) = address::of_text(text)? {
            return address::check(address, Use::Client).map(San::Ip);
        }
        match text.strip_prefix("*.") {
            Some(parent) if !parent.contains('.') => {
                return refuse("is a wildcard over a top-level domain; write *.example.com");
            }
            Some(parent) => check_dns_name(parent)?,
            None => check_dns_name(text)?,
        }
        Ok(San::Dns(text.into()))
    }
}

impl From<&DnsName> for San {
    fn from(name: &DnsName) -> Self {
        San::Dns(name.as_str().into())
    }
}

impl San {
    /// A name of a table.
    ///
    /// # Panics
    /// Never: tables are tested.
    #[expect(clippy::expect_used, reason = "tables are tested")]
    pub fn of(text: &'static str) -> Self {
        text.parse().expect("a name of a table")
    }
}

impl From<&NodeName> for San {
    fn from(name: &NodeName) -> Self {
        San::Dns(name.as_str().into())
    }
}

impl fmt::Display for San {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            San::Dns(name) => f.write_str(name),
            San::Ip(address) => address.fmt(f),
        }
    }
}
