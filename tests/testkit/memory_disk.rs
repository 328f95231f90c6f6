//! A disk in memory that forgets what was not synced, and fails when it is told to.
//!
//! Contents are durable after `sync_file` or `sync_all`. An entry (create, rename, link, unlink, mkdir) is
//! durable after `sync_dir` of the folder that it appears in or goes from, or `sync_all`; a rename is one
//! unit, whichever of its two folders is synced.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;

use kpki::error::{Error, Kind, Result};
use kpki::store::{Disk, EntryKind};

type Id = usize;
const ROOT: Id = 0;

#[derive(Clone)]
enum Node {
    File { now: (Vec<u8>, u32), durable: (Vec<u8>, u32) },
    Folder { now: BTreeMap<String, Id>, durable: BTreeMap<String, Id>, mode: u32 },
}

/// An entry's change that is not durable yet.
#[derive(Clone)]
struct Edit {
    folder: Id,
    name: String,
    to: Option<Id>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    None,
    /// Operation `k` fails, later ones work.
    Error(usize),
    /// Operation `k` and all later ones fail.
    Stop(usize),
}

/// What a power loss leaves of what was not synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// Nothing at all.
    All,
    /// Every entry, but no contents.
    Contents,
    /// Some entries and some contents.
    Some(u64),
}

#[derive(Clone)]
struct State {
    nodes: Vec<Node>,
    /// Units in their order: what becomes durable together.
    unsynced: Vec<Vec<Edit>>,
    operations: usize,
    fault: Fault,
    locked: bool,
    hard_links: bool,
    /// Of files that were given away.
    owners: BTreeMap<Id, (u32, u32)>,
    /// Whether this user may give files away.
    is_root: bool,
    /// All files after each change of an entry, while somebody watches.
    seen: Option<Vec<Files>>,
}

pub type Files = BTreeMap<String, Vec<u8>>;

/// Of whoever writes to the disk.
pub const OWN: (u32, u32) = (0, 0);

pub struct MemoryDisk(Mutex<State>);

impl Clone for MemoryDisk {
    fn clone(&self) -> Self {
        MemoryDisk(Mutex::new(self.0.lock().unwrap().clone()))
    }
}

impl MemoryDisk {
    pub fn new() -> Self {
        MemoryDisk(Mutex::new(State {
            nodes: vec![folder(0o755)],
            unsynced: Vec::new(),
            operations: 0,
            fault: Fault::None,
            locked: false,
            hard_links: true,
            owners: BTreeMap::new(),
            is_root: true,
            seen: None,
        }))
    }

    /// From now on every moment is kept.
    pub fn watch(&self) {
        self.0.lock().unwrap().seen = Some(Vec::new());
    }

    /// What could be seen since, moment after moment.
    pub fn seen(&self) -> Vec<Files> {
        self.0.lock().unwrap().seen.clone().unwrap_or_default()
    }

    /// Every file as it is now.
    pub fn files(&self) -> Files {
        self.0.lock().unwrap().files()
    }

    pub fn without_hard_links(self) -> Self {
        self.0.lock().unwrap().hard_links = false;
        self
    }

    pub fn without_root(self) -> Self {
        self.0.lock().unwrap().is_root = false;
        self
    }

    pub fn set_fault(&self, fault: Fault) {
        let mut state = self.0.lock().unwrap();
        state.fault = fault;
        state.operations = 0;
    }

    pub fn operations(&self) -> usize {
        self.0.lock().unwrap().operations
    }

    /// The process is gone; the system runs on.
    pub fn restart(&self) {
        let mut state = self.0.lock().unwrap();
        state.fault = Fault::None;
        state.locked = false;
    }

    pub fn lose_power(&self, loss: Loss) {
        let mut state = self.0.lock().unwrap();
        let mut random = Random(match loss {
            Loss::Some(seed) => seed,
            _ => 0,
        });
        for unit in std::mem::take(&mut state.unsynced) {
            if loss == Loss::Contents || (matches!(loss, Loss::Some(_)) && random.half()) {
                state.make_durable(&unit);
            }
        }
        for node in &mut state.nodes {
            match node {
                Node::Folder { now, durable, .. } => now.clone_from(durable),
                Node::File { now, durable } => {
                    if !matches!(loss, Loss::Some(_)) || random.half() {
                        now.clone_from(durable);
                    } else if now.0 != durable.0 && random.half() {
                        now.0.truncate(now.0.len() / 2);
                    }
                    durable.clone_from(now);
                }
            }
        }
        drop(state);
        self.restart();
    }

    fn run<T>(&self, path: &str, op: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = self.0.lock().unwrap();
        if state.step() {
            return Err(failed("do something with", path));
        }
        op(&mut state)
    }
}

impl State {
    /// Counts an operation; whether it is to fail.
    fn step(&mut self) -> bool {
        let at = self.operations;
        self.operations += 1;
        match self.fault {
            Fault::None => false,
            Fault::Error(k) => at == k,
            Fault::Stop(k) => at >= k,
        }
    }

    fn find(&self, path: &str) -> Option<Id> {
        let mut at = ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            match &self.nodes[at] {
                Node::Folder { now, .. } => at = *now.get(name)?,
                Node::File { .. } => return None,
            }
        }
        Some(at)
    }

    fn get(&self, path: &str) -> Result<Id> {
        self.find(path).ok_or_else(|| failed("find", path))
    }

    fn holding(&self, path: &str) -> Result<(Id, String)> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        assert!(!matches!(name, "" | "." | ".."), "{path}");
        let parent = self.get(parent)?;
        assert!(matches!(self.nodes[parent], Node::Folder { .. }), "{path}");
        Ok((parent, name.to_owned()))
    }

    fn change(&mut self, unit: Vec<Edit>) {
        for Edit { folder, name, to } in &unit {
            let Node::Folder { now, .. } = &mut self.nodes[*folder] else { panic!("not a folder") };
            set(now, name, *to);
        }
        self.unsynced.push(unit);
        if self.seen.is_some() {
            let files = self.files();
            self.seen.iter_mut().for_each(|seen| seen.push(files.clone()));
        }
    }

    fn files(&self) -> Files {
        let mut found = Files::new();
        let mut waiting = vec![(String::new(), ROOT)];
        while let Some((path, id)) = waiting.pop() {
            match &self.nodes[id] {
                Node::File { now, .. } => drop(found.insert(path, now.0.clone())),
                Node::Folder { now, .. } => {
                    let below = now.iter().map(|(name, id)| {
                        (format!("{path}/{name}").trim_start_matches('/').to_owned(), *id)
                    });
                    waiting.extend(below);
                }
            }
        }
        found
    }

    fn make_durable(&mut self, unit: &[Edit]) {
        for Edit { folder, name, to } in unit {
            let Node::Folder { durable, .. } = &mut self.nodes[*folder] else {
                panic!("not a folder")
            };
            set(durable, name, *to);
        }
    }

    /// With every unit that is about `folder` also the earlier ones about the same names.
    fn sync_folder(&mut self, folder: Id) {
        let units = std::mem::take(&mut self.unsynced);
        let mut names: HashSet<(Id, &str)> = HashSet::new();
        let mut goes = vec![false; units.len()];
        for (unit, goes) in units.iter().zip(&mut goes).rev() {
            let key =
                |edit: &Edit| edit.folder == folder || names.contains(&(edit.folder, &*edit.name));
            *goes = unit.iter().any(key);
            if *goes {
                names.extend(unit.iter().map(|edit| (edit.folder, edit.name.as_str())));
            }
        }
        for (unit, goes) in units.into_iter().zip(goes) {
            if goes {
                self.make_durable(&unit);
            } else {
                self.unsynced.push(unit);
            }
        }
    }
}

impl Disk for MemoryDisk {
    fn kind(&self, path: &str) -> Result<EntryKind> {
        self.run(path, |state| {
            Ok(match state.find(path).map(|id| &state.nodes[id]) {
                None => EntryKind::Missing,
                Some(Node::File { now, .. }) => {
                    EntryKind::File { mode: now.1, size: now.0.len() as u64 }
                }
                Some(Node::Folder { mode, .. }) => EntryKind::Folder { mode: *mode },
            })
        })
    }

    fn is_own(&self, path: &str) -> Result<bool> {
        self.run(path, |state| {
            let id = state.get(path)?;
            Ok(state.owners.get(&id).is_none_or(|owner| owner.0 == OWN.0))
        })
    }

    fn owner(&self, path: &str) -> Result<Option<(u32, u32)>> {
        self.run(path, |state| {
            let id = state.get(path)?;
            Ok(Some(state.owners.get(&id).copied().unwrap_or(OWN)))
        })
    }

    fn may_give_to(&self, _: (u32, u32)) -> bool {
        self.0.lock().unwrap().is_root
    }

    fn set_owner(&self, path: &str, owner: (u32, u32)) -> Result<()> {
        self.run(path, |state| {
            let id = state.get(path)?;
            state.owners.insert(id, owner);
            Ok(())
        })
    }

    fn list(&self, path: &str) -> Result<Vec<String>> {
        self.run(path, |state| match &state.nodes[state.get(path)?] {
            Node::Folder { now, .. } => Ok(now.keys().cloned().collect()),
            Node::File { .. } => Err(failed("list", path)),
        })
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.run(path, |state| match &state.nodes[state.get(path)?] {
            Node::File { now, .. } => Ok(now.0.clone()),
            Node::Folder { .. } => Err(failed("read", path)),
        })
    }

    fn write_new(&self, path: &str, bytes: &[u8], mode: u32) -> Result<()> {
        let mut state = self.0.lock().unwrap();
        let fails = state.step();
        // Only the operation that is the first to fail has any effect.
        if fails
            && !matches!(state.fault, Fault::Error(k) | Fault::Stop(k) if k + 1 == state.operations)
        {
            return Err(failed("write", path));
        }
        let (folder, name) = state.holding(path)?;
        if state.find(path).is_some() {
            return Err(failed("create", path));
        }
        // A full disk or a kill leaves half of it.
        let bytes = if fails { &bytes[..bytes.len() / 2] } else { bytes };
        state.nodes.push(Node::File { now: (bytes.to_vec(), mode), durable: (Vec::new(), mode) });
        let to = Some(state.nodes.len() - 1);
        state.change(vec![Edit { folder, name, to }]);
        if fails { Err(failed("write", path)) } else { Ok(()) }
    }

    fn mkdir(&self, path: &str, mode: u32) -> Result<()> {
        self.run(path, |state| {
            let (folder, name) = state.holding(path)?;
            match state.find(path).map(|id| &state.nodes[id]) {
                Some(Node::Folder { .. }) => return Ok(()),
                Some(Node::File { .. }) => return Err(failed("create", path)),
                None => {}
            }
            state.nodes.push(self::folder(mode));
            let to = Some(state.nodes.len() - 1);
            state.change(vec![Edit { folder, name, to }]);
            Ok(())
        })
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.run(from, |state| state_rename(state, from, to))
    }

    fn keep(&self, from: &str, to: &str) -> Result<()> {
        self.run(from, |state| {
            if !state.hard_links {
                return state_rename(state, from, to);
            }
            let id = state.get(from)?;
            let (folder, name) = state.holding(to)?;
            if state.find(to).is_some() {
                return Err(failed("link", to));
            }
            let to = Some(id);
            state.change(vec![Edit { folder, name, to }]);
            Ok(())
        })
    }

    fn set_mode(&self, path: &str, mode: u32) -> Result<()> {
        self.run(path, |state| {
            let id = state.get(path)?;
            match &mut state.nodes[id] {
                Node::File { now, .. } => now.1 = mode,
                // Durable at once: no scenario depends on it.
                Node::Folder { mode: old, .. } => *old = mode,
            }
            Ok(())
        })
    }

    fn remove_file(&self, path: &str) -> Result<()> {
        self.run(path, |state| {
            let (folder, name) = state.holding(path)?;
            match &state.nodes[state.get(path)?] {
                Node::File { .. } => {}
                Node::Folder { .. } => return Err(failed("remove", path)),
            }
            state.change(vec![Edit { folder, name, to: None }]);
            Ok(())
        })
    }

    fn remove_dir(&self, path: &str) -> Result<()> {
        self.run(path, |state| {
            let (folder, name) = state.holding(path)?;
            match &state.nodes[state.get(path)?] {
                Node::Folder { now, .. } if now.is_empty() => {}
                _ => return Err(failed("remove the folder", path)),
            }
            state.change(vec![Edit { folder, name, to: None }]);
            Ok(())
        })
    }

    fn sync_file(&self, path: &str) -> Result<()> {
        self.run(path, |state| {
            let id = state.get(path)?;
            match &mut state.nodes[id] {
                Node::File { now, durable } => durable.clone_from(now),
                Node::Folder { .. } => return Err(failed("sync", path)),
            }
            Ok(())
        })
    }

    fn sync_dir(&self, path: &str) -> Result<()> {
        self.run(path, |state| {
            let id = state.get(path)?;
            assert!(matches!(state.nodes[id], Node::Folder { .. }), "{path}");
            state.sync_folder(id);
            Ok(())
        })
    }

    fn sync_all(&self) -> Result<()> {
        self.run("out", |state| {
            state.unsynced.clear();
            for node in &mut state.nodes {
                match node {
                    Node::File { now, durable } => durable.clone_from(now),
                    Node::Folder { now, durable, .. } => durable.clone_from(now),
                }
            }
            Ok(())
        })
    }

    fn lock(&self) -> Result<()> {
        self.run("out", |state| {
            if std::mem::replace(&mut state.locked, true) {
                return Err(Error::new(Kind::Busy, "another kpki is writing to out/"));
            }
            Ok(())
        })
    }

    fn unlock(&self) {
        self.0.lock().unwrap().locked = false;
    }
}

fn state_rename(state: &mut State, from: &str, to: &str) -> Result<()> {
    let id = state.get(from)?;
    let (from_folder, from_name) = state.holding(from)?;
    let (folder, name) = state.holding(to)?;
    let target = state.find(to);
    if target == Some(id) {
        return Ok(());
    }
    if matches!(state.nodes[id], Node::Folder { .. }) && target.is_some() {
        return Err(failed("rename", from));
    }
    let to = Some(id);
    state.change(vec![
        Edit { folder, name, to },
        Edit { folder: from_folder, name: from_name, to: None },
    ]);
    Ok(())
}

fn set(entries: &mut BTreeMap<String, Id>, name: &str, to: Option<Id>) {
    match to {
        Some(id) => entries.insert(name.to_owned(), id),
        None => entries.remove(name),
    };
}

fn folder(mode: u32) -> Node {
    Node::Folder { now: BTreeMap::new(), durable: BTreeMap::new(), mode }
}

fn failed(doing: &str, path: &str) -> Error {
    Error::refused(format!("cannot {doing} {path}: made to fail"))
}

/// A splitmix64: the same subset for the same seed.
struct Random(u64);

impl Random {
    fn half(&mut self) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) & 1 == 0
    }
}
