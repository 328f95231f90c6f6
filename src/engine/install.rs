//! One node's tree is put in place on that node.

use std::collections::BTreeSet;

use crate::error::{Error, Kind, Result};
use crate::install::{
    self, Handover, Installation, Layer, NodesOwn, Older, Record, Wanted, Write, manager_manifest,
    strangers,
};
use crate::name::{NodeName, TreePath};
use crate::spec::Spec;
use crate::state::NodeState;
use crate::store::{
    Change, Disk, EntryKind, Put, RECORD, begin_placing, left_behind, look_at_node, read_record,
};

/// What a node gets.
#[derive(Clone, Copy)]
pub struct NodeTree<'t> {
    pub spec: &'t Spec,
    pub node: &'t NodeName,
    /// In the order in which they are put in place.
    pub files: &'t [Wanted],
}

/// What lies on a node, of all that the tree or the record speaks of.
pub struct Looked {
    pub record: Option<Record>,
    pub state: NodeState,
    /// What the record names in vain: kpki never puts a file there.
    pub strangers: Vec<TreePath>,
    /// Pairs that a kubeconfig of the tree names and that are not there.
    pub absent_pairs: Vec<AbsentPair>,
}

/// Without it who reads the kubeconfig does not start.
pub struct AbsentPair {
    pub kubeconfig: TreePath,
    pub pair: String,
}

/// What a person asks for and consents to.
pub struct Orders<'a> {
    pub dry_run: bool,
    /// Whether this file may be overwritten, whatever it is.
    pub overwrites: &'a dyn Fn(&TreePath) -> bool,
    /// Whether an older certificate may take the place of this newer one.
    pub puts_back: &'a dyn Fn(&TreePath) -> bool,
    /// Refuses another node than the tree is for.
    pub judge: &'a dyn Fn(Option<&Record>) -> Result<()>,
    /// Waits until the controller-manager runs as it was handed over.
    pub handed_over: &'a dyn Fn(&Handover) -> Result<()>,
}

/// What was done on a node, or would be.
pub struct Installed<'t> {
    /// As it was before.
    pub state: NodeState,
    pub installation: Installation<'t>,
    /// False where nothing was left to do, or nothing should be done.
    pub was_placed: bool,
}

/// Reads what lies on a node.
pub fn look(disk: &impl Disk, tree: &NodeTree<'_>) -> Result<Looked> {
    let mut record = match read_record(disk)? {
        None => None,
        Some(bytes) => Some(Record::parse(bytes.expose()).map_err(|why| {
            Error::refused(format!("{RECORD} {why}")).help(
                "without it kpki does not know what it put there, and removes nothing: move it away to go on so",
            )
        })?),
    };
    let strangers = record.as_mut().map(|record| strangers(record, tree.spec)).unwrap_or_default();
    let manifest = manager_manifest();
    let mut looked_at = paths(tree, record.as_ref());
    // The operator's own decides when ca.crt may change.
    if matches!(disk.kind(manifest.as_str())?, EntryKind::File { .. }) {
        looked_at.insert(&manifest);
    }
    let state = look_at_node(disk, looked_at)?;
    let absent_pairs = absent_pairs(disk, tree)?;
    Ok(Looked { record, state, strangers, absent_pairs })
}

/// The kubelet's own is a link to the pair in use, which may lie anywhere: that there is one is enough.
fn absent_pairs(disk: &impl Disk, tree: &NodeTree<'_>) -> Result<Vec<AbsentPair>> {
    let mut absent = Vec::new();
    for file in tree.files.iter().filter(|file| file.layer == Layer::Kubeconfig && !file.secret) {
        let Some(pair) = install::named_pair(&file.bytes) else {
            continue;
        };
        if let Some(path) = pair.strip_prefix('/')
            && disk.kind(path)? == EntryKind::Missing
        {
            absent.push(AbsentPair { kubeconfig: file.path.clone(), pair });
        }
    }
    Ok(absent)
}

/// Puts the tree in place. `looked`: as the node was before its lock was taken.
pub fn install<'t>(
    disk: &impl Disk,
    tree: &NodeTree<'t>,
    looked: Looked,
    orders: &Orders<'_>,
) -> Result<Installed<'t>> {
    let record = looked.record.as_ref();
    let mut installation = decide(tree, &looked.state, record, orders)?;
    installation.recorded &= looked.strangers.is_empty();
    let targets: Vec<String> = (paths(tree, record).into_iter())
        .map(ToString::to_string)
        .chain([RECORD.to_owned()])
        .collect();
    let left = left_behind(disk, targets.iter().map(String::as_str))?;
    let is_done = installation.is_empty() && !left;
    if is_done && !orders.dry_run {
        // A run that was stopped may have moved the last file, and not yet seen to it that it stays.
        let folders = targets.iter().filter_map(|target| Some(target.rsplit_once('/')?.0));
        folders.collect::<BTreeSet<_>>().into_iter().try_for_each(|path| disk.sync_dir(path))?;
    }
    if is_done || orders.dry_run {
        return Ok(Installed { state: looked.state, installation, was_placed: false });
    }
    refuse_owners(disk, &installation)?;
    let placing = begin_placing(disk)?;
    // Under the node's lock: nobody else changes it now.
    let Looked { record, state, .. } = look(disk, tree)?;
    // The lock itself has made folders.
    let folders = std::mem::take(&mut installation.folders);
    let mut installation = decide(tree, &state, record.as_ref(), orders)?;
    let records = [&installation.meanwhile, &installation.afterwards].map(Record::json);
    let wait = || match &installation.handover {
        Some(handover) => hand_over(handover, orders),
        None => Ok(()),
    };
    placing.place(&change(&installation, &targets, &records), &wait).map_err(|error| {
        let what = error.help.as_ref().map(|help| format!("{help}; ")).unwrap_or_default();
        error.help(format!("{what}what is in place stays; run the command again to go on"))
    })?;
    installation.folders = folders;
    Ok(Installed { state, installation, was_placed: true })
}

fn hand_over(handover: &Handover, orders: &Orders<'_>) -> Result<()> {
    if handover.is_left_to_operator() {
        let Handover { signing, bundle, .. } = handover;
        let what = if handover.expects_process() {
            "makes kube-controller-manager sign"
        } else {
            "cannot be read, and may make kube-controller-manager sign"
        };
        return Err(Error::refused(format!(
            "/{} {what} with /{bundle}, which is to hold several certificates: it would \
             exit at each start",
            manager_manifest()
        ))
        .help(format!("set --cluster-signing-cert-file=/{signing} in it, which is there now")));
    }
    (orders.handed_over)(handover)
}

/// All that the tree or the record speaks of.
fn paths<'p>(tree: &NodeTree<'p>, record: Option<&'p Record>) -> BTreeSet<&'p TreePath> {
    let recorded = record.into_iter().flat_map(|record| &record.files);
    (tree.files.iter().map(|file| &file.path)).chain(recorded.map(|line| &line.path)).collect()
}

fn decide<'t>(
    tree: &NodeTree<'t>,
    state: &NodeState,
    record: Option<&Record>,
    orders: &Orders<'_>,
) -> Result<Installation<'t>> {
    (orders.judge)(record)?;
    let cluster = &tree.spec.cluster.name;
    let installation =
        install::install(cluster, tree.node, tree.files, state, record, orders.overwrites);
    refuse_losses(&installation, orders)?;
    Ok(installation)
}

/// Whatever would be lost, at once.
fn refuse_losses(installation: &Installation<'_>, orders: &Orders<'_>) -> Result<()> {
    let keys: Vec<&TreePath> = installation.keys_at_risk.iter().collect();
    let older = installation.older.iter();
    let older: Vec<&Older> = older.filter(|older| !(orders.puts_back)(&older.path)).collect();
    let mut message = String::new();
    let mut allows = Vec::new();
    if !keys.is_empty() {
        message.push_str("private keys that kpki did not put there would be overwritten\n");
        message.extend(keys.iter().map(|path| format!("  /{path}\n")));
        allows.extend(consent("overwrite", &keys));
    }
    if !older.is_empty() {
        let all: Vec<&TreePath> = older.iter().map(|older| &older.path).collect();
        message.push_str(
            "the node's certificates are newer than those of out/ (kubeadm certs renew, or the kubelet): they and \
             their keys would be lost\n",
        );
        message.extend(older.iter().map(|older| format!("  /{}: {}\n", older.path, told(older))));
        allows.extend(consent("older", &all));
    }
    if message.is_empty() {
        return Ok(());
    }
    let node = &installation.afterwards.node;
    let taken_in = if older.is_empty() {
        String::new()
    } else {
        let renews_itself = older.iter().any(|older| matches!(older.node, NodesOwn::InFile(_)));
        let word = if renews_itself {
            ", with component \"kubelet\" client=\"self-rotated\" for kubelet.conf"
        } else {
            ""
        };
        format!(
            "take them in: kpki adopt --write {node}=ROOT{word}; or issue later ones (kpki apply --renew NAME) and \
             install those; or "
        )
    };
    Err(Error::new(Kind::NeedsAllow, format!("{message}nothing was written")).help(format!(
        "{taken_in}keep a copy of what is still needed; then add {}",
        allows.join(" ")
    )))
}

/// Files that this user cannot give away.
fn refuse_owners(disk: &impl Disk, installation: &Installation<'_>) -> Result<()> {
    let lines = installation.writes.iter().filter_map(|write| {
        let (user, group) = write.file.owner.filter(|owner| !disk.may_give_to(*owner))?;
        Some(format!("  /{}: user {user}, group {group}\n", write.file.path))
    });
    let lines: String = lines.collect();
    if lines.is_empty() {
        return Ok(());
    }
    let message = format!(
        "files belong to users of the node, and only root gives them away\n{lines}nothing was written"
    );
    Err(Error::refused(message).help("run it as root, or hand the tree over with kpki export"))
}

/// One permission for all of them.
fn consent(word: &str, paths: &[&TreePath]) -> Option<String> {
    let (first, others) = paths.split_first()?;
    if others.is_empty() {
        return Some(format!("--allow {word}:/{first}"));
    }
    let mut shared = first.as_str();
    while let Some((folder, _)) = shared.rsplit_once('/') {
        shared = folder;
        let is_below = |path: &&&TreePath| {
            path.as_str().strip_prefix(shared).is_some_and(|rest| rest.starts_with('/'))
        };
        if paths.iter().filter(is_below).count() == paths.len() {
            return Some(format!("--allow '{word}:/{shared}/*'"));
        }
    }
    let each: Vec<String> = paths.iter().map(|path| format!("--allow {word}:/{path}")).collect();
    Some(each.join(" "))
}

fn told(older: &Older) -> String {
    let until = older.until.date();
    match &older.node {
        NodesOwn::Certificate { issued, until: nodes } => {
            format!(
                "issued {}, valid until {}; that of out/ until {until}",
                issued.date(),
                nodes.date()
            )
        }
        NodesOwn::InFile(path) => {
            format!("names {path}, which the kubelet renews; that of out/ is good until {until}")
        }
    }
}

fn change<'a>(
    installation: &'a Installation<'_>,
    targets: &'a [String],
    records: &'a [String; 2],
) -> Change<'a> {
    let [meanwhile, afterwards] = records;
    let put = |write: &'a Write<'_>| Put {
        path: write.file.path.as_str(),
        bytes: write.file.bytes.expose(),
        mode: write.file.mode,
        owner: write.file.owner,
    };
    let first = installation.handover.as_ref().map_or(0, |handover| handover.first.len());
    let (first, others) = installation.writes.split_at_checked(first).unwrap_or_default();
    let between = installation.handover.iter().flat_map(|handover| &handover.between);
    let between = between.filter_map(|between| {
        let last = installation.writes.iter().find(|write| write.file.path == between.path)?;
        Some(Put { bytes: between.bytes.expose(), ..put(last) })
    });
    let mut handed_over: Vec<Vec<Put<'_>>> = vec![first.iter().map(put).collect()];
    handed_over.extend(between.map(|put| vec![put]));
    let layer = |layer| {
        let writes = others.iter().filter(|write| write.file.layer == layer);
        writes.map(put).collect()
    };
    let removals = installation.removals.chunk_by(|(one, _), (other, _)| one == other);
    Change {
        folders: installation.folders.iter().map(|(path, mode)| (path.as_str(), *mode)).collect(),
        handed_over,
        layers: Layer::ALL.into_iter().map(layer).collect(),
        removals: removals
            .map(|layer| layer.iter().map(|(_, path)| path.as_str()).collect())
            .collect(),
        records: [meanwhile.as_bytes(), afterwards.as_bytes()],
        targets: targets.iter().map(String::as_str).collect(),
    }
}
