//! .github/workflows/release.yaml: its steps are run, but for those that need another machine (the builds,
//! the SBOM, provenance, publishing), and its rights are few.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::checkout::{Checkout, REPOSITORY, VERSION};
use super::{CI, GITHUB, RELEASE, steps_of, texts_of, yaml};
use crate::testkit::{ended, files_below, printed, refused, tool};

const TARGETS: [&str; 3] =
    ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "aarch64-apple-darwin"];

fn archive_of(target: &str) -> String {
    format!("kpki-{VERSION}-{target}.tar.gz")
}

#[test]
fn a_tag_is_a_release_only_when_all_of_it_says_so() {
    let workflow = yaml(RELEASE);
    let tag = format!("v{VERSION}");
    let step = "Is this tag a release of this repository";
    let checked = |checkout: &Checkout, tag: &str| {
        let variables = [("TAG", tag), ("REPOSITORY", REPOSITORY)];
        checkout.step(&workflow, "build", step, &variables)
    };
    // There is no public home yet: nothing can be released by accident.
    let said = refused(&checked(&Checkout::new(), &tag), 1);
    for words in
        ["repository https://git.example.com/kpki", "maintainer is a placeholder", "CHANGELOG"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let checkout = Checkout::released();
    ended(&checked(&checkout, &tag), 0);
    let said = refused(&checked(&checkout, "v99.0.0"), 1);
    assert!(said.contains(&format!("the tag must be {tag}")), "{said}");
}

#[test]
fn the_steps_of_a_tag_make_what_its_users_download() {
    let workflow = yaml(RELEASE);
    let matrix = workflow["jobs"]["build"]["strategy"]["matrix"]["include"].as_array().unwrap();
    let built: Vec<&str> = matrix.iter().map(|row| row["target"].as_str().unwrap()).collect();
    assert_eq!(built, TARGETS);
    let checkout = Checkout::released();
    checkout.stripped(&format!("target/{}/dist/kpki", TARGETS[0]));
    let variables = [("TARGET", TARGETS[0]), ("DEBIAN", matrix[0]["debian"].as_str().unwrap())];
    ended(&checkout.step(&workflow, "build", "Pack", &variables), 0);
    let dist = checkout.path("dist");
    let archive = fs::read(dist.join(archive_of(TARGETS[0]))).unwrap();
    // The other machines' are other bytes of other names.
    for target in &TARGETS[1..] {
        let bytes = [archive.as_slice(), target.as_bytes()].concat();
        fs::write(dist.join(archive_of(target)), bytes).unwrap();
    }
    let made = "Checksums, and what is made of them";
    ended(&checkout.step(&workflow, "release", made, &[]), 0);

    let mut names: Vec<String> = fs::read_dir(&dist)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let debian = format!("kpki_{VERSION}_amd64.deb");
    let mut expected: Vec<String> = TARGETS.map(archive_of).to_vec();
    expected.push(debian.clone());
    expected.sort();
    let sums = fs::read_to_string(dist.join("SHA256SUMS")).unwrap();
    let sums: BTreeMap<&str, &str> = sums
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(sum, name)| (name, sum))
        .collect();
    assert_eq!(sums.keys().copied().collect::<Vec<_>>(), expected);
    expected.extend(["SHA256SUMS".to_owned(), "kpki.rb".to_owned()]);
    expected.sort();
    assert_eq!(names, expected);
    // As docs/install.md tells its reader.
    let check = ["--check", "--strict", "SHA256SUMS"];
    let checked = printed(tool("sha256sum").args(check).current_dir(&dist));
    assert_eq!(checked.matches(": OK").count(), 4, "{checked}");

    let formula = fs::read_to_string(dist.join("kpki.rb")).unwrap();
    let lines: Vec<&str> = formula.lines().skip(1).map(str::trim).collect();
    assert!(!lines.iter().any(|line| line.contains('@')), "{formula}");
    for target in TARGETS {
        let url =
            format!("url \"{REPOSITORY}/releases/download/v{VERSION}/{}\"", archive_of(target));
        let place = lines.iter().position(|line| *line == url);
        let place = place.unwrap_or_else(|| panic!("{url}: {formula}"));
        let sum = sums[archive_of(target).as_str()];
        assert_eq!(lines[place + 1], format!("sha256 \"{sum}\""));
    }
    let notes = fs::read_to_string(checkout.temp().join("notes.md")).unwrap();
    let changelog = fs::read_to_string(checkout.path("CHANGELOG.md")).unwrap();
    assert!(notes.len() > 100 && changelog.contains(&notes), "{notes}");

    as_the_page_tells(&checkout);

    // A release without one of them has no formula.
    fs::remove_file(dist.join(archive_of(TARGETS[2]))).unwrap();
    let failed = checkout.step(&workflow, "release", made, &[]);
    let said = refused(&failed, 1);
    assert!(said.contains(&archive_of(TARGETS[2])), "{said}");
}

/// What docs/install.md says of an archive, from the download to the end, with another prefix and no root.
fn as_the_page_tells(checkout: &Checkout) {
    let page = fs::read_to_string(checkout.path("docs/install.md")).unwrap();
    let blocks = crate::pages::blocks(&page);
    let block = |words: &str| {
        let mut found = blocks.iter().filter(|block| block.text.contains(words));
        let block = found.next().unwrap_or_else(|| panic!("{words}"));
        assert!(found.next().is_none() && block.info == "sh", "{words}");
        block.text.as_str()
    };
    let stand_ins = "set -eu
        curl() { cp \"../dist/${2##*/}\" .; }
        sudo() { \"$@\"; }
        PATH=$PWD/prefix/bin:$PATH
        ";
    let install = [
        stand_ins,
        block("KPKI=https://"),
        block("TARGET=x86_64-unknown-linux-musl"),
        block("--ignore-missing SHA256SUMS"),
        block("sudo tar -xzf"),
    ]
    .concat();
    let prefix = checkout.path("machine/prefix");
    fs::create_dir_all(&prefix).unwrap();
    let run = |script: &str| {
        let script = script.replace("/usr/local", prefix.to_str().unwrap());
        let mut shell = checkout.script(&["-c", &script]);
        printed(shell.current_dir(checkout.path("machine")))
    };
    let said = run(&install);
    let archive = archive_of(TARGETS[0]);
    assert_eq!(said, format!("{archive}: OK\nkpki {VERSION}\n"));
    assert!(prefix.join("share/man/man1/kpki-plan.1").exists());
    run(&[stand_ins, block("sudo rm -r")].concat());
    assert_eq!(files_below(&prefix), Vec::<std::path::PathBuf>::new());
}

/// What `cargo binstall` asks for is what is there.
#[test]
fn binstall_finds_the_archive_and_the_binary_in_it() {
    let cargo = ["metadata", "--no-deps", "--offline", "--format-version=1"];
    let metadata = printed(tool(env!("CARGO")).args(cargo).current_dir(env!("CARGO_MANIFEST_DIR")));
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let package = &metadata["packages"][0];
    let binstall = &package["metadata"]["binstall"];
    assert_eq!(binstall["pkg-fmt"], "tgz");
    let filled = |key: &str| {
        let template = binstall[key].as_str().unwrap();
        // https://github.com/cargo-bins/cargo-binstall/blob/main/SUPPORT.md
        [
            ("{ repo }", package["repository"].as_str().unwrap()),
            ("{ name }", "kpki"),
            ("{ version }", VERSION),
            ("{ target }", TARGETS[0]),
            ("{ archive-suffix }", ".tar.gz"),
            ("{ bin }", "kpki"),
            ("{ binary-ext }", ""),
        ]
        .iter()
        .fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
    };
    let url = filled("pkg-url");
    assert!(
        url.ends_with(&format!("/releases/download/v{VERSION}/{}", archive_of(TARGETS[0]))),
        "{url}"
    );
    assert_eq!(filled("bin-dir"), format!("kpki-{VERSION}-{}/bin/kpki", TARGETS[0]));
}

#[test]
fn only_the_job_that_compiles_nothing_may_write() {
    let workflow = yaml(RELEASE);
    assert_eq!(workflow["permissions"], json!({}));
    let jobs = &workflow["jobs"];
    for job in ["check", "build"] {
        assert_eq!(jobs[job]["permissions"], json!({ "contents": "read" }), "{job}");
    }
    assert_eq!(jobs["build"]["needs"], "check");
    assert_eq!(jobs["release"]["needs"], "build");
    assert_eq!(jobs["release"]["environment"], "release");
    let mut scripts = Vec::new();
    texts_of(&jobs["release"], &["run"], &mut scripts);
    assert_eq!(scripts.len(), 2);
    assert!(!scripts.iter().any(|script| script.contains("cargo") || script.contains("rustup")));
    // All is signed for before any of it is public.
    let named = |name: &str| {
        let place = steps_of(jobs, "release").iter().position(|step| step["name"] == name);
        place.unwrap()
    };
    assert!(named("Build provenance") < named("Publish"));
    assert_eq!(yaml(CI)["permissions"], json!({ "contents": "read" }));
    let mut scripts = Vec::new();
    let ci = yaml(CI);
    texts_of(&ci, &["run"], &mut scripts);
    assert!(scripts.contains(&"sh tests/run.sh"), "{scripts:?}");
}

/// zizmor and the schemas of GitHub and GitLab know more of these files than we do.
#[test]
fn those_who_know_workflows_find_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = [RELEASE, CI, GITHUB];
    let found = tool("zizmor")
        .args(["--offline", "--no-progress", "--no-config", "--persona=pedantic"])
        .args(files)
        .current_dir(folder)
        .output()
        .unwrap();
    ended(&found, 0);
    for (schema, files) in
        [("vendor.github-workflows", &files[..]), ("vendor.gitlab-ci", &[super::GITLAB][..])]
    {
        let mut check = tool("check-jsonschema");
        check.args(["--builtin-schema", schema, "--data-transform", "gitlab-ci"]);
        let checked = printed(check.args(files).current_dir(folder));
        assert!(checked.contains("ok"), "{checked}");
    }
}

/// One commit for each action, with the version that it is: whoever raises one raises all.
#[test]
fn actions_are_pinned_alike_everywhere() {
    let mut pins = BTreeMap::new();
    for file in [RELEASE, CI, GITHUB] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        for line in text
            .lines()
            .filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("uses: "))
        {
            if line.starts_with("./") {
                continue;
            }
            let (action, pin) = line.split_once('@').unwrap();
            let (commit, version) = pin.split_once(" # v").unwrap_or_else(|| panic!("{line}"));
            assert!(commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{line}");
            assert_eq!(version.split('.').count(), 3, "{line}");
            let known = pins.entry(action.to_owned()).or_insert_with(|| pin.to_owned());
            assert_eq!(known, pin, "{file}: {action}");
        }
    }
    assert_eq!(pins.len(), 4, "{pins:?}");
}
