//! `kpki plan --base REV`: what a revision holds of the lock and of the files below `out/`, as Git's objects
//! have them. The working tree may be the work of whoever proposes a change: what it says of before is a
//! proposal, too.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::folder::{DESCRIPTION, Folder, LOCK, parse_lock};
use super::git::{Commit, Repository};
use crate::diff::{touched, undescribed};
use crate::engine::public_kubeconfigs;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::lock;
use crate::plan::{Intent, Plan, Survey, World, plan};
use crate::render::{BaseReport, printable};
use crate::review::{Review, ReviewPolicy, ReviewedChange, review_against};
use crate::sources::{Sources, Tree, TreeEntry};
use crate::spec::Spec;
use crate::state::{File, Inventory, Lock, OUT, SecretFile, is_read};
use crate::store::scan::READ_LIMIT;
use crate::time::Timestamp;

const ALL_HISTORY: &str = "git fetch gets it; a checkout in CI needs the whole history: \
     fetch-depth: 0 of actions/checkout, GIT_DEPTH: \"0\" of GitLab";

/// What was before a proposal.
pub(super) struct Base {
    revision: String,
    commit: Commit,
    lock: Lock,
    inventory: Inventory,
    survey: Survey,
    /// What is checked out does not come from it.
    is_aside: bool,
}

/// A review against a base, and what the working tree alone would not tell.
pub(super) struct Against {
    pub review: Review,
    pub report: BaseReport,
}

impl Base {
    pub fn read(directory: &Path, revision: &str, folder: &Folder) -> Result<Base> {
        if revision.is_empty() {
            return Err(Error::refused("--base names no revision: it is empty").help(
                "write the branch that is merged into, such as --base origin/main; in CI the variable that \
                 should name it has no value here",
            ));
        }
        let shown = printable(revision);
        let repository = Repository::of(directory)?.ok_or_else(|| {
            Error::refused(format!("--base {shown}: there is no Git repository here"))
                .help("plan in a clone of the repository; -C DIR names another project folder")
        })?;
        let commit = repository.commit(revision)?.ok_or_else(|| {
            Error::refused(format!("--base {shown} names no commit that is here")).help(ALL_HISTORY)
        })?;
        let tree = repository.tree(&commit).map_err(|error| Error {
            message: format!("--base {shown}: {}", error.message),
            ..error.help(ALL_HISTORY)
        })?;
        let head = repository.commit("HEAD")?;
        let is_aside = match &head {
            Some(head) => repository.merge_base(&commit, head)?.as_ref() != Some(&commit),
            None => true,
        };
        let tree = Arc::new(tree);
        let lock = lock_of(tree.clone(), &shown)?;
        let project = &folder.project;
        let none = Lock::default();
        let public = public_kubeconfigs(&project.graph, lock.as_ref().unwrap_or(&none));
        let mut inventory = inventory(&tree, &public, &shown)?;
        if lock.is_none() && !(project.lock.entries.is_empty() && inventory.files.is_empty()) {
            let message = format!("--base {shown}: there is no {LOCK} in it");
            return Err(Error::refused(message).help(format!(
                "only kpki apply writes {LOCK} and {OUT}/, so a proposal cannot bring the first ones: have \
                 {DESCRIPTION} merged without them, and apply it there; -C DIR names another project folder"
            )));
        }
        let lock = lock.unwrap_or_default();
        add_clear_secrets(&mut inventory, &lock, &project.graph, &project.inventory);
        Ok(Base {
            revision: revision.to_owned(),
            commit,
            survey: Survey::take(&project.graph, &lock, &inventory),
            lock,
            inventory,
            is_aside,
        })
    }

    /// Holds what is described against the base. `here`: what the working tree itself says.
    pub fn review(
        &self,
        folder: &Folder,
        now: Timestamp,
        intent: &Intent,
        policy: &ReviewPolicy,
        here: &Review,
    ) -> Against {
        let project = &folder.project;
        let (plan, world) = self.plan(&project.graph, &project.spec, now, intent);
        let spec = &project.spec;
        let review = review_against(world, project.world(now), spec, intent, policy, &plan);
        let asks = |change: &ReviewedChange| (change.principal.clone(), change.access.clone());
        let asked: BTreeSet<_> =
            here.changes.iter().filter(|change| change.stops()).map(asks).collect();
        let unasked = review.changes.iter();
        let unasked = unasked.filter(|change| change.stops() && !asked.contains(&asks(change)));
        let before = (&self.lock, &self.inventory);
        let after = (&project.lock, &project.inventory);
        let report = BaseReport {
            undescribed: undescribed(before, after, &project.graph),
            ..BaseReport::new(
                &self.revision,
                self.commit.name(),
                &touched(before, after),
                unasked.count(),
                self.is_aside,
            )
        };
        Against { review, report }
    }

    /// What would be done if the proposal were its description alone.
    fn plan<'a>(
        &'a self,
        graph: &'a Graph,
        spec: &Spec,
        now: Timestamp,
        intent: &Intent,
    ) -> (Plan, World<'a>) {
        let Base { lock, inventory, survey, .. } = self;
        let world = World { graph, lock, inventory, survey, now };
        (plan(world, spec, intent), world)
    }
}

fn lock_of(tree: Arc<Tree>, revision: &str) -> Result<Option<Lock>> {
    let fail = |error: &dyn std::fmt::Display| Error::refused(format!("{revision}: {error}"));
    let sources = Sources::Tree(tree);
    let bytes = sources.read_if_there(LOCK, lock::LIMIT).map_err(|error| fail(&error))?;
    let lock = bytes.map(|bytes| parse_lock(Some(&bytes))).transpose();
    lock.map_err(|error| Error { message: format!("{revision}: {error}"), ..error })
}

fn inventory(tree: &Tree, public: &BTreeSet<String>, revision: &str) -> Result<Inventory> {
    let mut inventory = Inventory::default();
    for (path, entry) in tree.entries.range(format!("{OUT}/")..) {
        let Some(below) = path.strip_prefix(OUT).and_then(|path| path.strip_prefix('/')) else {
            break;
        };
        let below = below.to_owned();
        match entry {
            TreeEntry::File { size, .. } if *size as u64 > READ_LIMIT => {
                inventory.add_unusable(below, format!("is too large ({size} bytes)"));
            }
            // A secret in the clear is not opened, there as here.
            TreeEntry::File { .. } if !is_read(&below) && !public.contains(&below) => {}
            TreeEntry::File { object, .. } => {
                let bytes = (tree.fetch)(object).map_err(|why| {
                    let message =
                        format!("--base {revision}: cannot read {}: {why}", printable(path));
                    Error::refused(message).help(ALL_HISTORY)
                })?;
                inventory.add_read(below, 0o644, bytes);
            }
            TreeEntry::Symlink => inventory.add_unusable(below, "is a symbolic link".to_owned()),
            TreeEntry::Submodule => {
                inventory.add_unusable(below, "is another repository".to_owned());
            }
        }
    }
    Ok(inventory)
}

/// Secrets in the clear are not in Git: those that are here belong to what the base has on record, as far as
/// its certificate was there, too.
fn add_clear_secrets(base: &mut Inventory, lock: &Lock, graph: &Graph, here: &Inventory) {
    for (path, file) in &here.files {
        let (File::Secret(SecretFile { plain: Some(plain), .. }), Some(place)) =
            (file, graph.placed(path))
        else {
            continue;
        };
        let is_recorded = lock.entries.contains_key(&graph.get(place.derivation).name);
        let stem = path.rsplit_once('.').map_or(path.as_str(), |(stem, _)| stem);
        let mut public = ["crt", "pub"].iter().map(|end| format!("{stem}.{end}"));
        let was_there = public.all(|path| !graph.is_placed(&path) || base.get(&path).is_some());
        if is_recorded && was_there && base.get(path).is_none() {
            base.add_secret(path.clone(), *plain);
        }
    }
}
