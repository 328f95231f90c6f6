//! What the cluster serves and whom it lets in, held against the description and `out/`.

use std::collections::HashMap;

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use crate::build::ca_key::ca_key;
use crate::build::execute::Files;
use crate::error::{Error, Result};
use crate::graph::DerivationId;
use crate::holdings::Certificate;
use crate::keys::Entropy;
use crate::live::{
    Dialler, Known, Leaf, Life, Target, Trust, TrustedKeypair, Verdict, client, stranger, targets,
    visit,
};
use crate::plan::World;
use crate::spec::{CaName, KeypairState, Root, Spec};
use crate::time::{Span, Timestamp};

use super::Project;

/// How many addresses are visited at once: more would look like an attack to a firewall.
const AT_ONCE: usize = 32;

/// What was seen.
pub struct Live {
    pub addresses: Vec<Verdict>,
    /// Of the certificates that were made, where any was.
    pub life: Option<Life>,
}

/// Looks at everything that the description names. `limit` is the time of the whole run, which `dialler`
/// keeps.
///
/// # Errors
///
/// `out/` has no certificate of a CA, so that nothing can be judged.
pub fn verify_live(
    project: &Project,
    now: Timestamp,
    limit: Span,
    entropy: &Result<Entropy>,
    files: &dyn Files,
    dialler: &dyn Dialler,
) -> Result<Live> {
    let world = project.world(now);
    let life = Life::of(now, limit);
    let targets = targets(&project.spec, &project.graph);
    let known = known(world, &project.spec, &targets, life, entropy, files)?;
    // They wait for others, so there may be more of them than cores.
    let pool = ThreadPoolBuilder::new().num_threads(AT_ONCE.min(targets.len().max(1))).build();
    let pool = pool.map_err(|error| Error::internal(format!("no threads: {error}")))?;
    let visits = || targets.par_iter().with_max_len(1);
    let addresses: Vec<Verdict> =
        pool.install(|| visits().map(|target| visit(&known, target, dialler)).collect());
    let is_made = addresses.iter().any(|verdict| !verdict.clients.is_empty());
    Ok(Live { addresses, life: is_made.then_some(life) })
}

fn known(
    world: World<'_>,
    spec: &Spec,
    targets: &[Target],
    life: Life,
    entropy: &Result<Entropy>,
    files: &dyn Files,
) -> Result<Known> {
    let mut cas: Vec<Trust> = Vec::new();
    for ca in targets.iter().map(|target| target.row.leaf.issuer) {
        if !cas.iter().any(|trust| trust.ca == ca) {
            cas.push(Trust { ca, keypairs: keypairs(world, spec, ca, life, entropy, files)? });
        }
    }
    let mut leaves = HashMap::new();
    for id in targets.iter().flat_map(|target| &target.leaves) {
        let name = world.graph.get(*id).name.clone();
        let here = world.survey.public_part(*id).der().map(<[u8]>::to_vec);
        leaves.insert(*id, Leaf { name, here });
    }
    let token_keys = world.graph.ids().filter(|id| is_token_key(world, *id)).map(|id| {
        let key = world.survey.public_part(id).public_key().cloned();
        let name = world.graph.get(id).name.clone();
        (name, key.ok_or_else(|| "out/ does not have its public half".to_owned()))
    });
    Ok(Known {
        cas,
        leaves,
        token_keys: token_keys.collect(),
        stranger: stranger(life, &Entropy::system()),
        now: world.now,
    })
}

/// Every keypair that tokens are believed by.
fn is_token_key(world: World<'_>, id: DerivationId) -> bool {
    matches!(world.graph.get(id).artifact.root(), Some((Root::ServiceAccount, _)))
}

/// Every keypair that the description has of a CA.
fn keypairs(
    world: World<'_>,
    spec: &Spec,
    ca: CaName,
    life: Life,
    entropy: &Result<Entropy>,
    files: &dyn Files,
) -> Result<Vec<TrustedKeypair>> {
    let number_of = |id| match world.graph.get(id).artifact.root() {
        Some((Root::Ca(name), number)) if name == ca => Some((id, number)),
        _ => None,
    };
    let others = spec.cas.get(&ca).map_or(&[][..], |authority| &authority.others);
    let serving_only: Vec<_> = (others.iter())
        .filter(|other| other.state == KeypairState::ServingOnly)
        .map(|other| other.ca.number)
        .collect();
    let mut all = Vec::new();
    for (id, number) in world.graph.ids().filter_map(number_of) {
        let name = world.graph.get(id).name.clone();
        let der = world.survey.public_part(id).der();
        let der = der.ok_or_else(|| {
            Error::refused(format!("out/ has no certificate of {name}, so nothing can be judged"))
                .help("run this where out/ is as apply wrote it; kpki status tells what is missing")
        })?;
        let certificate = Certificate::from_der(der)
            .map_err(|why| Error::refused(format!("the certificate of {name} {why}")))?;
        let key = entropy.as_ref().map_err(Clone::clone);
        let key = key.and_then(|entropy| ca_key(world, id, entropy, files));
        let client = match key {
            Ok(Some(key)) => client(&certificate, &key, life, &Entropy::system()),
            Ok(None) => Err(format!("the key of {name} is not here")),
            Err(why) => Err(why.message),
        };
        let lets_in = !serving_only.contains(&number);
        all.push(TrustedKeypair { name, certificate, client, lets_in });
    }
    Ok(all)
}
