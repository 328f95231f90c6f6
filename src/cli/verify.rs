//! The options of `kpki verify`.

use std::path::PathBuf;

use clap::Args;

use super::{Future, Identities, Output};
use crate::time::Span;

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The folder: /etc/kubernetes, a copy of it, several nodes' [default: out/ of the project folder]
    pub path: Option<PathBuf>,
    /// Dial what the description names: which certificate is served there, by which keypair, and whose
    /// clients are accepted; changes nothing. Exit code 1: a fault, 4: not all of it is proven
    #[arg(long, conflicts_with_all = ["path", "now"])]
    pub live: bool,
    /// With --live: end after this span (30s, 5m), whatever is dialled by then [default: 10m]. One address
    /// never has more than 10 seconds
    #[arg(long, value_name = "SPAN", requires = "live")]
    pub timeout: Option<Span>,
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub future: Future,
}
