//! Reading and writing `cluster.lock`: JSON Lines, a head and one artifact a line, sorted by name.
//!
//! A line stands alone: no comma depends on a neighbour, so that two branches that each add an artifact
//! merge without a conflict.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hash::Digest;
use crate::name::ArtifactName;
use crate::state::{Entry, Lock};
use crate::time::Timestamp;

/// The newest form that this kpki reads and the one that it writes.
pub const FORMAT_VERSION: u32 = 1;

/// A lock file is at most this large.
pub const LIMIT: usize = 64 << 20;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Head {
    /// Version of this format.
    kpki_lock: u32,
    /// The cluster's name.
    cluster: Option<String>,
    /// The resolved Kubernetes version.
    kubernetes: Option<String>,
    /// Identifies the seed of a reproducible cluster, without telling it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    seed: Option<Digest>,
}

/// One artifact.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Line {
    /// The artifact's name.
    name: String,
    /// Hash of the recipe that it was built from: 32 hexadecimal digits.
    #[schemars(with = "String", regex(pattern = r"^[0-9a-f]{32}$"))]
    hash: Digest,
    /// The revision that forced its key; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// Digest of its public key (SubjectPublicKeyInfo, DER).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    public_key: Option<Digest>,
    /// Digest of its certificate (DER).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    certificate: Option<Digest>,
    /// Start of the certificate's validity (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    not_before: Option<Timestamp>,
    /// End of the certificate's validity (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    not_after: Option<Timestamp>,
    /// Digest of a rendered file's public content.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    content: Option<Digest>,
    /// Size of a kubeconfig in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// The server that a kubeconfig names.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    /// Digest of the request that a certificate signed by the cluster answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    request: Option<Digest>,
    /// What an etcd member was told of the others when its manifest was first made: `new:` or `existing:`,
    /// and the value of `--initial-cluster`.
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_cluster: Option<String>,
}

/// A line of `cluster.lock`: the first is the head, the others are artifacts.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "describes the file for the schema; lines are read one by one"
)]
enum LockLine {
    Head(Head),
    Artifact(Line),
}

/// The JSON Schema of one line.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(LockLine)
}

/// Why a lock cannot be read, with its line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct LockError {
    pub line: usize,
    pub why: String,
    /// What to do.
    pub help: &'static str,
}

pub const RESTORE: &str = "restore it from Git; or delete it, and the next apply rebuilds it from out/ \
     without changing a file";
const TAKE_ONE_SIDE: &str = "take one side of cluster.lock and out/ together \
     (`git checkout --ours` or `--theirs`)";
const NEWER: &str = "run the kpki that wrote it, or a newer one";

pub fn parse(bytes: &[u8]) -> Result<Lock, LockError> {
    let fail = |line, why: &str| LockError {
        line,
        why: why.to_owned(),
        help: RESTORE,
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or(&[]);
        let line = before.split(|byte| *byte == b'\n').count();
        fail(line, "is not UTF-8 text")
    })?;
    let mut lock = Lock::default();
    let mut seen_head = false;
    for (number, line) in text
        .split_inclusive('\n')
        .enumerate()
        .map(|(n, l)| (n + 1, l))
    {
        if ["<<<<<<<", "=======", ">>>>>>>"]
            .iter()
            .any(|mark| line.starts_with(mark))
        {
            return Err(LockError {
                help: TAKE_ONE_SIDE,
                ..fail(number, "is a merge conflict")
            });
        }
        let Some(line) = line.strip_suffix('\n') else {
            return Err(fail(number, "is cut off (no newline at its end)"));
        };
        let malformed = |error: serde_json::Error| {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            fail(number, &format!("is not a lock line: {}", shown(what)))
        };
        if !seen_head {
            let head: Head = serde_json::from_str(line).map_err(malformed)?;
            if head.kpki_lock > FORMAT_VERSION {
                return Err(LockError {
                    help: NEWER,
                    ..fail(number, "was written by a newer kpki")
                });
            }
            printable(head.cluster.as_deref()).map_err(|why| fail(number, &why))?;
            lock.cluster = head.cluster;
            lock.kubernetes = head.kubernetes.and_then(|version| version.parse().ok());
            lock.seed = head.seed;
            seen_head = true;
            continue;
        }
        let line: Line = serde_json::from_str(line).map_err(malformed)?;
        let name: ArtifactName = line.name.parse().map_err(|error| {
            let name = shown(&line.name);
            fail(number, &format!("has a bad name: \"{name}\" {error}"))
        })?;
        for text in [&line.revision, &line.server] {
            printable(text.as_deref()).map_err(|why| fail(number, &why))?;
        }
        printable_up_to(line.initial_cluster.as_deref(), LONGEST_INITIAL_CLUSTER)
            .map_err(|why| fail(number, &why))?;
        let entry = Entry {
            hash: line.hash,
            // A key without a written revision has the first.
            revision: line
                .revision
                .or_else(|| line.public_key.is_some().then(|| FIRST_REVISION.to_owned())),
            public_key: line.public_key,
            certificate: line.certificate,
            not_before: line.not_before,
            not_after: line.not_after,
            content: line.content,
            size: line.size,
            server: line.server,
            request: line.request,
            initial_cluster: line.initial_cluster,
        };
        if lock.entries.insert(name.clone(), entry).is_some() {
            return Err(fail(number, &format!("names {name} a second time")));
        }
    }
    Ok(lock)
}

/// Texts of a lock reach terminals.
fn printable(text: Option<&str>) -> Result<(), String> {
    printable_up_to(text, 300)
}

/// A name and a URL for each of more members than an etcd can have.
const LONGEST_INITIAL_CLUSTER: usize = 64 << 10;

fn printable_up_to(text: Option<&str>, limit: usize) -> Result<(), String> {
    match text {
        Some(text) if text.len() > limit || text.bytes().any(|b| !(b' '..=b'~').contains(&b)) => {
            Err(format!(
                "has a text that kpki never writes: \"{}\"",
                shown(text)
            ))
        }
        _ => Ok(()),
    }
}

/// A text of unknown origin for a message: its beginning, escaped.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        shown.push_str("...");
    }
    shown.replace("\\\"", "\"").replace("\\'", "'")
}

const FIRST_REVISION: &str = "1";

pub fn render(lock: &Lock) -> String {
    let mut text = String::with_capacity(lock.entries.len() * 256);
    let head = Head {
        kpki_lock: FORMAT_VERSION,
        cluster: lock.cluster.clone(),
        kubernetes: lock.kubernetes.map(|version| version.to_string()),
        seed: lock.seed,
    };
    push_line(&mut text, &head);
    for (name, entry) in &lock.entries {
        let line = Line {
            name: name.to_string(),
            hash: entry.hash,
            revision: entry
                .revision
                .clone()
                .filter(|revision| revision != FIRST_REVISION),
            public_key: entry.public_key,
            certificate: entry.certificate,
            not_before: entry.not_before,
            not_after: entry.not_after,
            content: entry.content,
            size: entry.size,
            server: entry.server.clone(),
            request: entry.request,
            initial_cluster: entry.initial_cluster.clone(),
        };
        push_line(&mut text, &line);
    }
    text
}

fn push_line(text: &mut String, line: &impl Serialize) {
    // Plain structs of texts and numbers always serialize.
    if let Ok(json) = serde_json::to_string(line) {
        text.push_str(&json);
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let mut lock = Lock {
            cluster: Some("lab".into()),
            kubernetes: "1.36.2".parse().ok(),
            ..Lock::default()
        };
        let mut entry = Entry::new(Digest::of(b"recipe"));
        entry.revision = Some("1".into());
        entry.public_key = Some(Digest::of(b"key"));
        entry.certificate = Some(Digest::of(b"certificate"));
        entry.not_before = "2026-01-01".parse().ok();
        entry.not_after = "2027-01-01".parse().ok();
        lock.entries.insert(
            ArtifactName::of("nodes/worker-00001/kubelet"),
            entry.clone(),
        );
        entry.revision = Some("2.3".into());
        lock.entries.insert(ArtifactName::of("users/jane"), entry);
        lock
    }

    #[test]
    fn what_is_written_reads_back_and_lines_stay_short() {
        let lock = lock();
        let text = render(&lock);
        assert_eq!(parse(text.as_bytes()), Ok(lock));
        assert!(text.lines().all(|line| line.len() <= 400), "{text}");
    }

    #[test]
    fn damage_is_named_by_its_line() {
        let text = render(&lock());
        let cut = &text.as_bytes()[..text.len() - 20];
        assert_eq!(parse(cut).unwrap_err().line, 3);
        let conflict = text.replacen('\n', "\n<<<<<<< HEAD\n", 1);
        let error = parse(conflict.as_bytes()).unwrap_err();
        assert!(
            error.to_string().starts_with("line 2: is a merge conflict"),
            "{error}"
        );
        let twice = format!("{text}{}", text.split_inclusive('\n').next_back().unwrap());
        assert!(
            parse(twice.as_bytes())
                .unwrap_err()
                .why
                .contains("a second time")
        );
        let newer = text.replacen("\"kpki-lock\":1", "\"kpki-lock\":2", 1);
        assert!(
            parse(newer.as_bytes())
                .unwrap_err()
                .why
                .contains("newer kpki")
        );
    }
}
