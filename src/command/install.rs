//! `kpki install`: one node's tree is put in place.

use std::path::Path;

use super::node::{Tree, is_in_out};
use super::{Outcome, handing_over, terminal};
use crate::cli::InstallArgs;
use crate::engine::{AbsentPair, Installed, NodeTree, Orders, Project, install, look};
use crate::error::{Error, Kind, Result};
use crate::install::{Permission, Record, restarts};
use crate::name::TreePath;
use crate::profile::KUBERNETES_FOLDER;
use crate::render::install_report;
use crate::shell;
use crate::state::Loose;
use crate::store::{Disk as _, RECORD, RealDisk, loose_ways};
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
        let Tree { folder, node, files } = &self.tree;
        let tree = NodeTree { spec: &folder.project.spec, node: &node.name, files };
        let looked = look(&self.disk, &tree)?;
        self.refuse_loose_ways()?;
        for path in &looked.strangers {
            terminal::note(&format!(
                "note: /{RECORD} names /{path}, where kpki never puts such a file: it stays as it is"
            ));
        }
        for AbsentPair { kubeconfig, pair } in &looked.absent_pairs {
            terminal::note(&format!(
                "note: /{kubeconfig} names {}, which is not on this node: the kubelet does not start without it; let \
                 it have its pair first (rotateCertificates: true with the kubeconfig that it has now, or a \
                 bootstrap token)",
                visible::printable(pair)
            ));
        }
        let overwrites = |path: &TreePath| {
            let mut allowed = self.args.allow.iter();
            allowed.any(|allow| allow.overwrites(path))
        };
        let puts_back = |path: &TreePath| {
            let mut allowed = self.args.allow.iter();
            allowed.any(|allow| allow.puts_back(path))
        };
        let judge = |record: Option<&Record>| refuse_other(&self.tree, record, self.args);
        let orders = Orders {
            dry_run: self.args.dry_run,
            overwrites: &overwrites,
            puts_back: &puts_back,
            judge: &judge,
            handed_over: &|handover| handing_over::wait(&self.args.root, handover),
        };
        let installed = install(&self.disk, &tree, looked, &orders)?;
        Ok((installed.was_placed, self.report(&installed)?))
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

    fn report(&self, installed: &Installed<'_>) -> Result<String> {
        let Project { graph, spec, .. } = &self.tree.folder.project;
        let Installed { state, installation, .. } = installed;
        let restarts = restarts(graph, spec, &self.tree.node, state, installation);
        let root = visible::path(&self.args.root);
        let place = (spec, &self.tree.node);
        let report = install_report(&root, self.args.dry_run, place, installation, &restarts);
        terminal::shown(&report, self.args.output.format)
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
        let cluster = &tree.folder.project.spec.cluster.name;
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
        !matches!(allow, Permission::Overwrite(_) | Permission::Older(_))
            || files.any(|file| allow.concerns(&file.path))
    };
    match allowed.iter().find(|allow| !names_something(allow)) {
        None => Ok(()),
        Some(allow) => Err(Error::new(Kind::Usage, format!("--allow {allow} permits nothing"))
            .help(format!("no file of {} lies there", tree.node.name))),
    }
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
