//! The wish against what a manifest says.

use super::tree::Tree;
use super::value::Change;
use super::{Finding, PodError, PodWish, annotations, flags, locate, mounts};

/// What has to change, and what was found on the way.
pub(super) fn changes(
    tree: &Tree,
    wish: &PodWish,
) -> Result<(Vec<Change>, Vec<Finding>), PodError> {
    let pod = locate::pod(tree, wish.process)?;
    let mut changes = Vec::new();
    let findings = flags::plan(tree, &pod, wish, &mut changes)?;
    mounts::plan(tree, &pod, wish, &mut changes)?;
    annotations::plan(tree, &wish.annotations, &mut changes)?;
    Ok((changes, findings))
}
