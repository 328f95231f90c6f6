//! The options of `kpki open`.

use std::path::PathBuf;

use clap::Args;

use super::Identities;

#[derive(Debug, Args)]
pub struct OpenArgs {
    /// An artifact's name, such as users/jane, its end where only one ends so, or the path of its file. Of
    /// what has a kubeconfig that is opened, since it holds the key
    pub name: String,
    /// A new file; - writes to standard output even where that is a terminal [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub identities: Identities,
}
