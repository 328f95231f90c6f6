//! kubelet.conf of a kubelet that renews its own client certificate: what it may say, and the two fields that
//! follow from a description.
//!
//! The lists say what is harmless; whatever else stands there is refused, since it may be a secret, or lead
//! the kubelet to another server or another identity.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::extend::sorted_index;
use super::tree::{Kind, Node, Tree};
use super::value::{Change, Entry, Step, Value, below};
use super::{PodError, changed, parse};
use crate::facts::certificates_in_pem;
use crate::profile::{KUBELET_CLIENT_PAIR, KUBERNETES_FOLDER};

/// What kubelet.conf must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeletConfWish {
    pub server: String,
    /// A PEM bundle.
    pub authority: String,
}

/// Makes the cluster of the current context what is wished and keeps every other byte.
pub fn patch_kubelet_conf(source: &[u8], wish: &KubeletConfWish) -> Result<Vec<u8>, PodError> {
    let tree = read(source)?;
    let changes = changes(&tree, wish)?;
    let new = changed(&tree, &changes, &|new| self::changes(new, wish))?;
    Ok(new.map_or_else(|| source.to_vec(), |(text, _)| text.into_bytes()))
}

/// Everything that may not stand in it, each with its line.
pub fn refused_in_kubelet_conf(source: &[u8]) -> Vec<PodError> {
    let tree = match read(source) {
        Ok(tree) => tree,
        Err(error) => return vec![error],
    };
    let mut found = Vec::new();
    map(&tree, &tree.root, FILE, &mut found);
    if found.is_empty() {
        found.extend(current(&tree).err());
    }
    found
}

/// The reader's own advice is about Pods.
fn read(source: &[u8]) -> Result<Tree, PodError> {
    parse::parse(source).map_err(|error| PodError { help: None, ..error }.help(TAKE_A_COPY))
}

const TAKE_A_COPY: &str = "take the node's own /etc/kubernetes/kubelet.conf; or delete this copy, and kpki writes kubeadm's form";

/// What may stand under a key.
enum Says {
    Text,
    Only(&'static [&'static str]),
    Nothing,
    No,
    /// The pair that the kubelet keeps.
    OwnPair,
    /// A list of names, and what each has under this key.
    Named(&'static str, &'static [Row]),
}

type Row = (&'static str, Says);

use Says::{Named, No, Nothing, Only, OwnPair, Text};

const FILE: &[Row] = &[
    ("apiVersion", Only(&["v1"])),
    ("clusters", Named("cluster", CLUSTER)),
    ("contexts", Named("context", CONTEXT)),
    ("current-context", Text),
    ("kind", Only(&["Config"])),
    ("preferences", Nothing),
    ("users", Named("user", USER)),
];

const CLUSTER: &[Row] = &[
    ("certificate-authority", Only(&[CA_FILE])),
    (CA_DATA, Text),
    ("insecure-skip-tls-verify", No),
    (SERVER, Text),
];

const CONTEXT: &[Row] = &[("cluster", Text), ("namespace", Text), ("user", Text)];

const USER: &[Row] = &[("client-certificate", OwnPair), ("client-key", OwnPair)];

const SERVER: &str = "server";
const CA_DATA: &str = "certificate-authority-data";
/// The description's own bundle, where kpki puts it on every node.
const CA_FILE: &str = "/etc/kubernetes/pki/ca.crt";

/// Why some of what is not listed is refused.
const WHY: &[(&str, &str)] = &[
    ("client-key-data", "holds a private key, which the kubelet does not renew here"),
    ("client-certificate-data", "embeds a certificate, which the kubelet does not renew here"),
    ("token", "holds a secret"),
    ("tokenFile", "names a secret"),
    ("username", "holds a login"),
    ("password", "holds a secret"),
    ("exec", "runs a program"),
    ("auth-provider", "runs a program"),
    ("as", "acts as somebody else"),
    ("proxy-url", "leads through a proxy"),
    ("tls-server-name", "believes a server of another name"),
];

/// `rows` are all that may stand in it.
fn map(tree: &Tree, node: &Node, rows: &'static [Row], found: &mut Vec<PodError>) {
    let Kind::Map { entries, .. } = &node.kind else {
        return found.push(PodError::at(node.line, "not a mapping").help(TAKE_A_COPY));
    };
    for pair in entries {
        let (key, value) = (pair.key.text().unwrap_or_default(), tree.follow(&pair.value));
        if value.is_nothing() {
            continue;
        }
        match rows.iter().find(|(name, _)| *name == key) {
            Some((_, says)) => check(tree, pair.key.line, key, value, says, found),
            None => found.push(unlisted(pair.key.line, key, rows)),
        }
    }
}

fn unlisted(line: usize, key: &str, rows: &[Row]) -> PodError {
    let why = WHY.iter().find(|(name, _)| *name == key).map(|(_, why)| *why);
    let allowed: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    match why {
        Some(why) if key.starts_with("client-") => {
            PodError::at(line, format!("`{key}` {why}")).help(format!(
                "a kubelet that renews its own certificate names {KUBELET_CLIENT_PAIR}; for one that does not, delete \
                 client=\"self-rotated\""
            ))
        }
        Some(why) => PodError::at(line, format!("`{key}` {why}")).help("delete it here and on the node"),
        None => PodError::at(line, format!("kpki does not know `{key}` to be harmless"))
            .help(format!("here may stand: {}", allowed.join(", "))),
    }
}

fn check(
    tree: &Tree,
    line: usize,
    key: &str,
    value: &Node,
    says: &Says,
    found: &mut Vec<PodError>,
) {
    let mut refuse = |what: String, help: &str| {
        found.push(PodError::at(line, format!("`{key}` {what}")).help(help));
    };
    // As Kubernetes reads YAML: what may be a number or a boolean is no text.
    let text = match Value::of(value) {
        Value::Text(text) => Some(text),
        _ => None,
    };
    match (says, text) {
        (Nothing, _) => refuse("holds something".to_owned(), "empty it"),
        (No, _) if matches!(Value::of(value), Value::Plain(word) if word == "false") => {}
        (No, _) => refuse(
            "believes any server".to_owned(),
            "delete it here and on the node: the CA data says whom to believe",
        ),
        (Named(inner, rows), _) => names(tree, value, inner, rows, found),
        (_, None) => refuse("is no text".to_owned(), "put it in quotes"),
        (Text, Some(_)) => {}
        (Only(known), Some(text)) if known.contains(&text.as_str()) => {}
        (Only(known), Some(_)) => {
            refuse(format!("is not {}", known.join(" or ")), "embed the CA, as kubeadm does");
        }
        (OwnPair, Some(path)) if is_own_pair(&path) => {}
        (OwnPair, Some(_)) => refuse(
            "names a file that the kubelet does not renew".to_owned(),
            "a kubelet that renews its own certificate names /var/lib/kubelet/pki/kubelet-client-current.pem (with \
             --cert-dir the same name in that folder)",
        ),
    }
}

/// By its name, which the kubelet's store gives to the pair in use (client-go, `certificate_store.go`), in
/// whichever folder `--cert-dir` is: any other file is a pair that nobody renews. Below /etc/kubernetes lies
/// what kpki places, and a relative path begins there.
fn is_own_pair(path: &str) -> bool {
    let name = KUBELET_CLIENT_PAIR.rsplit('/').next();
    let Some(below_root) = path.strip_prefix('/') else {
        return false;
    };
    let mut folders = below_root.split('/');
    let is_plain = folders.clone().all(|folder| !matches!(folder, "" | "." | ".."));
    let kubernetes = below_root.strip_prefix(KUBERNETES_FOLDER);
    let is_elsewhere = kubernetes.is_none_or(|rest| !rest.starts_with('/'));
    is_plain && is_elsewhere && folders.next_back() == name
}

/// `- name: NAME` and what is under `inner`.
fn names(
    tree: &Tree,
    list: &Node,
    inner: &'static str,
    rows: &'static [Row],
    found: &mut Vec<PodError>,
) {
    let Kind::List { items, .. } = &list.kind else {
        return found.push(PodError::at(list.line, "not a list").help(TAKE_A_COPY));
    };
    let mut known: Vec<&str> = Vec::new();
    for item in items {
        let item = tree.follow(item);
        let Kind::Map { entries, .. } = &item.kind else {
            found.push(PodError::at(item.line, "not a mapping").help(TAKE_A_COPY));
            continue;
        };
        for pair in entries {
            let (key, value) = (pair.key.text().unwrap_or_default(), tree.follow(&pair.value));
            match key {
                "name" => check(tree, pair.key.line, key, value, &Text, found),
                key if key == inner => {
                    if !value.is_nothing() {
                        map(tree, value, rows, found);
                    }
                }
                _ if value.is_nothing() => {}
                _ => found.push(unlisted(pair.key.line, key, &[("name", Text), (inner, Nothing)])),
            }
        }
        let name = name_of(tree, item);
        if known.contains(&name) {
            let message = format!("a second {inner} of this name");
            found.push(PodError::at(item.line, message).help("client-go refuses both: keep one"));
        }
        known.push(name);
    }
}

fn name_of<'a>(tree: &'a Tree, item: &'a Node) -> &'a str {
    tree.get(item, "name").and_then(Node::text).unwrap_or_default()
}

/// The cluster of the current context: its index, and what it says.
fn current(tree: &Tree) -> Result<(usize, &Node), PodError> {
    let missing = |line, what: String| PodError::at(line, what).help(TAKE_A_COPY);
    let root = &tree.root;
    for key in ["apiVersion", "kind"] {
        if tree.get(root, key).is_none() {
            return Err(missing(root.line, format!("has no `{key}`")));
        }
    }
    let context = tree.get_text(root, "current-context")?;
    let context = context.filter(|context| !context.is_empty());
    let context =
        context.ok_or_else(|| missing(root.line, "has no `current-context`".to_owned()))?;
    let (_, context) = named(tree, "contexts", "context", context)?;
    let part = |key: &str| {
        let name = tree.get_text(context, key)?;
        name.ok_or_else(|| missing(context.line, format!("the context names no {key}")))
    };
    let (_, user) = named(tree, "users", "user", part("user")?)?;
    let pair =
        ["client-certificate", "client-key"].map(|key| tree.get(user, key).and_then(Node::text));
    match pair {
        [Some(certificate), Some(key)] if certificate == key => {}
        [Some(_), Some(_)] => {
            let message = "client-certificate and client-key are not the same file";
            return Err(PodError::at(user.line, message).help("the kubelet keeps both in one"));
        }
        _ => {
            return Err(missing(
                user.line,
                "the user names no client-certificate and client-key".to_owned(),
            ));
        }
    }
    let (index, cluster) = named(tree, "clusters", "cluster", part("cluster")?)?;
    if tree.get(cluster, SERVER).is_none() {
        return Err(missing(cluster.line, "the cluster has no `server`".to_owned()));
    }
    if let (Some(file), Some(_)) =
        (tree.get(cluster, "certificate-authority"), tree.get(cluster, CA_DATA))
    {
        let message = "the cluster names a CA file and embeds another CA";
        return Err(PodError::at(file.line, message).help("keep certificate-authority-data"));
    }
    Ok((index, cluster))
}

fn named<'a>(
    tree: &'a Tree,
    list: &str,
    inner: &str,
    name: &str,
) -> Result<(usize, &'a Node), PodError> {
    let items = tree.get_list(&tree.root, list)?.iter().enumerate();
    let mut items = items.map(|(index, item)| (index, tree.follow(item)));
    let found = items.find(|(_, item)| name_of(tree, item) == name);
    let inside = found.and_then(|(index, item)| Some((index, tree.get(item, inner)?)));
    let missing =
        || PodError::at(tree.root.line, format!("has no {inner} of the name that is used"));
    inside.ok_or_else(|| missing().help(TAKE_A_COPY))
}

fn changes(tree: &Tree, wish: &KubeletConfWish) -> Result<Vec<Change>, PodError> {
    let (index, cluster) = current(tree)?;
    let path = below(&[Step::Key("clusters".to_owned()), Step::Index(index)], "cluster");
    let mut changes = Vec::new();
    let replace = |key: &str, value: &str| Change::Replace {
        path: below(&path, key),
        value: Value::text(value),
    };
    let data = || STANDARD.encode(&wish.authority);
    match tree.get(cluster, CA_DATA) {
        Some(there) if says(there.text().unwrap_or_default(), &wish.authority) => {}
        Some(_) => changes.push(replace(CA_DATA, &data())),
        // Kubelets read that file, and kpki puts the same there.
        None if tree.get(cluster, "certificate-authority").is_some() => {}
        None if cluster.pair(CA_DATA).is_some() => changes.push(replace(CA_DATA, &data())),
        None => {
            let Kind::Map { entries, .. } = &cluster.kind else {
                return Err(PodError::at(cluster.line, "not a mapping"));
            };
            let keys: Vec<&str> =
                entries.iter().map(|pair| pair.key.text().unwrap_or_default()).collect();
            changes.push(Change::Insert {
                path: path.clone(),
                index: sorted_index(&keys, CA_DATA),
                entry: Entry::Pair(CA_DATA.to_owned(), Value::Text(data())),
            });
        }
    }
    let server = tree.get_text(cluster, SERVER)?.unwrap_or_default();
    if server.trim_end_matches('/') != wish.server {
        changes.push(replace(SERVER, &wish.server));
    }
    Ok(changes)
}

/// As client-go decodes it: line breaks are passed over; what stands around the certificates says nothing.
fn says(data: &str, authority: &str) -> bool {
    let compact: Vec<u8> = data.bytes().filter(|byte| !b"\r\n".contains(byte)).collect();
    let Ok(there) = STANDARD.decode(compact) else {
        return false;
    };
    let wished = authority.as_bytes();
    there == wished
        || matches!(
            (certificates_in_pem(&there), certificates_in_pem(wished)),
            (Ok(there), Ok(wished)) if there == wished
        )
}
