//! What a pull request brings beside its description: files that look as if an apply had made them, and a
//! lock that says less than it did.

use std::fs;
use std::path::Path;

use crate::testkit::{contents, copy, said};

#[derive(Default)]
pub struct Forgery {
    planted: Vec<String>,
    copied: Vec<(String, String)>,
    unrecorded: Vec<String>,
    lost: Vec<String>,
    edited: Vec<(String, String)>,
}

impl Forgery {
    pub fn plant(&mut self, path: &str) {
        self.planted.push(path.to_owned());
    }

    pub fn copy(&mut self, paths: &str) {
        let (from, to) = paths.split_once(' ').unwrap();
        self.copied.push((from.to_owned(), to.to_owned()));
    }

    pub fn unrecord(&mut self, name: &str) {
        self.unrecorded.push(name.to_owned());
    }

    pub fn lose(&mut self, path: &str) {
        self.lost.push(path.to_owned());
    }

    pub fn edit(&mut self, texts: &str) {
        let (from, to) = texts.split_once(' ').unwrap_or((texts, ""));
        self.edited.push((from.to_owned(), to.to_owned()));
    }

    pub fn carry_out(&self, project: &Path) {
        self.plant_files(project);
        let out = project.join("out");
        for (from, to) in &self.copied {
            fs::create_dir_all(out.join(to).parent().unwrap()).unwrap();
            fs::copy(out.join(from), out.join(to)).unwrap();
        }
        for path in &self.lost {
            fs::remove_file(out.join(path)).unwrap();
        }
        let lock = project.join("cluster.lock");
        for (from, to) in &self.edited {
            let text = fs::read_to_string(&lock).unwrap();
            assert!(text.contains(from), "{from}");
            fs::write(&lock, text.replace(from, to)).unwrap();
        }
        for name in &self.unrecorded {
            let text = fs::read_to_string(&lock).unwrap();
            let is_its = |line: &&str| line.contains(&format!("\"name\":\"{name}\""));
            let kept: Vec<&str> = text.lines().filter(|line| !is_its(line)).collect();
            assert_eq!(kept.len() + 1, text.lines().count(), "{name}");
            fs::write(&lock, kept.join("\n") + "\n").unwrap();
        }
    }

    /// As the same cluster with the same CAs makes them, so that every signature is good.
    fn plant_files(&self, project: &Path) {
        if self.planted.is_empty() {
            return;
        }
        let elsewhere = project.with_file_name("planted");
        fs::create_dir(&elsewhere).unwrap();
        copy(project, &elsewhere);
        all_allowed(&elsewhere);
        for path in &self.planted {
            let below = format!("out/{path}");
            let mut found = 0;
            for file in contents(&elsewhere).into_keys() {
                if file.starts_with(&below) {
                    let to = project.join(&file);
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    fs::copy(elsewhere.join(&file), to).unwrap();
                    found += 1;
                }
            }
            assert!(found > 0, "nothing below {below}");
        }
    }
}

/// Applies, whatever it must be allowed for that.
pub fn all_allowed(project: &Path) {
    let mut allowed = Vec::new();
    let mut refused = String::new();
    for _ in 0..3 {
        let applied = super::kpki(project, &["apply"], &allowed);
        if applied.status.success() {
            return;
        }
        refused = said(&applied);
        let words: Vec<&str> = refused.split_whitespace().collect();
        let asked = words.windows(2).filter(|pair| pair[0] == "--allow");
        allowed.extend(asked.flat_map(|pair| pair.iter().map(|word| (*word).to_owned())));
    }
    panic!("apply asks for more and more: {allowed:?}\n{refused}");
}
