//! Who must talk to whom, as the processes on the nodes read it: out of manifests, kubeconfigs and the files
//! that these name, and out of nothing else that kpki knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kpki::facts::{CertificateFacts, ExtendedKeyUsage, PublicKey, certificates_in_pem};
use kpki::holdings::Certificate;
use kpki::keys::PrivateKey;
use kpki::path::{Reader, validate};
use kpki::sealed::SUFFIX;
use kpki::time::{Span, Timestamp};

use super::Desk;
use super::memory_project::MemoryProject;
use super::signer::Signer;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    ApiServer,
    Etcd,
    EtcdPeer,
    Kubelet,
    /// Some extension API server, which believes what an API server publishes for it.
    Extension,
}

pub struct Server {
    pub kind: Kind,
    node: String,
    /// Whom a client dials that is not told an address.
    host: Option<String>,
    /// `None`: its certificate is its own matter.
    shows: Option<Vec<u8>>,
    trusts: Vec<u8>,
}

pub struct Client {
    what: String,
    to: Kind,
    /// From its kubeconfig.
    dials: Option<String>,
    /// `None`: it shows a token.
    shows: Option<Vec<u8>>,
    /// `None`: it takes whatever it is shown.
    trusts: Option<Vec<u8>>,
}

pub type Files = BTreeMap<String, Vec<u8>>;

/// All nodes and users at one moment.
pub struct Stage {
    pub servers: Vec<Server>,
    pub clients: Vec<Client>,
    /// Who signs tokens, with which private key.
    pub token_signers: Vec<(String, Vec<u8>)>,
    /// Who believes tokens, by which public keys.
    pub token_readers: Vec<(String, Vec<u8>)>,
    /// What each controller-manager signs with: certificates, key.
    pub cluster_signers: Vec<(Vec<u8>, Vec<u8>)>,
    /// When the first certificate ends.
    pub ends: Timestamp,
}

impl Stage {
    /// `kubelets`: the pairs that self-rotated kubelets hold.
    pub fn of(project: &MemoryProject, kubelets: &BTreeMap<String, Vec<u8>>) -> Self {
        let plain = |path: &String| {
            let path = path.strip_suffix(SUFFIX).unwrap_or(path).to_owned();
            let bytes = project.secret(&path).unwrap_or_else(|| panic!("{path} cannot be opened"));
            (path, bytes)
        };
        let read = |path: &&String| path.starts_with("nodes/") || path.starts_with("users/");
        Self::of_files(&project.out.keys().filter(read).map(plain).collect(), kubelets)
    }

    /// `out`: nothing of it is sealed.
    pub fn of_files(out: &Files, kubelets: &BTreeMap<String, Vec<u8>>) -> Self {
        let mut nodes: BTreeMap<String, Files> = BTreeMap::new();
        let mut stage = Stage {
            servers: Vec::new(),
            clients: Vec::new(),
            token_signers: Vec::new(),
            token_readers: Vec::new(),
            cluster_signers: Vec::new(),
            ends: Timestamp::from_unix(i64::MAX / 2),
        };
        for (path, bytes) in out {
            if let Some((node, path)) =
                path.strip_prefix("nodes/").and_then(|path| path.split_once('/'))
            {
                nodes.entry(node.to_owned()).or_default().insert(format!("/{path}"), bytes.clone());
            } else if path.starts_with("users/") && path.ends_with(".kubeconfig") {
                stage.kubeconfig(path, bytes, None);
            }
        }
        for (name, files) in &nodes {
            stage.node(&Node { name, files }, kubelets.get(name).map(Vec::as_slice));
        }
        let certificates = (stage.servers.iter().filter_map(|server| server.shows.as_deref()))
            .chain(stage.clients.iter().filter_map(|client| client.shows.as_deref()))
            .chain(stage.servers.iter().map(|server| server.trusts.as_slice()));
        let ends = certificates.flat_map(|pem| certificates_in_pem(pem).unwrap());
        let ends = ends.map(|der| CertificateFacts::from_der(&der).unwrap().not_after);
        stage.ends = ends.min().unwrap();
        stage
    }

    fn node(&mut self, node: &Node<'_>, pair_of_kubelet: Option<&[u8]>) {
        if let Some(flags) = node.flags("kube-apiserver") {
            self.api_server(node, &flags);
        }
        if let Some(flags) = node.flags("etcd") {
            self.member(node, &flags);
        }
        if let Some(flags) = node.flags("kube-controller-manager") {
            let pods = Some(node.named(&flags, "root-ca-file"));
            let what = format!("a pod by the controller-manager of {}", node.name);
            let dials = Some("kubernetes.default.svc".to_owned());
            self.client(what, Kind::ApiServer, dials, None, pods);
            if flags.contains_key("cluster-signing-key-file") {
                let certificates = node.named(&flags, "cluster-signing-cert-file");
                let key = node.named(&flags, "cluster-signing-key-file");
                self.cluster_signers.push((certificates, key));
            }
            let key = node.named(&flags, "service-account-private-key-file");
            self.token_signers.push((format!("the controller-manager of {}", node.name), key));
        }
        let folder = "/etc/kubernetes/";
        for (path, bytes) in node.files.range(folder.to_owned()..) {
            let Some(name) = path.strip_prefix(folder) else { break };
            if name.strip_suffix(".conf").is_some() && !name.contains('/') {
                self.kubeconfig(&format!("{}{path}", node.name), bytes, pair_of_kubelet);
            }
        }
        if node.files.contains_key("/etc/kubernetes/kubelet.conf") {
            self.kubelet(node);
        }
    }

    fn api_server(&mut self, node: &Node<'_>, flags: &Flags) {
        let own = |what: &str| format!("{what} of {}", node.name);
        let shown = |name: &str| Some(node.named(flags, name));
        self.servers.push(Server {
            kind: Kind::ApiServer,
            node: node.name.to_owned(),
            host: Some(flags["advertise-address"][0].clone()),
            shows: shown("tls-cert-file"),
            trusts: node.named(flags, "client-ca-file"),
        });
        self.servers.push(Server {
            kind: Kind::Extension,
            node: node.name.to_owned(),
            host: None,
            shows: None,
            trusts: node.named(flags, "requestheader-client-ca-file"),
        });
        let name = own("the API server");
        let proxy = shown("proxy-client-cert-file");
        self.client(name.clone(), Kind::Extension, None, proxy, None);
        let etcd = (shown("etcd-certfile"), shown("etcd-cafile"));
        self.client(name.clone(), Kind::Etcd, None, etcd.0, etcd.1);
        let flag = "kubelet-certificate-authority";
        let trusted = flags.contains_key(flag).then(|| node.named(flags, flag));
        let kubelet = shown("kubelet-client-certificate");
        self.client(name.clone(), Kind::Kubelet, None, kubelet, trusted);
        let signer = node.named(flags, "service-account-signing-key-file");
        self.token_signers.push((name.clone(), signer));
        let keys = flags["service-account-key-file"].iter().map(|path| node.file(path).to_vec());
        self.token_readers.push((name, keys.collect::<Vec<_>>().concat()));
    }

    fn member(&mut self, node: &Node<'_>, flags: &Flags) {
        for (kind, url, pair, trust) in [
            (Kind::Etcd, "advertise-client-urls", "cert-file", "trusted-ca-file"),
            (
                Kind::EtcdPeer,
                "initial-advertise-peer-urls",
                "peer-cert-file",
                "peer-trusted-ca-file",
            ),
        ] {
            let (shows, trusts) = (node.named(flags, pair), node.named(flags, trust));
            // Peers dial each other by this pair; by the other a member's gateway dials its own server.
            let what = format!("etcd of {}", node.name);
            self.client(what, kind, None, Some(shows.clone()), Some(trusts.clone()));
            self.servers.push(Server {
                kind,
                node: node.name.to_owned(),
                host: Some(host_of(&flags[url][0])),
                shows: Some(shows),
                trusts,
            });
        }
        let trusted = node.named(flags, "trusted-ca-file");
        let path = flags["cert-file"][0].replace("server.crt", "healthcheck-client.crt");
        let health = node.file(&path).to_vec();
        let what = format!("the health check of {}", node.name);
        self.client(what, Kind::Etcd, None, Some(health), Some(trusted));
    }

    /// By its configuration, if that is kpki's, else by the folder's usual names.
    fn kubelet(&mut self, node: &Node<'_>) {
        let config = node.files.get("/var/lib/kubelet/config.yaml");
        let config: serde_json::Value = config
            .map_or(serde_json::Value::Null, |bytes| serde_saphyr::from_slice(bytes).unwrap());
        let pki = "/etc/kubernetes/pki";
        let ca = config["authentication"]["x509"]["clientCAFile"].as_str();
        let ca = ca.map_or_else(|| format!("{pki}/ca.crt"), str::to_owned);
        let usual = format!("{pki}/kubelet.crt");
        let usual = (config.is_null() && node.files.contains_key(&usual)).then_some(usual);
        let pair = config["tlsCertFile"].as_str().map(str::to_owned).or(usual);
        self.servers.push(Server {
            kind: Kind::Kubelet,
            node: node.name.to_owned(),
            // Its name stands for its addresses, which no file of the node has.
            host: Some(node.name.to_owned()),
            shows: pair.map(|path| node.file(&path).to_vec()),
            trusts: node.file(&ca).to_vec(),
        });
    }

    fn kubeconfig(&mut self, path: &str, bytes: &[u8], pair_of_kubelet: Option<&[u8]>) {
        let config: serde_json::Value = serde_saphyr::from_slice(bytes).unwrap();
        let cluster = &config["clusters"][0]["cluster"];
        let user = &config["users"][0]["user"];
        let data = |value: &serde_json::Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
        let shows = match &user["client-certificate-data"] {
            serde_json::Value::Null => {
                assert!(user["client-certificate"].is_string(), "{path} shows nothing");
                pair_of_kubelet.unwrap_or_else(|| panic!("{path} needs a pair")).to_vec()
            }
            value => data(value),
        };
        let dials = host_of(cluster["server"].as_str().unwrap());
        let trusts = data(&cluster["certificate-authority-data"]);
        self.client(path.to_owned(), Kind::ApiServer, Some(dials), Some(shows), Some(trusts));
    }

    fn client(
        &mut self,
        what: String,
        to: Kind,
        dials: Option<String>,
        shows: Option<Vec<u8>>,
        trusts: Option<Vec<u8>>,
    ) {
        self.clients.push(Client { what, to, dials, shows, trusts });
    }

    /// As the signer of a controller-manager; it must be in order on each node.
    pub fn cluster_signer(&self) -> Option<Signer> {
        for (certificates, key) in &self.cluster_signers {
            let all = certificates_in_pem(certificates).unwrap();
            // k8s.io/kubernetes/pkg/controller/certificates/signer: "expected 1 certificate".
            assert_eq!(all.len(), 1, "a controller-manager exits with such a signing file");
            let facts = CertificateFacts::from_der(&all[0]).unwrap();
            let key = PrivateKey::from_pem(key).unwrap();
            assert_eq!(facts.public_key.spki(), key.public_key().spki(), "the signing pair");
        }
        let (certificate, key) = self.cluster_signers.first()?;
        Some(Signer::new(certificate, key))
    }
}

pub type Flags = BTreeMap<String, Vec<String>>;

pub struct Node<'a> {
    pub name: &'a str,
    /// With the slash before their paths.
    pub files: &'a Files,
}

impl Node<'_> {
    #[track_caller]
    fn file(&self, path: &str) -> &[u8] {
        self.files.get(path).unwrap_or_else(|| panic!("{} has no {path}", self.name))
    }

    #[track_caller]
    fn named(&self, flags: &Flags, flag: &str) -> Vec<u8> {
        let values = flags.get(flag).unwrap_or_else(|| panic!("{} has no --{flag}", self.name));
        self.file(&values[0]).to_vec()
    }

    /// The static pod's command line.
    pub fn flags(&self, pod: &str) -> Option<Flags> {
        let bytes = self.files.get(&format!("/etc/kubernetes/manifests/{pod}.yaml"))?;
        let pod: serde_json::Value = serde_saphyr::from_slice(bytes).unwrap();
        let words = pod["spec"]["containers"][0]["command"].as_array().unwrap();
        let mut flags = Flags::new();
        for word in &words[1..] {
            let (name, value) = word.as_str().unwrap().split_once('=').unwrap();
            let name = name.strip_prefix("--").unwrap();
            flags.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        Some(flags)
    }
}

/// Of the first URL of a list.
fn host_of(urls: &str) -> String {
    let first = urls.split(',').next().unwrap();
    let rest = first.split_once("://").unwrap().1;
    let rest = rest.split('/').next().unwrap();
    let host = match rest.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => rest,
    };
    host.trim_matches(['[', ']']).to_owned()
}

/// One question to the path validation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    /// A certificate and what comes with it.
    shown: Vec<u8>,
    trusted: Vec<u8>,
    /// That a client dialled; `None`: a server asks.
    host: Option<String>,
}

/// What a reader says at one moment: each question is asked once.
pub struct Judge {
    at: Timestamp,
    answers: BTreeMap<Question, Result<(), String>>,
}

impl Judge {
    pub fn at(at: Timestamp) -> Self {
        Judge { at, answers: BTreeMap::new() }
    }

    /// Each takes the other.
    pub fn talk(&mut self, client: &Client, server: &Server) -> Result<(), String> {
        if let (Some(trusted), Some(shown)) = (&client.trusts, &server.shows) {
            let host = client.dials.clone().or_else(|| server.host.clone());
            self.ask(shown, trusted, host).map_err(|why| format!("the client refuses: {why}"))?;
        }
        if let Some(shown) = &client.shows {
            let answer = self.ask(shown, &server.trusts, None);
            answer.map_err(|why| format!("the server refuses: {why}"))?;
        }
        Ok(())
    }

    fn ask(&mut self, shown: &[u8], trusted: &[u8], host: Option<String>) -> Result<(), String> {
        let question = Question { shown: shown.to_vec(), trusted: trusted.to_vec(), host };
        if let Some(answer) = self.answers.get(&question) {
            return answer.clone();
        }
        let answer = question.answered(self.at);
        self.answers.insert(question, answer.clone());
        answer
    }

    /// OpenSSL gives the same answer to each question.
    pub fn agrees_with_openssl(&self) -> usize {
        let desk = Desk::new();
        for (number, (question, answer)) in self.answers.iter().enumerate() {
            let leaf = format!("{number}.crt");
            desk.put(&leaf, &question.shown);
            desk.put("trusted.crt", &question.trusted);
            let mut words = format!("verify -partial_chain -attime {}", self.at.unix());
            match &question.host {
                None => words += " -purpose sslclient",
                Some(host) => {
                    let kind =
                        if host.parse::<std::net::IpAddr>().is_ok() { "ip" } else { "hostname" };
                    write!(words, " -purpose sslserver -verify_{kind} {host}").unwrap();
                }
            }
            // The rest of a leaf's own file are the intermediates.
            write!(words, " -CAfile trusted.crt -untrusted {leaf} {leaf}").unwrap();
            let (is_taken, said) = desk.try_openssl(&words);
            assert_eq!(is_taken, answer.is_ok(), "{words}: {said}\n{answer:?}");
        }
        self.answers.len()
    }
}

impl Question {
    fn answered(&self, at: Timestamp) -> Result<(), String> {
        let read = |pem: &[u8]| -> Vec<Certificate> {
            let all = certificates_in_pem(pem).unwrap();
            all.iter().map(|der| Certificate::from_der(der).unwrap()).collect()
        };
        let (shown, trusted) = (read(&self.shown), read(&self.trusted));
        let usage = match self.host {
            Some(_) => ExtendedKeyUsage::Server,
            None => ExtendedKeyUsage::Client,
        };
        let reader = Reader {
            anchors: &trusted.iter().collect::<Vec<_>>(),
            intermediates: &shown.iter().skip(1).collect::<Vec<_>>(),
            usage: Some(&usage),
            name: self.host.as_deref(),
            at,
        };
        validate(&shown[0], &reader).map(drop).map_err(|refusal| refusal.to_string())
    }
}

/// What came out between the clients of one stage and the servers of another.
#[derive(Default)]
pub struct Talks {
    pub fine: BTreeMap<Kind, usize>,
    pub refused: Vec<(Kind, String)>,
}

/// Every client and every server that it may dial.
pub fn talks(clients: &Stage, servers: &Stage, judge: &mut Judge) -> Talks {
    let mut talks = Talks::default();
    for client in &clients.clients {
        let mut dialled = 0;
        for server in servers.servers.iter().filter(|server| server.kind == client.to) {
            // A node's own API server, by its address, or whichever the balancer chooses.
            let is_address = |host: &String| host.parse::<std::net::IpAddr>().is_ok();
            if client.dials.as_ref().is_some_and(|dialled| {
                is_address(dialled) && servers.is_address_of_another(dialled, server)
            }) {
                continue;
            }
            dialled += 1;
            match judge.talk(client, server) {
                Ok(()) => *talks.fine.entry(server.kind).or_default() += 1,
                Err(why) => {
                    let Client { what, .. } = client;
                    let why = format!("{what} -> {:?} of {}: {why}", server.kind, server.node);
                    talks.refused.push((server.kind, why));
                }
            }
        }
        assert!(dialled > 0, "nobody answers {}", client.what);
    }
    talks
}

impl Stage {
    fn is_address_of_another(&self, address: &str, server: &Server) -> bool {
        server.host.as_deref() != Some(address)
            && self
                .servers
                .iter()
                .any(|other| other.kind == server.kind && other.host.as_deref() == Some(address))
    }
}

/// Tokens that somebody signs at one stage and an API server of the other does not believe.
pub fn refused_tokens(signers: &Stage, readers: &Stage) -> Vec<String> {
    let mut refused = Vec::new();
    for (signer, key) in &signers.token_signers {
        let key = PrivateKey::from_pem(key).unwrap();
        for (reader, keys) in &readers.token_readers {
            let keys = public_keys(keys);
            if !keys.iter().any(|known| known.spki() == key.public_key().spki()) {
                refused.push(format!("a token by {signer} at {reader}"));
            }
        }
    }
    refused
}

/// The same by OpenSSL: signs with the one key, and tries the others one by one.
pub fn tokens_by_openssl(signers: &Stage, readers: &Stage) -> bool {
    let desk = Desk::new();
    desk.put("token", b"header.claims");
    desk.put("sa.key", &signers.token_signers[0].1);
    desk.openssl("dgst -sha256 -sign sa.key -out signature token");
    blocks(&readers.token_readers[0].1).iter().any(|key| {
        desk.put("sa.pub", key);
        desk.try_openssl("dgst -sha256 -verify sa.pub -signature signature token").0
    })
}

/// The PEM blocks of a file, by their last lines.
fn blocks(pem: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(pem).unwrap();
    text.split_inclusive("-----END PUBLIC KEY-----\n").map(str::to_owned).collect()
}

fn public_keys(pem: &[u8]) -> Vec<PublicKey> {
    let keys: Vec<_> =
        blocks(pem).iter().map(|block| PublicKey::from_pem(block.as_bytes()).unwrap()).collect();
    let all: BTreeSet<_> = keys.iter().map(PublicKey::spki).collect();
    assert_eq!(all.len(), keys.len(), "a key stands there twice");
    keys
}

/// What a kubelet asks the cluster for (client-go's certificate manager): a client certificate of this life.
pub fn kubelet_pair(signer: &Signer, node: &str, now: Timestamp, life: Span) -> Vec<u8> {
    let key = super::generate(kpki::algorithm::KeyAlgorithm::EcdsaP256);
    let groups = BTreeSet::from(["system:nodes".to_owned()]);
    let name = format!("system:node:{node}");
    signer.issue(key.public_key(), &name, &groups, now, life).into_bytes()
}
