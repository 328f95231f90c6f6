//! `node "NAME" { … }`: a machine and its addresses.

use std::collections::HashMap;
use std::net::IpAddr;

use super::block::Block;
use super::fields::{KEY, RENEW_BEFORE, REVISION, SAN, VALIDITY};
use super::leaf::{self, LeafDraft};
use super::policy::Written;
use super::problem::{At, Problem};
use super::reader::{Reader, Seen};
use super::secrets::RECIPIENT;
use super::shape::{Many, One, Shape, Values, blocks, many, one, word};
use crate::name::{NodeAddress, NodeName, San};
use crate::sealed::Recipient;
use crate::spec::{EtcdTopology, Node, Role};

pub const SHAPE: Shape = Shape {
    word: "node",
    example: Some("cp1"),
    names: Values::Text("the node's name in the cluster, most often what hostname prints there"),
    means: "A machine of the cluster, and what is special about its certificates.",
    fields: &[
        ROLE.field,
        ADDRESS.field,
        PRIMARY.field,
        SAN.field.means("More names of this node, for all of its serving certificates."),
        KEY.field.means("The algorithm of new keys of everything on this node."),
        VALIDITY.field.means("How long the certificates of this node live."),
        RENEW_BEFORE.field,
        REVISION.field.means("A higher number asks for new keys of everything on this node, once."),
        RECIPIENT
            .field
            .means("Who opens the secrets of this node besides those whom secrets names.")
            .above(&[
                "secrets {",
                "    recipient \"age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg\"",
                "}",
            ]),
        blocks(&leaf::SHAPE),
    ],
    needs: &["role \"control-plane\"", "address \"10.0.0.11\""],
    shows: "node \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n\
        node \"w1\" {\n    address \"10.0.0.21\" \"fd00::21\"\n    san \"w1.lab.internal\"\n}",
    ..Shape::PLAIN
};

pub const ROLE: One<Role> = one(word("role")
    .means("What the node runs, and so which certificates it has.")
    .one_of::<Role>()
    .same("\"worker\"")
    .sample("\"control-plane\""));
pub const ADDRESS: Many<NodeAddress> = many(
    word("address")
        .means("The addresses at which the others reach the node: one of each family.")
        .text("IPv4 and IPv6 addresses")
        .follows("none, which only a worker can do with")
        .sample("\"10.0.0.11\""),
);
pub const PRIMARY: One<bool> = one(word("primary")
    .means("Whether super-admin.conf goes to this one of several control-plane nodes.")
    .flag()
    .follows("only a single control-plane node gets it; of several none, and it stays in out/ca/"));

pub struct NodeDraft {
    pub at: At,
    pub name: Option<NodeName>,
    /// None when what is written is no role.
    pub role: Option<Role>,
    pub role_at: At,
    pub addresses: Vec<(NodeAddress, At)>,
    sans: Vec<(San, At)>,
    pub primary: Option<At>,
    pub written: Written,
    revision: u32,
    recipients: Vec<(Recipient, At)>,
    pub leaves: Vec<LeafDraft>,
}

/// All nodes, in the order written.
pub fn read(blocks: &[Block<'_>], reader: &mut Reader<'_>) -> Vec<NodeDraft> {
    let (mut names, mut addresses) = (Seen::new(), HashMap::new());
    let drafts: Vec<NodeDraft> =
        blocks.iter().map(|block| draft(block, &mut names, &mut addresses, reader)).collect();
    let mut primaries = drafts
        .iter()
        .filter(|node| node.role == Some(Role::ControlPlane))
        .filter_map(|node| node.primary);
    if let Some(first) = primaries.next() {
        for other in primaries {
            reader.problem(
                Problem::new(other, "a second `primary` node")
                    .first(first)
                    .help("super-admin.conf goes to one node only; keep one primary"),
            );
        }
    }
    drafts
}

fn draft(
    block: &Block<'_>,
    names: &mut Seen,
    addresses: &mut HashMap<IpAddr, At>,
    reader: &mut Reader<'_>,
) -> NodeDraft {
    let role = reader.choice_or(block, ROLE, Role::Worker);
    let primary = reader.flag(block, PRIMARY).filter(|(primary, _)| *primary).map(|(_, at)| at);
    let node = NodeDraft {
        at: block.at,
        name: reader.name(block, names),
        role,
        role_at: block.one(ROLE).map_or(block.at, |value| value.at),
        addresses: reader.list(block, ADDRESS),
        sans: reader.list(block, SAN),
        primary,
        written: reader.policy(block),
        revision: reader.revision(block),
        recipients: reader.list(block, RECIPIENT),
        leaves: leaf::read(&block.blocks, reader),
    };
    check_addresses(&node, block, addresses, reader);
    if role == Some(Role::Worker) {
        check_not_local(&node, block, reader);
    }
    if let Some(at) = node.primary.filter(|_| role.is_some_and(|role| role != Role::ControlPlane)) {
        reader.problem(
            Problem::new(at, "only a control-plane node can be `primary`").help(
                "primary says which control-plane node gets super-admin.conf; delete it here",
            ),
        );
    }
    node
}

/// Every machine calls itself so: a certificate for it is good for the place of any server on any of them.
/// A lab may have its one control-plane node there.
fn check_not_local(node: &NodeDraft, block: &Block<'_>, reader: &mut Reader<'_>) {
    const WHY: &str = "on every machine that is the machine itself";
    if let (Some(name), Some(value)) = (&node.name, &block.name)
        // RFC 6761, 6.3.
        && name.as_str().split('.').any(|label| label == "localhost")
    {
        let problem = Problem::new(value.at, format!("a worker cannot be called {name}"));
        reader.problem(problem.label(WHY).help(
            "write the name by which the others know it: `hostname` on that machine should say the same",
        ));
    }
    for (address, at) in node.addresses.iter().filter(|(address, _)| address.ip().is_loopback()) {
        let problem = Problem::new(*at, format!("a worker cannot be at {address}"));
        reader.problem(problem.label(WHY).help(
            "write the address at which control-plane nodes dial its kubelet, such as 10.0.0.21",
        ));
    }
}

fn check_addresses(
    node: &NodeDraft,
    block: &Block<'_>,
    known: &mut HashMap<IpAddr, At>,
    reader: &mut Reader<'_>,
) {
    let mut families: [Option<At>; 2] = [None, None];
    for (address, at) in &node.addresses {
        let ip = address.ip();
        let [four, six] = &mut families;
        let family = if ip.is_ipv4() { four } else { six };
        match *family {
            Some(first) => reader.problem(
                Problem::new(*at, format!("a second {} address", if ip.is_ipv4() { "IPv4" } else { "IPv6" }))
                    .first(first)
                    .help("a node has one address of each family; further names for its certificates are `san`"),
            ),
            None => *family = Some(*at),
        }
        if let Some(first) = known.get(&ip) {
            reader.problem(
                Problem::new(*at, format!("address {ip} belongs to another node"))
                    .first(*first)
                    .help("every node has its own address"),
            );
        } else {
            known.insert(ip, *at);
        }
    }
    let Some(role @ (Role::ControlPlane | Role::Etcd)) = node.role else {
        return;
    };
    if block.written(ADDRESS.field).is_none() {
        let why = match role {
            Role::ControlPlane => "its API server's and etcd's certificates carry it",
            _ => "etcd checks the address that a member connects from",
        };
        reader.problem(
            Problem::new(node.at, format!("this {} node needs an `address`", role.as_str()))
                .label(why)
                .help("add address=\"10.0.0.11\""),
        );
    }
}

/// What roles and the etcd topology demand of each other.
pub fn check_etcd(
    nodes: &[NodeDraft],
    topology: EtcdTopology,
    written: Option<At>,
    complete: bool,
    reader: &mut Reader<'_>,
) {
    let members: Vec<&NodeDraft> =
        nodes.iter().filter(|node| node.role == Some(Role::Etcd)).collect();
    let count = match topology {
        EtcdTopology::Stacked => {
            for node in &members {
                reader
                    .problem(Problem::new(node.role_at, "an etcd node in a stacked topology").help(
                    "add component \"etcd\" topology=\"external\", or give the node another role",
                ));
            }
            nodes.iter().filter(|node| node.role == Some(Role::ControlPlane)).count()
        }
        EtcdTopology::External => members.len(),
    };
    if count == 0
        && topology == EtcdTopology::External
        && complete
        && let Some(at) = written
    {
        reader.problem(
            Problem::new(at, "an external etcd without a node")
                .help("add node \"etcd1\" role=\"etcd\" address=\"10.0.0.31\""),
        );
    }
    if count > 0 && count.is_multiple_of(2) {
        reader.note(format!(
            "etcd has {count} members: an even number tolerates no more failures than {}",
            count - 1
        ));
    }
}

/// Who gets super-admin.conf, where nobody does.
pub fn check_primary(nodes: &[NodeDraft], none: Option<At>, reader: &mut Reader<'_>) {
    let Some(none) = none else { return };
    for at in nodes.iter().filter_map(|node| node.primary) {
        reader.problem(
            Problem::new(at, "a `primary` node, and no super-admin.conf")
                .other(none, "nobody has it")
                .help("primary says which node gets super-admin.conf; delete one of the two"),
        );
    }
}

/// A node's recipient opens what is sealed; it does not seal.
pub fn check_recipients(nodes: &[NodeDraft], in_the_clear: bool, reader: &mut Reader<'_>) {
    let first = nodes.iter().find_map(|node| node.recipients.first());
    if let (Some((_, at)), true) = (first, in_the_clear) {
        reader.problem(
            Problem::new(*at, "a node's recipient, but no `secrets`")
                .label("secrets rest in the clear")
                .help("add secrets { recipient \"age1…\" } with the operators' keys, or delete it here"),
        );
    }
}

/// Where the blocks of single leaves stand.
pub fn leaf_places(nodes: &[NodeDraft]) -> leaf::Places {
    let named = nodes.iter().filter_map(|node| Some((node.name.clone()?, &node.leaves)));
    let all = named.flat_map(|(name, leaves)| {
        leaves.iter().map(move |leaf| ((name.clone(), leaf.row.name), leaf.at))
    });
    all.collect()
}

impl NodeDraft {
    pub fn finish(self, reader: &Reader<'_>) -> Option<Node> {
        Some(Node {
            origin: reader.origin(self.at),
            name: self.name?,
            role: self.role?,
            addresses: self.addresses.into_iter().map(|(address, _)| address).collect(),
            sans: reader.origins(self.sans),
            primary: self.primary.is_some(),
            policy: self.written.policy,
            revision: self.revision,
            recipients: self.recipients.into_iter().map(|(who, _)| who).collect(),
            leaves: leaf::finish(self.leaves),
        })
    }
}
