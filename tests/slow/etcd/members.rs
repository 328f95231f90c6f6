//! The members' processes, and etcdctl to talk to them.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::manifest::{self, Ports};
use crate::testkit::{FolderProject, printed, said, tool};

/// Election and start of three members on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Who talks to etcd, and which CA it trusts.
#[derive(Clone)]
pub struct Identity {
    /// Certificate and key, if it has any.
    pub pair: Option<(PathBuf, PathBuf)>,
    pub ca: PathBuf,
}

impl Identity {
    pub fn of(project: &FolderProject, node: &str, stem: &str) -> Self {
        Identity {
            pair: Some((
                project.on_node(node, &format!("{stem}.crt")),
                project.on_node(node, &format!("{stem}.key")),
            )),
            ca: project.on_node(node, "pki/etcd/ca.crt"),
        }
    }

    pub fn etcdctl(&self, endpoints: &str, arguments: &[&str]) -> Output {
        let mut command = without_settings("etcdctl", "ETCDCTL_");
        command.env("ETCDCTL_API", "3");
        command.args(["--endpoints", endpoints]);
        // One refusal is enough: etcdctl tries again until its time is up.
        command.args(["--dial-timeout=2s", "--command-timeout=3s"]);
        command.arg("--cacert").arg(&self.ca);
        if let Some((certificate, key)) = &self.pair {
            command.arg("--cert").arg(certificate).arg("--key").arg(key);
        }
        command.args(arguments).output().unwrap()
    }
}

/// A cluster's members: names, addresses, and the processes that run of them. They end with this value, also
/// when a test panics.
pub struct Etcd {
    members: Vec<(&'static str, &'static str)>,
    running: Vec<(&'static str, Child)>,
    folder: tempfile::TempDir,
    pub ports: Ports,
}

impl Drop for Etcd {
    fn drop(&mut self) {
        for (_, member) in &mut self.running {
            drop(member.kill());
            drop(member.wait());
        }
    }
}

impl Etcd {
    pub fn new(members: &[(&'static str, &'static str)]) -> Self {
        let addresses: Vec<&str> = members.iter().map(|(_, address)| *address).collect();
        Etcd {
            members: members.to_vec(),
            running: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
            ports: Ports::free(&addresses),
        }
    }

    /// As the kubelet does: with the command of the member's static pod.
    pub fn start(&mut self, project: &FolderProject, name: &str) {
        self.start_on(project.on_node(name, "manifests").parent().unwrap(), name);
    }

    /// `kubernetes`: what is installed as the member's /etc/kubernetes.
    pub fn start_on(&mut self, kubernetes: &Path, name: &str) {
        let index = self.index(name);
        let data = self.folder.path().join(name);
        let log = std::fs::File::options().create(true).append(true).open(self.log(name)).unwrap();
        let member = without_settings("etcd", "ETCD_")
            .args(manifest::flags(kubernetes, index, &self.ports, &data))
            // It is not the disk that is tested.
            .env("ETCD_UNSAFE_NO_FSYNC", "true")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.running.push((self.members[index].0, member));
    }

    /// As the kubelet does when it sees another manifest: the old process is asked to end, and ends first.
    pub fn restart_on(&mut self, kubernetes: &Path, name: &str) {
        let found = self.running.iter().position(|(known, _)| *known == name).unwrap();
        let (_, mut old) = self.running.remove(found);
        printed(tool("sh").args(["-c", "kill \"$0\""]).arg(old.id().to_string()));
        old.wait().unwrap();
        self.start_on(kubernetes, name);
    }

    /// Whatever it thinks of its clients.
    pub fn wait_until_it_listens(&self, address: &str, port: u16) {
        let ends = Instant::now() + PATIENCE;
        while TcpStream::connect((address, port)).is_err() {
            assert!(Instant::now() < ends, "{}", self.logs());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn index(&self, name: &str) -> usize {
        let found = self.members.iter().position(|(known, _)| *known == name);
        found.unwrap()
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    fn logs(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.log(name)).unwrap_or_default();
        let logs: Vec<String> =
            self.members.iter().map(|(name, _)| format!("== {name}\n{}", read(name))).collect();
        logs.concat()
    }

    /// Each is started and has its name.
    pub fn lists_its_members(&self, client: &Identity) {
        let list = self.done(&[self.members[0].1], client, &["member", "list"]);
        for (name, address) in &self.members {
            let member = list.lines().find(|line| line.contains(&format!(", {name}, ")));
            let member = member.unwrap_or_else(|| panic!("{name} is no member\n{list}"));
            assert!(member.contains(", started, "), "{member}");
            let peer = format!("https://{address}:{}", self.ports.peer);
            assert!(member.contains(&peer), "{member}");
        }
        assert_eq!(list.lines().count(), self.members.len(), "{list}");
    }

    /// The kubelet asks at `--listen-metrics-urls`, in the clear.
    pub fn probes_need_no_certificate(&self) {
        for port in &self.ports.metrics {
            let mut stream = TcpStream::connect(("127.0.0.1", *port)).unwrap();
            stream.write_all(b"GET /health HTTP/1.0\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.contains(r#""health":"true""#), "{answer}");
        }
    }

    pub fn urls(&self, members: &[&str]) -> String {
        let url = |address: &&str| format!("https://{address}:{}", self.ports.client);
        members.iter().map(url).collect::<Vec<_>>().join(",")
    }

    fn etcdctl(&self, members: &[&str], identity: &Identity, arguments: &[&str]) -> Output {
        identity.etcdctl(&self.urls(members), arguments)
    }

    pub fn done(&self, members: &[&str], identity: &Identity, arguments: &[&str]) -> String {
        let output = self.etcdctl(members, identity, arguments);
        self.succeeded(output, arguments)
    }

    pub fn succeeded(&self, output: Output, arguments: &[&str]) -> String {
        assert!(output.status.success(), "{arguments:?}\n{}\n{}", said(&output), self.logs());
        String::from_utf8(output.stdout).unwrap()
    }

    /// A change of members: refused until every member has been there for some seconds.
    pub fn ordered(&self, address: &str, identity: &Identity, order: &[&str]) {
        let start = Instant::now();
        loop {
            let output = self.etcdctl(&[address], identity, order);
            if said(&output).contains("unhealthy cluster") && start.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(200));
                continue;
            }
            self.succeeded(output, order);
            return;
        }
    }

    pub fn wait_until_healthy(&self, identity: &Identity) {
        let running = self.members.iter().take(self.running.len());
        let all: Vec<&str> = running.map(|(_, address)| *address).collect();
        let start = Instant::now();
        loop {
            let output = self.etcdctl(&all, identity, &["endpoint", "health"]);
            if output.status.success() {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{}\n{}", said(&output), self.logs());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The member refuses the client, and says why in its log.
    pub fn refuses(&self, (name, address): (&str, &str), identity: &Identity, why: &str) {
        let log = self.log(name);
        let before = std::fs::read_to_string(&log).unwrap().len();
        let output = self.etcdctl(&[address], identity, &["get", "/registry/x"]);
        assert!(!output.status.success(), "{}", said(&output));
        assert!(!said(&output).contains("seen"), "{}", said(&output));
        let log = std::fs::read_to_string(&log).unwrap();
        let new = &log[before..];
        assert!(
            new.lines().any(|line| line.contains("rejected connection") && line.contains(why)),
            "{name} does not say {why}\n{new}\n{}",
            said(&output)
        );
    }

    /// etcd looks for a connecting peer's source address in its certificate. Where the members are on one
    /// machine that is what the kernel chose, so make sure that a peer's certificate does carry it.
    pub fn peers_come_from_named_addresses(&self, project: &FolderProject) {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let sources = peers_of(&table, "127.0.0.12", self.ports.peer);
        assert!(!sources.is_empty(), "nobody is connected to etcd2's peer port\n{table}");
        for name in ["etcd1", "etcd3"] {
            let names = printed(
                tool("openssl")
                    .args(["x509", "-noout", "-ext", "subjectAltName", "-in"])
                    .arg(project.on_node(name, "pki/etcd/peer.crt")),
            );
            let names: Vec<_> = names.split([',', '\n']).map(str::trim).collect();
            for source in &sources {
                let wanted = format!("IP Address:{source}");
                assert!(names.contains(&wanted.as_str()), "{wanted} not in {names:?}");
            }
        }
    }
}

/// Settings of whoever runs the tests are not part of them.
fn without_settings(name: &str, prefix: &str) -> Command {
    let mut command = tool(name);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with(prefix) {
            command.env_remove(name);
        }
    }
    command
}

/// The remote ends of established connections to a local address (proc_pid_net(5): hexadecimal, bytes
/// reversed).
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
