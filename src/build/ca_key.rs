//! A CA's key for who signs something that is no artifact.

use std::collections::HashMap;

use super::context::BuildContext;
use super::execute::Files;
use super::held_key::{Belongs, held_key};
use crate::error::Result;
use crate::graph::DerivationId;
use crate::keys::{Entropy, PrivateKey};
use crate::plan::World;

/// The key of the certificate that is here; `None`: it is not here.
pub fn ca_key(
    world: World<'_>,
    id: DerivationId,
    entropy: &Entropy,
    files: &dyn Files,
) -> Result<Option<PrivateKey>> {
    let context = BuildContext {
        world,
        issued_at: world.now,
        entropy,
        files,
        cas: HashMap::new(),
        signing_keys: HashMap::new(),
        written: std::sync::Mutex::default(),
    };
    let held = held_key(&context, id, Belongs::on_record(world, id))?;
    Ok(held.map(|held| held.key))
}
