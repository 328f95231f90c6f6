//! The stages of a rotation: which key pairs of a root of trust are believed, and which one signs, before and
//! after this plan.
//!
//! Another key pair that is trusted can act as anybody from then on: that is the gain, and it has a word of
//! its own. Who signs, and what is believed no more, gives nobody power, and may cut somebody off.

use std::collections::BTreeMap;

use super::context::PlanContext;
use super::keypairs::keypairs_on_record;
use super::stage::Stage;
use super::{Allow, World};
use crate::facts::{CertificateFacts, certificates_in_pem};
use crate::graph::{Artifact, DerivationId, FilePart, first_places};
use crate::name::{ArtifactName, TreePath};
use crate::sealed::SUFFIX;
use crate::spec::{Keypair, KeypairState, Root};

/// A root of trust whose key pairs change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    pub root: Root,
    /// In the order in which they would be taken one by one; empty: another key takes the place of one that
    /// nobody was told to trust before.
    pub stages: Vec<Stage>,
    /// Believed from now on.
    pub added: Vec<Keypair>,
    /// `None`: nothing is known of before.
    pub signed: Option<Keypair>,
    pub signs: Keypair,
    /// Believed no more, or by fewer.
    pub dropped: Vec<Keypair>,
}

/// A key pair that is not described any more: its files go once the lock says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    pub name: ArtifactName,
    /// Public files, by their own names.
    pub public: Vec<TreePath>,
    /// Its private key's, by their own names.
    pub keys: Vec<TreePath>,
    /// Somebody brought it: its key is not kpki's to delete.
    pub is_brought: bool,
}

type States = BTreeMap<Keypair, Option<KeypairState>>;

/// What changes, each stage blocked until it is consented to.
pub(super) fn find(context: &mut PlanContext<'_>) {
    let world = context.world;
    for root in Root::ALL {
        let after = described(world, root);
        let before = recorded(world, root);
        let Some((signs, rotation)) = rotation(root, &before, &after) else { continue };
        for stage in &rotation.stages {
            if !context.intent.allows_stage(*stage, root) {
                let (about, why) = objection(world, &rotation, *stage, signs);
                context.block(about, Some(Allow::Stage(*stage, root)), why);
            }
        }
        // Whoever put its files there: nobody was told to trust it.
        let is_asked = context.plan.blocked.iter().any(|blocked| blocked.derivation == signs);
        let name = &world.graph.get(signs).name;
        if rotation.stages.is_empty() && !is_asked && !context.intent.allows_replacing(name) {
            let why = "it takes the place of a key pair that is in use, and nobody trusts it yet";
            context.block_replacement(signs, why);
        }
        context.plan.rotations.push(rotation);
    }
    context.plan.retired = retired(world);
}

fn described(world: World<'_>, root: Root) -> Vec<(Keypair, Option<KeypairState>, DerivationId)> {
    let all = world.graph.keypairs(root).iter().filter_map(|id| {
        let derivation = world.graph.get(*id);
        let (_, keypair) = derivation.artifact.root()?;
        Some((keypair, derivation.recipe.keypair_state(), *id))
    });
    all.collect()
}

/// What the lock in force has. A key pair of which only files are here may have been trusted; that it was,
/// only the lock can say.
fn recorded(world: World<'_>, root: Root) -> States {
    keypairs_on_record(world.lock, root).map(|(keypair, entry)| (keypair, entry.keypair)).collect()
}

/// `None`: nothing changes, or nothing was there.
fn rotation(
    root: Root,
    before: &States,
    after: &[(Keypair, Option<KeypairState>, DerivationId)],
) -> Option<(DerivationId, Rotation)> {
    let &(signs, _, signer) = after.iter().find(|(_, state, _)| state.is_none())?;
    if before.is_empty() {
        return None;
    }
    let signed = before.iter().find(|(_, state)| state.is_none()).map(|(keypair, _)| *keypair);
    let now: States = after.iter().map(|(keypair, state, _)| (*keypair, *state)).collect();
    let serving =
        |state: Option<&Option<KeypairState>>| state == Some(&Some(KeypairState::ServingOnly));
    let added: Vec<Keypair> = (now.iter())
        .filter(|(keypair, state)| match before.get(keypair) {
            None => true,
            was => serving(was) && !serving(Some(state)),
        })
        .map(|(keypair, _)| *keypair)
        .collect();
    let dropped: Vec<Keypair> = (before.iter())
        .filter(|(keypair, state)| match now.get(keypair) {
            None => true,
            is => serving(is) && !serving(Some(state)),
        })
        .map(|(keypair, _)| *keypair)
        .collect();
    let is_other_signer = signed != Some(signs);
    let stages = if is_other_signer && !before.contains_key(&signs) {
        Vec::new()
    } else {
        let stages = [
            (!added.is_empty()).then_some(Stage::Trust),
            is_other_signer.then_some(Stage::Promote),
            (!dropped.is_empty()).then_some(Stage::Distrust),
        ];
        stages.into_iter().flatten().collect()
    };
    let changes = is_other_signer || !added.is_empty() || !dropped.is_empty();
    changes.then_some((signer, Rotation { root, stages, added, signed, signs, dropped }))
}

fn objection(
    world: World<'_>,
    rotation: &Rotation,
    stage: Stage,
    signer: DerivationId,
) -> (DerivationId, String) {
    let root = rotation.root;
    let named = |all: &[Keypair]| {
        let names = all.iter().map(|keypair| Artifact::of_root(root, *keypair).to_string());
        names.collect::<Vec<_>>().join(", ")
    };
    match stage {
        Stage::Trust => {
            let added = rotation.added.first().copied();
            let id = added
                .and_then(|keypair| world.graph.find(&Artifact::of_root(root, keypair).name()));
            let power = match root {
                Root::ServiceAccount => "can speak for every service account",
                Root::Ca(_) => "can act as anybody there",
            };
            let names = named(&rotation.added);
            (id.unwrap_or(signer), format!("{names} will be trusted: whoever has that key {power}"))
        }
        Stage::Promote => {
            let what = match root {
                Root::ServiceAccount => "tokens are signed by it from now on",
                Root::Ca(_) => "all that kpki signs below it is issued again",
            };
            let why = format!("{what}; who does not trust it yet is cut off");
            (signer, why)
        }
        Stage::Distrust => {
            let names = named(&rotation.dropped);
            (signer, format!("what {names} signed will be refused, wherever it is still in use"))
        }
    }
}

/// Key pairs that the lock has and the description has no more, of roots that are described.
fn retired(world: World<'_>) -> Vec<Retired> {
    let roots = Root::ALL.into_iter().filter(|root| !world.graph.keypairs(*root).is_empty());
    let all = roots.flat_map(|root| {
        keypairs_on_record(world.lock, root)
            .map(move |(keypair, entry)| (Artifact::of_root(root, keypair), entry))
    });
    let gone = all.filter_map(|(artifact, entry)| {
        let name = artifact.name();
        if world.graph.find(&name).is_some() {
            return None;
        }
        let is_issued = was_issued(world, &artifact);
        let mut retired = Retired {
            name,
            public: Vec::new(),
            keys: Vec::new(),
            is_brought: entry.brought || is_issued,
        };
        for (part, path) in first_places(&artifact) {
            if world.inventory.get(path.as_str()).is_none() {
                continue;
            }
            if part != FilePart::PrivateKey {
                retired.public.push(path);
            } else if !retired.is_brought
                && let Some(secret) = world.inventory.secret(path.as_str())
            {
                let sealed = secret.sealed.is_some().then(|| path.with_suffix(SUFFIX));
                retired
                    .keys
                    .extend(secret.plain.is_some().then_some(path).into_iter().chain(sealed));
            }
        }
        Some(retired)
    });
    gone.collect()
}

/// Somebody else's CA signed its certificate: kpki makes none of those.
fn was_issued(world: World<'_>, artifact: &Artifact) -> bool {
    let mut files = first_places(artifact).into_iter();
    let certificate = files.find(|(part, _)| *part == FilePart::Certificate);
    let bytes = certificate.and_then(|(_, path)| world.inventory.public(path.as_str()));
    let all = bytes.and_then(|bytes| certificates_in_pem(bytes).ok()).unwrap_or_default();
    let facts = all.first().and_then(|der| CertificateFacts::from_der(der).ok());
    facts.is_some_and(|facts| !facts.is_self_issued())
}
