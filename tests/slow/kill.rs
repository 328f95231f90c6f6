//! Real applies, killed at any moment with `kill -9` (and interrupted with Ctrl-C): the next apply finishes
//! or undoes, and no root of trust ever changes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use kpki::facts::{CertificateFacts, KubeconfigFacts, PublicKey, certificates_in_pem};
use kpki::keys::PrivateKey;
use kpki::name::ArtifactName;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::testkit::{FolderProject, files_below, said};

/// What differs from one round to the next.
#[derive(Clone, Copy)]
struct Wish {
    days: u32,
    san: u32,
    user: bool,
}

impl Wish {
    fn description(self) -> String {
        let Wish { days, san, user } = self;
        let mut text = format!(
            "cluster \"lab\" {{ endpoint \"api.lab\" }}\ndefaults {{ validity \"{days}d\" }}\n\
             component \"apiserver\" {{ san \"r{san}.lab\" }}\n"
        );
        for n in 1..=2 {
            let address = format!("10.0.0.{n}");
            writeln!(text, "node \"cp{n}\" role=\"control-plane\" address={address:?}").unwrap();
        }
        for n in 1..=12 {
            writeln!(text, "node \"w{n}\" address=\"10.0.1.{n}\"").unwrap();
        }
        if user {
            text.push_str("user \"jane\" { group \"dev\" }\n");
        }
        text
    }
}

struct Survivor {
    project: FolderProject,
    wish: Wish,
    /// Private keys of the CAs and for service accounts, once an apply has committed.
    anchors: BTreeMap<String, Vec<u8>>,
}

const ANCHORS: [&str; 4] = ["kubernetes.key", "etcd.key", "front-proxy.key", "sa.key"];

/// Where a kill landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Landed {
    /// Nothing was staged yet, or all was done.
    Outside,
    Staged,
    Committed,
}

/// In memory where there is such a place: what a kill leaves does not depend on the speed of a disk.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// What a kill waits for before its random delay.
#[derive(Clone, Copy)]
enum Until {
    Start,
    Staging,
    Journal,
}

/// With consent to all that a round changes.
const APPLY: [&str; 5] =
    ["apply", "--allow", "escalation:apiserver", "--allow", "escalation:defaults"];

impl Survivor {
    fn new() -> Survivor {
        let wish = Wish { days: 365, san: 0, user: true };
        let project = FolderProject::within(folder());
        let survivor = Survivor { project, wish, anchors: BTreeMap::new() };
        survivor.describe();
        survivor
    }

    fn at(&self, path: &str) -> PathBuf {
        self.project.path(path)
    }

    fn describe(&self) {
        self.project.describe(&self.wish.description());
    }

    /// stdout and stderr of a command that must succeed.
    fn run(&self, arguments: &[&str]) -> (String, String) {
        let done = self.project.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (out, talk) = (text(done.stdout), text(done.stderr));
        assert_eq!(done.status.code(), Some(0), "{arguments:?}\n{out}{talk}");
        (out, talk)
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.project.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn landed(&self) -> Landed {
        if self.at("out/.pending/journal").exists() {
            Landed::Committed
        } else if self.at("out/.pending").exists() {
            Landed::Staged
        } else {
            Landed::Outside
        }
    }

    /// The anchors' keys as a committed change has them: in place, or staged behind a journal.
    fn remember_anchors(&mut self) {
        if !self.at("cluster.lock").exists() && self.landed() != Landed::Committed {
            return;
        }
        for name in ANCHORS {
            let key = fs::read(self.at(&format!("out/ca/{name}")))
                .or_else(|_| fs::read(self.at(&format!("out/.pending/tree/ca/{name}"))))
                .unwrap();
            let known = self.anchors.entry(name.to_owned()).or_insert_with(|| key.clone());
            assert!(*known == key, "out/ca/{name} changed");
        }
    }

    /// Runs an apply and ends it with `signal`.
    fn interrupt(&self, arguments: &[&str], until: Until, delay: Duration, signal: Signal) {
        let mut child = self.start(arguments);
        let waited_for = match until {
            Until::Start => None,
            Until::Staging => Some(self.at("out/.pending/tree")),
            Until::Journal => Some(self.at("out/.pending/journal")),
        };
        let mut ended = None;
        while let Some(path) = &waited_for
            && !path.exists()
            && ended.is_none()
        {
            ended = child.try_wait().unwrap();
        }
        // Sleeping is far too coarse for what passes in a millisecond.
        let from = Instant::now();
        while from.elapsed() < delay {
            std::hint::spin_loop();
        }
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        if ended.is_none() {
            kill_process(pid, signal).unwrap();
        }
        let status = child.wait().unwrap();
        let by = status.signal();
        assert!(by.is_none_or(|by| by == signal.as_raw()), "{status}");
        // Not killed: it was faster, and had nothing to complain about.
        assert!(by.is_some() || status.success(), "{status}");
    }

    /// All that holds once the next apply is through.
    fn recover(&mut self, landed: Landed) {
        self.remember_anchors();
        let (out, talk) = self.run(&["plan"]);
        let talk = out + &talk;
        match landed {
            Landed::Outside => assert!(!talk.contains("interrupted"), "{talk}"),
            Landed::Staged => assert!(talk.contains("before its changes counted"), "{talk}"),
            Landed::Committed => assert!(talk.contains("half-way"), "{talk}"),
        }
        assert_eq!(self.landed(), landed, "plan wrote something");
        self.run(&[&APPLY[..], &["--prune"]].concat());
        let (report, _) = self.run(&["plan", "--format", "json", "--detailed-exitcode"]);
        for nothing in ["\"empty\": true", "\"orphans\": []", "\"foreign\": []", "\"absent\": []"] {
            assert!(report.contains(nothing), "{nothing}: {report}");
        }
        assert!(!self.at("out/.pending").exists());
        assert!(!self.at("cluster.lock.new").exists());
        self.remember_anchors();
        self.check_keys();
    }

    fn check_keys(&self) {
        let lock = kpki::lock::parse(&fs::read(self.at("cluster.lock")).unwrap()).unwrap();
        for (name, key) in &self.anchors {
            let key = PrivateKey::from_pem(key).unwrap();
            let artifact = match name.strip_suffix(".key").unwrap() {
                "sa" => "service-account".to_owned(),
                ca => format!("ca/{ca}"),
            };
            let entry = &lock.entries[&artifact.parse::<ArtifactName>().unwrap()];
            assert_eq!(entry.public_key, Some(key.public_key().digest()), "{name}");
        }
        for node in ["cp1", "cp2"] {
            for (copy, master) in [("ca.key", "kubernetes.key"), ("sa.key", "sa.key")] {
                let copy = self.at(&format!("out/nodes/{node}/etc/kubernetes/pki/{copy}"));
                assert!(fs::read(copy).unwrap() == self.anchors[master], "{node}");
            }
        }
        check_folder(&self.at("out"));
    }
}

/// Every certificate matches the key beside it, every kubeconfig's the key inside.
fn check_folder(folder: &Path) {
    let public = |pem: &[u8]| -> PublicKey {
        let der = certificates_in_pem(pem).unwrap().remove(0);
        CertificateFacts::from_der(&der).unwrap().public_key
    };
    for path in files_below(folder) {
        let end = path.extension().and_then(|end| end.to_str());
        match end {
            Some("crt") if path.with_extension("key").exists() => {
                let key = fs::read(path.with_extension("key")).unwrap();
                let key = PrivateKey::from_pem(&key).unwrap();
                let certificate = public(&fs::read(&path).unwrap());
                assert_eq!(*key.public_key(), certificate, "{}", path.display());
            }
            Some("conf" | "kubeconfig") => {
                let facts = KubeconfigFacts::from_yaml(&fs::read(&path).unwrap()).unwrap();
                let key = PrivateKey::from_pem(facts.client_key.unwrap().expose()).unwrap();
                let certificate = public(&facts.client_certificate);
                assert_eq!(*key.public_key(), certificate, "{}", path.display());
            }
            _ => {}
        }
    }
}

/// Numbers that are spread, the same in every run.
struct Spread(u64);

impl Spread {
    fn below(&mut self, limit: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        limit.mul_f64(f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX))
    }
}

#[test]
fn a_killed_apply_is_finished_or_undone() {
    let kills = 100;
    let mut spread = Spread(7);
    let mut hits: BTreeMap<Landed, usize> = BTreeMap::new();
    let mut survivor = Survivor::new();
    let started = Instant::now();
    survivor.run(&["apply"]);
    let typical = started.elapsed();
    for round in 0.. {
        let hit = |landed| hits.get(&landed).copied().unwrap_or(0);
        let both = hit(Landed::Staged) > 0 && hit(Landed::Committed) > 0;
        if round >= kills && both {
            break;
        }
        assert!(round < 3 * kills, "{hits:?}: some state was never hit");
        let arguments: &[&str] = match round % 5 {
            // A first apply: nothing is there yet.
            0 => {
                survivor = Survivor::new();
                &APPLY
            }
            1 => {
                survivor.wish.san += 1;
                &APPLY
            }
            2 => {
                survivor.wish.days += 1;
                &APPLY
            }
            3 => &["apply", "--rekey", "nodes/cp1/*", "--allow", "escalation:apiserver"],
            _ => {
                survivor.wish.user = false;
                &["apply", "--prune"]
            }
        };
        survivor.describe();
        let (until, span) = match (round / 5) % 3 {
            0 => (Until::Start, typical),
            1 => (Until::Staging, typical / 20),
            _ => (Until::Journal, typical / 1000),
        };
        survivor.interrupt(arguments, until, spread.below(span), Signal::KILL);
        let landed = survivor.landed();
        *hits.entry(landed).or_default() += 1;
        survivor.recover(landed);
    }
    println!("kills: {hits:?}");
}

/// Killed after its journal was written, and then under another HOME: no command finishes it or loses a key,
/// and the way on is printed; under the first HOME again, it is finished.
#[test]
fn a_killed_apply_waits_for_its_own_home() {
    let here = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut survivor = Survivor::new();
    let run = |survivor: &Survivor, home: &TempDir, words: &str| {
        let mut command = survivor.project.typed(words);
        let done = command.env("XDG_STATE_HOME", home.path()).output().unwrap();
        (done.status.code().unwrap(), said(&done))
    };
    assert_eq!(run(&survivor, &here, "apply").0, 0);
    for round in 0.. {
        assert!(round < 200, "never killed in time");
        survivor.wish.days += 1;
        survivor.describe();
        let journal = survivor.at("out/.pending/journal");
        let mut child = survivor
            .project
            .command(&APPLY)
            .env("XDG_STATE_HOME", here.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !journal.exists() && child.try_wait().unwrap().is_none() {}
        let _ = child.kill();
        child.wait().unwrap();
        if survivor.landed() == Landed::Committed {
            break;
        }
        let (code, text) = run(&survivor, &here, &APPLY.join(" "));
        assert_eq!(code, 0, "{text}");
    }
    survivor.remember_anchors();
    for words in ["plan", "apply", "apply --prune"] {
        let (code, text) = run(&survivor, &elsewhere, words);
        assert_eq!(code, if words == "plan" { 1 } else { 3 }, "{text}");
        assert!(text.contains("kpki discard") && text.contains("--allow interrupted:"), "{text}");
        survivor.remember_anchors();
    }
    let (code, text) = run(&survivor, &here, "apply");
    assert!(code == 0 && text.contains("finished an apply that was interrupted"), "{text}");
    survivor.recover(Landed::Outside);
}

/// Ctrl-C takes its default action: the process ends by the signal, which shells report as 130.
#[test]
fn an_interrupted_apply_is_finished_or_undone() {
    let mut spread = Spread(11);
    let mut survivor = Survivor::new();
    survivor.run(&["apply"]);
    for (round, until) in
        [Until::Start, Until::Staging, Until::Journal].into_iter().cycle().take(9).enumerate()
    {
        survivor.wish.days += 1;
        survivor.wish.san += u32::try_from(round).unwrap();
        survivor.describe();
        survivor.interrupt(&APPLY, until, spread.below(Duration::from_millis(2)), Signal::INT);
        let landed = survivor.landed();
        survivor.recover(landed);
    }
}
