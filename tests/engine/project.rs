//! A project in memory: the same path as the command line's, without disk, clock and terminal.

use std::collections::BTreeMap;
use std::sync::Mutex;

use kpki::build::entropy::Entropy;
use kpki::build::execute::{Files, execute};
use kpki::config;
use kpki::error::{Error, Result};
use kpki::graph::Graph;
use kpki::lock;
use kpki::name::TreePath;
use kpki::plan::{Action, Intent, Plan, Survey, World, plan};
use kpki::secret::Secret;
use kpki::sources::Sources;
use kpki::spec::Spec;
use kpki::state::{File, Inventory, Lock, is_public};
use kpki::time::{Span, Timestamp};

pub type Tree = BTreeMap<String, (Vec<u8>, u32)>;

#[derive(Clone)]
pub struct Project {
    pub description: String,
    /// Files beside the description.
    pub extra: BTreeMap<String, Vec<u8>>,
    pub lock: Option<String>,
    pub out: Tree,
    pub now: Timestamp,
}

/// What a plan says, with everything that it borrows.
pub struct Planned {
    pub plan: Plan,
    pub graph: Graph,
}

impl Planned {
    /// `action name` of every step, sorted.
    pub fn steps(&self) -> Vec<String> {
        let mut steps: Vec<String> = self
            .plan
            .steps
            .iter()
            .map(|step| format!("{:?} {}", step.action, self.graph.get(step.derivation).name))
            .collect();
        steps.sort();
        steps
    }

    /// Names of artifacts whose bytes change.
    pub fn rebuilt(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .plan
            .steps
            .iter()
            .filter(|step| step.action != Action::Record && step.action != Action::Repair)
            .map(|step| self.graph.get(step.derivation).name.to_string())
            .collect();
        names.sort();
        names
    }

    pub fn blocked(&self) -> Vec<String> {
        self.plan
            .blocked
            .iter()
            .map(|blocked| {
                let name = &self.graph.get(blocked.derivation).name;
                match &blocked.allow {
                    Some(allow) => format!("{name} {allow}"),
                    None => format!("{name} -"),
                }
            })
            .collect()
    }
}

impl Project {
    pub fn new(description: &str) -> Project {
        Project {
            description: description.to_owned(),
            extra: BTreeMap::new(),
            lock: None,
            out: Tree::new(),
            now: "2026-11-24T12:00:00Z".parse().unwrap(),
        }
    }

    /// A project that was applied once.
    pub fn applied(description: &str) -> Project {
        let mut project = Project::new(description);
        project.apply().unwrap();
        project
    }

    pub fn later(&mut self, span: Span) {
        self.now = self.now.plus(span);
    }

    pub fn spec(&self) -> Spec {
        let mut files = self.extra.clone();
        files.insert("cluster.kdl".into(), self.description.clone().into_bytes());
        match config::load(&Sources::Memory(files), "cluster.kdl") {
            Ok(mut loaded) => {
                let locked = self.lock().kubernetes;
                loaded.spec.cluster.resolve_version(locked);
                loaded.spec
            }
            Err(report) => panic!("{}\n{}", self.description, report.render(false)),
        }
    }

    pub fn lock(&self) -> Lock {
        self.lock
            .as_ref()
            .map_or_else(Lock::default, |text| lock::parse(text.as_bytes()).unwrap())
    }

    pub fn inventory(&self) -> Inventory {
        let files = self
            .out
            .iter()
            .map(|(path, (bytes, mode))| {
                let file = if is_public(path) {
                    File::Public {
                        mode: *mode,
                        bytes: bytes.clone(),
                    }
                } else {
                    File::Secret {
                        mode: *mode,
                        size: bytes.len() as u64,
                    }
                };
                (path.clone(), file)
            })
            .collect();
        Inventory { files }
    }

    pub fn plan(&self) -> Planned {
        self.plan_with(&Intent::default())
    }

    pub fn plan_with(&self, intent: &Intent) -> Planned {
        let spec = self.spec();
        let graph = Graph::derive(&spec);
        let (lock, inventory) = (self.lock(), self.inventory());
        let survey = Survey::take(&graph, &lock, &inventory);
        let world = World {
            graph: &graph,
            lock: &lock,
            inventory: &inventory,
            survey: &survey,
            now: self.now,
        };
        let plan = plan(world, &spec, intent);
        Planned { plan, graph }
    }

    pub fn apply(&mut self) -> Result<()> {
        self.apply_with(&Intent::default(), false)
    }

    /// As `kpki apply`: refuses what is blocked or mixed, and changes nothing then.
    pub fn apply_with(&mut self, intent: &Intent, prune: bool) -> Result<()> {
        let spec = self.spec();
        let graph = Graph::derive(&spec);
        let (lock, inventory) = (self.lock(), self.inventory());
        let survey = Survey::take(&graph, &lock, &inventory);
        let world = World {
            graph: &graph,
            lock: &lock,
            inventory: &inventory,
            survey: &survey,
            now: self.now,
        };
        let plan = plan(world, &spec, intent);
        if !plan.blocked.is_empty() || !plan.mixed.is_empty() {
            return Err(Error::refused("blocked"));
        }
        let files = Memory {
            old: &self.out,
            new: Mutex::new(self.out.clone()),
        };
        let new = execute(
            world,
            &spec,
            &plan,
            prune,
            self.now,
            &Entropy::system(),
            &files,
        )?;
        self.out = files.new.into_inner().unwrap();
        self.lock = Some(lock::render(&new));
        Ok(())
    }

    /// Every private key under `out/`, by path.
    pub fn secrets(&self) -> BTreeMap<&str, &[u8]> {
        self.out
            .iter()
            .filter(|(path, _)| !is_public(path))
            .map(|(path, (bytes, _))| (path.as_str(), bytes.as_slice()))
            .collect()
    }

    pub fn assert_converged(&self) {
        let planned = self.plan();
        assert!(
            planned.plan.is_empty(),
            "{}\nat {}: {:?} {:?} {:?} {:?}",
            self.description,
            self.now,
            planned.steps(),
            planned.plan.steps.first(),
            planned.plan.blocked,
            planned.plan.mixed,
        );
    }
}

struct Memory<'a> {
    old: &'a Tree,
    new: Mutex<Tree>,
}

impl Files for Memory<'_> {
    fn read_secret(&self, path: &TreePath) -> Result<Secret> {
        assert!(!is_public(path.as_str()), "{path} is no secret");
        self.old
            .get(path.as_str())
            .map(|(bytes, _)| Secret::new(bytes.clone()))
            .ok_or_else(|| Error::refused(format!("{path} is not here")))
    }

    fn write(&self, path: &TreePath, bytes: &[u8], mode: u32) -> Result<()> {
        let mut new = self.new.lock().unwrap();
        new.insert(path.to_string(), (bytes.to_vec(), mode));
        Ok(())
    }

    fn set_mode(&self, path: &TreePath, mode: u32) -> Result<()> {
        let mut new = self.new.lock().unwrap();
        new.get_mut(path.as_str()).unwrap().1 = mode;
        Ok(())
    }

    fn remove(&self, path: &TreePath) -> Result<()> {
        self.new.lock().unwrap().remove(path.as_str());
        Ok(())
    }

    fn progress(&self, _count: usize) {}
}
