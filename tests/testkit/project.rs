//! A project folder and the `kpki` binary, as a user has them, and the tools that judge its files.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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

/// What a command printed; it must have succeeded.
pub fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Everything that a command said.
pub fn said(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// The paths of all files below a folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// What git says in a folder; whoever commits there is somebody.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let somebody = ["user.name=somebody", "user.email=somebody@example.com"];
    printed(
        tool("git")
            .args(somebody.iter().flat_map(|setting| ["-c", setting]))
            .args(arguments)
            .current_dir(folder),
    )
}

/// All files of a folder, those of its folders too.
pub fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub struct Project(tempfile::TempDir);

/// A file or folder below `out/`.
#[derive(Debug)]
pub struct Entry {
    /// Relative to `out/`; empty for `out/` itself.
    pub path: String,
    pub mode: u32,
    pub is_folder: bool,
}

impl Project {
    /// A copy of `examples/NAME`.
    pub fn example(name: &str) -> Self {
        let project = Project(tempfile::tempdir().unwrap());
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
        copy(&from, project.folder());
        // Git keeps no modes; outside of it nobody else may read a seed.
        let seed = project.folder().join("lab.seed");
        if seed.exists() {
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(seed, private).unwrap();
        }
        project
    }

    pub fn described(description: &str) -> Self {
        let project = Project(tempfile::tempdir().unwrap());
        std::fs::write(project.folder().join("cluster.kdl"), description).unwrap();
        project
    }

    pub fn applied(self) -> Self {
        self.applied_with(&[])
    }

    pub fn applied_with(self, more: &[&str]) -> Self {
        let output = self.kpki(&[&["apply"], more].concat());
        assert!(output.status.success(), "{}", said(&output));
        self
    }

    pub fn kpki(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_kpki"))
            .args(arguments)
            .current_dir(self.folder())
            .output()
            .unwrap()
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    pub fn out(&self, path: &str) -> PathBuf {
        self.folder().join("out").join(path)
    }

    /// A file below `/etc/kubernetes` of a node.
    pub fn on_node(&self, node: &str, path: &str) -> PathBuf {
        self.out(&format!("nodes/{node}/etc/kubernetes/{path}"))
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.out(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Everything below `out/`, sorted by path.
    pub fn entries(&self) -> Vec<Entry> {
        use std::os::unix::fs::PermissionsExt as _;
        let mut found = Vec::new();
        let mut waiting = vec![String::new()];
        while let Some(path) = waiting.pop() {
            let full = self.out(&path);
            let facts = std::fs::symlink_metadata(&full).unwrap();
            if facts.is_dir() {
                for entry in std::fs::read_dir(&full).unwrap() {
                    let name = entry.unwrap().file_name().into_string().unwrap();
                    waiting.push(format!("{path}/{name}").trim_start_matches('/').to_owned());
                }
            }
            found.push(Entry {
                path,
                mode: facts.permissions().mode() & 0o7777,
                is_folder: facts.is_dir(),
            });
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    /// The files below `out/` whose names end in `suffix`.
    pub fn files(&self, suffix: &str) -> Vec<String> {
        let entries = self.entries().into_iter().filter(|entry| !entry.is_folder);
        entries.map(|entry| entry.path).filter(|path| path.ends_with(suffix)).collect()
    }
}

/// The members of a kubeconfig that a client uses, its data decoded to PEM.
#[derive(Debug)]
pub struct Kubeconfig {
    pub server: String,
    pub cluster: String,
    pub context: String,
    pub user: String,
    pub namespace: Option<String>,
    pub authority: String,
    pub certificate: String,
    pub key: String,
}

impl Kubeconfig {
    /// Follows `current-context` as a client does. Names must agree, or this panics.
    pub fn from_value(config: &serde_json::Value) -> Self {
        let text = |value: &serde_json::Value| {
            value.as_str().unwrap_or_else(|| panic!("no text in {value}")).to_owned()
        };
        let named = |list: &str, name: &str| {
            let list = config[list].as_array().unwrap_or_else(|| panic!("no {list}"));
            let found = list.iter().find(|member| member["name"] == name);
            found.unwrap_or_else(|| panic!("no {name} in {list:?}")).clone()
        };
        let pem = |value: &serde_json::Value| {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::STANDARD.decode(text(value)).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(config["apiVersion"], "v1");
        assert_eq!(config["kind"], "Config");
        let context_name = text(&config["current-context"]);
        let context = named("contexts", &context_name)["context"].clone();
        let cluster_name = text(&context["cluster"]);
        let user_name = text(&context["user"]);
        let cluster = named("clusters", &cluster_name)["cluster"].clone();
        let user = named("users", &user_name)["user"].clone();
        Kubeconfig {
            server: text(&cluster["server"]),
            cluster: cluster_name,
            context: context_name,
            user: user_name,
            namespace: context.get("namespace").map(text),
            authority: pem(&cluster["certificate-authority-data"]),
            certificate: pem(&user["client-certificate-data"]),
            key: pem(&user["client-key-data"]),
        }
    }

    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        Self::from_value(&serde_saphyr::from_str(&text).unwrap())
    }
}
