//! A three-member etcd with mutual TLS between members and towards clients, straight from out/: each member is
//! started with the command line of its static pod.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests and benchmarks may panic"
)]

mod common;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::project::{Project, printed, said, tool};

/// examples/external-etcd on addresses of this machine, for a Kubernetes whose etcd knows the flags that
/// Debian's etcd 3.4 knows.
const DESCRIPTION: &str = r#"
cluster "ext" { endpoint "api.ext.example.com:6443"; kubernetes "1.33"; }
component "etcd" topology="external"
node "etcd1" role="etcd" address="127.0.0.11"
node "etcd2" role="etcd" address="127.0.0.12"
node "etcd3" role="etcd" address="127.0.0.13"
node "cp1" role="control-plane" address="127.0.0.10"
"#;
const MEMBERS: [(&str, &str); 3] = [
    ("etcd1", "127.0.0.11"),
    ("etcd2", "127.0.0.12"),
    ("etcd3", "127.0.0.13"),
];
/// Election and start of three members on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn three_members_serve_their_clients_and_refuse_strangers() {
    let project = Project::described(DESCRIPTION).applied();
    let stranger = Project::described(DESCRIPTION).applied();
    let etcd = Etcd::start(&project);
    let client = Identity::of(&project, "cp1", "pki/apiserver-etcd-client");
    etcd.wait_until_healthy(&client);

    // Each member is started and has its name.
    let list = etcd.done(&["127.0.0.12"], &client, &["member", "list"]);
    for (name, address) in MEMBERS {
        let member = list
            .lines()
            .find(|line| line.contains(&format!(", {name}, ")));
        let member = member.unwrap_or_else(|| panic!("{name} is no member\n{list}"));
        assert!(member.contains(", started, "), "{member}");
        assert!(member.contains(&etcd.peer_url(address)), "{member}");
    }
    assert_eq!(list.lines().count(), 3, "{list}");

    // What one member takes, another gives.
    assert_eq!(
        etcd.done(&["127.0.0.11"], &client, &["put", "/registry/x", "seen"]),
        "OK\n"
    );
    let health = Identity::of(&project, "etcd3", "pki/etcd/healthcheck-client");
    let read = ["get", "/registry/x", "--print-value-only"];
    assert_eq!(etcd.done(&["127.0.0.13"], &health, &read), "seen\n");

    etcd.peers_come_from_named_addresses(&project);

    // A client of the same name that another CA signed; it trusts the right CA, so the server decides.
    let forged = Identity {
        ca: client.ca.clone(),
        ..Identity::of(&stranger, "cp1", "pki/apiserver-etcd-client")
    };
    // The cluster CA's clients are nobody to etcd.
    let of_another_ca = Identity {
        ca: client.ca.clone(),
        ..Identity::of(&project, "cp1", "pki/apiserver-kubelet-client")
    };
    let nobody = Identity {
        pair: None,
        ca: client.ca.clone(),
    };
    // A client that trusts another cluster's etcd CA does not talk to this one.
    let misled = Identity {
        ca: stranger.on_node("cp1", "pki/etcd/ca.crt"),
        ..Identity::of(&project, "cp1", "pki/apiserver-etcd-client")
    };
    // etcdctl tries again until its time is up: let them wait together.
    let (etcd, misled) = (&etcd, &misled);
    let unknown = "certificate signed by unknown authority";
    std::thread::scope(|scope| {
        scope.spawn(|| etcd.refuses(MEMBERS[0], &forged, unknown));
        scope.spawn(|| etcd.refuses(MEMBERS[1], &of_another_ca, unknown));
        scope.spawn(|| etcd.refuses(MEMBERS[2], &nobody, "client didn't provide a certificate"));
        // etcdctl keeps its reason to itself, but tells it to the member.
        let told = "remote error: tls: bad certificate";
        scope.spawn(move || etcd.refuses(MEMBERS[0], misled, told));
    });
    // And none of that harmed the cluster.
    assert_eq!(etcd.done(&["127.0.0.12"], &client, &read), "seen\n");
}

struct Identity {
    /// Certificate and key, if it has any.
    pair: Option<(PathBuf, PathBuf)>,
    ca: PathBuf,
}

impl Identity {
    fn of(project: &Project, node: &str, stem: &str) -> Self {
        Identity {
            pair: Some((
                project.on_node(node, &format!("{stem}.crt")),
                project.on_node(node, &format!("{stem}.key")),
            )),
            ca: project.on_node(node, "pki/etcd/ca.crt"),
        }
    }
}

/// The members' processes; they end with this value, also when a test panics.
struct Etcd {
    members: Vec<Child>,
    folder: tempfile::TempDir,
    client_port: u16,
    peer_port: u16,
    metrics_port: u16,
}

impl Drop for Etcd {
    fn drop(&mut self) {
        for member in &mut self.members {
            drop(member.kill());
            drop(member.wait());
        }
    }
}

impl Etcd {
    fn start(project: &Project) -> Self {
        let [client_port, peer_port, metrics_port] = free_ports();
        let mut etcd = Etcd {
            members: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
            client_port,
            peer_port,
            metrics_port,
        };
        for (name, _) in MEMBERS {
            let log = std::fs::File::create(etcd.log(name)).unwrap();
            let line = etcd.command_line(project, name);
            let member = tool("etcd")
                .args(&line)
                // Of the log that this test reads, and of a disk that need not last.
                .args(["--logger=zap", "--unsafe-no-fsync"])
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap();
            etcd.members.push(member);
        }
        etcd
    }

    /// What the static pod runs, with nothing left out. Only places differ, since three nodes share a machine:
    /// the node's files lie in out/ and its data in a folder of the test's, ports are free ones, and each member has
    /// another loopback address than 127.0.0.1 to itself.
    fn command_line(&self, project: &Project, name: &str) -> Vec<String> {
        let yaml = project.read(&format!("nodes/{name}/etc/kubernetes/manifests/etcd.yaml"));
        let pod: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
        let command = pod["spec"]["containers"][0]["command"].as_array().unwrap();
        let words = command.iter().map(|word| word.as_str().unwrap());
        let (binary, flags): (Vec<_>, Vec<_>) = words.partition(|word| !word.starts_with("--"));
        assert_eq!(binary, ["etcd"]);
        assert!(flags.len() >= 18, "{flags:?}");
        let files = project.on_node(name, "");
        let data = self.folder.path().join(name);
        let own = name.replace("etcd", "127.0.1.");
        let ports = [
            (":2379", self.client_port),
            (":2380", self.peer_port),
            (":2381", self.metrics_port),
        ];
        flags
            .into_iter()
            .map(|flag| {
                let flag = flag
                    .replace("/etc/kubernetes/", files.to_str().unwrap())
                    .replace("/var/lib/etcd", data.to_str().unwrap())
                    .replace("127.0.0.1:", &format!("{own}:"));
                ports.iter().fold(flag, |flag, (port, free)| {
                    flag.replace(port, &format!(":{free}"))
                })
            })
            .collect()
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    fn logs(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.log(name)).unwrap_or_default();
        MEMBERS
            .map(|(name, _)| format!("== {name}\n{}", read(name)))
            .concat()
    }

    fn peer_url(&self, address: &str) -> String {
        format!("https://{address}:{}", self.peer_port)
    }

    fn etcdctl(&self, members: &[&str], identity: &Identity, arguments: &[&str]) -> Output {
        let endpoints: Vec<_> = members
            .iter()
            .map(|address| format!("https://{address}:{}", self.client_port))
            .collect();
        let mut command = etcdctl();
        command.args(["--endpoints", &endpoints.join(",")]);
        // One refusal is enough: etcdctl tries again until its time is up.
        command.args(["--dial-timeout=2s", "--command-timeout=3s"]);
        command.arg("--cacert").arg(&identity.ca);
        if let Some((certificate, key)) = &identity.pair {
            command.arg("--cert").arg(certificate).arg("--key").arg(key);
        }
        command.args(arguments).output().unwrap()
    }

    fn done(&self, members: &[&str], identity: &Identity, arguments: &[&str]) -> String {
        let output = self.etcdctl(members, identity, arguments);
        assert!(
            output.status.success(),
            "{arguments:?}\n{}\n{}",
            said(&output),
            self.logs()
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn wait_until_healthy(&self, identity: &Identity) {
        let all = MEMBERS.map(|(_, address)| address);
        let start = Instant::now();
        loop {
            let output = self.etcdctl(&all, identity, &["endpoint", "health"]);
            if output.status.success() {
                return;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{}\n{}",
                said(&output),
                self.logs()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The member refuses the client, and says why in its log.
    fn refuses(&self, (name, address): (&str, &str), identity: &Identity, why: &str) {
        let log = self.log(name);
        let before = std::fs::read_to_string(&log).unwrap().len();
        let output = self.etcdctl(&[address], identity, &["get", "/registry/x"]);
        assert!(!output.status.success(), "{}", said(&output));
        assert!(!said(&output).contains("seen"), "{}", said(&output));
        let log = std::fs::read_to_string(&log).unwrap();
        let new = &log[before..];
        assert!(
            new.lines()
                .any(|line| line.contains("rejected connection") && line.contains(why)),
            "{name} does not say {why}\n{new}\n{}",
            said(&output)
        );
    }

    /// etcd looks for a connecting peer's source address in its certificate. Where the members are on one
    /// machine that is what the kernel chose, so make sure that a peer's certificate does carry it.
    fn peers_come_from_named_addresses(&self, project: &Project) {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let sources = peers_of(&table, "127.0.0.12", self.peer_port);
        assert!(
            !sources.is_empty(),
            "nobody is connected to etcd2's peer port\n{table}"
        );
        for name in ["etcd1", "etcd3"] {
            let names = printed(
                tool("openssl")
                    .args(["x509", "-noout", "-ext", "subjectAltName", "-in"])
                    .arg(project.on_node(name, "pki/etcd/peer.crt")),
            );
            let names: Vec<_> = names.split([',', '\n']).map(str::trim).collect();
            for source in &sources {
                let wanted = format!("IP Address:{source}");
                assert!(
                    names.contains(&wanted.as_str()),
                    "{wanted} not in {names:?}"
                );
            }
        }
    }
}

fn etcdctl() -> Command {
    let mut command = tool("etcdctl");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ETCDCTL_") {
            command.env_remove(name);
        }
    }
    command.env("ETCDCTL_API", "3");
    command
}

/// Three ports that are free on every member's addresses.
fn free_ports() -> [u16; 3] {
    let free = |port: u16| {
        let own = MEMBERS.map(|(name, _)| name.replace("etcd", "127.0.1."));
        let addresses = MEMBERS.iter().map(|(_, address)| *address);
        addresses
            .chain(own.iter().map(String::as_str))
            .map(|address| TcpListener::bind((address, port)))
            .collect::<Result<Vec<_>, _>>()
    };
    let mut held = Vec::new();
    while held.len() < 3 {
        let first = TcpListener::bind("127.0.0.10:0").unwrap();
        let port = first.local_addr().unwrap().port();
        if let Ok(listeners) = free(port) {
            held.push((port, listeners, first));
        }
    }
    [held[0].0, held[1].0, held[2].0]
}

/// The remote ends of established connections to a local address (proc_pid_net(5): hexadecimal, bytes reversed).
fn peers_of(table: &str, address: &str, port: u16) -> BTreeSet<String> {
    let parse = |text: &str| {
        let (ip, port) = text.split_once(':')?;
        let ip = u32::from_str_radix(ip, 16).ok()?;
        let port = u16::from_str_radix(port, 16).ok()?;
        Some((std::net::Ipv4Addr::from(ip.to_ne_bytes()).to_string(), port))
    };
    let established = "01";
    table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields[3] == established)
        .filter_map(|fields| Some((parse(fields[1])?, parse(fields[2])?)))
        .filter(|(local, _)| (local.0.as_str(), local.1) == (address, port))
        .map(|(_, remote)| remote.0)
        .collect()
}
