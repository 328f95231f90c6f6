//! `kpki install`: one node's tree is put in place.

use std::collections::BTreeSet;
use std::path::Path;

use super::node::{Tree, is_in_out};
use super::project::Project;
use super::{Outcome, terminal};
use crate::cli::InstallArgs;
use crate::error::{Error, Kind, Result};
use crate::install::{Installation, Layer, Permission, Record, install, restarts, strangers};
use crate::name::TreePath;
use crate::profile::KUBERNETES_FOLDER;
use crate::render::install_report;
use crate::shell;
use crate::state::{Loose, NodeState};
use crate::store::{
    Change, Disk as _, Put, RECORD, RealDisk, begin_placing, left_behind, look_at_node, loose_ways,
    read_record,
};
use crate::visible;

pub(super) fn run(directory: &Path, args: &InstallArgs) -> Result<Outcome> {
    let tree = Tree::read(directory, &args.node, &args.identities)?;
    if is_in_out(directory, &args.root) {
        return Err(Error::new(
            Kind::Usage,
            format!("{} is inside of out/", visible::path(&args.root)),
        )
        .help("--root is where the node's file system is"));
    }
    refuse_without_effect(&tree, &args.allow)?;
    let job = Job {
        disk: RealDisk::of_node(&args.root).map_err(|error| {
            error.help(
                "--root names a folder that is there: where the node's file system is mounted",
            )
        })?,
        tree,
        args,
    };
    let root = visible::path(&args.root);
    let (done, report) = job
        .run()
        .map_err(|error| Error { message: format!("below {root}: {}", error.message), ..error })?;
    if done {
        terminal::product_after(&format!("{} was installed below {root}", args.node), &report)?;
    } else {
        terminal::product(&report)?;
    }
    Ok(Outcome::Done)
}

struct Job<'a> {
    disk: RealDisk,
    tree: Tree,
    args: &'a InstallArgs,
}

impl Job<'_> {
    /// Whether something was done; and what was, or would be, as the user wants it printed.
    fn run(&self) -> Result<(bool, String)> {
        let (record, node, strange) = read_node(&self.disk, &self.tree)?;
        self.refuse_loose_ways()?;
        for path in &strange {
            terminal::talk(&format!(
                "note: /{RECORD} names /{path}, where kpki never puts such a file: it stays as it is"
            ));
        }
        let is_forged = !strange.is_empty();
        let mut installation = self.decide(&node, record.as_ref())?;
        installation.recorded &= !is_forged;
        let targets = targets(&self.tree, record.as_ref());
        let left = left_behind(&self.disk, targets.iter().map(String::as_str))?;
        if self.args.dry_run || installation.is_empty() && !left {
            return Ok((false, self.report(&node, &installation)?));
        }
        let placing = begin_placing(&self.disk)?;
        // Under the node's lock: nobody else changes it now.
        let (record, node, _) = read_node(&self.disk, &self.tree)?;
        // The lock itself has made folders.
        let folders = std::mem::take(&mut installation.folders);
        let mut installation = self.decide(&node, record.as_ref())?;
        let records = [&installation.meanwhile, &installation.afterwards].map(Record::json);
        placing
            .place(&change(&installation, &targets, &records))
            .map_err(|error| error.help(INCOMPLETE))?;
        installation.folders = folders;
        Ok((true, self.report(&node, &installation)?))
    }

    /// Kubernetes' own folders that are this user's are closed on the way.
    fn refuse_loose_ways(&self) -> Result<()> {
        let us = rustix::process::geteuid().as_raw();
        let paths = self.tree.files.iter().map(|file| file.path.as_str());
        let mut found = loose_ways(&self.disk, paths)?;
        found.retain(|folder, loose| {
            let is_closed = match loose {
                Loose::Group { is_own, .. } => *is_own,
                Loose::World(_) => self.disk.is_own(folder).unwrap_or(false),
                Loose::Owner(_) => false,
            };
            !(is_closed && (Path::new(folder)).starts_with(KUBERNETES_FOLDER))
        });
        let Some((folder, first)) = found.first_key_value() else {
            return Ok(());
        };
        let lines: Vec<String> =
            found.iter().map(|(folder, loose)| format!("/{folder} {loose}")).collect();
        let command =
            format!("{} {}", first.mend(us, false), shell::path(&self.args.root.join(folder)));
        Err(Error::refused(format!("{}\nnothing was written", lines.join("\n"))).help(format!(
            "others could exchange what is put there; look at what lies there now, then: {command}"
        )))
    }

    fn decide<'t>(&'t self, node: &NodeState, record: Option<&Record>) -> Result<Installation<'t>> {
        refuse_other(&self.tree, record, self.args)?;
        let allowed = |path: &TreePath| {
            let mut allowed = self.args.allow.iter();
            allowed.any(|allow| allow.overwrites(path))
        };
        let installation = install(
            &self.tree.project.spec.cluster.name,
            &self.tree.node.name,
            &self.tree.files,
            node,
            record,
            &allowed,
        );
        refuse_keys_at_risk(&installation)?;
        Ok(installation)
    }

    fn report(&self, node: &NodeState, done: &Installation<'_>) -> Result<String> {
        let Project { graph, spec, .. } = &self.tree.project;
        let restarts = restarts(graph, spec, &self.tree.node, node, done);
        let root = visible::path(&self.args.root);
        let report = install_report(&root, self.args.dry_run, done, &restarts);
        terminal::shown(&report, self.args.output.format)
    }
}

const INCOMPLETE: &str = "what is in place stays; run the command again to go on";

/// All that the tree or the record speaks of; and what the record names in vain.
fn read_node(disk: &RealDisk, tree: &Tree) -> Result<(Option<Record>, NodeState, Vec<TreePath>)> {
    let mut record = match read_record(disk)? {
        None => None,
        Some(bytes) => Some(Record::parse(bytes.expose()).map_err(|why| {
            Error::refused(format!("{RECORD} {why}")).help(
                "without it kpki does not know what it put there, and removes nothing: move it away to go on so",
            )
        })?),
    };
    let strange =
        record.as_mut().map(|record| strangers(record, &tree.project.spec)).unwrap_or_default();
    let recorded = record.iter().flat_map(|record| &record.files);
    let paths: BTreeSet<&TreePath> =
        (tree.files.iter().map(|file| &file.path)).chain(recorded.map(|line| &line.path)).collect();
    let node = look_at_node(disk, paths)?;
    Ok((record, node, strange))
}

fn targets(tree: &Tree, record: Option<&Record>) -> Vec<String> {
    let recorded = record.into_iter().flat_map(|record| &record.files);
    let paths: BTreeSet<String> = (tree.files.iter().map(|file| file.path.to_string()))
        .chain(recorded.map(|line| line.path.to_string()))
        .chain([RECORD.to_owned()])
        .collect();
    paths.into_iter().collect()
}

fn change<'a>(
    installation: &'a Installation<'_>,
    targets: &'a [String],
    records: &'a [String; 2],
) -> Change<'a> {
    let [meanwhile, afterwards] = records;
    let put = |layer| {
        let writes = installation.writes.iter();
        writes
            .filter(|write| write.file.layer == layer)
            .map(|write| Put {
                path: write.file.path.as_str(),
                bytes: write.file.bytes.expose(),
                mode: write.file.mode,
            })
            .collect()
    };
    let removals = installation.removals.chunk_by(|(one, _), (other, _)| one == other);
    Change {
        folders: installation.folders.iter().map(|(path, mode)| (path.as_str(), *mode)).collect(),
        layers: Layer::ALL.into_iter().map(put).collect(),
        removals: removals
            .map(|layer| layer.iter().map(|(_, path)| path.as_str()).collect())
            .collect(),
        records: [meanwhile.as_bytes(), afterwards.as_bytes()],
        targets: targets.iter().map(String::as_str).collect(),
    }
}

/// This machine, or the one whose disk this is, is another one than the tree is for.
fn refuse_other(tree: &Tree, record: Option<&Record>, args: &InstallArgs) -> Result<()> {
    let name = tree.node.name.as_str();
    let root = visible::path(&args.root);
    let needs = |message: String, allow: Permission| {
        if args.allow.contains(&allow) {
            return Ok(());
        }
        let help = format!(
            "if it is right all the same, add --allow {}",
            visible::printable(&shell::quoted(&allow.to_string()))
        );
        Err(Error::new(Kind::NeedsAllow, format!("{message}\nnothing was written")).help(help))
    };
    if let Some(record) = record {
        let cluster = &tree.project.spec.cluster.name;
        if record.cluster != *cluster {
            needs(
                format!("{root} holds files of the cluster {}, not of {cluster}", record.cluster),
                Permission::OtherCluster(record.cluster.to_string()),
            )?;
        }
        if record.node.as_str() != name {
            needs(
                format!("{root} holds the files of {}, not of {name}", record.node),
                Permission::OtherHost(record.node.to_string()),
            )?;
        }
    }
    if std::fs::canonicalize(&args.root).is_ok_and(|root| root == Path::new("/")) {
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy().to_lowercase();
        if !is_called(&host, name) {
            needs(
                format!(
                    "this machine is called {}, and the files are those of {name}",
                    visible::printable(&host)
                ),
                Permission::OtherHost(host),
            )?;
        }
    }
    Ok(())
}

/// A host's name may carry its domain, and so may a node's.
fn is_called(host: &str, node: &str) -> bool {
    let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    host == node || host == first(node) || first(host) == node
}

/// A permission for a file that is none of the node's is a mistake.
fn refuse_without_effect(tree: &Tree, allowed: &[Permission]) -> Result<()> {
    let names_something = |allow: &&Permission| {
        let mut files = tree.files.iter();
        !matches!(allow, Permission::Overwrite(_)) || files.any(|file| allow.overwrites(&file.path))
    };
    match allowed.iter().find(|allow| !names_something(allow)) {
        None => Ok(()),
        Some(allow) => Err(Error::new(Kind::Usage, format!("--allow {allow} permits nothing"))
            .help(format!("no file of {} lies there", tree.node.name))),
    }
}

fn refuse_keys_at_risk(installation: &Installation<'_>) -> Result<()> {
    let Some(first) = installation.keys_at_risk.first() else {
        return Ok(());
    };
    let lines: Vec<String> =
        installation.keys_at_risk.iter().map(|path| format!("  /{path}")).collect();
    let folder = first.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
    Err(Error::new(
        Kind::NeedsAllow,
        format!(
            "private keys that kpki did not put there would be overwritten\n{}\nnothing was written",
            lines.join("\n")
        ),
    )
    .help(format!(
        "keep a copy of what is still needed; then add --allow overwrite:/{first}, or 'overwrite:/{folder}/*' for all there"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_node_of_one_name() {
        for (host, node, same) in [
            ("w1", "w1", true),
            ("w1.lab.internal", "w1", true),
            ("w1", "w1.lab.internal", true),
            ("w1.lab.internal", "w1.lab.internal", true),
            ("w1.lab.internal", "w1.prod.internal", false),
            ("w1.lab", "w1.lab.internal", false),
            ("w11", "w1", false),
            ("localhost", "w1", false),
            ("", "w1", false),
        ] {
            assert_eq!(is_called(host, node), same, "{host} {node}");
        }
    }
}
