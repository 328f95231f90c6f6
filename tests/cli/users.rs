//! Users from their description to the moment when a server knows them.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::process::{Output, Stdio};

use base64::Engine as _;

use kpki::facts::{AskedExtensions, RequestFacts};
use kpki::time::{Span, Timestamp};
use serde_json::json;

use crate::testkit::api_server::{ApiServer, kubectl, subject_of};
use crate::testkit::signer::Signer;
use crate::testkit::{FolderProject, ended, fed, printed, said, tool};

fn now() -> Timestamp {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap())
}

fn cluster_signer(project: &FolderProject) -> Signer {
    let read = |path: &str| std::fs::read(project.on_node("cp1", path)).unwrap();
    Signer::new(&read("pki/ca.crt"), &read("pki/ca.key"))
}

fn accept(project: &FolderProject, name: &str, certificate: &str) -> Output {
    fed(&mut project.command(&["accept", name, "-"]), certificate.as_bytes())
}

/// `1.37.0`
fn newest_schema() -> (u32, u32) {
    let help = printed(tool("kubernetes-validate").arg("--help"));
    let words = help.split_whitespace().collect::<Vec<_>>();
    let at = words.iter().rposition(|word| *word == "Defaults").unwrap();
    let version: Vec<u32> = words[at + 2].split('.').map(|part| part.parse().unwrap()).collect();
    (version[0], version[1])
}

#[test]
fn every_manifest_is_valid_in_the_three_newest_versions() {
    let project = FolderProject::example("users").applied();
    let mut files = project.files("rbac.yaml");
    files.extend(project.files("csr.yaml"));
    assert_eq!(files.len(), 5, "{files:?}");
    let files: Vec<_> = files.iter().map(|path| project.out(path)).collect();
    let (major, newest) = newest_schema();
    for minor in newest - 2..=newest {
        let version = format!("{major}.{minor}");
        let validate = || {
            let mut command = tool("kubernetes-validate");
            command.args(["--strict", "--kubernetes-version", &version]);
            command
        };
        let seen = printed(validate().args(&files));
        assert!(!seen.contains("ERROR"), "{seen}");
        // The check is real.
        let broken = project.path("broken.yaml");
        let text = project.read("users/jane/request/csr.yaml").replace("usages:", "usage:");
        std::fs::write(&broken, text).unwrap();
        let output = validate().arg(&broken).output().unwrap();
        assert!(!output.status.success(), "{}", said(&output));
    }
}

/// Static pods and role bindings of every kind of cluster that the examples show.
#[test]
fn static_pods_are_valid_in_the_three_newest_versions() {
    let (major, newest) = newest_schema();
    for (example, manifests) in
        [("ha", 13), ("external-etcd", 10), ("dual-stack", 0), ("static-pods", 13)]
    {
        let project = FolderProject::example(example).applied();
        let files = project.files(".yaml");
        assert!(files.len() >= manifests.max(5), "{example}: {files:?}");
        let files: Vec<_> = files.iter().map(|path| project.out(path)).collect();
        for minor in newest - 2..=newest {
            let version = format!("{major}.{minor}");
            let mut validate = tool("kubernetes-validate");
            validate.args(["--strict", "--kubernetes-version", &version]);
            let seen = printed(validate.args(&files));
            assert!(!seen.contains("ERROR"), "{example}: {seen}");
        }
    }
}

/// kubectl decodes the objects by its own types; `--local` asks no server.
#[test]
fn kubectl_reads_the_request_and_builds_the_kustomization() {
    let project = FolderProject::example("users").applied();
    let home = tempfile::tempdir().unwrap();
    let text = printed(
        kubectl(home.path())
            .args(["annotate", "--local", "-o", "json", "seen=yes", "-f"])
            .arg(project.out("users/jane/request/csr.yaml")),
    );
    let seen: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(seen["apiVersion"], "certificates.k8s.io/v1");
    assert_eq!(seen["kind"], "CertificateSigningRequest");
    let spec = &seen["spec"];
    assert_eq!(spec["signerName"], "kubernetes.io/kube-apiserver-client");
    assert_eq!(spec["expirationSeconds"], 90 * 86_400);
    assert_eq!(spec["usages"], json!(["client auth", "digital signature"]));
    let request = base64::engine::general_purpose::STANDARD
        .decode(spec["request"].as_str().unwrap())
        .unwrap();
    let facts = RequestFacts::from_pem(&request).unwrap();
    assert!(facts.is_signature_valid && facts.extensions == AskedExtensions::None);
    assert_eq!(facts.subject.to_string(), "O=dev, O=oncall, CN=jane");
    assert_eq!(request, project.read("users/jane/request/jane.csr").into_bytes());

    // The RBAC objects alone: a request in a synced folder would be created again for ever.
    let built = printed(kubectl(home.path()).arg("kustomize").arg(project.out("users/jane")));
    let kinds: Vec<&str> = built.lines().filter_map(|line| line.strip_prefix("kind: ")).collect();
    assert_eq!(kinds, ["RoleBinding", "RoleBinding", "RoleBinding", "ClusterRoleBinding"]);
    assert!(built.contains("name: kpki:jane:role:pager:group:oncall"), "{built}");
    let yaml = project.files(".yaml").into_iter().filter(|path| path.starts_with("users/ci/"));
    assert_eq!(yaml.collect::<Vec<_>>(), ["users/ci/kustomization.yaml", "users/ci/rbac.yaml"]);
}

/// OpenSSL's opinion, for every algorithm: signature, order of the subject, nothing else asked for.
#[test]
fn openssl_reads_every_request() {
    let mut text = String::from(
        "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n",
    );
    let keys = ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "ed25519"];
    for key in keys {
        writeln!(
            text,
            "user \"{key}\" {{ via \"csr\"; key {key:?}; common-name \"{key}@example.com\"; group \"ops\" \"dev\" }}"
        )
        .unwrap();
    }
    let project = FolderProject::described(&text).applied();
    for key in keys {
        let mut openssl = tool("openssl");
        openssl.args(["req", "-noout", "-verify", "-text", "-nameopt", "RFC2253", "-in"]);
        openssl.arg(project.out(&format!("users/{key}/request/{key}.csr")));
        let output = openssl.output().unwrap();
        let seen = said(&output);
        assert!(output.status.success() && seen.contains("verify OK"), "{seen}");
        assert!(seen.contains(&format!("CN={key}@example.com,O=ops,O=dev")), "{seen}");
        assert!(!seen.contains("X509v3"), "{seen}");
        let manifest = project.read(&format!("users/{key}/request/csr.yaml"));
        let enciphers = manifest.contains("  - key encipherment\n");
        assert_eq!(enciphers, key == "rsa-2048", "{manifest}");
    }
}

fn description(port: u16) -> String {
    format!(
        r#"
        cluster "lab" {{ endpoint "localhost:{port}"; }}
        node "cp1" role="control-plane" address="127.0.0.1"
        user "jane" {{ via "csr"; group "ops" "dev"; validity "90d"; namespace "shop"; }}
        user "omar" {{ via "csr"; csr "omar.csr"; }}
        "#
    )
}

/// Request, signature by the controller-manager's rules, accept, and a login where that CA is demanded.
#[test]
fn a_server_knows_whom_the_cluster_signed_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let project = FolderProject::described(&description(port));
    let key = project.path("omar.key");
    let made = |arguments: &str| {
        printed(tool("openssl").args(arguments.split(' ')).current_dir(project.folder()))
    };
    made("ecparam -name prime256v1 -genkey -noout -out omar.key");
    made("req -new -key omar.key -subj /CN=omar -out omar.csr");
    let project = project.applied();
    let signer = cluster_signer(&project);
    let server = ApiServer::start(listener, &project);
    let home = tempfile::tempdir().unwrap();

    for (user, subject) in [("jane", "CN=jane,O=ops+O=dev"), ("omar", "CN=omar")] {
        let config = project.out(&format!("users/{user}/{user}.kubeconfig"));
        assert!(!config.exists());
        let request = project.read(&format!("users/{user}/request/{user}.csr"));
        let certificate = signer.sign(request.as_bytes(), now(), Span::days(7));
        let output = accept(&project, &format!("users/{user}"), &certificate);
        let seen = ended(&output, 0);
        assert!(seen.contains("signed for 7 days"), "{seen}");
        assert!(seen.contains(&format!("wrote out/users/{user}/{user}.crt\n")), "{seen}");
        assert!(seen.contains(&format!("wrote out/users/{user}/{user}.kubeconfig\n")), "{seen}");
        if user == "omar" {
            let text = std::fs::read_to_string(&config).unwrap();
            assert!(text.ends_with("    client-key: omar.key\n"), "{text}");
            // He keeps both in a folder of his own.
            std::fs::copy(&key, home.path().join("omar.key")).unwrap();
        }
        let config = match user {
            "omar" => {
                let own = home.path().join("omar.kubeconfig");
                std::fs::copy(&config, &own).unwrap();
                own
            }
            _ => config,
        };
        let output = kubectl(home.path())
            .arg("--kubeconfig")
            .arg(&config)
            .args(["version", "-o", "json"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}\n{:?}", said(&output), server.next());
        // Some kubectl asks twice.
        let is_it = |_| subject_of(&server.next().unwrap(), home.path()) == subject;
        assert!((0..3).any(is_it), "{user} is somebody else");
        let shown = project.kpki(&["show", config.to_str().unwrap()]);
        assert!(shown.status.success(), "{}", said(&shown));

        // The same once more changes nothing.
        let output = accept(&project, &format!("users/{user}"), &certificate);
        assert_eq!(said(&output), format!("users/{user} has this certificate already\n"));
    }
    let plan = project.kpki(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.status.code(), Some(0), "{}", said(&plan));
    assert!(!said(&plan).contains("wait"), "{}", said(&plan));
}

#[test]
fn what_is_not_the_answer_is_refused_and_never_shown() {
    let project = FolderProject::example("users").applied();
    let signer = cluster_signer(&project);
    let before = project.entries().len();
    let lock = std::fs::read(project.path("cluster.lock")).unwrap();
    let key = std::fs::read_to_string(project.out("users/jane/jane.key")).unwrap();
    let omar = project.read("users/omar/request/omar.csr");
    let cases = [
        (key.clone(), 1, "holds a private key"),
        (signer.sign(omar.as_bytes(), now(), Span::days(1)), 1, "for another key"),
        (String::new(), 1, "is empty"),
        (project.read("ca/kubernetes.crt"), 1, "for another key"),
    ];
    for (certificate, code, why) in cases {
        let output = accept(&project, "users/jane", &certificate);
        let seen = ended(&output, code);
        assert!(seen.contains(why) && seen.contains("nothing was written"), "{seen}");
        for line in key.lines() {
            assert!(!seen.contains(line), "the key was shown");
        }
    }
    let output = accept(&project, "users/ci", "");
    assert_eq!(output.status.code(), Some(64), "{}", said(&output));
    let output = ended(&project.kpki(&["accept", "users/jane", "nowhere.crt"]), 1);
    assert!(output.contains("nowhere.crt: no such file"), "{output}");
    assert_eq!(project.entries().len(), before);
    assert_eq!(std::fs::read(project.path("cluster.lock")).unwrap(), lock);
}

/// Until it is answered a request is shown by every command, with what to do.
#[test]
fn a_waiting_request_is_shown_everywhere() {
    let project = FolderProject::example("users").applied();
    let yaml = project.read("users/jane/request/csr.yaml");
    let request = yaml.lines().find_map(|line| line.strip_prefix("  name: ")).unwrap();
    let approve = format!("kubectl certificate approve {request}");
    for command in [&["plan"][..], &["show", "users/jane"], &["apply"]] {
        let seen = said(&project.kpki(command));
        assert!(seen.contains(&approve), "{command:?}: {seen}");
        assert!(seen.contains("kubectl create -f out/users/jane/request/csr.yaml"), "{seen}");
        assert!(seen.contains("base64 -d | kpki accept users/jane -"), "{seen}");
    }
    let seen = said(&project.kpki(&["status"]));
    assert!(seen.contains("2 requests wait") && seen.contains(request), "{seen}");
    for command in ["plan", "status"] {
        let seen = said(&project.kpki(&[command, "--format", "json"]));
        let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
        assert_eq!(seen["waiting"][0]["name"], "users/jane");
        assert_eq!(seen["waiting"][0]["request"], request);
        assert_eq!(seen["waiting"][1]["name"], "users/omar");
    }
    let plan = project.kpki(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.status.code(), Some(0), "waiting is no change");
    for (path, state) in [("jane/jane.key", true), ("omar/omar.key", false)] {
        assert_eq!(project.out(&format!("users/{path}")).exists(), state, "{path}");
    }
}

/// What waits may hold a key: a crash must not put it on a disk.
#[test]
fn no_core_file_is_written() {
    let project = FolderProject::example("users").applied();
    let mut waiting = project
        .shell("ulimit -c unlimited 2>/dev/null; exec \"$0\" accept users/jane -")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let limits = format!("/proc/{}/limits", waiting.id());
    let start = std::time::Instant::now();
    let found = loop {
        let text = std::fs::read_to_string(&limits).unwrap();
        let line = text.lines().find(|line| line.starts_with("Max core file size"));
        let words: Vec<&str> = line.unwrap().split_whitespace().collect();
        if words[4..6] == ["0", "0"] || start.elapsed().as_secs() > 10 {
            break words[4..6].join(" ");
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    drop(waiting.stdin.take());
    waiting.wait().unwrap();
    assert_eq!(found, "0 0");
}
