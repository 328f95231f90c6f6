//! packaging/: the archives and the Debian package, made of the kpki under test.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::CommandFactory as _;

use super::checkout::{Checkout, VERSION};
use crate::testkit::{ended, files_below, printed, tool};

/// The manual pages that there should be.
fn pages(command: &clap::Command, name: &str, found: &mut BTreeSet<String>) {
    found.insert(format!("{name}.1"));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages(below, &format!("{name}-{}", below.get_name()), found);
    }
}

#[test]
fn an_archive_has_the_binary_its_pages_completions_and_texts() {
    let checkout = Checkout::new();
    checkout.stripped("kpki");
    let target = "x86_64-unknown-linux-musl";
    let made = |folder: &str, umask: &str| {
        fs::create_dir(checkout.path(folder)).unwrap();
        let script = format!("umask {umask}; sh packaging/archive.sh kpki {target} {folder}");
        let path = printed(&mut checkout.script(&["-c", &script]));
        let expected = checkout.path(&format!("{folder}/kpki-{VERSION}-{target}.tar.gz"));
        assert_eq!(Path::new(path.trim_end()), expected);
        path.trim_end().to_owned()
    };
    let archive = made("one", "022");
    let listed = printed(tool("tar").args(["--numeric-owner", "-tvzf", &archive]));
    let mut files = BTreeSet::new();
    for line in listed.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[1], "0/0", "{line}");
        let name = words[5].strip_prefix(&format!("kpki-{VERSION}-{target}/")).unwrap();
        let mode = match name {
            "bin/kpki" => "-rwxr-xr-x",
            _ if name.is_empty() || name.ends_with('/') => "drwxr-xr-x",
            _ => "-rw-r--r--",
        };
        assert_eq!(words[0], mode, "{line}");
        if !(name.is_empty() || name.ends_with('/')) {
            files.insert(name.to_owned());
        }
    }
    let mut expected = BTreeSet::new();
    pages(&kpki::cli::Cli::command(), "kpki", &mut expected);
    assert!(expected.contains("kpki-setup-git.1") && !expected.contains("kpki-textconv.1"));
    let mut expected: BTreeSet<String> =
        expected.into_iter().map(|page| format!("share/man/man1/{page}")).collect();
    for page in files_below(Path::new("docs")) {
        expected.insert(format!("share/doc/kpki/{}", page.to_str().unwrap()));
    }
    for name in [
        "bin/kpki",
        "share/bash-completion/completions/kpki",
        "share/doc/kpki/CHANGELOG.md",
        "share/doc/kpki/LICENSE-APACHE",
        "share/doc/kpki/LICENSE-MIT",
        "share/doc/kpki/README.md",
        "share/fish/vendor_completions.d/kpki.fish",
        "share/man/man5/kpki.kdl.5",
        "share/zsh/site-functions/_kpki",
    ] {
        expected.insert(name.to_owned());
    }
    assert_eq!(files, expected);
    // The container's image is made of one.
    let container = fs::read_to_string(checkout.path("packaging/Containerfile")).unwrap();
    let copied: Vec<&str> =
        container.lines().filter_map(|line| line.strip_prefix("COPY ")).collect();
    assert_eq!(copied, ["bin/kpki /kpki"]);
    // Whoever packs it again gets the same bytes.
    assert!(fs::read(archive).unwrap() == fs::read(made("two", "077")).unwrap());
}

/// `dpkg` with a file system of its own.
fn dpkg(root: &Path, words: &[&str]) -> std::process::Command {
    let mut dpkg = tool("dpkg");
    let path = std::env::var("PATH").unwrap();
    dpkg.arg(format!("--root={}", root.display()))
        .arg("--force-not-root")
        .args(words)
        // It looks for tools there that it does not need here.
        .env("PATH", format!("{path}:/usr/sbin:/sbin"));
    dpkg
}

#[test]
fn the_debian_package_is_installed_run_and_removed() {
    let checkout = Checkout::new();
    checkout.stripped("kpki");
    let made = || {
        printed(&mut checkout.script(&["packaging/deb.sh", "kpki", "amd64", "."]))
            .trim_end()
            .to_owned()
    };
    let package = made();
    assert!(package.ends_with(&format!("/kpki_{VERSION}_amd64.deb")), "{package}");
    let field = |name: &str| {
        printed(tool("dpkg-deb").args(["--field", &package, name])).trim_end().to_owned()
    };
    assert_eq!(field("Package"), "kpki");
    assert_eq!(field("Architecture"), "amd64");
    assert_eq!(field("Depends"), "", "the binary of a release is static");
    assert!(field("Description").starts_with(env!("CARGO_PKG_DESCRIPTION")));
    let listed = printed(tool("dpkg-deb").args(["--contents", &package]));
    assert!(listed.lines().all(|line| line.split_whitespace().nth(1) == Some("root/root")));

    let root = checkout.path("root");
    for folder in ["info", "triggers", "updates"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(folder)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    printed(&mut dpkg(&root, &["--install", &package]));
    let said = printed(tool(root.join("usr/bin/kpki").to_str().unwrap()).arg("--version"));
    assert_eq!(said, format!("kpki {VERSION}\n"));
    let status = printed(&mut dpkg(&root, &["--status", "kpki"]));
    assert!(status.contains("Status: install ok installed"), "{status}");
    let share = root.join("usr/share");
    let page = printed(tool("gzip").args(["-dc"]).arg(share.join("man/man1/kpki-setup-git.1.gz")));
    assert!(page.contains(".TH kpki-setup-git 1"), "{page}");
    printed(tool("bash").arg("-n").arg(share.join("bash-completion/completions/kpki")));
    let completion = fs::read_to_string(share.join("zsh/vendor-completions/_kpki")).unwrap();
    assert!(completion.starts_with("#compdef kpki\n"));
    let licences = fs::read_to_string(share.join("doc/kpki/copyright")).unwrap();
    assert!(licences.contains("\n Permission is hereby granted, free of charge"), "{licences}");
    assert!(!licences.contains("\n\n\n") && licences.contains("\n .\n"), "{licences}");
    let sums = root.join("var/lib/dpkg/info/kpki.md5sums");
    printed(tool("md5sum").args(["--check", "--quiet", "--strict"]).arg(sums).current_dir(&root));

    printed(&mut dpkg(&root, &["--remove", "kpki"]));
    let left = files_below(&root);
    assert!(left.iter().all(|path| path.starts_with(root.join("var"))), "{left:?}");

    // A candidate comes before its release.
    let next = format!("version = \"{VERSION}-rc.1\"");
    checkout
        .edit("Cargo.toml", &format!("version = \"{VERSION}\"\nedition"), &{ next + "\nedition" });
    let candidate = printed(tool("dpkg-deb").args(["--field", &made(), "Version"]));
    let compare = ["--compare-versions", candidate.trim_end(), "lt", VERSION];
    ended(&dpkg(&root, &compare).output().unwrap(), 0);
}
