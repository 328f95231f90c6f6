//! What the operating system does not let us read is neither lost nor damaged.

use std::sync::LazyLock;

use kpki::build::execute::{Files, execute};
use kpki::build::seal::Identity;
use kpki::error::{Error, Kind, Result};
use kpki::name::TreePath;
use kpki::plan::{Intent, Survey, plan};
use kpki::secret::Secret;

use crate::testkit::memory_project::MemoryProject;

const DESCRIPTION: &str = r#"
cluster "lab" { endpoint "api.lab" }
node "cp1" role="control-plane" address="10.0.0.1"
node "cp2" role="control-plane" address="10.0.0.2"
node "w1" address="10.0.1.1"
user "jane" { group "dev" }
"#;

static CLEAR: LazyLock<MemoryProject> = LazyLock::new(|| MemoryProject::applied(DESCRIPTION));

/// Nothing is planned for it, whatever it is.
#[test]
fn what_cannot_be_read_is_never_made_anew() {
    let why = "it belongs to root, and you are uid 1000";
    let base = &*CLEAR;
    let folders = ["", "ca", "nodes", "nodes/cp1/etc", "users/jane", "identities"];
    let files = base.out.keys().map(String::as_str);
    for path in files.chain(folders) {
        let mut project = base.clone();
        let key = project.out["ca/etcd.key"].clone();
        let elsewhere = "nodes/cp2/etc/kubernetes/pki/etcd/ca.key";
        project.out.insert(elsewhere.to_owned(), key);
        let mut opened = project.opened();
        let below = format!("{path}/");
        let inventory = &mut opened.inventory;
        inventory
            .files
            .retain(|file, _| file != path && !path.is_empty() && !file.starts_with(&below));
        inventory.add_unreadable(path.to_owned(), why.to_owned());
        // Without a lock too: it is no reason to begin anew.
        for with_lock in [true, false] {
            if !with_lock {
                opened.lock = kpki::state::Lock::default();
            }
            opened.survey = Survey::take(&opened.graph, &opened.lock, &opened.inventory);
            let plan = plan(opened.world(project.now), &opened.spec, &Intent::default());
            assert!(!plan.foreign.iter().any(|file| file == path), "{path}");
            let found = opened.graph.ids().find_map(|id| opened.survey.found_key(id));
            assert_eq!(found, None, "{path}");
            let graph = &opened.graph;
            let made = plan.steps.iter().filter(|step| {
                let touched = step.writes.iter().any(|file| {
                    file.as_str() == path || path.is_empty() || file.as_str().starts_with(&below)
                });
                touched || step.action.makes_key() || step.action.signs()
            });
            let made: Vec<_> = made.map(|step| &graph.get(step.derivation).name).collect();
            assert!(made.is_empty(), "{path}: {made:?}");
            let blocked = plan.blocked.iter().filter(|blocked| blocked.why.contains(why));
            let blocked: Vec<_> = blocked.collect();
            assert!(!blocked.is_empty(), "{path}");
            assert!(
                plan.blocked.iter().all(|blocked| blocked.allow.is_none()),
                "{path}: {:?}",
                plan.blocked
            );
        }
    }
}

/// A disk on which one file cannot be read.
struct Failing<'a> {
    project: &'a MemoryProject,
    path: &'static str,
}

impl Files for Failing<'_> {
    fn read_secret(&self, path: &TreePath) -> Result<Secret> {
        if path.as_str() == self.path {
            let error = std::io::Error::from_raw_os_error(5);
            let path = format!("out/{path}");
            return Err(Error::io("read", path.as_ref(), &error));
        }
        Ok(Secret::new(self.project.out[path.as_str()].0.clone()))
    }

    fn identities(&self) -> Result<&[Identity]> {
        Ok(&[])
    }

    fn write(&self, _: &TreePath, _: &[u8], _: u32) -> Result<()> {
        Ok(())
    }

    fn set_mode(&self, _: &TreePath, _: u32) -> Result<()> {
        Ok(())
    }

    fn remove(&self, path: &TreePath) -> Result<()> {
        panic!("{path} was to be removed")
    }

    fn progress(&self, _: usize) {}
}

/// A failing disk is no reason to give a key up, even where a copy of it could be read.
#[test]
fn a_key_that_the_disk_does_not_give_is_not_given_up() {
    let node = "nodes/cp1/etc/kubernetes";
    let api = format!("{node}/pki/apiserver.crt");
    for (path, damaged) in [
        ("ca/kubernetes.key", api.as_str()),
        ("ca/sa.key", &format!("{node}/pki/sa.key")),
        ("nodes/cp1/etc/kubernetes/pki/apiserver.key", &api),
        ("nodes/cp1/etc/kubernetes/admin.conf", "identities/nodes/cp1/admin.crt"),
        ("users/jane/jane.key", "users/jane/jane.kubeconfig"),
    ] {
        let mut project = CLEAR.clone();
        assert!(project.out.contains_key(path), "{path}");
        assert!(project.out.remove(damaged).is_some(), "{damaged}");
        let opened = project.opened();
        let planned = plan(opened.world(project.now), &opened.spec, &Intent::default());
        assert!(planned.blocked.is_empty() && !planned.steps.is_empty());
        let files = Failing { project: &project, path };
        let entropy = project.entropy();
        let now = project.now;
        let done = execute(
            opened.world(project.now),
            &opened.spec,
            &planned,
            false,
            now,
            &entropy,
            &files,
        );
        let error = done.unwrap_err();
        assert_eq!(error.kind, Kind::Refused, "{error}");
        assert!(error.message.contains(path), "{error}");
        assert!(error.message.contains("os error 5"), "{error}");
        assert_eq!(error.help, None);
    }
}
