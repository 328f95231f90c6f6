//! What a reviewer sees of a change, and what becomes of it. A folder is a case: `before.kdl` is applied,
//! `after.kdl` takes its place, and the comment on the pull request and the exit codes must be the expected
//! ones.
//!
//! `expected.md` is refreshed with UPDATE_EXPECTED=1: look at what it changed. `case` is written by hand and
//! never refreshed:
//!
//! ```text
//! plan 2, apply 3                       exit codes of `plan --detailed-exitcode` and `apply`
//! prepare 400-users                     what a description alone cannot say: see preparations.rs
//! plant users/eve                       files below out/ as an apply of after.kdl would have made them, and
//!                                       no line of the lock
//! copy identities/a.crt users/eve.crt   one file below out/ in the place of another
//! unrecord ca/kubernetes                takes that line out of the lock
//! lose users/jane/jane.crt              takes that file from below out/
//! edit "a":1 "a":2                      puts one text of the lock in the place of another, or of none
//! args --policy policy.kdl              of both commands
//! above mallory                         stands above the fold
//! folded restart                        does not
//! says claimed                          on stderr, of either command
//! then --allow escalation:mallory       with this, `apply` does it, and nothing is left to do
//! ```

mod base;
mod forgery;
mod left;
mod preparations;
mod reader;
mod shape;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use rayon::prelude::*;

use forgery::Forgery;
use preparations::Preparation;
use shape::shape;

use crate::testkit::said as all_said;
use crate::testkit::{contents, copy, entries_of};

/// The written half of a case.
struct Case {
    folder: PathBuf,
    plan: i32,
    apply: i32,
    preparation: &'static Preparation,
    arguments: Vec<String>,
    forgery: Forgery,
    above: Vec<String>,
    folded: Vec<String>,
    says: Vec<String>,
    then: Option<Vec<String>>,
}

impl Case {
    fn read(folder: PathBuf) -> Self {
        let name = folder.display().to_string();
        let text =
            fs::read_to_string(folder.join("case")).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut lines = text.lines();
        let codes = lines.next().and_then(|line| {
            let (plan, apply) = line.strip_prefix("plan ")?.split_once(", apply ")?;
            Some((plan.parse().ok()?, apply.parse().ok()?))
        });
        let (plan, apply) =
            codes.unwrap_or_else(|| panic!("{name}: the first line has no exit codes"));
        let mut case = Case {
            folder,
            plan,
            apply,
            preparation: &preparations::NOTHING,
            arguments: Vec::new(),
            forgery: Forgery::default(),
            above: Vec::new(),
            folded: Vec::new(),
            says: Vec::new(),
            then: None,
        };
        let words = |text: &str| text.split(' ').map(str::to_owned).collect();
        for line in lines {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "prepare" => case.preparation = preparations::named(rest),
                "plant" => case.forgery.plant(rest),
                "copy" => case.forgery.copy(rest),
                "unrecord" => case.forgery.unrecord(rest),
                "lose" => case.forgery.lose(rest),
                "edit" => case.forgery.edit(rest),
                "args" => case.arguments = words(rest),
                "above" => case.above.push(rest.to_owned()),
                "folded" => case.folded.push(rest.to_owned()),
                "says" => case.says.push(rest.to_owned()),
                "then" => case.then = Some(words(rest)),
                _ => panic!("{name}: {line:?} is no line of a case"),
            }
        }
        case
    }

    /// What is not as it should be.
    fn run(&self) -> Vec<String> {
        let name = self.folder.file_name().unwrap().to_str().unwrap();
        let desk = tempfile::tempdir().unwrap();
        let project = &desk.path().join("project");
        fs::create_dir(project).unwrap();
        let put = |stage: &str| {
            let from = self.folder.join(format!("{stage}.kdl"));
            fs::copy(from, project.join("cluster.kdl")).unwrap();
            let files = self.folder.join(stage);
            if files.is_dir() {
                copy(&files, project);
            }
        };
        put("before");
        (self.preparation.before)(project);
        let applied = kpki(project, &["apply"], &[]);
        assert!(applied.status.success(), "{name}: {}", said(&applied));
        put("after");
        (self.preparation.after)(project);
        self.forgery.carry_out(project);

        let mut wrong = Vec::new();
        let mut check = |ok: bool, what: &dyn Fn() -> String| {
            if !ok {
                wrong.push(format!("{name}: {}", what()));
            }
        };
        let before = contents(project);
        let plan = ["plan", "--format", "markdown", "--detailed-exitcode"];
        let planned = kpki(project, &plan, &self.arguments);
        let markdown = String::from_utf8(planned.stdout.clone()).unwrap();
        check(planned.status.code() == Some(self.plan), &|| {
            format!("plan: {}\n{}", planned.status, said(&planned))
        });
        check(contents(project) == before, &|| "plan wrote".to_owned());
        let expected = self.folder.join("expected.md");
        let shaped = shortened(&shape(&markdown));
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected, &shaped).unwrap();
        }
        check(fs::read_to_string(&expected).ok().as_ref() == Some(&shaped), &|| {
            format!("expected.md differs from\n{shaped}")
        });
        let fold = markdown.find("<details>").unwrap_or(markdown.len());
        let (above, below) = markdown.split_at(fold);
        for phrase in &self.above {
            check(above.contains(phrase), &|| format!("not above the fold: {phrase}\n{above}"));
        }
        for phrase in &self.folded {
            check(below.contains(phrase) && !above.contains(phrase), &|| {
                format!("not folded: {phrase}\n{markdown}")
            });
        }
        if self.plan != 1 || !markdown.is_empty() {
            check(markdown.starts_with("<!-- kpki plan lab -->\n"), &|| "no marker".to_owned());
            let foreign = reader::foreign(&markdown);
            check(foreign.is_empty(), &|| format!("{foreign:?} in\n{markdown}"));
            check(markdown.len() <= 60_000, &|| format!("{} bytes", markdown.len()));
        }

        let applied = kpki(project, &["apply"], &self.arguments);
        check(applied.status.code() == Some(self.apply), &|| {
            format!("apply: {}\n{}", applied.status, said(&applied))
        });
        if self.apply != 0 {
            check(contents(project) == before, &|| "a refused apply wrote".to_owned());
        }
        let stderr = [planned.stderr, applied.stderr].concat();
        let stderr = String::from_utf8(stderr).unwrap();
        for phrase in &self.says {
            check(stderr.contains(phrase), &|| format!("does not say: {phrase}\n{stderr}"));
        }
        if let Some(more) = &self.then {
            let arguments = [&self.arguments[..], more].concat();
            let applied = kpki(project, &["apply"], &arguments);
            check(applied.status.success(), &|| format!("apply {more:?}: {}", said(&applied)));
        }
        if self.apply == 0 || self.then.is_some() {
            let left = kpki(project, &["plan", "--detailed-exitcode"], &self.arguments);
            check(left.status.success(), &|| format!("left to do: {}", said(&left)));
        }
        wrong
    }
}

fn kpki(project: &Path, command: &[&str], more: &[String]) -> Output {
    let identity = project.with_file_name("identity");
    let mut run = crate::testkit::kpki(project);
    run.args(command).args(more);
    if identity.exists() {
        run.env("KPKI_IDENTITY", identity);
    }
    run.output().unwrap()
}

/// The end of what a command said: a plan of 400 lines tells nobody anything.
fn said(output: &Output) -> String {
    let text = all_said(output);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// Of many lines in a fence the first, and how many there are: a fixture is to be read.
fn shortened(markdown: &str) -> String {
    const SHOWN: usize = 30;
    let mut text = String::new();
    let mut run = 0;
    for line in markdown.lines() {
        let is_plain = line.starts_with(['+', '~', '=', ' ']);
        run = if is_plain { run + 1 } else { 0 };
        if run <= SHOWN {
            text.push_str(line);
            text.push('\n');
        } else if let Some((kept, _)) = text.rsplit_once("[... ").filter(|_| run > SHOWN + 1) {
            text = format!("{kept}[... {} more lines]\n", run - SHOWN);
        } else {
            text.push_str("[... 1 more lines]\n");
        }
    }
    text
}

#[test]
fn every_change_is_shown_and_judged_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/review");
    let mut cases = entries_of(folder);
    cases.retain(|path| path.is_dir());
    if let Ok(only) = std::env::var("REVIEW") {
        cases.retain(|path| path.ends_with(&only));
    }
    assert!(!cases.is_empty());
    let wrong: Vec<String> =
        cases.into_par_iter().flat_map_iter(|folder| Case::read(folder).run()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
