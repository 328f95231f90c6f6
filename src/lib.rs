//! kpki builds the PKI of a Kubernetes cluster the way Nix builds packages: one description in, a graph of
//! derivations with content hashes, and only what changed is built again. Terraform's manners (plan,
//! review, apply), Nix's engine.
//!
//! # The path that data takes
//!
//! ```text
//! Sources -> config -> Spec -> Graph -> plan(Graph, Lock, Inventory, now) -> Plan -> build -> store
//! ```
//!
//! - [`sources`] is a limited, read-only tree. [`config`] reads the description and every file that it
//!   names from there, once; nothing after it reads a source.
//! - [`spec::Spec`] is what the user wants: types that cannot hold a bad name, address, duration or
//!   algorithm; every value knows where it came from.
//! - [`profile`] is what Kubernetes expects, as const rows. [`graph`] is their one interpreter.
//! - [`graph::Derivation`] is the recipe of one artifact; it knows no path. [`graph::Placement`] says where
//!   its bytes lie: `ca.crt` on 10,000 nodes is one artifact with 10,000 placements.
//! - [`state`] is what there is: the lock's lines and the files under `out/`, of secrets only what can be
//!   seen without opening them. [`plan::Survey`] is what the public ones say.
//! - [`plan`] compares the two and knows everything before anything is built.
//! - [`build`] makes bytes of steps. [`store`] is the only writer.
//!
//! # An identity is one artifact
//!
//! A key and the certificate over it stand or fall together, so they are one derivation and one line of
//! the lock, with their public half in the clear (the witness: a `.crt`, a `.pub`, or for a certificate
//! that only a kubeconfig embeds a copy under `out/identities/`). The kubeconfig around an identity is
//! an artifact of its own: it changes with its server, too.
//!
//! # Three kinds of artifact, each judged in one way
//!
//! - *Minted* (keys, certificates): kept while the public facts of their bytes satisfy the wish.
//! - *Rendered* (bundles, kubeconfigs, manifests): pure functions of their inputs, compared by content.
//! - *Imported* (a brought CA, a request that a user brings, a certificate that the cluster signed): never
//!   built, only checked.
//!
//! A differing hash is never by itself a reason to mint: it says where to look, and `why` explains from
//! the same fields that it covers ([`hash::Fields`]).
//!
//! # A certificate that the cluster signs
//!
//! Its request is minted (or brought) and is an artifact of its own. The certificate *waits* until `kpki
//! accept` brings the answer; the lock then names the request that was answered. Waiting is a state and no
//! step: while it lasts nothing is planned, and the certificate and kubeconfig before it stay. Renewal makes
//! the request anew. Kubernetes' signer writes the subject in its own way and may cut the life, so an answer
//! is compared by key, common name and the set of organizations.
//!
//! # Static pods
//!
//! A static pod is rendered from the description and from the public bytes of what its process reads only
//! when it starts: their digest is an annotation, and a changed one makes the kubelet replace the pod. It is
//! built last. An operator's own manifest ([`spec::Manifest`]) is an input as any other file: [`pod`] finds
//! the spans to edit, keeps every other byte, and reads the result again; `config` tries that once, so that a
//! manifest that cannot be patched is a mistake in a file with a line, and not a plan that fails.
//!
//! # Keys from a seed
//!
//! In a reproducible description every key can be had again, so nothing below is "absent" or "lost": plan
//! knows that ([`graph::Graph::is_key_derived`]) without knowing the seed, which only apply reads. The lock's
//! head has an identifier of the seed; another one is refused. Written dates are inputs and enter the hash;
//! the clock does not.
//!
//! # Secrets at rest
//!
//! Whether a secret is sealed is a property of its [`graph::Placement`], and of nothing else: no recipe, hash
//! or step knows it. A placement keeps its name in the clear (`ca/kubernetes.key`); its file is that or
//! `.age` behind it. [`state::SecretFile`] says in which forms it is here, [`plan::resting`] holds them
//! against description and lock, and what differs is a [`plan::Seal`] beside the steps: the form changes,
//! what it holds stays. age never writes the same file twice, so the lock has the digest of each sealed file
//! and of its recipients: of an artifact's one secret or master in its line, of copies on nodes in lines of
//! their own, so that a node which comes or goes touches no other secret. What a removed recipient could read
//! is remembered by the public half of each key ([`state::Exposure`]) until it is another key; that is a
//! state and no step. Everything is written through `put` and read through `open` of [`build::sealing`].
//!
//! # Secrets in the clear
//!
//! Plan opens none, so an [`index`](store::index) says which file apply has last held against its witness, by
//! what no writer leaves as it was, and for which public half. It lies in the user's state folder: what lies
//! in a repository must not vouch for what came with it. [`plan::standing`] compares; a secret that changed
//! is a step that only checks, one that nothing is known of is no step, and [`build::check`] opens both
//! before anything is built. A key that does not belong is never written over: whose it is, a person knows.
//!
//! # Power
//!
//! [`review`] holds what the certificates, bindings, static pods and recipients that are here let
//! somebody do against what the recipes make. What was before is what a CA's signature proves; other public
//! files count only as the lock records them, and of a kubeconfig's server the lock alone tells. It costs
//! nothing where a plan has no step. The same comparison of two [`review::Credential`]s serves any
//! two certificates, and with another description as what was before ([`review::between`]) any two
//! descriptions. A [`review::ReviewPolicy`] is no part of the description: whoever reviews gives it.
//!
//! # What lies in the project folder proves nothing
//!
//! Description, lock, `out/` and what an interrupted apply left there may have come with a pull request. What
//! was written here is told by [`store::MachineKey`], which lies in the user's state folder and nowhere else:
//! it seals the journal of a commit. One without that seal is a proposal ([`plan::Interruption`]): plan shows
//! what finishing it would do, and apply asks for consent to exactly that. One that Git tracks, of another
//! owner, beside another lock or with changed files is never finished; `kpki discard` sets it aside. One that
//! is sealed is finished only after plan, consent and policy have judged the state that it leaves.
//!
//! # Any tree, without a description
//!
//! [`lint`] judges a folder of files by their content and by where kubeadm puts them: [`mod@store::walk`]
//! reads, each file becomes facts at once (of a key its public half alone), and the checks are functions of
//! these facts. What they find is a row of a table, which `explain` prints.
//!
//! # Invariants
//!
//! 1. The plan after an apply is empty, at any clock; an upgrade of kpki reissues nothing.
//! 2. An anchor (a CA key, the service-account key) gets a new key only with `--allow replace:NAME`, and
//!    is first made only where neither the lock nor any file under `out/` mentions it. A permission is no
//!    order: it takes effect only where the key turns out to be needed and not to be had.
//! 3. `plan`, `status`, `why` and `diff` of revisions open no secret; `show` and `diff` of files open only
//!    what the user names. A secret is checked against its witness before use. Where it is sealed, nothing of
//!    it in the clear reaches a disk.
//! 4. The lock explains; it never makes a file trusted. A deleted lock is rebuilt from `out/` without
//!    changing a file.
//! 5. A leaf depends on its issuer's subject and key, never on the issuer's certificate; a kubeconfig on
//!    the bytes that it embeds, never on a hash of recipes.
//! 6. Time never enters a hash or a step; `now` is a parameter everywhere.
//! 7. Nothing is written outside `out/` and `cluster.lock` but by `init`, by `setup git`, by `install` below
//!    the root that it is given, and by `export`, `report`, `plan --out` and Git's merge driver to the file
//!    that each is given. A crash leaves the old state, or one that the next apply of the same user and
//!    machine rolls forward; old keys go only after the lock is durable. The machine key and the index of
//!    verified secrets lie in the user's state folder, which may be deleted at any time.
//! 8. A leaf never silently outlives its CA.
//!
//! # From `out/` to the nodes
//!
//! `out/nodes/NODE/` is what should lie on a node. [`install`] compares it with the node, file by file, and
//! [`store`] moves what differs into place: layer after layer, so that no manifest is seen before the files
//! that it names. What was put there is recorded on the node itself, by public fingerprints: only what is
//! still as recorded is ever removed, and a private key that is not on record is never overwritten unless a
//! person says so. Both commands only read the project; a secret leaves `out/` after it was held against its
//! witness.
//!
//! # Two states
//!
//! [`diff`] compares descriptions, files and locks as [`diff::Item`]s: named fields, of which some only echo
//! that something else changed. A revision is read as [`sources::Tree`], with the limits of a folder; of Git
//! only object names, trees and blobs are asked. What `git diff` shows are the same items, one value a line.
//! A lock is no state that is believed: of two revisions descriptions and certificates are compared, each for
//! itself.
//!
//! # Rules of judgement that are easy to get wrong
//!
//! - A leaf's life must be its validity (plus at most the five minutes by which notBefore is set back), or
//!   end exactly where its CA ends. When the CA is renewed, clamped leaves are issued again with it.
//! - A renewal is planned only if it moves notAfter later, so a leaf clamped to a CA that cannot be renewed
//!   is not renewed for ever.
//! - A CA renews when what is left is less than its longest leaf and that leaf's window need, but never
//!   before half of its own life: else a CA shorter than its leaves would renew at every run.
//! - A file is an orphan while it is what the lock says was put at its path, and never by its name or folder.
//!   A certificate, key or kubeconfig is one only if a CA in `out/ca` signed for it (`plan::Proof`): the lock
//!   may be anybody's. A lock names artifacts; `graph::origins` says where those can have lain. Lines for
//!   files are needed only where the artifact's line moves on and the file stays, so an older lock serves as
//!   well.
//! - What cannot be read blocks its artifact without an `--allow`: nothing follows from it.
//! - A certificate can be issued again over a public key alone. Only a kubeconfig needs the private one.
//!
//! # Where this leaves the first design
//!
//! - A description has at most 3 MiB in all, not 8: the KDL reader takes about a second for a MiB on one
//!   core, and a hostile file must end in an error within two.
//! - Signatures and new EC and Ed25519 keys are ring's, five times as fast as RustCrypto's at P-256. ring's
//!   ECDSA is randomized, so a certificate is no function of its inputs; where it must be one, RustCrypto
//!   makes it. `build/key.rs` and `build/seeded_key.rs` alone name a backend.
//! - A reproducible certificate's serial number follows from its other content instead of its derivation: a
//!   derivation may change where the certificate does not (a validity that its CA cuts anyway), and then a
//!   tree that grew would differ from one that is built at once.
//! - A CA shorter than its leaves renews at half of its life (above); the first rule alone never converges.
//!
//! # The house
//!
//! A module imports from lower floors only; `tests/architecture.rs` keeps this, and the rooms.
//!
//! | floor | modules |
//! |---|---|
//! | 14 | [`command`] (the one assembler; terminal, clock) |
//! | 13 | [`cli`] |
//! | 12 | [`render`] |
//! | 11 | [`engine`] (the use cases) |
//! | 10 | [`config`], [`install`], [`lint`], [`lock`], [`store`] (files) |
//! | 9 | [`sources`] (files), [`build`] (randomness), [`review`] |
//! | 8 | [`diff`], [`plan`] |
//! | 7 | [`graph`] |
//! | 6 | [`manifest`], [`pod`] |
//! | 5 | [`profile`], [`state`] |
//! | 4 | [`facts`] (the only reader of X.509), [`spec`] |
//! | 3 | [`algorithm`], [`sealed`], [`time`], [`version`] |
//! | 2 | [`edit`], [`error`], [`hash`], [`name`], [`secret`], [`words`] |
//! | 1 | [`shell`] |
//! | 0 | [`visible`] |

pub mod algorithm;
pub mod build;
pub mod cli;
pub mod command;
pub mod config;
pub mod diff;
pub mod edit;
pub mod engine;
pub mod error;
pub mod facts;
pub mod graph;
pub mod hash;
pub mod install;
pub mod lint;
pub mod lock;
pub mod manifest;
pub mod name;
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
