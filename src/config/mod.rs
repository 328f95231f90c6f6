//! A description in KDL to a [`Spec`], with every mistake of every file in one report.
//!
//! `files` reads what the root includes; `tokens` (with `strings`) and `syntax` (with `structure`) check a
//! text's structure and limits, `parse` turns it into a `tree`; `block` sorts a node's words by its
//! `shape`, a table of typed words (`fields` has the common ones) in each of `cluster` (with `networks`),
//! `ca`, `node` (with `leaf`), `component`, `user` (with `bind` and `request`), `certificate`, `manifests`,
//! `secrets` and `reproducible`; `reader` makes types of values, and `explain` tells what the same tables
//! say of each word. Nothing here stops at a mistake: what can be judged is judged, and a rule about
//! something missing is silent where a mistake may have hidden it. Of a description without such mistakes
//! `processes` (with `operators`, into `held`), `kubelet_conf`, `authorities`, `servers`, `owners` and
//! `collisions` judge what follows from it. `write` is the way back, `format` the usual form.
//!
//! May import `graph`, `path`, `pod` and `profile`, whose rules some mistakes break, and what lies below.
//! Never here: a file that [`crate::sources`] did not hand out, a clock, a default that a user cannot see.

mod authorities;
mod bind;
mod block;
mod brought;
mod ca;
mod certificate;
mod chain;
mod cluster;
mod collisions;
mod component;
mod defaults;
mod describe;
mod excerpt;
mod explain;
mod fields;
mod files;
mod flags;
mod format;
mod groups;
mod held;
mod keypair;
mod kubelet_conf;
mod leaf;
mod manifests;
mod networks;
mod node;
mod operators;
mod owners;
mod parse;
mod plain;
mod policy;
mod problem;
mod processes;
mod reader;
mod report;
mod reproducible;

mod request;
mod review_policy;
mod rotate;
mod secrets;
mod servers;
mod shape;
mod strings;
mod structure;
mod syntax;
mod tokens;
mod tree;
mod user;
mod write;

pub use explain::{Meaning, Word, all_words, find_words, word_paths};
pub use format::formatted;
pub use problem::{At, Problem};
pub use report::{Report, SourceFile};
pub use review_policy::load_policy;
pub use rotate::{KeypairLine, keypair_lines, with_keypairs};
pub use shape::{Takes, Unwritten, Values};
pub use write::{Remark, write, write_with};

use crate::graph::Graph;
use crate::sources::Sources;
use crate::spec::Spec;
use crate::version::KubernetesVersion;

/// A description without mistakes.
#[derive(Debug)]
pub struct Loaded {
    pub spec: Spec,
    /// What follows from it.
    pub graph: Graph,
    /// What is legal and worth knowing.
    pub notes: Vec<String>,
    /// The files that were read, the root first.
    pub files: Vec<SourceFile>,
}

/// Reads the description whose first file is `root`. `locked` is the version in the lock beside it: a minor
/// alone keeps the patch that it has there.
pub fn load(
    sources: &Sources,
    root: &str,
    locked: Option<KubernetesVersion>,
) -> Result<Loaded, Report> {
    let files = files::read(sources, root);
    let mut reader = reader::Reader::new(&files.read, files.problems);
    let described = describe::describe(&files.nodes, sources, locked, &mut reader);
    let (problems, notes) = (reader.problems, reader.notes);
    let described = match described {
        Some(described) if problems.is_empty() => described,
        _ => return Err(Report::new(files.read, problems)),
    };
    // Only a cluster without mistakes says what its processes must be told.
    let mut spec = described.spec;
    let mut review = held::Review::new(files.read, notes);
    if let Some(folder) = &described.manifests {
        spec.manifests = Some(manifests::read(folder, &spec, sources, &mut review));
    }
    let graph = Graph::derive(&spec);
    leaf::review(&graph, &described.leaves, &mut review);
    authorities::review(&graph, &described.authorities, &mut review);
    servers::review(&spec, &graph, &mut review);
    owners::review(&spec, &mut review);
    processes::review(&spec, &graph, &described.places, &mut review);
    kubelet_conf::review(&spec, &graph, &mut review);
    collisions::review(&spec, &graph, &described.folders, &mut review);
    if review.problems.is_empty() {
        Ok(Loaded { spec, graph, notes: review.notes, files: review.files })
    } else {
        Err(Report::new(review.files, review.problems))
    }
}
