//! What the user asks of one run beyond the description: `--renew`, `--rekey`, `--allow` and
//! so on.

use std::fmt;
use std::str::FromStr;

use super::stage::Stage;
use crate::graph::Artifact;
use crate::hash::Digest;
use crate::json::json_as_text;
use crate::name::{ArtifactName, NameError, NodeName};
use crate::spec::{Keypair, Root};

#[derive(Debug, Clone, Default)]
pub struct Intent {
    pub renew: Vec<NamePattern>,
    pub rekey: Vec<NamePattern>,
    pub allow: Vec<Allow>,
    /// Nothing waits for its turn.
    pub all: bool,
    /// Members of etcd that join again.
    pub rejoin: Vec<NodeName>,
}

impl Intent {
    pub fn renews(&self, name: &ArtifactName) -> bool {
        self.renew.iter().any(|pattern| pattern.matches(name))
    }

    pub fn rekeys(&self, name: &ArtifactName) -> bool {
        self.rekey.iter().any(|pattern| pattern.matches(name))
    }

    pub fn allows_replacing(&self, name: &ArtifactName) -> bool {
        // Whichever key pair of a root takes the place of another.
        let of = name.as_str().parse::<Artifact>().ok().and_then(|artifact| artifact.root());
        let root = of.map(|(root, _)| Artifact::of_root(root, Keypair::FIRST).name());
        self.allow.iter().any(|allow| match allow {
            Allow::Replace(allowed) => allowed == name || Some(allowed) == root.as_ref(),
            _ => false,
        })
    }

    pub fn allows_losing_key(&self, name: &ArtifactName) -> bool {
        self.allow
            .iter()
            .any(|allow| matches!(allow, Allow::LostKey(pattern) if pattern.matches(name)))
    }

    pub fn rejoins(&self, node: &NodeName) -> bool {
        self.rejoin.contains(node)
    }

    pub fn allows_stage(&self, stage: Stage, root: Root) -> bool {
        self.allow.contains(&Allow::Stage(stage, root))
    }

    pub fn allows_clock(&self) -> bool {
        self.allow.contains(&Allow::Clock)
    }
}

/// What a step may need said aloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allow {
    /// `replace:NAME`: an anchor gets a new key. Names exactly one.
    Replace(ArtifactName),
    /// `lost-key:NAME`: a key whose file is gone is given up.
    LostKey(NamePattern),
    /// `escalation:NAME`: a user, component, CA or whoever else gains power.
    Escalation(ArtifactName),
    /// `interrupted:IDENTITY`: what an interrupted apply of another machine or user left is finished.
    Interrupted(Digest),
    /// `plaintext`: sealed secrets are written in the clear.
    Plaintext,
    /// `trust:ROOT`, `promote:ROOT`, `distrust:ROOT`: a step of a rotation.
    Stage(Stage, Root),
    /// `clock`: certificates are dated by a clock that seems to be wrong.
    Clock,
}

json_as_text!(Allow);
json_as_text!(NamePattern);

const PLAINTEXT: &str = "plaintext";
const CLOCK: &str = "clock";

impl FromStr for Allow {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            PLAINTEXT => return Ok(Allow::Plaintext),
            CLOCK => return Ok(Allow::Clock),
            _ => {}
        }
        let stage = text.split_once(':').and_then(|(stage, root)| {
            Some((Stage::ALL.into_iter().find(|known| known.as_str() == stage)?, root))
        });
        if let Some((stage, root)) = stage {
            return Ok(Allow::Stage(stage, root.parse()?));
        }
        match text.split_once(':') {
            Some(("replace", name)) => name.parse().map(Allow::Replace),
            Some(("lost-key", pattern)) => pattern.parse().map(Allow::LostKey),
            Some(("escalation", name)) => name.parse().map(Allow::Escalation),
            Some(("interrupted", identity)) => identity
                .parse()
                .map(Allow::Interrupted)
                .map_err(|why: &str| NameError(why.into())),
            _ => Err(NameError(
                "is not a permission; write replace:NAME, lost-key:NAME, escalation:NAME, trust:NAME, promote:NAME, distrust:NAME, plaintext, clock or interrupted:ID".into(),
            )),
        }
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allow::Replace(name) => write!(f, "replace:{name}"),
            Allow::LostKey(pattern) => write!(f, "lost-key:{pattern}"),
            Allow::Escalation(name) => write!(f, "escalation:{name}"),
            Allow::Interrupted(identity) => write!(f, "interrupted:{identity}"),
            Allow::Stage(stage, root) => write!(f, "{}:{root}", stage.as_str()),
            Allow::Plaintext => f.write_str(PLAINTEXT),
            Allow::Clock => f.write_str(CLOCK),
        }
    }
}

/// An artifact's name, or `nodes/w1/*` for all below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamePattern {
    Exact(ArtifactName),
    Below(ArtifactName),
}

impl NamePattern {
    pub fn matches(&self, name: &ArtifactName) -> bool {
        match self {
            NamePattern::Exact(exact) => exact == name,
            NamePattern::Below(parent) => name
                .as_str()
                .strip_prefix(parent.as_str())
                .is_some_and(|rest| rest.starts_with('/')),
        }
    }
}

impl FromStr for NamePattern {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.strip_suffix("/*") {
            Some(parent) => parent.parse().map(NamePattern::Below),
            None => text.parse().map(NamePattern::Exact),
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NamePattern::Exact(name) => name.fmt(f),
            NamePattern::Below(parent) => write!(f, "{parent}/*"),
        }
    }
}
