//! `kpki show` and `kpki diff` on files that others made: every extension, key, signature and form of
//! kubeconfig has its name, names are escaped once, and no secret is told.

use std::process::Command;

use crate::testkit::{Desk, FolderProject, ended, fed, kpki};

/// Extensions as OpenSSL's x509v3_config writes them.
const EXTENSIONS: &str = r"
basicConstraints = critical,CA:TRUE,pathlen:2
keyUsage = critical,keyCertSign
nameConstraints = critical,permitted;DNS:acme.internal,permitted;IP:10.0.0.0/255.0.0.0,excluded;DNS:evil.acme.internal
certificatePolicies = 1.2.3.4,2.5.29.32.0,@policy
policyConstraints = requireExplicitPolicy:3
policyMappings = 1.2.3.4:1.2.3.5
inhibitAnyPolicy = 2
authorityInfoAccess = OCSP;URI:http://ocsp.acme.com,caIssuers;URI:http://acme.com/ca.crt
crlDistributionPoints = URI:http://acme.com/ca.crl
issuerAltName = DNS:issuer.acme.com
nsComment = hello
nsCertType = server,sslCA
tlsfeature = status_request
1.3.6.1.4.1.311.20.2 = ASN1:BMPSTRING:WebServer
1.3.6.1.5.5.7.48.1.5 = DER:0500
1.2.3.4.5.6 = critical,DER:0403010203
extendedKeyUsage = serverAuth,codeSigning,emailProtection,timeStamping,OCSPSigning,anyExtendedKeyUsage,ipsecEndSystem,msSmartcardLogin,1.2.3.4
subjectAltName = dirName:dn,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:jane@acme.com
";
const POLICY: &str = "[policy]\npolicyIdentifier = 1.2.3.7\nCPS.1 = http://acme.com/cps\n";

/// A self-signed certificate over `k.pem` with these extensions.
fn issue(desk: &Desk, name: &str, extensions: &str) {
    if !desk.path("k.pem").exists() {
        desk.openssl("ecparam -name prime256v1 -genkey -noout -out k.pem");
    }
    let config = format!(
        "[req]\ndistinguished_name = dn\nprompt = no\n[dn]\nO = Entrust, Inc.\nCN = x\n[x]\n{extensions}\n{POLICY}"
    );
    desk.put("x.cnf", config);
    desk.openssl(&format!(
        "req -x509 -new -key k.pem -config x.cnf -extensions x -days 30 -out {name}"
    ));
}

fn run(desk: &Desk, arguments: &[&str], code: i32) -> String {
    let mut command = kpki(&desk.path(""));
    ended(&command.args(arguments).output().unwrap(), code)
}

/// Lines without the columns between their words.
fn words(text: &str) -> String {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_extension_has_its_name_and_the_critical_ones_come_first() {
    let desk = Desk::new();
    issue(&desk, "all.crt", EXTENSIONS);
    let text = words(&run(&desk, &["show", "./all.crt"], 0));
    for line in [
        "critical basic constraints, key usage",
        "critical name constraints: only DNS:acme.internal, only IP:10.0.0.0/8, not DNS:evil.acme.internal",
        "critical 1.2.3.4.5.6: 0403010203 (Kubernetes does not handle it, so it refuses every chain with it)",
        "extension certificate policies: 1.2.3.4, 2.5.29.32.0 (any policy), 1.2.3.7, statement http://acme.com/cps",
        "extension policy constraints: a policy is required after 3 certificates",
        "extension policy mappings: 1.2.3.4 is 1.2.3.5",
        "extension inhibit any policy: after 2 certificates",
        "extension authority information access: OCSP URI:http://ocsp.acme.com, CA issuers URI:http://acme.com/ca.crt",
        "extension CRL distribution points: URI:http://acme.com/ca.crl",
        "extension issuer alternative names: DNS:issuer.acme.com",
        "extension Netscape comment: hello",
        "extension Netscape certificate type: SSL server, SSL CA",
        "extension TLS feature: status_request (must staple)",
        "extension Microsoft template name: WebServer",
        "extension OCSP no check",
        "usages server, 1.2.3.4, microsoft smart card logon, code signing, email protection, ipsec end system, timestamping, ocsp signing, any",
        "sans directory name O=Entrust\\, Inc., CN=x, other name user principal name:jane@acme.com",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}\n{text}");
    }
    let last_critical = text.lines().filter(|line| line.starts_with("critical")).count();
    let first = text.lines().position(|line| line.starts_with("critical")).unwrap();
    let plain = text.lines().position(|line| line.starts_with("extension")).unwrap();
    assert_eq!(first + last_critical, plain, "{text}");

    let json = run(&desk, &["show", "--format", "json", "./all.crt"], 0);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let certificate = &json["file"]["holds"][0]["certificate"];
    let all = certificate["extensions"].as_array().unwrap();
    // OpenSSL adds the identifier of the key.
    let written = EXTENSIONS.lines().filter(|line| line.contains(" = ")).count();
    assert_eq!(all.len(), written + 1);
    let unknown = all.iter().find(|one| one["oid"] == "1.2.3.4.5.6").unwrap();
    assert_eq!(unknown["critical"], true);
    assert_eq!(unknown["handled"], false);
    assert_eq!(unknown["bytes"], "0403010203");
}

/// What differs in an extension is told, not only that bytes do.
#[test]
fn a_difference_in_an_extension_is_told() {
    let desk = Desk::new();
    let ca = "basicConstraints = critical,CA:TRUE\nkeyUsage = keyCertSign";
    issue(&desk, "old.crt", ca);
    for (more, told) in [
        (
            "nameConstraints = critical,permitted;DNS:acme.internal",
            &[
                "critical: +name constraints",
                "extensions: +name constraints: only DNS:acme.internal",
            ][..],
        ),
        ("certificatePolicies = 1.2.3.4", &["extensions: +certificate policies: 1.2.3.4"]),
        ("1.2.3.4.5 = DER:0500", &["extensions: +1.2.3.4.5: 0500"]),
        ("1.2.3.4.5 = critical,DER:0500", &["critical: +1.2.3.4.5"]),
        ("subjectAltName = dirName:dn", &["sans: +directory name O=Entrust\\, Inc., CN=x"]),
        ("extendedKeyUsage = codeSigning", &["usages: +code signing"]),
    ] {
        issue(&desk, "new.crt", &format!("{ca}\n{more}"));
        let text = words(&run(&desk, &["diff", "./old.crt", "./new.crt"], 2));
        for told in told {
            assert!(text.contains(told), "{more}\n{text}");
        }
    }
    issue(&desk, "new.crt", "basicConstraints = CA:TRUE\nkeyUsage = critical,keyCertSign");
    let text = words(&run(&desk, &["diff", "./old.crt", "./new.crt"], 2));
    assert!(text.contains("critical: -basic constraints, +key usage"), "{text}");
    issue(&desk, "old.crt", &format!("{ca}\n1.2.3.4.5 = DER:0500"));
    issue(&desk, "new.crt", &format!("{ca}\n1.2.3.4.5 = DER:0101FF"));
    let text = words(&run(&desk, &["diff", "./old.crt", "./new.crt"], 2));
    assert!(text.contains("extensions: -1.2.3.4.5: 0500, +1.2.3.4.5: 0101ff"), "{text}");
}

#[test]
fn keys_and_signatures_have_names() {
    let desk = Desk::new();
    let curve = |name: &str| format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{name}");
    let rsa = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048".to_owned();
    desk.openssl(
        "genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:2048 -out dsa.params",
    );
    for (name, make, key, sign, signature) in [
        ("p521", curve("P-521"), "ecdsa-p521", "-sha512", "ecdsa-with-SHA512"),
        ("p224", curve("P-224"), "ecdsa-p224", "-sha224", "ecdsa-with-SHA224"),
        ("k1", curve("secp256k1"), "ecdsa-secp256k1", "-sha256", "ecdsa-with-SHA256"),
        (
            "explicit",
            format!("{} -pkeyopt ec_param_enc:explicit", curve("P-256")),
            "ecdsa with explicit parameters",
            "-sha1",
            "ecdsa-with-SHA1",
        ),
        ("ed448", "genpkey -algorithm ED448".to_owned(), "ed448", "", "ED448"),
        (
            "pss",
            "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048".to_owned(),
            "rsa-pss",
            "-sha384 -sigopt rsa_pss_saltlen:48",
            "rsassaPss with sha384 and a salt of 48 bytes",
        ),
        ("dsa", "genpkey -paramfile dsa.params".to_owned(), "dsa", "-sha256", "dsa_with_SHA256"),
        ("md5", rsa.clone(), "rsa-2048", "-md5", "md5WithRSAEncryption"),
        ("sha224", rsa.clone(), "rsa-2048", "-sha224", "sha224WithRSAEncryption"),
        (
            "padded",
            rsa,
            "rsa-2048",
            "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32",
            "rsassaPss with sha256 and a salt of 32 bytes",
        ),
    ] {
        desk.openssl(&format!("{make} -out {name}.key"));
        let sign = if sign.is_empty() { String::new() } else { format!(" {sign}") };
        desk.openssl(&format!("req -x509 -new -key {name}.key{sign} -subj /CN=x -out {name}.crt"));
        let text = words(&run(&desk, &["show", &format!("./{name}.crt")], 0));
        assert!(text.contains(&format!("\nkey {key}\n")), "{name}\n{text}");
        assert!(text.contains(&format!("\nsignature {signature}\n")), "{name}\n{text}");
        // Of a private key its kind at least.
        let text = words(&run(&desk, &["show", &format!("./{name}.key")], 0));
        assert!(text.contains(&format!("private key\nkey {key}\n")), "{name}\n{text}");
    }
}

const SECRET: &str = "a-word-that-nobody-may-see";

fn kubeconfigs(desk: &Desk) -> String {
    issue(desk, "ca.crt", "basicConstraints = critical,CA:TRUE");
    let ca = desk.openssl("base64 -A -in ca.crt");
    let key = desk.openssl("base64 -A -in k.pem");
    format!(
        r#"apiVersion: v1
kind: Config
clusters:
- {{name: open, cluster: {{server: "https://jane:{SECRET}@a:6443", insecure-skip-tls-verify: true, proxy-url: "socks5://p:{SECRET}@localhost:1080"}}}}
- {{name: files, cluster: {{server: "https://b", certificate-authority: /etc/ca.crt, tls-server-name: api.b, odd: {SECRET}}}}}
- {{name: both, cluster: {{server: "https://c", certificate-authority-data: {ca}, insecure-skip-tls-verify: true}}}}
- {{name: "c\u202e, Inc.\\", cluster: {{server: "https://d", certificate-authority-data: {ca}}}}}
contexts:
- {{name: token, context: {{cluster: open, user: token, namespace: dev}}}}
- {{name: exec, context: {{cluster: files, user: exec}}}}
- {{name: password, context: {{cluster: "c\u202e, Inc.\\", user: password}}}}
- {{name: gone, context: {{cluster: gone, user: gone}}}}
- {{name: provider, context: {{cluster: files, user: provider}}}}
- {{name: nobody, context: {{cluster: files}}}}
- {{name: embedded, context: {{cluster: files, user: embedded}}}}
- {{name: kubelet, context: {{cluster: files, user: kubelet}}}}
current-context: exec
users:
- {{name: token, user: {{token: {SECRET}, tokenFile: /run/token, as: root, as-groups: [one, two]}}}}
- {{name: exec, user: {{exec: {{command: aws, args: [--secret, {SECRET}], env: [{{name: AWS_PROFILE, value: {SECRET}}}]}}}}}}
- {{name: password, user: {{username: admin, password: {SECRET}}}}}
- {{name: provider, user: {{auth-provider: {{name: oidc, config: {{client-secret: {SECRET}}}}}}}}}
- {{name: embedded, user: {{client-certificate-data: {ca}, client-key-data: {key}}}}}
- {{name: kubelet, user: {{client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem, client-key: /var/lib/kubelet/pki/kubelet-client-current.pem}}}}
- {{name: broken, user: {{client-certificate-data: "%%%"}}}}
"#
    )
}

#[test]
fn a_kubeconfig_of_any_form_is_told_and_its_secrets_are_not() {
    let desk = Desk::new();
    let config = kubeconfigs(&desk);
    let key = desk.openssl("base64 -A -in k.pem");
    desk.put("config", &config);
    let text = run(&desk, &["show", "./config"], 0);
    let json = run(&desk, &["show", "--format", "json", "./config"], 0);
    for out in [&text, &json] {
        assert!(!out.contains(SECRET) && !out.contains(&key[..40]), "{out}");
    }
    let text = words(&text);
    assert!(text.starts_with("./config: kubeconfig\ncontext exec (current)\n"), "{text}");
    for told in [
        "trusts ANY server, whoever it is (insecure-skip-tls-verify)",
        "server https://…@a:6443\n",
        "proxy socks5://…@localhost:1080\n",
        "trusts the CAs in /etc/ca.crt\nserver name api.b\nother fields odd\n",
        "wrong insecure-skip-tls-verify beside a CA, so client-go does not connect",
        "logs in by the program aws with 2 arguments (not shown), which gets AWS_PROFILE\n",
        "namespace dev\nuser token\nlogs in by a token, which is not shown\nlogs in by the token in /run/token\nacts as root\nin groups one, two\n",
        "logs in by the name admin and a password, which is not shown\n",
        "wrong names the cluster gone, which is not in clusters\nwrong names the user gone, which is not in users\n",
        "logs in by the auth provider oidc\n",
        "user nobody: the API server sees system:anonymous\n",
        "private key belongs to the certificate\n",
        "logs in by the certificate in /var/lib/kubelet/pki/kubelet-client-current.pem\nprivate key in the file /var/lib/kubelet/pki/kubelet-client-current.pem\n",
        "user broken (no context names it)\nwrong client-certificate-data is not base64, so client-go refuses the file",
        // Once: `\` of the name, and what hides.
        "cluster c\\u{202e}, Inc.\\\\\n",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    // Without a current one each is told, in kubeadm's discovery file the cluster alone.
    desk.put("config", config.replace("current-context: exec\n", ""));
    let text = words(&run(&desk, &["show", "./config"], 0));
    assert!(text.contains("current none: kubectl --context names one"), "{text}");
    assert_eq!(text.matches("\ncontext ").count(), 8, "{text}");
    let ca = desk.openssl("base64 -A -in ca.crt");
    desk.put(
        "config",
        format!(
            "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {ca}\n    server: https://a:6443\n  \
             name: \"\"\ncontexts: null\ncurrent-context: \"\"\nkind: Config\npreferences: {{}}\nusers: null\n"
        ),
    );
    let text = words(&run(&desk, &["show", "./config"], 0));
    let cluster = "server https://a:6443\ntrusts O=Entrust\\, Inc., CN=x";
    assert!(text.contains(cluster), "{text}");
    desk.put("other.yaml", "a: b\n");
    let text = run(&desk, &["show", "./other.yaml"], 1);
    assert!(text.contains("and has no current-context, cluster or user"), "{text}");
}

/// Each form against every other one: the same is said of none.
#[test]
fn kubeconfigs_of_different_forms_differ() {
    let desk = Desk::new();
    let config = kubeconfigs(&desk);
    desk.put("a", &config);
    for name in ["token", "password", "gone", "provider", "nobody", "embedded", "kubelet"] {
        desk.put("b", config.replace("current-context: exec", &format!("current-context: {name}")));
        let text = run(&desk, &["diff", "./a", "./b"], 2);
        assert!(text.contains(&format!("context: exec -> {name}")), "{text}");
        assert!(!text.contains(SECRET), "{text}");
    }
    desk.put("b", config.replace("command: aws", "command: gcloud"));
    assert!(run(&desk, &["diff", "./a", "./b"], 2).contains("exec: aws -> gcloud"));
    desk.put("b", config.replace(SECRET, "another"));
    run(&desk, &["diff", "./a", "./b"], 2);
}

/// RFC 4514 escapes a comma and a backslash, kpki what hides or turns the order: each once, in text; JSON
/// has its own escape around that.
#[test]
fn a_name_is_escaped_once() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.path("tree/pki")).unwrap();
    issue(&desk, "tree/pki/ca.crt", "basicConstraints = critical,CA:TRUE\nkeyUsage = cRLSign");
    let subject = "/O=Entrust, Inc./OU=a\\\\b \"q\"/CN=z\u{200b}w\u{202e}\n";
    let mut command: Command = crate::testkit::tool("openssl");
    command.current_dir(desk.path("")).args(["req", "-x509", "-new", "-utf8", "-key", "k.pem"]);
    command.args(["-subj", subject, "-days", "1", "-out", "tree/pki/apiserver.crt"]);
    ended(&command.output().unwrap(), 0);
    let name = "O=Entrust\\, Inc., OU=a\\\\b \"q\", CN=z\\u{200b}w\\u{202e}\\n";
    let json = serde_json::to_string(name).unwrap();
    let json = json.trim_matches('"');
    for (arguments, code) in [
        (&["show", "tree/pki/apiserver.crt"][..], 0),
        (&["verify", "tree"], 2),
        (&["diff", "tree/pki/ca.crt", "tree/pki/apiserver.crt"], 2),
    ] {
        let text = words(&run(&desk, arguments, code));
        let wide = text.replace('\n', " ");
        assert!(wide.contains(name), "{name}\n{text}");
        assert!(wide.contains("O=Entrust\\, Inc., CN=x") || arguments[0] == "show", "{text}");
        assert!(!wide.contains("Entrust\\\\"), "{text}");
        let text = run(&desk, &[arguments, &["--format", "json"]].concat(), code);
        assert!(text.contains(json), "{json}\n{text}");
        assert!(!text.contains("Entrust\\\\\\\\"), "{text}");
    }
}

/// A CA that was brought, in plan, status and diff.
#[test]
fn the_name_of_a_brought_ca_is_escaped_once() {
    let desk = Desk::new();
    let extensions = "basicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign";
    issue(&desk, "ca.crt", extensions);
    let lab = FolderProject::described(
        "cluster \"lab\"\nnode \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n",
    )
    .applied();
    lab.write("ca.crt", desk.read("ca.crt"));
    lab.describe_more("ca \"front-proxy\" certificate=\"ca.crt\"\n");
    for words in
        ["plan", "plan --format json", "plan --format markdown", "status", "status --format json"]
    {
        let output = lab.typed(words).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let twice = if words.ends_with("json") { "Entrust\\\\\\\\" } else { "Entrust\\\\" };
        assert!(!text.contains(twice), "{words}\n{text}");
        assert!(!words.starts_with("plan") || text.contains("Entrust"), "{words}\n{text}");
    }
}

#[test]
fn standard_input_is_shown_as_a_file_is() {
    let desk = Desk::new();
    issue(&desk, "ca.crt", "basicConstraints = critical,CA:TRUE");
    desk.openssl("x509 -in ca.crt -outform DER -out ca.der");
    desk.openssl("req -new -key k.pem -subj /CN=jane -out jane.csr");
    let show = |input: &[u8], code| {
        let mut command = kpki(&desk.path(""));
        ended(&fed(command.args(["show", "-"]), input), code)
    };
    for (name, told) in [
        ("ca.crt", "what came on standard input: CA certificate\n"),
        ("ca.der", "what came on standard input: CA certificate\n"),
        ("jane.csr", "what came on standard input: certificate request\n"),
        ("k.pem", "what came on standard input: private key\n"),
    ] {
        let text = show(&desk.read(name), 0);
        assert!(text.starts_with(told), "{text}");
    }
    let key = String::from_utf8(desk.read("k.pem")).unwrap();
    let text = show(key.as_bytes(), 0);
    assert!(!key.lines().skip(1).any(|line| text.contains(line)), "{text}");
    assert!(show(kubeconfigs(&desk).as_bytes(), 0).contains("kubeconfig\n"));
    assert!(show(b"", 1).contains("what came on standard input is empty"));
    let text = show(&vec![b'x'; (1 << 20) + 1], 1);
    assert!(text.contains("what came on standard input: larger than 1 MiB"), "{text}");
}

/// What is written of one leaf is shown with its line, and what follows from the version with that.
#[test]
fn what_a_leaf_says_is_shown_with_its_place() {
    let project = FolderProject::described(
        "cluster \"lab\" endpoint=\"api.lab\"\n\
         node \"cp1\" role=\"control-plane\" address=\"10.0.0.11\" {\n\
         leaf \"apiserver\" { san \"kubernetes\" \"old.lab\" \"10.96.0.1\" \"10.0.0.11\"; }\n\
         leaf \"kubelet\" { group #null; server \"https://10.0.0.11:6443\"; }\n\
         }\n\
         component \"admin\" admin-group=\"system:masters\"\n\
         ca \"etcd\" keys-on-nodes=#true\n",
    );
    for (name, expected) in [
        ("nodes/cp1/apiserver", &[["san", "old.lab", "(cluster.kdl:3)"]][..]),
        ("nodes/cp1/kubelet", &[["organization", "none", "(cluster.kdl:4)"]]),
        ("nodes/cp1/kubelet.conf", &[["server", "https://10.0.0.11:6443", "(cluster.kdl:4)"]]),
        ("nodes/cp1/scheduler.conf", &[["server", "https://10.0.0.11:6443", "same node"]]),
        ("nodes/cp1/admin", &[["organization", "system:masters", "(cluster.kdl:6)"]]),
        ("nodes/cp1/super-admin", &[["organization", "system:masters", "(kubernetes 1."]]),
        ("ca/etcd", &[["its key lies", "on control-plane nodes, too", "(cluster.kdl:7)"]]),
    ] {
        let shown = project.done(&["show", name]);
        for words in expected {
            let is_meant = |line: &str| words.iter().all(|word| line.contains(word));
            assert!(shown.lines().any(is_meant), "{name}: {words:?} in\n{shown}");
        }
    }
}
