//! What an install may need said aloud.

use std::fmt;
use std::str::FromStr;

use crate::name::{ArtifactName, NameError, TreePath};
use crate::plan::NamePattern;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// `other-host:NAME`: the machine is called so, or held that node's files before.
    OtherHost(String),
    /// `other-cluster:NAME`: the machine held files of that cluster before.
    OtherCluster(String),
    /// `overwrite:PATH`: private keys there, which kpki did not put there, are given up.
    Overwrite(NamePattern),
    /// `older:PATH`: certificates there that are newer than those of the tree are given up.
    Older(NamePattern),
}

impl Permission {
    pub fn overwrites(&self, path: &TreePath) -> bool {
        matches!(self, Permission::Overwrite(pattern) if is_below(path, pattern))
    }

    pub fn puts_back(&self, path: &TreePath) -> bool {
        matches!(self, Permission::Older(pattern) if is_below(path, pattern))
    }

    /// Where it names files, this is one of them.
    pub fn concerns(&self, path: &TreePath) -> bool {
        self.overwrites(path) || self.puts_back(path)
    }
}

/// Names and paths follow one rule.
fn is_below(path: &TreePath, pattern: &NamePattern) -> bool {
    let name = path.as_str().parse::<ArtifactName>();
    name.is_ok_and(|name| pattern.matches(&name))
}

impl FromStr for Permission {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once(':') {
            Some(("other-host", name)) if !name.is_empty() => {
                Ok(Permission::OtherHost(name.to_owned()))
            }
            Some(("other-cluster", name)) if !name.is_empty() => {
                Ok(Permission::OtherCluster(name.to_owned()))
            }
            Some(("overwrite", path)) => {
                path.trim_start_matches('/').parse().map(Permission::Overwrite)
            }
            Some(("older", path)) => path.trim_start_matches('/').parse().map(Permission::Older),
            _ => Err(NameError(
                "is not a permission; write other-host:NAME, other-cluster:NAME, overwrite:PATH or older:PATH"
                    .into(),
            )),
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Permission::OtherHost(name) => write!(f, "other-host:{name}"),
            Permission::OtherCluster(name) => write!(f, "other-cluster:{name}"),
            Permission::Overwrite(pattern) => write!(f, "overwrite:/{pattern}"),
            Permission::Older(pattern) => write!(f, "older:/{pattern}"),
        }
    }
}
