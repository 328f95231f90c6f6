//! A certificate on a node that is newer than the one to take its place: somebody renewed it there.

use crate::facts::{CertificateFacts, Kubeconfig, Part, certificates_in_pem};
use crate::name::TreePath;
use crate::secret::Secret;
use crate::time::Timestamp;

/// A file whose place an older one takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    pub path: TreePath,
    pub node: NodesOwn,
    /// End of the certificate that takes its place.
    pub until: Timestamp,
}

/// What is on the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodesOwn {
    /// Its certificate is of the same subject, was issued at that time and ends then.
    Certificate { issued: Timestamp, until: Timestamp },
    /// A kubeconfig whose certificate is a file of its own, as the kubelet has one that it renews.
    InFile(String),
}

/// `None`: the node's is not newer, as far as both are certificates of one subject and one CA. What another
/// CA signed is worth nothing beside the CA of the tree.
///
/// `known`: kpki put it there, so that only an older tree than that one goes back.
pub(super) fn newer(old: &Secret, wanted: &Secret, known: bool) -> Option<(NodesOwn, Timestamp)> {
    let ours = Held::of(wanted)?;
    let theirs = Held::of(old)?;
    let Leaf::Here(own) = &ours.leaf else { return None };
    match &theirs.leaf {
        Leaf::InFile(_) if known || !theirs.trusts_as(&ours) => None,
        Leaf::InFile(file) => Some((NodesOwn::InFile(file.clone()), own.not_after)),
        Leaf::Here(facts) => {
            let ends_later = facts.not_after > own.not_after;
            // kubeadm dates some as their CA (its NewSignedCert), so that either date may tell.
            let issued_later = facts.not_before > own.not_before;
            let is_newer =
                if known { ends_later && issued_later } else { ends_later || issued_later };
            let node = NodesOwn::Certificate { issued: facts.not_before, until: facts.not_after };
            (is_newer && are_alike(facts, own)).then_some((node, own.not_after))
        }
    }
}

/// Of one subject and one CA.
fn are_alike(one: &CertificateFacts, other: &CertificateFacts) -> bool {
    let is_one_key = match [&one.authority_key_id, &other.authority_key_id] {
        // It names no other key than its own.
        _ if one.is_self_issued() || other.is_self_issued() => one.public_key == other.public_key,
        [Some(one), Some(other)] => one == other,
        _ => true,
    };
    one.subject.says_the_same(&other.subject)
        && one.issuer.says_the_same(&other.issuer)
        && is_one_key
}

/// The file that a kubeconfig names instead of embedding its certificate.
pub fn named_pair(kubeconfig: &Secret) -> Option<String> {
    match Held::of(kubeconfig)?.leaf {
        Leaf::InFile(path) => Some(path),
        Leaf::Here(_) => None,
    }
}

/// What a file holds of a certificate.
struct Held {
    leaf: Leaf,
    /// Of a kubeconfig, in DER; `None`: not in it.
    trusted: Option<Vec<Vec<u8>>>,
}

enum Leaf {
    /// The file's first.
    Here(Box<CertificateFacts>),
    InFile(String),
}

impl Held {
    fn of(bytes: &Secret) -> Option<Held> {
        let text = bytes.expose();
        if let Some(leaf) = first(text) {
            return Some(Held { leaf, trusted: None });
        }
        let config = Kubeconfig::from_yaml(text).ok()?;
        let leaf = match config.client_certificate {
            Part::Embedded(certificate) => first(certificate.expose())?,
            Part::File(path) => Leaf::InFile(path),
            Part::Absent | Part::Damaged(_) => return None,
        };
        let trusted = match config.certificate_authority {
            Part::Embedded(bundle) => certificates_in_pem(bundle.expose()).ok(),
            _ => None,
        };
        Some(Held { leaf, trusted })
    }

    /// A CA is common to both; one that cannot be seen may be.
    fn trusts_as(&self, other: &Held) -> bool {
        match (&self.trusted, &other.trusted) {
            (Some(one), Some(other)) => one.iter().any(|der| other.contains(der)),
            _ => true,
        }
    }
}

fn first(pem: &[u8]) -> Option<Leaf> {
    let all = certificates_in_pem(pem).ok()?;
    let facts = CertificateFacts::from_der(all.first()?).ok()?;
    Some(Leaf::Here(Box::new(facts)))
}
