//! Files and lock lines that the description no longer mentions: listed, never planned, until `--prune`.
//!
//! A file is an orphan only where the lock, or the one before it, says what was put at its path, and as long
//! as the same is there: a name or a folder proves nothing. Nor does a lock that anybody may have written: a
//! certificate, key or kubeconfig must also be proven to be this project's. Everything else below `out/` is
//! not kpki's.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use super::keypairs::keypairs_on_record;
use super::{Note, Plan, Proof, World};
use crate::facts::{
    CertificateFacts, PublicKey, RequestFacts, certificate_pem, certificates_in_pem,
};
use crate::graph::{Artifact, DerivationId, FilePart, Origin, Scope, origins, tree_of};
use crate::hash::Digest;
use crate::name::{ArtifactName, TreePath};
use crate::profile::key_is_usually_on_nodes;
use crate::sealed::SUFFIX;
use crate::state::{Entry, File, Lock, Made, REMOVED_BINDINGS};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Orphan {
    File {
        /// The file's own name.
        path: TreePath,
        secret: bool,
        made: Made,
    },
    Line(ArtifactName),
}

/// One form of a file that is not placed.
enum Form<'a> {
    Public(&'a [u8]),
    Sealed(Digest),
    /// A secret in the clear, of this size.
    Plain(u64),
}

pub(super) fn find(plan: &mut Plan, world: World<'_>) {
    let nodes = LazyCell::new(|| nodes_on_record(world.lock));
    let proof = LazyCell::new(|| Proof::of(world));
    for (path, file) in &world.inventory.files {
        if world.graph.is_placed(path) || path == REMOVED_BINDINGS {
            continue;
        }
        let sealed = format!("{path}{SUFFIX}");
        let forms = match file {
            File::Public { bytes, .. } => [Some((path, Form::Public(bytes))), None],
            File::Secret(secret) => [
                secret.plain.map(|plain| (path, Form::Plain(plain.size))),
                (secret.sealed.as_ref()).map(|file| (&sealed, Form::Sealed(file.digest))),
            ],
            File::Unusable { what } => {
                plan.foreign.push(path.clone());
                note(plan, path, what.clone());
                continue;
            }
            // Whose it is, nobody can say.
            File::Unreadable { why } => {
                note(plan, path, format!("cannot be read: {why}"));
                continue;
            }
        };
        for (file, form) in forms.into_iter().flatten() {
            let made = match file.parse::<TreePath>() {
                Ok(tree_path) => {
                    let origins = origins(path);
                    let made = if is_users_own(world, &origins) {
                        None
                    } else {
                        remembered(world.lock, &tree_path, &form, &origins)
                            .or_else(|| named(world.lock, &nodes, path, &form, &origins))
                    };
                    made.map(|made| (tree_path, made))
                }
                Err(_) => None,
            };
            match made {
                Some((tree_path, made)) if !is_proven(&proof, path, &form, made) => {
                    plan.foreign.push(file.clone());
                    plan.unproven.push((tree_path, made));
                }
                Some((path, made)) => plan.orphans.push(Orphan::File {
                    path,
                    secret: !matches!(form, Form::Public(_)),
                    made,
                }),
                None => plan.foreign.push(file.clone()),
            }
        }
    }
    for name in world.lock.entries.keys() {
        let is_retired = plan.retired.iter().any(|retired| retired.name == *name);
        if world.graph.find(name).is_none() && !is_retired {
            plan.orphans.push(Orphan::Line(name.clone()));
        }
    }
    plan.orphans.sort();
    plan.foreign.sort();
    plan.unproven.sort();
}

/// The path is the name in the clear.
fn is_proven(proof: &Proof<'_>, path: &str, form: &Form<'_>, made: Made) -> bool {
    match (form, made) {
        (Form::Public(bytes), _) => proof.allows(path, bytes),
        (Form::Plain(_), Made::Key(key)) => proof.keys(path).contains(&key),
        // Whose key it holds is seen only once it is opened.
        (Form::Sealed(_), _) => !proof.keys(path).is_empty(),
        (Form::Plain(_), Made::Content(_)) => false,
    }
}

fn note(plan: &mut Plan, path: &str, what: String) {
    plan.notes.push(Note::Unusable { path: path.to_owned(), what });
}

/// Where a kubeconfig says that its user's own key lies, it may: that key is not kpki's to delete.
fn is_users_own(world: World<'_>, origins: &[Origin]) -> bool {
    origins.iter().any(|origin| match &origin.artifact {
        Artifact::User(..) if origin.content == FilePart::PrivateKey => {
            let identity = world.graph.find(&origin.artifact.name());
            identity.is_some_and(|id| world.graph.brought_request(id).is_some())
        }
        _ => false,
    })
}

/// The lock has a line of the file, and it is the same still, as far as that is seen from outside. Whoever
/// wrote that line, kpki puts such a file there.
fn remembered(lock: &Lock, path: &TreePath, form: &Form<'_>, origins: &[Origin]) -> Option<Made> {
    let made = lock.orphans.get(path).copied()?;
    let public = matches!(form, Form::Public(_));
    origins.iter().find(|origin| origin.content.is_secret() != public)?;
    let same = match (made, form) {
        (Made::Content(digest), Form::Public(bytes)) => digest == Digest::of(bytes),
        (Made::Content(digest), Form::Sealed(sealed)) => digest == *sealed,
        (Made::Key(_), Form::Plain(_)) => true,
        _ => false,
    };
    same.then_some(made)
}

/// The lock names an artifact that lay at this path, and the file is what its line says.
fn named(
    lock: &Lock,
    nodes: &BTreeSet<&str>,
    path: &str,
    form: &Form<'_>,
    origins: &[Origin],
) -> Option<Made> {
    // What nodes share is on record for all of them: a node that no line names never had it.
    if tree_of(path).is_some_and(|(node, _)| !nodes.contains(node)) {
        return None;
    }
    origins.iter().find_map(|origin| is_of(lock, path, form, origin))
}

fn nodes_on_record(lock: &Lock) -> BTreeSet<&str> {
    lock.entries.keys().filter_map(|name| Scope::of(name).node()).collect()
}

/// A path says which root's key a copy is, and not of which key pair: nodes have that of the one that signs.
fn is_of(lock: &Lock, path: &str, form: &Form<'_>, origin: &Origin) -> Option<Made> {
    let Some((root, _)) = origin.artifact.root() else {
        return is_of_artifact(lock, path, form, origin);
    };
    let mut known = keypairs_on_record(lock, root);
    let (keypair, _) = known.find(|(_, entry)| entry.keypair.is_none())?;
    let mut signing = origin.clone();
    signing.artifact = Artifact::of_root(root, keypair);
    is_of_artifact(lock, path, form, &signing)
}

fn is_of_artifact(lock: &Lock, path: &str, form: &Form<'_>, origin: &Origin) -> Option<Made> {
    let entry = lock.entries.get(&origin.artifact.name())?;
    match form {
        Form::Public(bytes) => {
            is_public_part(entry, origin.content, bytes).then(|| Made::Content(Digest::of(bytes)))
        }
        Form::Sealed(sealed) => {
            let copy = path.parse::<TreePath>().ok();
            let copy = copy.and_then(|path| lock.copies.get(&path));
            let mut known = copy.into_iter().chain(&entry.rest);
            known.any(|rest| rest.sealed == *sealed).then_some(Made::Content(*sealed))
        }
        // Others than kpki put it there, too, and no record tells who did: it is not kpki's to delete.
        Form::Plain(_) if is_kubeadms(&origin.artifact) => None,
        Form::Plain(size) => {
            let same_size = origin.content != FilePart::Kubeconfig || entry.size == Some(*size);
            let identity = lock.entries.get(&origin.identity().name())?;
            // Over a request that was brought, the key is the user's own.
            let own = origin.content == FilePart::Kubeconfig || identity.content.is_none();
            let holds_key = matches!(origin.content, FilePart::PrivateKey | FilePart::Kubeconfig);
            let key = identity.public_key.filter(|_| holds_key && same_size && own);
            key.map(Made::Key)
        }
    }
}

/// The key of a CA in a node's tree where kubeadm has it and kpki only if that is described.
fn is_kubeadms(artifact: &Artifact) -> bool {
    matches!(artifact, Artifact::Ca(ca, _) if !key_is_usually_on_nodes(*ca))
}

/// The bytes are those that kpki writes of what the line records, and nothing beside.
fn is_public_part(entry: &Entry, content: FilePart, bytes: &[u8]) -> bool {
    match content {
        FilePart::Certificate => {
            let all = certificates_in_pem(bytes).unwrap_or_default();
            let [der] = all.as_slice() else { return false };
            let facts = CertificateFacts::from_der(der);
            certificate_pem(der).as_bytes() == bytes
                && facts.is_ok_and(|facts| entry.certificate == Some(facts.digest))
        }
        // Of several key pairs a rendered file.
        FilePart::PublicKey if entry.content.is_some() => entry.content == Some(Digest::of(bytes)),
        FilePart::PublicKey => PublicKey::from_pem(bytes).is_ok_and(|key| {
            entry.public_key == Some(key.digest()) && key.to_pem().as_bytes() == bytes
        }),
        FilePart::Request => RequestFacts::from_pem(bytes).is_ok_and(|facts| {
            entry.public_key == Some(facts.public_key.digest())
                || entry.content == Some(facts.digest)
        }),
        FilePart::Rendered => entry.content == Some(Digest::of(bytes)),
        FilePart::PrivateKey | FilePart::Kubeconfig => false,
    }
}

/// At a place that is described again lies a key that this artifact had before, as the lock remembers it.
pub(super) fn is_earlier_key(world: World<'_>, id: DerivationId, path: &TreePath) -> bool {
    let Some(Made::Key(then)) = world.lock.orphans.get(path) else {
        return false;
    };
    let now = world.survey.public_part(id).public_key();
    now.is_some_and(|now| now.digest() != *then)
}
