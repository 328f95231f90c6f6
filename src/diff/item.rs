//! One thing that can be compared: a certificate, a recipe, a line of a lock.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::facts::{CertificateFacts, PublicKey};
use crate::graph::Revision;
use crate::secret::Secret;

/// What it is and what it says. Texts are as a reader may see them: what is hidden in one that somebody else
/// wrote is escaped where it is read, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub kind: &'static str,
    /// What tells it from others of its kind in one file.
    pub label: String,
    /// In the order in which a person wants to read them; each name once.
    pub fields: Vec<Field>,
    /// All that a certificate says, for who asks what it lets somebody do.
    pub certificate: Option<Arc<CertificateFacts>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Set(BTreeSet<String>),
    /// A digest: only whether it is the same means something.
    Digest(String),
    /// Differs whenever anything does (a serial number, a hash): told only where nothing else is.
    Echo(String),
    /// Compared, and never shown.
    Hidden(Hidden),
    /// It could not be had, and why: never the same as anything.
    Unknown(String),
    /// What it is made from, by name, and a digest of that.
    Input {
        name: String,
        digest: String,
    },
}

/// Bytes that may be a secret. Shared, since things are cloned.
#[derive(Clone)]
pub struct Hidden {
    bytes: Arc<Secret>,
    /// Told only where nothing else is.
    pub is_echo: bool,
}

impl Hidden {
    pub fn new(bytes: Secret) -> Self {
        Hidden { bytes: Arc::new(bytes), is_echo: false }
    }

    pub fn echo(bytes: Secret) -> Self {
        Hidden { is_echo: true, ..Hidden::new(bytes) }
    }
}

impl PartialEq for Hidden {
    fn eq(&self, other: &Self) -> bool {
        self.bytes.expose() == other.bytes.expose()
    }
}

impl Eq for Hidden {}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hidden")
    }
}

/// The digest of a public key, under which it is asked whether the key stayed.
pub const PUBLIC_KEY: &str = "public-key";

impl Item {
    pub fn new(kind: &'static str) -> Self {
        Item { kind, label: String::new(), fields: Vec::new(), certificate: None }
    }

    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Nothing where it is empty.
    pub fn text(self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.unless(value.is_empty(), name, Value::Text(value))
    }

    /// Nothing where it is empty.
    pub fn set(self, name: &'static str, values: impl IntoIterator<Item = String>) -> Self {
        let values: BTreeSet<String> = values.into_iter().collect();
        self.unless(values.is_empty(), name, Value::Set(values))
    }

    pub fn digest(self, name: &'static str, value: &impl ToString) -> Self {
        self.unless(false, name, Value::Digest(value.to_string()))
    }

    pub fn echo(self, name: &'static str, value: &impl ToString) -> Self {
        self.unless(false, name, Value::Echo(value.to_string()))
    }

    pub fn hidden(self, name: &'static str, bytes: Secret) -> Self {
        self.unless(false, name, Value::Hidden(Hidden::new(bytes)))
    }

    /// What could not be had is told, also where it is so on both sides.
    pub fn unknown(self, name: &'static str, why: &str) -> Self {
        self.unless(false, name, Value::Unknown(why.to_owned()))
    }

    pub fn public_key(self, key: &PublicKey) -> Self {
        self.text("key", key.kind().to_string()).digest(PUBLIC_KEY, &key.digest())
    }

    /// The component's own and the node's, in two fields; the node's first one goes without saying.
    pub fn revision(self, text: &str) -> Self {
        let (own, node) = Revision::parts(text);
        let node = if node == "1" { "" } else { node };
        self.text("revision", own).text("node-revision", node)
    }

    pub fn field(self, name: &'static str, value: Value) -> Self {
        self.unless(false, name, value)
    }

    fn unless(mut self, not: bool, name: &'static str, value: Value) -> Self {
        if !not {
            self.fields.push(Field { name, value });
        }
        self
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        let field = self.fields.iter().find(|field| field.name == name);
        field.map(|field| &field.value)
    }
}
