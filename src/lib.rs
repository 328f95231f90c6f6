//! kpki builds the PKI of a Kubernetes cluster the way Nix builds packages: one description in, a graph of
//! derivations with content hashes, and only what changed is built again. Terraform's manners (plan, review,
//! apply), Nix's engine.
//!
//! # The path that data takes
//!
//! ```text
//! Sources -> config -> Spec -> Graph -> plan(Graph, Lock, Inventory, now) -> Plan -> build -> store
//!                                             \-> review: who gains which access
//! ```
//!
//! [`spec::Spec`] is what the user wants, in types that cannot hold a bad name, address, duration or
//! algorithm. [`profile`] is what Kubernetes expects, as rows; [`graph`] is their one interpreter. [`state`]
//! is what there is: the lock's lines and the files under `out/`, of secrets only what can be seen without
//! opening them. [`plan`] compares the two and knows everything before anything is built.
//!
//! # An identity is one artifact
//!
//! A [`graph::Derivation`] is the recipe of one artifact; it knows no path. A [`graph::Placement`] says where
//! its bytes lie: `ca.crt` on 10,000 nodes is one artifact with 10,000 placements. A key and the certificate
//! over it are one artifact and one line of the lock; the kubeconfig around them is another.
//!
//! Each kind of artifact is judged in one way. *Minted* ones (keys, certificates) are kept while the public
//! facts of their bytes satisfy the wish. *Rendered* ones (bundles, kubeconfigs, manifests) are pure
//! functions of their inputs and compared by content. *Imported* ones (a CA, a request or a certificate that
//! somebody else made) are never built, only checked. A differing hash is never by itself a reason to mint.
//!
//! # Invariants
//!
//! 1. The plan after an apply is empty, at any clock, once all that is due has had its turn; an upgrade of
//!    kpki reissues nothing.
//! 2. A CA key or the service-account key is replaced only with `--allow replace:NAME`, or in stages with a
//!    word each; it is first made only where neither the lock nor any file under `out/` mentions it.
//! 3. Reading commands open only the secrets that the user names, and `verify --live` CAs' keys. A secret is
//!    checked against its public half before use; of a sealed one nothing in the clear reaches a disk.
//! 4. What lies in the project folder proves nothing: before a change there was what the lock in force
//!    records *and* the bytes prove. A deleted lock is rebuilt from `out/`, with one consent.
//! 5. A leaf depends on its issuer's subject and key, not on its certificate; a kubeconfig on what it embeds.
//! 6. Time never enters a hash or a step; `now` is a parameter everywhere.
//! 7. Nothing is written outside `out/` and `cluster.lock` but to a place that the user names, or by `rotate`
//!    and `fmt` to the description. A crash leaves the old state, or one that the next apply rolls forward.
//! 8. A leaf never silently outlives its CA.
//!
//! # The house
//!
//! A module imports from lower floors only, files of a room import each other in no circle, and each room's
//! first lines say what it holds and what must never be in it: `tests/core/architecture.rs` keeps all three.
//!
//! | floor | modules |
//! |---|---|
//! | 16 | [`command`] (the one assembler; terminal, clock) |
//! | 15 | [`cli`] |
//! | 14 | [`render`] |
//! | 13 | [`engine`] (the use cases) |
//! | 12 | [`adopt`], [`config`], [`install`], [`lint`], [`live`] (sockets), [`lock`], [`store`] (files) |
//! | 11 | [`sources`] (files), [`build`], [`review`] |
//! | 10 | [`diff`], [`plan`] |
//! | 9 | [`content`] |
//! | 8 | [`graph`], [`machine`] |
//! | 7 | [`manifest`], [`path`], [`pod`] |
//! | 6 | [`holdings`], [`profile`], [`state`] |
//! | 5 | [`keys`] (randomness), [`spec`] |
//! | 4 | [`facts`] (the only reader of X.509) |
//! | 3 | [`algorithm`], [`sealed`], [`time`], [`version`] |
//! | 2 | [`edit`], [`error`], [`hash`], [`name`], [`secret`], [`words`] |
//! | 1 | [`shell`] |
//! | 0 | [`first_few`], [`json`], [`visible`] |

pub mod adopt;
pub mod algorithm;
pub mod build;
pub mod cli;
pub mod command;
pub mod config;
pub mod content;
pub mod diff;
pub mod edit;
pub mod engine;
pub mod error;
pub mod facts;
pub mod first_few;
pub mod graph;
pub mod hash;
pub mod holdings;
pub mod install;
pub mod json;
pub mod keys;
pub mod lint;
pub mod live;
pub mod lock;
pub mod machine;
pub mod manifest;
pub mod name;
pub mod path;
pub mod plan;
pub mod pod;
pub mod profile;
pub mod render;
pub mod review;
pub mod sealed;
pub mod secret;
pub mod shell;
pub mod sources;
pub mod spec;
pub mod state;
pub mod store;
pub mod time;
pub mod version;
pub mod visible;
pub mod words;
