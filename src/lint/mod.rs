//! Any PKI tree, judged without a description: by what its files say and by where kubeadm or another
//! distribution puts them.
//!
//! ```text
//! files -> Tree (facts of each file) -> World (Kubernetes folders, issuers) -> checks -> findings
//! ```
//!
//! Pure. A file is turned into facts when it is handed over, so that no key stays in memory: of a private key
//! only its public half is kept, of a kubeconfig what it says.
//!
//! May import `graph` for its tables of flags, `machine`, `holdings` and what lies below. Never here:
//! files, a description, a lock.

mod api_servers;
mod certificate;
mod chain;
mod client;
mod contents;
mod counterparts;
mod encoded;
mod files;
mod finding;
mod flag_values;
mod flags;
mod holds;
mod identity;
mod issuers;
mod judge;
mod kubeconfig;
mod kubernetes_folder;
mod layouts;
mod machine;
mod other_secrets;
mod pair;
mod places;
mod pod_user;
mod readers;
mod role;
pub mod rules;
mod shared_keys;
mod tree;
mod trust;
mod verdicts;
mod world;

pub use self::finding::Finding;
use self::finding::Findings;
pub use self::machine::{is_set_aside, tree_of};
pub use self::rules::{RULES, Rule, Severity, rule};
pub use self::tree::{Counts, Tree};
use self::world::World;
use crate::time::Timestamp;

type Check = fn(&World<'_>, &mut Findings);

/// A later check may leave out what an earlier one explains.
const CHECKS: &[Check] = &[
    files::check,
    contents::check,
    counterparts::check,
    pair::check,
    shared_keys::check,
    certificate::check,
    chain::check,
    role::check,
    identity::check,
    trust::check,
    kubeconfig::check,
    flags::check,
    flag_values::check,
    pod_user::check,
];

/// Everything that is wrong with the tree at this time: errors first, in the order of [`RULES`], then by
/// path.
pub fn lint(tree: &Tree, now: Timestamp) -> Vec<Finding> {
    let world = World::new(tree, now);
    let mut findings = Findings::default();
    for check in CHECKS {
        check(&world, &mut findings);
    }
    let mut found: Vec<Finding> = findings.into_iter().collect();
    for finding in &mut found {
        finding.path = tree.shown(&finding.path).to_owned();
    }
    let place = |finding: &Finding| RULES.iter().position(|rule| rule.id == finding.rule.id);
    found.sort_by_cached_key(|finding| (place(finding), finding.path.clone()));
    found
}
