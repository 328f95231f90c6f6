//! A project in memory: the same path as the command line's, without disk, clock and terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use kpki::build::check::check_secrets;
use kpki::build::execute::Files;
use kpki::config::{self, Loaded};
use kpki::engine::{Acceptance, Applying, Project, accept, public_kubeconfigs, undecided};
use kpki::error::{Error, Result};
use kpki::graph::Graph;
use kpki::keys::Entropy;
use kpki::keys::Seed;
use kpki::lock;
use kpki::name::{ArtifactName, TreePath};
use kpki::plan::{Action, Intent, Plan, plan};
use kpki::review::{Review, ReviewPolicy, review};
use kpki::sealed::SealedFile;
use kpki::sealed::identities;
use kpki::sealed::{Identity, open};
use kpki::secret::Secret;
use kpki::sources::Sources;
use kpki::spec::Spec;
use kpki::state::{File, Inventory, Lock, PlainFile, is_public, is_read};
use kpki::time::{Span, Timestamp};

use super::signer::Signer;

const OMAR: &[u8] = include_bytes!("../../examples/users/omar.csr");

pub type Tree = BTreeMap<String, (Vec<u8>, u32)>;

#[derive(Clone)]
pub struct MemoryProject {
    pub description: String,
    /// Files beside the description.
    pub extra: BTreeMap<String, Vec<u8>>,
    pub lock: Option<String>,
    pub out: Tree,
    pub now: Timestamp,
    /// What `--identity` names.
    pub identity: Option<String>,
    /// The file of a reproducible description's seed.
    pub seed: Option<String>,
}

/// What a plan says, with everything that it borrows.
pub struct Planned {
    pub plan: Plan,
    pub review: Review,
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

    /// The same without what only updates the lock.
    pub fn rebuilt_steps(&self) -> Vec<String> {
        let mut steps = self.steps();
        steps.retain(|step| !step.starts_with("Record "));
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

/// Nothing waits for its turn: most tests are about what is right in the end.
pub fn everything() -> Intent {
    Intent { all: true, ..Intent::default() }
}

impl MemoryProject {
    pub fn new(description: &str) -> MemoryProject {
        MemoryProject {
            description: description.to_owned(),
            // A request that some descriptions name.
            extra: BTreeMap::from([("omar.csr".into(), OMAR.to_vec())]),
            lock: None,
            out: Tree::new(),
            seed: None,
            now: "2026-11-24T12:00:00Z".parse().unwrap(),
            identity: None,
        }
    }

    /// A project that was applied once.
    pub fn applied(description: &str) -> MemoryProject {
        let mut project = MemoryProject::new(description);
        project.apply().unwrap();
        project
    }

    pub fn later(&mut self, span: Span) {
        self.now = self.now.plus(span);
    }

    fn described(&self) -> Loaded {
        config::load(&Sources::Memory(self.sources()), "cluster.kdl", self.lock().kubernetes)
            .unwrap_or_else(|report| panic!("{}\n{}", self.description, report.render(false)))
    }

    /// Its description can be read.
    pub fn is_described(&self) -> bool {
        let sources = Sources::Memory(self.sources());
        config::load(&sources, "cluster.kdl", self.lock().kubernetes).is_ok()
    }

    /// As a person is told what is wrong with it; empty: nothing is.
    pub fn mistakes(&self) -> String {
        let sources = Sources::Memory(self.sources());
        let loaded = config::load(&sources, "cluster.kdl", self.lock().kubernetes);
        loaded.err().map_or_else(String::new, |report| report.render(false))
    }

    fn sources(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.extra.clone();
        files.insert("cluster.kdl".into(), self.description.clone().into_bytes());
        files
    }

    pub fn spec(&self) -> Spec {
        self.described().spec
    }

    pub fn lock(&self) -> Lock {
        self.lock.as_ref().map_or_else(Lock::default, |text| lock::parse(text.as_bytes()).unwrap())
    }

    pub fn inventory(&self) -> Inventory {
        let mut inventory = Inventory::default();
        // Reading the description once more costs time, and few tests have such kubelets.
        let public = if self.description.contains("self-rotated") {
            public_kubeconfigs(&self.described().graph, &self.lock())
        } else {
            BTreeSet::new()
        };
        for (path, (bytes, mode)) in &self.out {
            if is_read(path) || public.contains(path) {
                inventory.add_read(path.clone(), *mode, bytes.clone());
            } else {
                let plain =
                    PlainFile { mode: *mode, size: bytes.len() as u64, ..PlainFile::default() };
                inventory.add_secret(path.clone(), plain);
            }
        }
        inventory
    }

    pub fn opened(&self) -> Project {
        Project::new(self.described(), self.lock(), self.inventory())
    }

    pub fn plan(&self) -> Planned {
        self.plan_with(&everything())
    }

    pub fn plan_with(&self, intent: &Intent) -> Planned {
        self.reviewed(intent, &ReviewPolicy::default())
    }

    pub fn reviewed(&self, intent: &Intent, policy: &ReviewPolicy) -> Planned {
        let project = self.opened();
        let world = project.world(self.now);
        let plan = plan(world, &project.spec, intent);
        let review = review(world, &project.spec, intent, policy, &plan);
        Planned { plan, review, graph: project.graph }
    }

    pub fn apply(&mut self) -> Result<()> {
        self.apply_with(&everything(), false)
    }

    /// As `kpki apply`: refuses what is blocked or mixed, and changes nothing then. No power is reviewed.
    pub fn apply_with(&mut self, intent: &Intent, prune: bool) -> Result<()> {
        let project = self.opened();
        let world = project.world(self.now);
        let plan = plan(world, &project.spec, intent);
        let unusable = |file: &File| matches!(file, File::Unusable { .. });
        if project.inventory.files.values().any(unusable) {
            return Err(Error::refused("obstacles"));
        }
        if undecided(&plan, &Review::default()).is_some() {
            return Err(Error::refused("blocked"));
        }
        // Nothing is known of any secret, so all are opened, each time: what an apply left is never refused.
        check_secrets(world, &plan, &Memory::of(self))?;
        let applying = Applying::new(&project, &plan, self.now, prune);
        if applying.changes_nothing() {
            return Ok(());
        }
        let files = Memory::of(self);
        let issued_at = project.spec.not_before().unwrap_or(self.now);
        let lock = applying.carry_out(issued_at, &self.entropy(), &files)?;
        let out = files.new.into_inner().unwrap();
        self.commit(&lock, out);
        Ok(())
    }

    fn commit(&mut self, lock: &Lock, out: Tree) {
        self.out = out;
        self.lock = Some(lock::render(lock));
    }

    pub fn entropy(&self) -> Entropy {
        match &self.seed {
            Some(seed) => Entropy::seeded(
                Seed::parse(seed.as_bytes(), self.spec().cluster.name.as_str()).unwrap(),
            ),
            None => Entropy::system(),
        }
    }

    /// As the cluster: answers the request of a user with a certificate of this life.
    pub fn signed(&self, user: &str, life: Span) -> String {
        let signer = Signer::new(
            &self.out["ca/kubernetes.crt"].0,
            &self.secret("ca/kubernetes.key").unwrap(),
        );
        let request = &self.out[&format!("users/{user}/request/{user}.csr")].0;
        signer.sign(request, self.now, life)
    }

    /// As `kpki accept users/USER`.
    pub fn accept(&mut self, user: &str, certificate: &str) -> std::result::Result<(), String> {
        let mut project = self.opened();
        let name: ArtifactName = format!("users/{user}").parse().unwrap();
        let id = project.graph.find(&name).unwrap();
        let accepted = accept(&mut project, id, certificate.as_bytes(), "it", self.now);
        let Acceptance::New(accepting) = accepted.map_err(|error| error.message)? else {
            return Ok(());
        };
        let files = Memory::of(self);
        let lock = accepting.carry_out(&project, &self.entropy(), &files);
        let lock = lock.map_err(|error| error.message)?;
        let out = files.new.into_inner().unwrap();
        self.commit(&lock, out);
        Ok(())
    }

    /// Users whose certificates the cluster has yet to sign.
    pub fn waiting(&self) -> Vec<String> {
        let planned = self.plan();
        let name = |id| planned.graph.get(id).name.to_string();
        let names = planned.plan.waiting.iter().map(|id| name(*id));
        names.map(|name| name.replace("users/", "")).collect()
    }

    /// A secret in the clear, whichever form it rests in; one that is sealed needs the identity.
    pub fn secret(&self, path: &str) -> Option<Vec<u8>> {
        if let Some((bytes, _)) = self.out.get(path) {
            return Some(bytes.clone());
        }
        let (bytes, _) = self.out.get(&format!("{path}.age"))?;
        let size = SealedFile::read(bytes).ok()?.size;
        let opened = open(bytes, size, &Memory::of(self).identities);
        opened.ok().map(|secret| secret.expose().to_vec())
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
            planned.plan.key_mismatches,
        );
    }
}

struct Memory<'a> {
    old: &'a Tree,
    new: Mutex<Tree>,
    identities: Vec<Identity>,
}

impl Memory<'_> {
    fn of(project: &MemoryProject) -> Memory<'_> {
        let read = |text: &String| {
            let file = Secret::new(text.clone().into_bytes());
            identities(&file, &mut || panic!("no passphrase")).unwrap()
        };
        Memory {
            old: &project.out,
            new: Mutex::new(project.out.clone()),
            identities: project.identity.as_ref().map(read).unwrap_or_default(),
        }
    }
}

impl Files for Memory<'_> {
    fn read_secret(&self, path: &TreePath) -> Result<Secret> {
        assert!(!is_public(path.as_str()), "{path} is no secret");
        self.old
            .get(path.as_str())
            .map(|(bytes, _)| Secret::new(bytes.clone()))
            .ok_or_else(|| Error::refused(format!("{path} is not here")))
    }

    fn identities(&self) -> Result<&[Identity]> {
        Ok(&self.identities)
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
