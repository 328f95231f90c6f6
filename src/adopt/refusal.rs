//! Why a cluster is not taken over.

use std::fmt;

use crate::name::NodeName;

/// One thing that does not fit, where it was seen, and what a person can do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// `None`: it is of the cluster as a whole.
    pub node: Option<NodeName>,
    /// On the node, with its leading slash.
    pub path: Option<String>,
    pub why: String,
    pub help: Option<String>,
}

pub type Refusals = Vec<Refusal>;

impl Refusal {
    pub fn of_cluster(why: impl Into<String>) -> Self {
        Refusal { node: None, path: None, why: why.into(), help: None }
    }

    pub fn of_node(node: &NodeName, why: impl Into<String>) -> Self {
        Refusal { node: Some(node.clone()), ..Refusal::of_cluster(why) }
    }

    /// `path` is below the node's root.
    pub fn of_file(node: &NodeName, path: &str, why: impl Into<String>) -> Self {
        Refusal { path: Some(format!("/{path}")), ..Refusal::of_node(node, why) }
    }

    pub fn help(self, help: impl Into<String>) -> Self {
        Refusal { help: Some(help.into()), ..self }
    }
}

impl fmt::Display for Refusal {
    /// `cp1: /etc/kubernetes/pki/ca.crt holds two certificates`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(node) = &self.node {
            write!(f, "{node}: ")?;
        }
        if let Some(path) = &self.path {
            write!(f, "{path} ")?;
        }
        f.write_str(&self.why)
    }
}
