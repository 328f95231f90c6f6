//! The command line, as clap reads it.

mod environment;
mod everywhere;
pub mod examples;
mod explain;
mod format;
mod future;
pub mod manual;
mod open;
mod status;
mod verify;

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};

pub use self::environment::{color_of, command, read};
pub use self::everywhere::{Color, Everywhere};
pub use self::explain::ExplainArgs;
pub use self::format::{Format, GraphFormat, PrintedAs, ReviewFormat, StatusFormat};
pub use self::future::Future;
pub use self::manual::ManArgs;
pub use self::open::OpenArgs;
pub use self::status::{Deadline, StatusArgs};
pub use self::verify::VerifyArgs;
use crate::install::Permission;
use crate::name::NodeName;
use crate::plan::{Allow, NamePattern};
use crate::sealed::Recipient;
use crate::spec::Root;

/// A Kubernetes cluster's PKI from one description: plan, review, apply.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub everywhere: Everywhere,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented cluster.kdl, .gitignore and .gitattributes, or what is missing of them
    Init(InitArgs),
    /// Take over a cluster that runs, from copies of its nodes' files; changes nothing on them
    Adopt(AdoptArgs),
    /// Check the description alone, and tell every mistake in it
    Validate,
    /// Indent the description; says the same as before, comments and all
    Fmt {
        /// Write nothing; exit with 2 when something would change
        #[arg(long)]
        check: bool,
    },
    /// Show what apply would do, and why; opens no secret and writes nothing
    Plan(PlanArgs),
    /// Build what the description asks for and write it to out/
    Apply(ApplyArgs),
    /// Edit the description to the next stage of a rotation, and show the plan: trust, promote, distrust
    Rotate(RotateArgs),
    /// Set an interrupted apply aside that must not be finished; deletes nothing
    Discard,
    /// Take in a user's certificate that the cluster signed
    Accept(AcceptArgs),
    /// Put one node's files in place
    Install(InstallArgs),
    /// Pack one node's files into a tar archive
    Export(ExportArgs),
    /// One secret in the clear, such as a user's kubeconfig; sealed ones with --identity
    Open(OpenArgs),
    /// Every certificate by expiry, and what is wrong with the files
    Status(StatusArgs),
    /// Who signs what, and who dials whom, as a diagram
    Graph(GraphArgs),
    /// Everything about every certificate in one HTML file that needs no network
    Report(ReportArgs),
    /// An artifact, or any certificate, key, request or kubeconfig file, in words
    Show(ShowArgs),
    /// What an artifact depends on, and what changed
    Why(WhyArgs),
    /// What differs in meaning between two revisions of Git, two locks, folders or certificates
    Diff(DiffArgs),
    /// Look for secrets in the clear that Git would take; for a pre-commit hook
    Check(CheckArgs),
    /// Check any PKI tree, kubeadm's or a handmade one, without a description; --live: what a cluster serves
    Verify(VerifyArgs),
    /// What a word of cluster.kdl means, with its values and an example; or why a finding of verify matters
    Explain(ExplainArgs),
    /// Prepare a tool that works with the project
    Setup {
        #[command(subcommand)]
        tool: Tool,
    },
    /// A file in words, for `git diff`: what `kpki setup git` installs
    #[command(hide = true)]
    Textconv {
        /// The file, as Git gives it
        file: PathBuf,
    },
    /// Merge two locks, for `git merge`: what `kpki setup git` installs
    #[command(hide = true)]
    MergeLock(MergeLockArgs),
    /// Print a completion script
    Completions {
        /// The shell to complete in
        shell: clap_complete::Shell,
    },
    /// Print a manual page (roff): kpki's own, a command's or that of cluster.kdl; or write them all
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub struct AdoptArgs {
    /// A node's name and a copy of its files: a folder, a tar archive, or - for one on standard input
    #[arg(required = true, value_name = "NODE=SOURCE")]
    pub sources: Vec<NodeSource>,
    /// Write cluster.kdl, manifests/, out/ and cluster.lock; without it they are only shown
    #[arg(long)]
    pub write: bool,
    /// Seal every secret for this age or ssh key; may be repeated
    #[arg(long = "recipient", value_name = "KEY")]
    pub recipients: Vec<Recipient>,
    /// A member that left etcd, though a manifest still names it; may be repeated
    #[arg(long, value_name = "NODE")]
    pub gone: Vec<NodeName>,
    /// kubeadm's ClusterConfiguration, as `kubectl -n kube-system get cm kubeadm-config -o yaml` prints it
    #[arg(long, value_name = "FILE")]
    pub kubeadm_config: Option<PathBuf>,
    #[command(flatten)]
    pub identities: Identities,
}

/// One node's files, and where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSource {
    pub node: NodeName,
    pub source: PathBuf,
}

impl FromStr for NodeSource {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let Some((node, source)) = text.split_once('=').filter(|(_, source)| !source.is_empty())
        else {
            return Err("write NODE=SOURCE, such as cp1=/mnt/cp1, cp1=cp1.tar or cp1=-".to_owned());
        };
        let node = node.parse().map_err(|error| format!("the node's name {error}"))?;
        Ok(NodeSource { node, source: PathBuf::from(source) })
    }
}

#[derive(Debug, Args)]
pub struct InitArgs {
    /// A reproducible cluster: write a new lab.seed, from which every key follows, too
    #[arg(long)]
    pub lab: bool,
}

#[derive(Debug, Args)]
pub struct Output {
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct ReviewOutput {
    /// How to print; markdown is for a comment on a pull request, of at most 60 kB
    #[arg(long, value_enum, default_value_t = ReviewFormat::Text)]
    pub format: ReviewFormat,
}

#[derive(Debug, Args)]
pub struct Intentions {
    /// Issue an artifact again, with the same key: its name, or the end of one where only one ends so
    /// (`nodes/w1/*` for all below)
    #[arg(long, value_name = "NAME")]
    pub renew: Vec<NamePattern>,
    /// Issue an artifact again, with a new key; named as for --renew
    #[arg(long, value_name = "NAME")]
    pub rekey: Vec<NamePattern>,
    /// Permit what is refused otherwise: replace:NAME, lost-key:NAME, escalation:NAME, plaintext, clock,
    /// interrupted:ID
    #[arg(long, value_name = "WHAT")]
    pub allow: Vec<Allow>,
    /// Renew everything that is due at once, not one node after the other
    #[arg(long)]
    pub all: bool,
    /// Let a member of etcd whose data is gone join again: the node's name
    #[arg(long, value_name = "NODE")]
    pub rejoin: Vec<NodeName>,
}

#[derive(Debug, Args)]
pub struct Policy {
    /// Rules that the description must keep, given by whoever reviews it
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Identities {
    /// Open sealed secrets with this age identity or ssh private key
    #[arg(long, value_name = "FILE")]
    pub identity: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Show only what is about these: an artifact, its end, or a node, a user or nodes/w1/* for all below;
    /// apply does all of the plan
    #[arg(value_name = "NAME", conflicts_with = "out")]
    pub names: Vec<NamePattern>,
    #[command(flatten)]
    pub output: ReviewOutput,
    #[command(flatten)]
    pub future: Future,
    #[command(flatten)]
    pub intentions: Intentions,
    #[command(flatten)]
    pub policy: Policy,
    /// Exit with 2 when there is something to do; where apply would stop, as it does: with 3 until a person
    /// consents, with 1 where no consent helps
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// List every change, also of many that are alike
    #[arg(long)]
    pub full: bool,
    /// Hold the description against a revision of Git, such as origin/main, and tell what of cluster.lock and
    /// out/ the working tree changes itself
    #[arg(long, value_name = "REV", conflicts_with = "out")]
    pub base: Option<String>,
    /// Write the plan to a file, for `kpki apply FILE`: a new one, or an earlier plan
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct RotateArgs {
    /// What is rotated: ca/kubernetes, ca/etcd, ca/front-proxy or service-account
    #[arg(value_name = "ROOT")]
    pub root: Root,
    /// Go back by one stage
    #[arg(long)]
    pub back: bool,
    /// The certificate of the new CA, where that is brought: a file beside the description
    #[arg(long, value_name = "FILE", conflicts_with = "back")]
    pub certificate: Option<String>,
}

#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A plan that `kpki plan --out` wrote: exactly this is done, or nothing
    #[arg(conflicts_with_all = ["renew", "rekey", "allow", "all", "rejoin", "prune"])]
    pub plan: Option<PathBuf>,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub intentions: Intentions,
    #[command(flatten)]
    pub policy: Policy,
    #[command(flatten)]
    pub identities: Identities,
    /// Delete files that the description no longer mentions
    #[arg(long)]
    pub prune: bool,
    /// List every change, also of many that are alike
    #[arg(long)]
    pub full: bool,
    /// Build everything again in memory and compare out/ with it; writes nothing, exits with 2 when it
    /// differs
    #[arg(long, conflicts_with_all = ["plan", "prune", "renew", "rekey", "allow", "all", "rejoin"])]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct AcceptArgs {
    /// The certificate's name, such as users/jane
    pub name: String,
    /// The signed certificate in PEM or DER; - reads standard input
    pub certificate: PathBuf,
    #[command(flatten)]
    pub identities: Identities,
}

#[derive(Debug, Args)]
pub struct InstallArgs {
    /// The node's name in the description
    pub node: String,
    /// Where the node's file system is
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
    /// Show what would be done, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Permit what is refused otherwise: other-host:NAME, other-cluster:NAME, overwrite:PATH, older:PATH
    #[arg(long, value_name = "WHAT:NAME")]
    pub allow: Vec<Permission>,
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The node's name in the description
    pub node: String,
    /// The archive: a new file, or an earlier archive in the clear; - writes to standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Seal the archive with age for this public key: `age1...`, or a line `ssh-ed25519 ...` or `ssh-rsa ...`
    #[arg(long, value_name = "KEY")]
    pub recipient: Vec<String>,
    /// Seal it for every public key in this file, one a line
    #[arg(long, value_name = "FILE")]
    pub recipients_file: Vec<PathBuf>,
    #[command(flatten)]
    pub identities: Identities,
}

#[derive(Debug, Args)]
pub struct GraphArgs {
    /// The diagram's language
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub format: GraphFormat,
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The page: a new file, or an earlier report; - writes to standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub future: Future,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Fail if a private key, a kubeconfig with a key or an age identity in the project folder is tracked by
    /// Git, or neither tracked nor ignored
    #[arg(long, required = true)]
    pub no_plaintext: bool,
    /// Look into all that Git ever had of the project folder, too, in any branch or reflog; fail if a key
    /// that is still in use was among it
    #[arg(long)]
    pub history: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// An artifact's name, the end of one where only one ends so, or the path of a file; - reads standard
    /// input
    pub what: String,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub future: Future,
}

#[derive(Debug, Args)]
pub struct WhyArgs {
    /// An artifact's name, such as nodes/cp1/apiserver, or its end where only one ends so
    pub name: String,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub future: Future,
}

#[derive(Debug, Args)]
pub struct DiffArgs {
    /// A revision (with nothing else: against the working tree), REV..REV, or a file or folder [default:
    /// HEAD]
    pub before: Option<String>,
    /// Another revision, file or folder
    pub after: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum Tool {
    /// This clone of a repository: certificates in words in git diff and git log -p, locks merged line by
    /// line
    Git,
}

#[derive(Debug, Args)]
pub struct MergeLockArgs {
    /// Characters of a conflict marker
    #[arg(long, default_value_t = 7)]
    pub marker_size: usize,
    /// What both sides come from
    pub base: PathBuf,
    /// Our side; the result is written here
    pub ours: PathBuf,
    /// Their side
    pub theirs: PathBuf,
    /// The file's name, for messages
    pub path: String,
}
