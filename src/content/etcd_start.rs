//! How a member of etcd first starts.

use std::fmt;

use crate::pod::PodFacts;

/// What a member of etcd is told of the others. It reads it at its very first start only, and a changed
/// list would restart etcd for nothing: once made it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EtcdStart {
    /// It joins a cluster that runs, after `etcdctl member add`.
    pub existing: bool,
    /// The value of `--initial-cluster`.
    pub members: String,
}

impl fmt::Display for EtcdStart {
    /// As the lock keeps it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.existing { "existing" } else { "new" };
        write!(f, "{state}:{}", self.members)
    }
}

impl EtcdStart {
    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (existing, members) = match text.split_once(':')? {
            ("new", members) => (false, members),
            ("existing", members) => (true, members),
            _ => return None,
        };
        let plausible = members.split(',').all(|member| {
            let plain = member.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
            plain && member.contains("=http")
        });
        plausible.then(|| EtcdStart { existing, members: members.to_owned() })
    }

    /// What a manifest tells its member.
    pub fn of_manifest(facts: &PodFacts) -> Option<Self> {
        let members = facts.values("initial-cluster").last()?;
        let existing = facts.values("initial-cluster-state").last() == Some("existing");
        let state = if existing { "existing" } else { "new" };
        EtcdStart::parse(&format!("{state}:{members}"))
    }
}
