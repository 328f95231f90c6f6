//! What a server shows, judged as a Go client that dials it does.

use super::answer::{Answer, End};
use super::service::Service;
use super::target::Target;
use super::trust::{Known, TrustedKeypair};
use super::verdict::{Fault, FaultKind, Held, Served};
use crate::facts::ExtendedKeyUsage;
use crate::holdings::Certificate;
use crate::name::{ArtifactName, Endpoint};
use crate::path::{Reader, Reason, check_name, validate};
use crate::time::Timestamp;

pub(super) struct Judged {
    pub served: Option<Served>,
    pub faults: Vec<Fault>,
    pub unproven: Vec<String>,
    pub notes: Vec<String>,
    /// Who answers is who should, or a kubelet with a certificate of its own: then what it answers counts.
    pub is_heard: bool,
}

pub(super) fn judge(known: &Known, target: &Target, at: &Endpoint, answer: &Answer) -> Judged {
    let mut judged = Judged {
        served: None,
        faults: Vec::new(),
        unproven: Vec::new(),
        notes: Vec::new(),
        is_heard: false,
    };
    if answer.end == End::NotDialled {
        judged.unproven.push(answer.end.to_string());
        return judged;
    }
    if answer.chain.is_empty() || !answer.has_key {
        let text = if answer.chain.is_empty() {
            answer.end.to_string()
        } else {
            format!("showed a certificate and not that it has the key: {}", answer.end)
        };
        judged.faults.push(Fault::new(kind_of(&answer.end), text));
        return judged;
    }
    let chain: Result<Vec<Certificate>, _> =
        answer.chain.iter().map(|der| Certificate::from_der(der)).collect();
    let mut chain = match chain {
        Ok(chain) => chain.into_iter(),
        // crypto/tls parses every certificate of the chain before it looks at any.
        Err(why) => {
            let text = format!("a certificate that it shows {why}");
            judged.faults.push(Fault::new(FaultKind::UnreadableCertificate, text));
            return judged;
        }
    };
    let Some(leaf) = chain.next() else { return judged };
    let above: Vec<Certificate> = chain.collect();

    let held = held(known, target, &leaf);
    if held == Held::Another {
        judged.notes.push(
            "this is not the certificate in out/: that one is not installed yet, or the process has not read it \
             again"
                .to_owned(),
        );
    }
    let dates = dates(&leaf, known.now);
    let name = check_name(&leaf.facts, &at.host.to_string()).err();
    let keypairs = known.keypairs(target.row.leaf.issuer);
    match signer(&leaf, &above, keypairs, known.now) {
        Ok(signed_by) => {
            judged.faults.extend(dates);
            let wrong_name = name.map(|why| Fault::new(FaultKind::WrongName, why.to_string()));
            judged.faults.extend(wrong_name);
            judged.is_heard = judged.faults.is_empty();
            judged.served = Some(Served { certificate: leaf, signed_by, held });
        }
        // A kubelet makes one for itself, unless somebody gives it another; the API server does not look at
        // it then (kubeadm sets no --kubelet-certificate-authority).
        Err((FaultKind::WrongKeypair, _)) if is_left_to_the_kubelet(target) => {
            judged.unproven.push(
                "its serving certificate is its own and of no CA of the cluster, so who answers is not proven"
                    .to_owned(),
            );
            judged.is_heard = true;
            judged.served = Some(Served { certificate: leaf, signed_by: None, held });
        }
        Err((kind, text)) => {
            let other = signer_of_another_ca(known, target, &leaf, &above);
            let text = match &other {
                Some(other) => format!("{text}; {other} signed it"),
                None => text,
            };
            judged.faults.push(Fault::new(kind, text));
            judged.faults.extend(dates);
            let wrong_name = name.map(|why| Fault::new(FaultKind::WrongName, why.to_string()));
            judged.faults.extend(wrong_name);
            judged.served = Some(Served { certificate: leaf, signed_by: other, held });
        }
    }
    judged
}

fn kind_of(end: &End) -> FaultKind {
    match end {
        End::Unresolved(_) => FaultKind::Unresolved,
        End::Refused => FaultKind::ConnectionRefused,
        End::NotDialled | End::Unreachable(_) => FaultKind::Unreachable,
        End::Silent(_) => FaultKind::Silent,
        End::PlainHttp => FaultKind::PlainHttp,
        End::NotTls => FaultKind::NoTls,
        End::Closed(_) | End::Alert(_) | End::Broken(_) | End::NotHttp | End::Answered(_) => {
            FaultKind::Handshake
        }
    }
}

fn is_left_to_the_kubelet(target: &Target) -> bool {
    target.row.service == Service::Kubelet && target.leaves.is_empty()
}

fn dates(leaf: &Certificate, now: Timestamp) -> Option<Fault> {
    let (from, until) = (leaf.facts.not_before, leaf.facts.not_after);
    if now < from {
        let text = format!("its certificate is not valid before {from}");
        return Some(Fault::new(FaultKind::NotYetValid, text));
    }
    let text = format!("its certificate expired on {until}");
    (now > until).then(|| Fault::new(FaultKind::Expired, text))
}

/// The keypair at the end of a path that clients take, dates of the leaf and names aside.
fn signer(
    leaf: &Certificate,
    above: &[Certificate],
    keypairs: &[TrustedKeypair],
    now: Timestamp,
) -> Result<Option<ArtifactName>, (FaultKind, String)> {
    let anchors: Vec<&Certificate> = keypairs.iter().map(|pair| &pair.certificate).collect();
    let reader = Reader {
        anchors: &anchors,
        intermediates: &above.iter().collect::<Vec<_>>(),
        usage: Some(&ExtendedKeyUsage::Server),
        name: None,
        at: now.max(leaf.facts.not_before).min(leaf.facts.not_after),
    };
    match validate(leaf, &reader) {
        Ok(chain) => {
            let anchor = chain.anchor();
            let is_it = |pair: &&TrustedKeypair| {
                anchor.is_some_and(|anchor| anchor.der == pair.certificate.der)
            };
            Ok(keypairs.iter().find(is_it).map(|pair| pair.name.clone()))
        }
        Err(refusal) => {
            let kind = match refusal.reason {
                Reason::UnknownAuthority(_) => FaultKind::WrongKeypair,
                _ => FaultKind::Untrusted,
            };
            let names: Vec<&str> = keypairs.iter().map(|pair| pair.name.as_str()).collect();
            Err((kind, format!("a client that trusts {} refuses it: {refusal}", names.join(", "))))
        }
    }
}

fn signer_of_another_ca(
    known: &Known,
    target: &Target,
    leaf: &Certificate,
    above: &[Certificate],
) -> Option<ArtifactName> {
    let mut others = known.cas.iter().filter(|trust| trust.ca != target.row.leaf.issuer);
    others.find_map(|trust| signer(leaf, above, &trust.keypairs, known.now).ok().flatten())
}

fn held(known: &Known, target: &Target, leaf: &Certificate) -> Held {
    let here = || {
        let leaves = target.leaves.iter().filter_map(|id| known.leaves.get(id));
        leaves.filter_map(|leaf| Some((&leaf.name, leaf.here.as_ref()?)))
    };
    match here().find(|(_, der)| **der == leaf.der) {
        Some((name, _)) => Held::Same(name.clone()),
        None if here().next().is_some() => Held::Another,
        None => Held::Nothing,
    }
}
