//! `kpki` and the tools that judge its files, as commands, and what they say.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Every test that misses its tool fails with this: none is skipped.
fn missing(tool: &str) -> String {
    format!(
        "this test needs `{tool}`: run `sh tests/setup.sh`, or everything with `sh tests/run.sh`"
    )
}

/// A command that tests/setup.sh installs, from its own folder or from the PATH.
pub fn tool(name: &str) -> Command {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/bin").join(name);
    if own.exists() {
        return Command::new(own);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(name).exists());
    assert!(found, "{}", missing(name));
    Command::new(name)
}

/// Python with pkilint in it.
pub fn python() -> Command {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/bin/python");
    assert!(own.exists(), "{}", missing("pkilint"));
    Command::new(own)
}

/// The `kpki` under test, in a folder.
pub fn kpki(folder: &Path) -> Command {
    without_settings(Command::new(env!("CARGO_BIN_EXE_kpki")), folder)
}

/// A script of the shell in a folder; `$0` is `kpki`.
pub fn shell(folder: &Path, script: &str) -> Command {
    let mut command = without_settings(Command::new("sh"), folder);
    command.args(["-c", script, env!("CARGO_BIN_EXE_kpki")]);
    command
}

/// What the person at this machine has set is not under test.
fn without_settings(mut command: Command, folder: &Path) -> Command {
    command.current_dir(folder);
    let own = std::env::vars_os().map(|(name, _)| name);
    let own = own.filter(|name| name.to_string_lossy().starts_with("KPKI_"));
    let others = ["NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"].map(Into::into);
    for name in own.chain(others) {
        command.env_remove(name);
    }
    command
}

/// A PATH that finds `kpki` first.
pub fn path_with_kpki() -> String {
    let kpki = Path::new(env!("CARGO_BIN_EXE_kpki")).parent().unwrap();
    format!("{}:{}", kpki.display(), std::env::var("PATH").unwrap())
}

/// `git` in a folder; whoever commits there is somebody.
pub fn git_command(folder: &Path, arguments: &[&str]) -> Command {
    let mut git = tool("git");
    git.args(["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"])
        .args(arguments)
        .current_dir(folder)
        // Drivers and hooks find kpki.
        .env("PATH", path_with_kpki())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    git
}

/// What git says in a folder.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    printed(&mut git_command(folder, arguments))
}

/// What a command printed; it must have succeeded.
#[track_caller]
pub fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The standard output of a command that succeeded.
#[track_caller]
pub fn done(output: Output) -> String {
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The standard error of a command that ended with this code and printed nothing else.
#[track_caller]
pub fn refused(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Everything that a command said; it must have ended with this code.
#[track_caller]
pub fn ended(output: &Output, code: i32) -> String {
    let text = said(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

/// Everything that a command said.
pub fn said(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// A command's end after it was given this on its standard input.
pub fn fed(command: &mut Command, input: &[u8]) -> Output {
    use std::io::Write as _;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may stop reading a damaged file.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}
