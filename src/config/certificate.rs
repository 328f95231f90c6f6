//! `certificate "NAME" { … }`: any further leaf.

use std::collections::{BTreeSet, HashMap};

use super::block::Block;
use super::collisions::Folders;
use super::fields::{KEY, RENEW_BEFORE, REVISION, SAN, VALIDITY};
use super::problem::{At, Problem, quoted, suggestion};
use super::reader::{Reader, Seen};
use super::shape::{Many, One, Shape, Values, many, one, word};
use super::user::{ALLOW_MASTERS, COMMON_NAME, OF_DEFAULTS, check_masters};
use crate::name::{CertificatesDir, CommonName, Label, NodeName, Organization, TreePath};
use crate::profile::{below_root, own_files};
use crate::spec::{CaName, Delivery, ExtraCertificate, Policy, Usage};

pub const SHAPE: Shape = Shape {
    word: "certificate",
    example: Some("metrics-server"),
    names: Values::Text("a name of your choice, which names the files"),
    means: "A further certificate by one of the cluster's CAs, for a server or a client of your own.",
    fields: &[
        CA.field,
        USAGE.field,
        SAN.field
            .means("The names by which clients dial it. A server needs one.")
            .sample("\"metrics-server.kube-system.svc\""),
        COMMON_NAME
            .field
            .follows("none for a server, the name of the block for a client")
            .sample("\"metrics-server\""),
        ORGANIZATION.field,
        KEY.field.follows(OF_DEFAULTS),
        VALIDITY.field.follows(OF_DEFAULTS),
        RENEW_BEFORE.field,
        REVISION.field,
        NODE.field,
        FOLDER.field,
        ALLOW_MASTERS.field.with(&["organization \"system:masters\""]),
    ],
    needs: &["san \"metrics-server.kube-system.svc\""],
    shows: "certificate \"metrics-server\" san=\"metrics-server.kube-system.svc\"\n\
        certificate \"backup\" {\n    ca \"etcd\"\n    usage \"client\"\n    node \"cp1\"\n    \
        folder \"/etc/backup\"\n}",
    ..Shape::PLAIN
};

pub const CA: One<CaName> = one(word("ca")
    .means("Who signs it.")
    .one_of::<CaName>()
    .same("\"kubernetes\"")
    .sample("\"etcd\""));
pub const USAGE: Many<Usage> = many(
    word("usage")
        .means("What it is for; one or both.")
        .values(Values::OneOf(usages))
        .same("\"server\"")
        .sample("\"server\" \"client\""),
);
pub const ORGANIZATION: Many<Organization> = many(
    word("organization")
        .means("The organizations of its subject. To Kubernetes a client's are its groups.")
        .text("names; system:masters needs allow-masters")
        .sample("\"team-a\""),
);
pub const NODE: Many<NodeName> = many(
    word("node")
        .means("Nodes that get a copy of the certificate and its key.")
        .text("names of nodes in this description")
        .follows("none; it is only in out/certificates/NAME/")
        .sample("\"cp1\""),
);
pub const FOLDER: One<String> = one(word("folder")
    .means(
        "Where it lies on those nodes: a folder where nothing runs or trusts a file because it lies \
        there. Another one needs a policy with allow-folder.",
    )
    .text("a folder by its full path")
    .follows("the cluster's certificates-dir")
    .sample("\"/etc/ssl/private\"")
    .with(&["node \"cp1\""]));

const USAGES: [(Usage, &str); 2] = [(Usage::Server, "server"), (Usage::Client, "client")];

fn usages() -> Vec<(&'static str, &'static str)> {
    let meaning = |usage: Usage| match usage {
        Usage::Server => "A server shows it to its clients.",
        Usage::Client => "A client shows it to a server.",
        Usage::ServerAndClient => "Both.",
    };
    USAGES.iter().map(|(usage, word)| (*word, meaning(*usage))).collect()
}

/// What certificates may be delivered to.
#[derive(Clone, Copy)]
pub struct Hosts<'a> {
    pub nodes: &'a HashMap<&'a str, NodeName>,
    /// Where they lie without a `folder`.
    pub dir: &'a CertificatesDir,
}

/// Whether Kubernetes' own files, or a folder of them, have this name in this folder of a node; what stands
/// behind the dot does not count.
fn is_taken(folder: &str, name: &str, dir: &CertificatesDir) -> bool {
    let is_in_dir = folder
        .strip_prefix(dir.below_root())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    is_in_dir
        && own_files().any(|file| {
            let path = below_root(dir, file);
            let rest = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
            let stem = rest.and_then(|rest| rest.split(['/', '.']).next());
            stem.is_some_and(|stem| stem.eq_ignore_ascii_case(name))
        })
}

pub fn read(
    blocks: &[Block<'_>],
    defaults: &Policy,
    hosts: Hosts<'_>,
    folders: &mut Folders,
    reader: &mut Reader<'_>,
) -> Vec<ExtraCertificate> {
    let mut names = Seen::new();
    let mut all = Vec::new();
    for block in blocks {
        let certificate = certificate(block, defaults, &mut names, hosts, reader);
        if let Some(certificate) = &certificate {
            let at = block.one(FOLDER).map_or(block.at, |value| value.at);
            folders.insert(certificate.name.to_string(), at);
        }
        all.extend(certificate);
    }
    all
}

fn certificate(
    block: &Block<'_>,
    defaults: &Policy,
    names: &mut Seen,
    hosts: Hosts<'_>,
    reader: &mut Reader<'_>,
) -> Option<ExtraCertificate> {
    let name = reader.name::<Label>(block, names);
    let ca = reader.choice_or(block, CA, CaName::Kubernetes);
    let usage = usage(block, reader);
    let sans = reader.list(block, SAN);
    if usage.is_some_and(Usage::server) && block.written(SAN.field).is_none() {
        reader.problem(
            Problem::new(block.at, "a server certificate needs a `san`")
                .help("clients check it against the name they dial: san \"metrics.example.com\""),
        );
    }
    let organizations = reader.list(block, ORGANIZATION);
    check_masters(&organizations, block, reader);
    let common_name: Option<CommonName> = match block.one(COMMON_NAME) {
        Some(value) => reader.parsed(value, COMMON_NAME.word()),
        // A client is who its common name says; a server's is not looked at (RFC 6125 6.4.4).
        None if usage.is_some_and(Usage::client) => {
            name.as_ref().and_then(|name| name.as_str().parse().ok())
        }
        None => None,
    };
    if ca == Some(CaName::FrontProxy) && usage.is_some_and(Usage::client) {
        reader.note(format!(
            "certificate {} is a client of the front-proxy CA: it can speak for anybody if its common name is in --requestheader-allowed-names",
            name.as_ref().map_or("", Label::as_str)
        ));
    }
    let written = reader.policy(block);
    let policy = defaults.overridden_by(&written.policy);
    reader.check_renewal(&policy, &written);
    let delivery = delivery(block, name.as_ref(), hosts, reader);
    let revision = reader.revision(block);
    Some(ExtraCertificate {
        origin: reader.origin(block.at),
        name: name?,
        ca: ca?,
        common_name,
        organizations: reader.origins(organizations),
        usage: usage?,
        sans: reader.origins(sans),
        policy,
        revision,
        delivery: delivery?,
    })
}

fn usage(block: &Block<'_>, reader: &mut Reader<'_>) -> Option<Usage> {
    let mut found = BTreeSet::new();
    let mut complete = true;
    for value in block.many(USAGE) {
        let usage = reader.choice(value, USAGE.word(), &USAGES);
        complete &= usage.is_some();
        if usage.is_some_and(|usage| !found.insert(usage)) {
            reader.problem(
                Problem::new(value.at, "this usage stands twice in the list")
                    .help("delete one of the two"),
            );
        }
    }
    complete.then(|| match (found.contains(&Usage::Server), found.contains(&Usage::Client)) {
        (true, true) => Usage::ServerAndClient,
        (false, true) => Usage::Client,
        _ => Usage::Server,
    })
}

fn delivery(
    block: &Block<'_>,
    name: Option<&Label>,
    Hosts { nodes: known, dir }: Hosts<'_>,
    reader: &mut Reader<'_>,
) -> Option<Delivery> {
    let mut nodes = Vec::new();
    for (node, at) in reader.list(block, NODE) {
        if !known.contains_key(node.as_str()) {
            let mut words: Vec<&str> = known.keys().copied().collect();
            words.sort_unstable();
            let help = suggestion(node.as_str(), words.iter().copied());
            reader.problem(
                Problem::new(at, format!("no node {} is described", quoted(node.as_str())))
                    .help(help),
            );
        }
        nodes.push(node);
    }
    let written = block.one(FOLDER);
    if let Some(at) = written.map(|value| value.at).filter(|_| block.written(NODE.field).is_none())
    {
        reader.problem(
            Problem::new(at, "a `folder` without a `node`")
                .help("name the nodes that get the files: node \"cp1\", or delete the folder"),
        );
    }
    let folder = match written {
        Some(value) => {
            reader.text(value, FOLDER.word()).and_then(|text| folder(text, value.at, reader))?
        }
        None => dir.tree_path().clone(),
    };
    let at = written.map_or(block.at, |value| value.at);
    if let Some(name) = name
        && !nodes.is_empty()
        && is_taken(folder.as_str(), name.as_str(), dir)
    {
        reader.problem(
            Problem::new(block.at, format!("/{folder}/{name} is a file of Kubernetes' own"))
                .help("choose another name, or another `folder`"),
        );
    }
    if folder.as_str().split('/').any(|segment| segment == "manifests") {
        reader.problem(
            Problem::new(at, "the kubelet takes every file in a manifests folder for a pod")
                .help("choose another folder, such as /etc/kubernetes/pki"),
        );
    }
    Some(if nodes.is_empty() { Delivery::Operator } else { Delivery::Nodes { nodes, folder } })
}

fn folder(text: &str, at: At, reader: &mut Reader<'_>) -> Option<TreePath> {
    let parsed = text.strip_prefix('/').map(str::parse::<TreePath>);
    match parsed {
        Some(Ok(path)) => return Some(path),
        Some(Err(why)) => {
            let why = if text.contains("//") || text.contains("/.") || text.ends_with('/') {
                "is not a plain path; write it without `.`, `..`, `//` and a last `/`".to_owned()
            } else {
                why.to_string()
            };
            reader.problem(Problem::refused(at, text, &why).label("as `folder`"));
        }
        None => reader.problem(
            Problem::new(at, format!("{} is not absolute", quoted(text)))
                .help("write a folder on the node: /etc/kubernetes/pki"),
        ),
    }
    None
}
