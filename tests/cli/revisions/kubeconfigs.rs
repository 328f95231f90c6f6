//! `kpki diff` of folders reads kubeconfigs as client-go does, and what it cannot read is never the same.

use std::fs;

use crate::testkit::{Desk, ended, kpki};

struct Sides {
    desk: Desk,
    ca: String,
}

impl Sides {
    fn new() -> Self {
        let desk = Desk::new();
        desk.openssl("ecparam -name prime256v1 -genkey -noout -out ca.key");
        desk.openssl("req -x509 -key ca.key -subj /CN=ca -days 400 -out ca.crt");
        fs::create_dir(desk.path("a")).unwrap();
        fs::create_dir(desk.path("b")).unwrap();
        let ca = desk.openssl("base64 -A -in ca.crt");
        Sides { desk, ca: ca.trim().to_owned() }
    }

    /// A kubeconfig with these fields of its cluster and its user.
    fn config(&self, cluster: &str, user: &str) -> String {
        let ca = &self.ca;
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- cluster: {{certificate-authority-data: {ca}, \
             server: 'https://10.0.0.11:6443'{cluster}}}\n  name: k\ncontexts:\n- context: {{cluster: k, \
             user: u}}\n  name: u@k\ncurrent-context: u@k\nusers:\n- name: u\n  user: {{{user}}}\n"
        )
    }

    fn diff(&self, name: &str, before: &str, after: &str, code: i32) -> String {
        for (side, text) in [("a", before), ("b", after)] {
            fs::write(self.desk.path(side).join(name), text).unwrap();
        }
        let folder = self.desk.path("");
        let output = kpki(&folder)
            .args(["diff", "a", "b"])
            .env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap())
            .output()
            .unwrap();
        let text = ended(&output, code);
        for side in ["a", "b"] {
            fs::remove_file(self.desk.path(side).join(name)).unwrap();
        }
        text
    }
}

const KUBELET: &str = "client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem, \
                       client-key: /var/lib/kubelet/pki/kubelet-client-current.pem";

/// Field by field: cluster and user before and after, and what must be said.
#[test]
fn every_field_that_differs_is_told() {
    let sides = Sides::new();
    let token = "token: first-secret";
    let exec = "exec: {command: aws, args: [--secret, first-secret], env: [{name: K, value: first-secret}]}";
    let cases = [
        ((", server: x", KUBELET), ("", KUBELET), ""),
        (("", KUBELET), (", tls-server-name: other", KUBELET), "tls-server-name: +other"),
        (("", KUBELET), (", proxy-url: 'http://p:1'", KUBELET), "proxy-url: +http://p:1"),
        (
            ("", token),
            (", insecure-skip-tls-verify: true", token),
            "insecure-skip-tls-verify: +yes",
        ),
        (("", token), (", disable-compression: true", token), "disable-compression: +yes"),
        (("", token), (", new-field: 1", token), "other-fields: +new-field"),
        (("", token), ("", "token: second-secret"), "token: "),
        (("", token), ("", "tokenFile: /t"), "token-file: +/t"),
        (
            ("", "username: a, password: first-secret"),
            ("", "username: a, password: second-secret"),
            "password: ",
        ),
        (("", "username: a, password: x"), ("", "username: b, password: x"), "username: a -> b"),
        (("", exec), ("", "exec: {command: oci}"), "exec: aws -> oci"),
        (("", exec), ("", &exec.replace("first-secret}", "second-secret}")), "exec-settings: "),
        (("", exec), ("", &exec.replace(", first-secret]", ", second-secret]")), "exec-settings: "),
        (
            ("", "auth-provider: {name: oidc}"),
            ("", "auth-provider: {name: gcp}"),
            "auth-provider: oidc -> gcp",
        ),
        (
            ("", "auth-provider: {name: oidc, config: {id-token: first-secret}}"),
            ("", "auth-provider: {name: oidc, config: {id-token: second-secret}}"),
            "auth-provider-settings: ",
        ),
        (("", token), ("", "token: first-secret, as: root"), "as: +root"),
        (
            ("", token),
            ("", "token: first-secret, as-groups: [system:masters]"),
            "as-groups: +system:masters",
        ),
        (("", token), ("", "token: first-secret, as-user-extra: {a: [b]}"), "as-user-extra: "),
        (("", KUBELET), ("", "client-certificate: /x, client-key: /y"), "client-key: "),
        (
            ("", "client-key-data: Zmlyc3Q="),
            ("", "client-key-data: c2Vjb25k"),
            "private-key-data: ",
        ),
        (
            (", proxy-url: 'http://me:first-secret@p:1'", token),
            (", proxy-url: 'http://me:second-secret@p:1'", token),
            "proxy-login: ",
        ),
        // A boolean that is off is as none; a text is no boolean.
        (
            ("", token),
            (", insecure-skip-tls-verify: 'true'", token),
            "cannot be read: it is no boolean",
        ),
    ];
    for (before, after, expected) in cases.iter().skip(1) {
        let [one, other] = [before, after].map(|(cluster, user)| sides.config(cluster, user));
        let text = sides.diff("kubelet.conf", &one, &other, 2);
        assert!(text.contains(expected), "{expected}: {text}");
        assert!(!text.contains("first-secret") && !text.contains("second-secret"), "{text}");
        sides.diff("kubelet.conf", &one, &one, 0);
        sides.diff("kubelet.conf", &other, &other, 0);
    }
    let off = sides.config(", insecure-skip-tls-verify: false", token);
    sides.diff("kubelet.conf", &sides.config("", token), &off, 0);
}

#[test]
fn what_the_current_context_does_not_name_is_told() {
    let sides = Sides::new();
    let one = sides.config("", KUBELET);
    let server = one.replace("10.0.0.11", "evil.example.com");
    let text = sides.diff("kubelet.conf", &one, &server, 2);
    assert!(
        text.contains("server: https://10.0.0.11:6443 -> https://evil.example.com:6443"),
        "{text}"
    );
    let more = one.clone() + "- name: v\n  user: {token: x}\n";
    assert!(sides.diff("admin.conf", &one, &more, 2).contains("+ admin.conf user v"));
    let another = one.clone() + "- name: v\n  user: {token: y}\n";
    assert!(sides.diff("admin.conf", &more, &another, 2).contains("token: "));
    // kubeadm's discovery file has no current context.
    let open = |text: &str| text.replace("current-context: u@k", "current-context: ''");
    assert!(sides.diff("d.conf", &open(&one), &open(&server), 2).contains("evil.example.com"));
    assert!(sides.diff("d.conf", &one, &open(&one), 2).contains("context: -u@k"));
    let nowhere = one.replace("current-context: u@k", "current-context: w@k");
    assert!(sides.diff("d.conf", &one, &nowhere, 2).contains("cannot be read"));
}

/// Two that cannot be read: the same only byte for byte.
#[test]
fn what_cannot_be_read_is_a_difference() {
    let sides = Sides::new();
    let good = sides.config("", "token: s");
    let pem = fs::read_to_string(sides.desk.path("ca.crt")).unwrap();
    let indented = pem.replace('\n', "\n    ");
    let in_pem = good.replace(
        &format!("{{certificate-authority-data: {}, ", sides.ca),
        &format!("\n    certificate-authority-data: |\n    {indented}\n    "),
    );
    let in_pem = in_pem.replace("'https://10.0.0.11:6443'}", "'https://10.0.0.11:6443'");
    let cases: [(&str, String, String); 9] = [
        ("two.conf", good.clone() + "---\na: 1\n", good.clone() + "---\na: 2\n"),
        (
            "twice.conf",
            good.replace("users:\n", "users:\n- name: u\n"),
            good.replace("users:\n", "users:\n- name: u\n  user: {}\n"),
        ),
        ("data.conf", good.replace(&sides.ca, "@@@"), good.replace(&sides.ca, "@@")),
        ("pem.conf", in_pem.clone(), in_pem.replace("token: s", "token: t")),
        ("other.conf", "nameserver 10.0.0.1\n".into(), "nameserver 10.0.0.2\n".into()),
        ("x.crt", "no certificate".into(), "none either".into()),
        ("y.pem", pem.replace("MII", "MIJ"), pem.replace("MII", "MIK")),
        ("k3s.yaml", good.clone(), good.replace("10.0.0.11", "10.0.0.12")),
        ("config", good.clone(), good.replace("token: s", "token: t")),
    ];
    for (name, one, other) in cases {
        assert_ne!(one, other, "{name}");
        sides.diff(name, &one, &other, 2);
        sides.diff(name, &one, &one, 0);
        sides.diff(name, &good, &one, if good == one { 0 } else { 2 });
    }
    // Manifests are not compared, as the table in docs/review/diff.md says.
    sides.diff("pod.yaml", "kind: Pod\n", "kind: Pod\na: 1\n", 0);
    // Bytes that are no text.
    let path = |side: &str| sides.desk.path(side).join("utf16.conf");
    for (side, byte) in [("a", 1), ("b", 2)] {
        fs::write(path(side), [0xff, 0xfe, byte]).unwrap();
    }
    let bytes = kpki(&sides.desk.path("")).args(["diff", "./a", "./b"]).output().unwrap();
    ended(&bytes, 2);
}

/// Nothing is known of what is too large to be read, on neither side.
#[test]
fn what_was_not_read_is_never_the_same() {
    let sides = Sides::new();
    let large = " ".repeat((1 << 20) + 1);
    let text = sides.diff("big.crt", &large, &large, 2);
    assert!(text.contains("it is larger than 1 MiB"), "{text}");
}
