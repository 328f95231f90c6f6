//! What a person should read beside a plan.

use std::collections::BTreeMap;

use super::dialled;
use super::text::counted;
use crate::facts::binding_objects;
use crate::graph::{Artifact, DerivationId, images};
use crate::plan::{Change, Note, Plan, Reason, World, kept_bindings, unverified};
use crate::profile::{KUBELET_CLIENT_PAIR, KUBELET_CONFIG};
use crate::spec::Spec;
use crate::state::REMOVED_BINDINGS;

pub(super) fn all(world: World<'_>, spec: &Spec, plan: &Plan) -> Vec<String> {
    clamped(world, plan)
        .into_iter()
        .chain(plan.notes.iter().filter(|note| !is_counted(note)).map(|note| text(world, note)))
        .chain(kubelets(world, plan))
        .chain(unproven(plan))
        .chain(seed(world, spec, plan))
        .chain(kubelet_client_loses_its_group(world, plan))
        .chain(dialled::notes(world, plan))
        .chain(once_in_the_clear(plan))
        .chain(to_delete_in_the_cluster(world, plan))
        .chain(masters(spec))
        .chain(no_static_pods(spec))
        .collect()
}

/// Until somebody has done it and deletes the file.
fn to_delete_in_the_cluster(world: World<'_>, plan: &Plan) -> Option<String> {
    let file = world.inventory.public(REMOVED_BINDINGS)?;
    let path = format!("out/{REMOVED_BINDINGS}");
    let Some(objects) = binding_objects(file) else {
        return Some(format!(
            "{path} is not as kpki wrote it: look at it before it goes to kubectl"
        ));
    };
    // Anybody can have put there what somebody needs.
    if kept_bindings(world, plan, false).is_some() {
        return Some(format!("{path} is out of date: kpki apply first, then it can go to kubectl"));
    }
    let bindings = counted(objects.len(), "role binding");
    Some(format!(
        "{path} holds {bindings} that nothing describes any more: kubectl delete --ignore-not-found -f {path} \
         takes the roles away, then delete the file"
    ))
}

/// What follows from keys that follow from a seed, and from dates that are written.
pub(super) fn seed(world: World<'_>, spec: &Spec, plan: &Plan) -> Vec<String> {
    let Some(reproducible) = &spec.reproducible else {
        // Said once: the next apply forgets the seed.
        let left = world.lock.seed.map(|_| {
            "the keys here were made from a seed and stay: whoever has it has them; kpki apply --rekey NAME makes new ones"
        });
        return left.map(str::to_owned).into_iter().collect();
    };
    let file = &reproducible.seed_file;
    let mut notes = vec![format!(
        "every private key of this cluster follows from {file}: whoever has that file has the cluster"
    )];
    let ends = plan.ending.iter().filter_map(|id| {
        let facts = world.survey.public_part(*id).certificate()?;
        Some((facts.not_after, &world.graph.get(*id).name))
    });
    if let Some((until, first)) = ends.min() {
        let more = match plan.ending.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        notes.push(format!(
            "{first}{more}: the end is near ({}) and no clock renews here; move `not-before` ({})",
            until.date(),
            reproducible.not_before.origin
        ));
    }
    notes
}

/// Why these are no orphans, which most of them would be but for a CA that was replaced.
fn unproven(plan: &Plan) -> Option<String> {
    let (first, others) = plan.unproven.split_first()?;
    let (path, _) = first;
    let (more, are) = match others.len() {
        0 => (String::new(), "is"),
        count => (format!(" and {count} more"), "are"),
    };
    Some(format!(
        "out/{path}{more} {are} named by cluster.lock, and nothing that a CA in out/ca signed proves that kpki \
         made them: --prune leaves them; delete by hand what you do not need"
    ))
}

/// Notes that are alike on many nodes are one line.
pub(super) fn is_counted(note: &Note) -> bool {
    matches!(note, Note::Clamped { .. } | Note::KubeletLooksAfterItself { .. })
}

/// Without a pair of its own a kubelet does not start, and it gets the next one only once somebody approves
/// its request: in a cluster that kpki set up nobody does (kubeadm binds a role in its bootstrap phase).
fn kubelets(world: World<'_>, plan: &Plan) -> Option<String> {
    let of = |note: &Note| match note {
        Note::KubeletLooksAfterItself { derivation } => Some(*derivation),
        _ => None,
    };
    let all: Vec<DerivationId> = plan.notes.iter().filter_map(of).collect();
    let (first, others) = all.split_first()?;
    let name = &world.graph.get(*first).name;
    let (what, them) = match others.len() {
        0 => (name.to_string(), "it"),
        more => (format!("{name} and {more} more"), "them"),
    };
    Some(format!(
        "{what} will name {KUBELET_CLIENT_PAIR} and no longer embed a pair; apply leaves no copy of {them} in out/.          Before kpki install, on each node: rotateCertificates: true in /{KUBELET_CONFIG}, then systemctl restart          kubelet with the present kubelet.conf, and the kubelet puts its pair there; or give it a bootstrap token          (--bootstrap-kubeconfig). The cluster must approve what kubelets ask for: bind          system:certificates.k8s.io:certificatesigningrequests:selfnodeclient to the group system:nodes, as kubeadm          does"
    ))
}

/// One line for each end that cuts certificates short, however many those are.
fn clamped(world: World<'_>, plan: &Plan) -> Vec<String> {
    let mut ends: BTreeMap<_, Vec<DerivationId>> = BTreeMap::new();
    for note in &plan.notes {
        if let Note::Clamped { derivation, until } = note {
            ends.entry(*until).or_default().push(*derivation);
        }
    }
    ends.into_iter()
        .filter_map(|(until, cut)| {
            let (first, others) = cut.split_first()?;
            let name = &world.graph.get(*first).name;
            Some(match others.len() {
                0 => format!("{name} would outlive its CA and ends with it on {}", until.date()),
                more => format!(
                    "{name} and {more} more would outlive their CA and end with it on {}",
                    until.date()
                ),
            })
        })
        .collect()
}

pub(super) fn text(world: World<'_>, note: &Note) -> String {
    let name = |id: DerivationId| &world.graph.get(id).name;
    match note {
        Note::Clamped { derivation, until } => format!(
            "{} would outlive its CA and ends with it on {}",
            name(*derivation),
            until.date()
        ),
        Note::BroughtExpiring { derivation, until } => format!(
            "{} was brought and ends on {}; bring a renewed one in time",
            name(*derivation),
            until.date()
        ),
        Note::ChainExpiring { derivation, subject, until } => format!(
            "{subject}, above {}, ends on {}; clients based on OpenSSL refuse the chain then, so bring it with a \
             renewed one in time",
            name(*derivation),
            until.date()
        ),
        Note::Unusable { path, what } => format!("out/{path} {what}"),
        Note::KubeletLooksAfterItself { derivation } => {
            format!("{} will no longer embed a pair", name(*derivation))
        }
        Note::KeyFound { derivation, path } => {
            let mut places = world.graph.key_places(*derivation);
            let place =
                places.next().map_or_else(String::new, |place| format!(" to out/{}", place.file()));
            format!(
                "out/{path} is the missing key of {}, by the file beside it: apply checks it and copies it{place}",
                name(*derivation)
            )
        }
    }
}

/// Secrets that the next apply opens, though it may have nothing else to do.
pub fn unverified_note(world: World<'_>) -> Option<String> {
    let (secrets, them) = match unverified(world) {
        0 => return None,
        1 => ("1 secret was".to_owned(), "it"),
        count => (format!("{count} secrets were"), "them"),
    };
    Some(format!("{secrets} not verified on this machine yet; kpki apply verifies {them}"))
}

/// From 1.36.1 (and its backports) on, what the group gave comes from a ClusterRoleBinding (k/k#138957).
fn kubelet_client_loses_its_group(world: World<'_>, plan: &Plan) -> Option<String> {
    const NAME: &str = "apiserver-kubelet-client";
    let has_group = |subject: &str| subject.contains("O=");
    let loses_group = |reason: &Reason| match reason {
        Reason::InputChanged { field, old, new } => {
            *field == "subject" && has_group(old) && !has_group(new)
        }
        _ => false,
    };
    plan.steps
        .iter()
        .any(|step| {
            let artifact = &world.graph.get(step.derivation).artifact;
            matches!(artifact, Artifact::Leaf(_, NAME)) && step.reasons.iter().any(loses_group)
        })
        .then(|| {
            format!(
                "{NAME} loses its group: apply out/cluster/cluster-role-bindings.yaml first, \
                 or kubectl logs and kubectl exec are Forbidden"
            )
        })
}

/// Sealing takes nothing back.
fn once_in_the_clear(plan: &Plan) -> Option<String> {
    let sealed = plan.seals.iter().any(|seal| seal.change == Change::Seal);
    sealed.then(|| {
        "what Git ever had in the clear stays in its history, and only a new key helps: kpki check --no-plaintext \
         --history tells which keys those are"
            .to_owned()
    })
}

/// Said in every plan, since no certificate can be taken back.
fn masters(spec: &Spec) -> impl Iterator<Item = String> {
    let is_master = |user: &&crate::spec::User| {
        user.groups.keys().any(|group| group.as_str() == "system:masters")
    };
    spec.users.iter().filter(is_master).map(|user| {
        format!(
            "user {} is in system:masters: no RBAC rule binds it, and its certificate cannot be revoked",
            user.name
        )
    })
}

/// A control plane without one of its processes would be worse than none.
fn no_static_pods(spec: &Spec) -> Option<String> {
    if spec.manifests.is_some() {
        return None;
    }
    let unknown = images(spec).err()?;
    let names: Vec<&str> = unknown.iter().map(|process| process.name()).collect();
    Some(format!(
        "no static pods are written: kpki knows no image of {} for Kubernetes {}; give each an `image` in its \
         `component`",
        names.join(", "),
        spec.cluster.kubernetes.value
    ))
}
