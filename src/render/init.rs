//! The files that a new project starts with.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::secret::Secret;
use crate::time::Timestamp;
use crate::version::KubernetesVersion;

/// `cluster.kdl`: what is needed, and what may be, commented out. Prose stands after `// `; a line that
/// starts with `//` and no space is description, and works once the two slashes are gone.
pub fn description(cluster: &str, kubernetes: KubernetesVersion) -> String {
    let mut text = format!(
        "// The PKI of one Kubernetes cluster. `kpki plan` shows what follows from it,
// `kpki apply` writes it to out/. To use a line below, delete the two slashes
// before it.

cluster \"{cluster}\" {{
    // Decides what depends on the version, such as groups and role bindings.
    kubernetes \"{kubernetes}\"
"
    );
    text.push_str(OPTIONS);
    let _ = writeln!(text); // a String takes everything
    text.push_str(NODES);
    text
}

const OPTIONS: &str = r#"
    // What clients dial; required as soon as there are two control-plane nodes.
    // With one it is that node's address.
    //endpoint "api.lab.internal:6443"

    // The API server's certificate holds the first address of the first one.
    // Several for dual stack.
    //service-cidr "10.96.0.0/12"
    //dns-domain "cluster.local"
}
"#;

const NODES: &str = r#"node "cp1" role="control-plane" address="10.0.0.11"

// A name is the one that the node registers with (kubectl get nodes).
//node "w1" address="10.0.0.21" { san "w1.lab.internal" }

// For a team, and for Git: `secrets { recipient "age1..." }` seals all private
// keys with age for the public keys that it names (age-keygen makes one, an ssh
// key will do). Without it they lie in out/ in the clear; .gitignore has them.

// What every certificate gets where nothing nearer says otherwise; a `node`,
// `component`, `user` or `certificate` may. Keys: ecdsa-p256, ecdsa-p384,
// rsa-2048, rsa-3072, rsa-4096, ed25519.
//defaults { key "ecdsa-p256"; validity "365d"; renew-before "30d" }

// The three CAs (kubernetes, etcd, front-proxy) exist without being named; a
// block changes one. A CA that you have is brought with its certificate, a file
// beside this one: `ca "kubernetes" certificate="company-ca.crt"`; kpki plan
// tells where its key belongs.
//ca "front-proxy" validity="10y"

// Further names of the API server.
//component "apiserver" { san "api.example.com" "203.0.113.7" }

// The kubelets' serving certificates, which kubeadm leaves to the kubelets.
//component "kubelet" serving=#true

// Static pods that you have, in a folder beside this file, keep their flags
// with `manifests "manifests/"`; without it kpki writes its own.

// A person or a robot: key, certificate and kubeconfig. Groups are what RBAC
// binds; `bind` writes it. Nothing can revoke a certificate, so keep its life
// short: `validity "90d"`. `via "csr"` has the cluster sign instead of the CA
// key here.
//user "jane" { group "dev"; bind cluster-role="edit" namespace="dev" }

// Any other certificate.
//certificate "metrics" { ca "kubernetes"; usage "server"; san "metrics.lab" }

// Rules that a change must keep stand in a file of their own, which whoever
// reviews gives to kpki plan --policy: `policy { forbid-group "system:*" }`.
"#;

/// What makes a description reproducible.
pub fn reproducible(not_before: Timestamp) -> String {
    format!(
        "
// Every key follows from the seed, every date from this one: the same
// description makes the same bytes anywhere. For labs; whoever has the seed has
// the cluster.
reproducible {{ seed-file \"{SEED_FILE}\"; not-before \"{not_before}\" }}
"
    )
}

pub const SEED_FILE: &str = "lab.seed";

/// The file of a seed, in hexadecimal digits.
pub fn seed(digits: &Secret) -> Secret {
    let comment = b"# Every private key of this cluster follows from this line: whoever has it has the cluster.\n";
    Secret::new([comment, digits.expose(), b"\n"].concat())
}

pub const GITIGNORE: &str = "\
# What an interrupted apply leaves, what was set aside of it, and caches: of this machine, never for Git.
out/.pending/
out/.discarded/
cluster.lock.new
.kpki/

# Private keys, and kubeconfigs, which hold one, in the clear. Everything else under out/ belongs to Git:
# certificates, sa.pub, manifests, and secrets that are sealed (NAME.age).
out/**/*.key
out/**/*.conf
out/**/*.kubeconfig

# What `kpki export` writes holds a node's private keys.
*.tar
.*.kpki-new

# From a seed follow all private keys of a reproducible cluster.
*.seed
";

pub const GITATTRIBUTES: &str = "\
# One artifact a line, sorted: branches that change different artifacts merge as text. Two versions of one
# line must conflict, so never merge=union.
cluster.lock text eol=lf merge=text

# kpki compares bytes. What changed in a certificate is told by cluster.lock, not by its base64.
out/** -text
out/**/*.crt -text -diff
out/**/*.pub -text -diff
out/**/*.age -text -diff
";

/// What `kpki setup git` adds to .gitattributes.
pub const GITATTRIBUTES_OF_KPKI: &str = "\
# Set up by `kpki setup git` in each clone; in others both are as text. A line of the lock is taken whole, from one
# side; what both sides changed conflicts.
cluster.lock text eol=lf diff=kpki merge=kpki-lock

# In words instead of base64. A file belongs to one line of the lock, so it is taken whole, too.
*.crt diff=kpki
*.pem diff=kpki
*.csr diff=kpki
out/** -text -merge
out/**/*.crt -text -merge diff=kpki
out/**/*.csr -text -merge diff=kpki
out/**/*.pub -text -merge diff=kpki
out/**/*.age -text -merge diff=kpki
out/**/*.conf -text -merge diff=kpki
out/**/*.kubeconfig -text -merge diff=kpki
# Should one ever be committed, no diff shows it.
*.key -text -merge diff=kpki
";

/// What a file that is there already lacks of ours, to be put at its end: the lines and their comments.
pub fn missing(existing: &str, ours: &str) -> Option<String> {
    let has: BTreeSet<&str> = existing.lines().map(str::trim_end).collect();
    let mut text = String::new();
    // A comment speaks of the lines below it.
    for part in ours.split("\n\n") {
        let is_rule = |line: &&str| !line.starts_with('#') && !line.trim().is_empty();
        let lacking: Vec<&str> =
            part.lines().filter(is_rule).filter(|line| !has.contains(line)).collect();
        if lacking.is_empty() {
            continue;
        }
        text.push('\n');
        let comments = part.lines().filter(|line| line.starts_with('#'));
        for line in comments.chain(lacking) {
            let _ = writeln!(text, "{line}"); // a String takes everything
        }
    }
    let open = !existing.is_empty() && !existing.ends_with('\n');
    (!text.is_empty()).then(|| {
        if existing.is_empty() {
            text.trim_start().to_owned()
        } else if open {
            format!("\n{text}")
        } else {
            text
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config;
    use crate::sources::Sources;

    fn load(text: &str) -> config::Loaded {
        let files = BTreeMap::from([("cluster.kdl".to_owned(), text.as_bytes().to_vec())]);
        config::load(&Sources::Memory(files), "cluster.kdl", None)
            .map_err(|report| report.render(false))
            .unwrap()
    }

    fn written() -> String {
        description("lab", KubernetesVersion::DEFAULT)
    }

    #[test]
    fn the_description_means_one_control_plane_node() {
        let loaded = load(&written());
        assert_eq!(loaded.spec.nodes.len(), 1);
        assert!(loaded.notes.is_empty(), "{:?}", loaded.notes);
    }

    /// Without its comments it is what [`config::write`] gives.
    #[test]
    fn what_is_no_comment_is_written_as_any_description() {
        let plain = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        assert_eq!(plain(&written()), plain(&config::write(&load(&written()).spec)));
    }

    #[test]
    fn every_option_works_as_it_stands_and_shows_the_default() {
        let uncommented = |line: &str| {
            let code = line.trim_start().strip_prefix("//");
            code.filter(|code| !code.starts_with(' ')).unwrap_or(line).to_owned()
        };
        let all: Vec<String> = written().lines().map(uncommented).collect();
        let all = all.join("\n");
        let (spec, core) = (load(&all).spec, load(&written()).spec);
        assert_eq!(spec.cluster.endpoint.value.to_string(), "api.lab.internal:6443");
        assert_eq!((spec.nodes.len(), spec.users.len(), spec.certificates.len()), (2, 1, 1));
        assert_eq!(spec.defaults.key.value, core.defaults.key.value);
        assert_eq!(spec.defaults.validity.value, core.defaults.validity.value);
        assert_eq!(spec.cluster.service_cidrs.value, core.cluster.service_cidrs.value);
        assert_eq!(spec.cluster.dns_domain.value, core.cluster.dns_domain.value);
    }

    /// What was there stays, in front; a second time nothing is missing.
    #[test]
    fn only_what_is_missing_is_added() {
        for (existing, lacks) in [
            ("", &[".kpki/", "out/**/*.key"][..]),
            ("mine", &["out/.pending/", "out/.discarded/", "out/**/*.kubeconfig"]),
            ("mine\n", &["out/.pending/", "out/.discarded/"]),
            ("out/**/*.key  \nout/**/*.conf\n", &["out/**/*.kubeconfig"]),
        ] {
            let added = missing(existing, GITIGNORE).unwrap();
            let whole = format!("{existing}{added}");
            for line in lacks {
                assert!(added.lines().any(|added| added == *line), "{line}: {added}");
            }
            for line in existing.lines() {
                assert!(!added.lines().any(|added| added == line.trim_end()), "{added}");
                assert!(whole.lines().any(|kept| kept == line), "{whole}");
            }
            assert_eq!(missing(&whole, GITIGNORE), None, "{whole}");
        }
        assert_eq!(missing("", GITIGNORE).unwrap(), GITIGNORE);
        assert_eq!(missing(GITATTRIBUTES, GITATTRIBUTES), None);
        let crlf = GITIGNORE.replace('\n', "\r\n");
        assert_eq!(missing(&crlf, GITIGNORE), None);
    }

    #[test]
    fn lines_fit_a_page() {
        let lab = reproducible(Timestamp::from_unix(0));
        for (text, columns) in
            [(&written(), 80), (&lab, 80), (&GITIGNORE.into(), 110), (&GITATTRIBUTES.into(), 110)]
        {
            let wide: Vec<_> = text.lines().filter(|line| line.len() > columns).collect();
            assert!(wide.is_empty(), "{wide:#?}");
        }
    }

    #[test]
    fn what_a_newcomer_looks_for_is_mentioned() {
        for word in ["secrets {", "manifests \"", "policy {", "certificate=\"", "via \"csr\""] {
            assert!(written().contains(word), "{word}");
        }
    }
}
