//! A cluster that runs is taken over: from the nodes' files to a project whose plan is empty.

mod again;
mod judged;
mod store;

use std::collections::{BTreeMap, BTreeSet};

use self::again::{another_release, leave_older, other_anchors, other_manifests};
use self::judged::judged;
pub use self::store::OutFile;
use self::store::Store;
use super::Project;
use crate::adopt::{self, Draft, Left, MANIFESTS, Node, Notes, Refusal, Refusals, TakenFile};
use crate::build::execute::{Files, execute};
use crate::config::{self, Loaded, Report};
use crate::error::{Error, Result};
use crate::graph::{DerivationId, Recipe};
use crate::keys::Entropy;
use crate::machine::kubeadm_config::KubeadmConfig;
use crate::machine::{Machine, layout_of};
use crate::name::{NodeName, TreePath};
use crate::plan::{Action, Intent, Plan, Reason, Step, plan};
use crate::sealed::Recipient;
use crate::sources::Sources;
use crate::spec::{Manifests, Setting};
use crate::state::{File, Inventory, Lock, PlainFile, SecretFile};
use crate::time::Timestamp;

const DESCRIPTION: &str = "cluster.kdl";

/// Files beside `out/`, by their paths relative to the description.
type Inputs = BTreeMap<String, Vec<u8>>;

/// Where the description comes from.
pub enum Described<'a> {
    /// It is inferred: no project is here yet.
    Inferred {
        witness: Option<&'a KubeadmConfig>,
        recipients: BTreeSet<Recipient>,
        /// Members that left etcd, though manifests still name them.
        gone: &'a BTreeSet<NodeName>,
    },
    /// A person's, with what the project has already.
    Here(Box<Project>),
}

/// A cluster as it is taken over.
pub struct Adoption {
    /// What is written beside `out/`, the description first; nothing where it is here.
    pub inputs: Inputs,
    /// What is put below `out/`.
    pub files: BTreeMap<TreePath, OutFile>,
    /// As it is afterwards.
    pub project: Project,
    /// What an ordinary plan then says: renewals that are due, and nothing else.
    pub plan: Plan,
    pub left: Vec<Left>,
    pub remarks: Vec<String>,
}

/// Why not.
pub enum NotAdopted {
    Refused(Refusals),
    Failed(Error),
}

impl From<Refusals> for NotAdopted {
    fn from(refusals: Refusals) -> Self {
        NotAdopted::Refused(refusals)
    }
}

impl From<Error> for NotAdopted {
    fn from(error: Error) -> Self {
        NotAdopted::Failed(error)
    }
}

/// `secrets` opens what the project has already.
pub fn adopt(
    machines: &BTreeMap<NodeName, Machine>,
    described: Described<'_>,
    now: Timestamp,
    secrets: &dyn Files,
) -> std::result::Result<Adoption, NotAdopted> {
    let (mut refusals, remarks) = judged(machines, now);
    match taken_over(machines, described, now, secrets) {
        Ok(mut adoption) if refusals.is_empty() => {
            adoption.remarks.extend(remarks);
            Ok(adoption)
        }
        Ok(_) => Err(refusals.into()),
        Err(NotAdopted::Refused(mut why)) => {
            // Of a node of another layout nothing else is said.
            let other: BTreeSet<NodeName> = (machines.iter())
                .filter(|(_, machine)| layout_of(machine).is_some())
                .map(|(name, _)| name.clone())
                .collect();
            why.retain(|refusal| refusal.node.as_ref().is_none_or(|node| !other.contains(node)));
            why.append(&mut refusals);
            Err(why.into())
        }
        Err(failed) => Err(failed),
    }
}

fn taken_over(
    machines: &BTreeMap<NodeName, Machine>,
    described: Described<'_>,
    now: Timestamp,
    secrets: &dyn Files,
) -> std::result::Result<Adoption, NotAdopted> {
    let nodes = adopt::nodes(machines)?;
    let (inputs, mut remarks, mut before) = match described {
        Described::Inferred { witness, recipients, gone } => {
            let draft = adopt::draft(&nodes, witness, gone, now)?;
            let (inputs, remarks) = describe(&nodes, draft, recipients, now)?;
            let project = Project::new(load(&inputs)?, Lock::default(), Inventory::default());
            (inputs, remarks, project)
        }
        Described::Here(project) => (BTreeMap::new(), another_release(&project, &nodes), *project),
    };
    let unknown: Refusals = (nodes.iter())
        .filter(|node| before.spec.node(node.name.as_str()).is_none())
        .map(|node| {
            Refusal::of_node(&node.name, "is not in the description").help(format!(
                "add node \"{}\" to {DESCRIPTION}, with its role and address",
                node.name
            ))
        })
        .collect();
    if !unknown.is_empty() {
        return Err(unknown.into());
    }
    let left = adopt::left(&before.graph, &nodes);
    let mut taken = adopt::take(&before.graph, &nodes);
    // Of another cluster's node nothing else is said.
    let foreign = other_anchors(&before, &taken);
    if !foreign.is_empty() {
        return Err(foreign.into());
    }
    let mut refusals = std::mem::take(&mut taken.refusals);
    refusals.extend(other_manifests(&before, &nodes));
    if !refusals.is_empty() {
        return Err(refusals.into());
    }
    remarks.extend(leave_older(&before, &mut taken));
    let changed = overlay(&mut before, &taken.files, secrets)?;
    remarks.extend(restarted_elsewhere(&mut before, &changed));
    for (name, entry) in taken.entries {
        if changed.names.contains(&name) || !before.lock.entries.contains_key(&name) {
            before.lock.entries.insert(name, entry);
        }
    }
    before = again(before);
    let first = plan(before.world(now), &before.spec, &Intent::default());
    let refusals = unfit(&before, &first);
    if !refusals.is_empty() {
        return Err(refusals.into());
    }
    let store = Store::new(secrets, changed.files);
    // What is due stays due: nothing is issued here.
    let due: BTreeSet<DerivationId> = (first.steps.iter())
        .filter(|step| !takes_in(&before, step))
        .map(|step| step.derivation)
        .collect();
    let recorded = first.only(&before.lock, &before.graph, |id| !due.contains(&id));
    let world = before.world(now);
    let lock = execute(world, &before.spec, &recorded, false, now, &Entropy::system(), &store)?;
    let files = store.finish();
    let project = afterwards(before, lock, &files);
    let plan = plan(project.world(now), &project.spec, &Intent::default());
    let refusals = unfit(&project, &plan);
    if !refusals.is_empty() {
        return Err(refusals.into());
    }
    Ok(Adoption { inputs, files, project, plan, left, remarks })
}

/// What a process reads only when it starts was renewed on its node: whoever did that restarts it, and kpki
/// does not do so once more.
fn restarted_elsewhere(project: &mut Project, changed: &Changed) -> Vec<String> {
    let mut remarks = Vec::new();
    for id in project.graph.ids() {
        let Recipe::StaticPod(pod) = &project.graph.get(id).recipe else { continue };
        let renewed = pod.restarts.iter().map(|(_, input)| &project.graph.get(*input).name);
        let renewed: Vec<String> =
            renewed.filter(|name| changed.names.contains(*name)).map(ToString::to_string).collect();
        let name = project.graph.get(id).name.clone();
        if !renewed.is_empty() && project.lock.entries.remove(&name).is_some() {
            remarks.push(format!(
                "{}: {} must restart for {}, unless it did since",
                pod.node,
                pod.process.name(),
                renewed.join(", ")
            ));
        }
    }
    remarks
}

/// The description, and what stands beside it.
fn describe(
    nodes: &[Node<'_>],
    draft: Draft,
    recipients: BTreeSet<Recipient>,
    now: Timestamp,
) -> std::result::Result<(Inputs, Vec<String>), NotAdopted> {
    let mut inputs = draft.files;
    inputs.insert(DESCRIPTION.to_owned(), draft.text.into_bytes());
    let loaded = load(&inputs)?;
    let found = adopt::found(&loaded.graph, nodes)?;
    let (graph, mut spec) = (loaded.graph, loaded.spec);
    let mut notes: Notes = draft.notes;
    adopt::as_found(&mut spec, &graph, (nodes, &found), now, &mut notes)?;
    if inputs.keys().any(|path| path.starts_with(MANIFESTS)) {
        spec.manifests = Some(Manifests { folder: MANIFESTS.into(), all: BTreeMap::new() });
    }
    if !recipients.is_empty() {
        spec.secrets = Some(Setting::default(recipients));
    }
    let text = config::write_with(&spec, &|block, word| notes.of(block, word));
    inputs.insert(DESCRIPTION.to_owned(), text.into_bytes());
    Ok((inputs, draft.remarks))
}

fn load(inputs: &Inputs) -> std::result::Result<Loaded, NotAdopted> {
    config::load(&Sources::Memory(inputs.clone()), DESCRIPTION, None)
        .map_err(|report| NotAdopted::Refused(vec![not_described(&report)]))
}

/// What was found would be a mistake in a description.
fn not_described(report: &Report) -> Refusal {
    let why = format!("the description of what was found is refused\n\n{}", report.render(false));
    Refusal::of_cluster(why.trim_end())
}

/// What differs from what the project has.
struct Changed {
    files: BTreeMap<TreePath, TakenFile>,
    names: BTreeSet<crate::name::ArtifactName>,
}

/// Puts what was taken over what is here.
fn overlay(
    project: &mut Project,
    taken: &BTreeMap<TreePath, TakenFile>,
    secrets: &dyn Files,
) -> Result<Changed> {
    let mut changed = Changed { files: BTreeMap::new(), names: BTreeSet::new() };
    for (path, file) in taken {
        if is_here(project, path, file, secrets)? {
            continue;
        }
        if let Some(place) = project.graph.placed_at(path) {
            let id = place.derivation;
            let family = [Some(id), project.graph.kubeconfig_of(id)];
            let identity = project.graph.identity_in(id);
            let all = family.into_iter().flatten().chain([identity]);
            changed.names.extend(all.map(|id| project.graph.get(id).name.clone()));
        }
        let bytes = file.bytes.expose();
        let known = if file.is_secret {
            let size = bytes.len() as u64;
            let plain = PlainFile { mode: file.mode, size, ..PlainFile::default() };
            File::Secret(SecretFile { plain: Some(plain), sealed: None })
        } else {
            File::Public { mode: file.mode, bytes: bytes.to_vec() }
        };
        project.inventory.files.insert(path.to_string(), known);
        let copy = TakenFile { bytes: file.bytes.clone(), ..*file };
        changed.files.insert(path.clone(), copy);
    }
    for name in &changed.names {
        project.lock.entries.remove(name);
    }
    Ok(changed)
}

fn is_here(
    project: &Project,
    path: &TreePath,
    file: &TakenFile,
    secrets: &dyn Files,
) -> Result<bool> {
    match project.inventory.get(path.as_str()) {
        Some(File::Public { bytes, .. }) => Ok(bytes == file.bytes.expose()),
        // A sealed one is compared by its public half: plan does that.
        Some(File::Secret(SecretFile { sealed: Some(_), .. })) => {
            Ok(!differs_in_public(project, path, file))
        }
        Some(File::Secret(_)) => Ok(secrets.read_secret(path)?.expose() == file.bytes.expose()),
        _ => Ok(false),
    }
}

/// The public half that goes with a sealed secret is another one.
fn differs_in_public(project: &Project, path: &TreePath, file: &TakenFile) -> bool {
    let Some(place) = project.graph.placed_at(path) else { return true };
    let identity = project.graph.identity_in(place.derivation);
    let known = project.survey.public_part(identity).public_key();
    adopt::public_half(file, place.content).as_ref() != known
}

/// The survey, once files and lines are others.
fn again(project: Project) -> Project {
    let Project { spec, graph, lock, inventory, notes, .. } = project;
    Project::of(spec, graph, notes, lock, inventory)
}

/// Whether a step only takes notice of what is on the nodes, or makes what lies on none.
fn takes_in(project: &Project, step: &Step) -> bool {
    let is_on_node =
        |id: DerivationId| project.graph.placements(id).iter().any(|place| place.node.is_some());
    match step.action {
        Action::Record => true,
        Action::Render => !is_on_node(step.derivation),
        _ => false,
    }
}

/// A renewal that time alone asks for, or what hangs on one.
fn is_due(reasons: &[Reason]) -> bool {
    let by_time = |reason: &Reason| {
        matches!(
            reason,
            Reason::Expired { .. }
                | Reason::Expiring { .. }
                | Reason::NotInLock
                | Reason::DependencyRebuilt { .. }
        )
    };
    !reasons.is_empty() && reasons.iter().all(by_time)
}

/// What an apply would change on a node.
fn unfit(project: &Project, plan: &Plan) -> Refusals {
    let graph = &project.graph;
    let of = |id: DerivationId, why: String| {
        let place = graph.placements(id).iter().find_map(|place| {
            let (_, path) = crate::graph::tree_of(place.path.as_str())?;
            Some((place.node.clone()?, path.to_owned()))
        });
        match place {
            Some((node, path)) => Refusal::of_file(&node, &path, why),
            None => Refusal::of_cluster(format!("{}: {why}", graph.get(id).name)),
        }
    };
    let steps = plan.steps.iter().filter(|step| !takes_in(project, step) && !is_due(&step.reasons));
    let mut refusals: Refusals = steps
        .map(|step| {
            let why = Reason::joined(&step.reasons);
            of(step.derivation, format!("would be changed by kpki ({why})"))
        })
        .collect();
    refusals.extend(plan.blocked.iter().map(|blocked| of(blocked.derivation, blocked.why.clone())));
    refusals.extend(plan.key_mismatches.iter().map(|mismatch| {
        of(mismatch.derivation, "is another key than the one on record".to_owned())
    }));
    refusals
}

fn afterwards(before: Project, lock: Lock, files: &BTreeMap<TreePath, OutFile>) -> Project {
    let Project { spec, graph, mut inventory, notes, .. } = before;
    for (path, file) in files {
        let name = path.as_str();
        let secret = crate::state::sealed_secret(name);
        if let Some(secret) = secret {
            inventory.files.remove(secret);
        }
        let is_plain_secret = graph.placed(name).is_some_and(|place| graph.holds_secret(place));
        if is_plain_secret {
            let size = file.bytes.expose().len() as u64;
            let plain = PlainFile { mode: file.mode, size, ..PlainFile::default() };
            inventory.add_secret(name.to_owned(), plain);
        } else {
            inventory.add_read(name.to_owned(), file.mode, file.bytes.expose().to_vec());
        }
    }
    Project::of(spec, graph, notes, lock, inventory)
}
