//! The options of `kpki explain`.

use clap::Args;

use super::Output;

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A word of cluster.kdl or of a policy, such as user or component.etcd.topology, or a finding's name,
    /// such as ca-reuse; without one all are listed
    pub name: Option<String>,
    #[command(flatten)]
    pub output: Output,
}
