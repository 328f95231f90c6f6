//! `ca "NAME" { … }`: the three certificate authorities, generated or brought.

use std::collections::BTreeMap;

use super::authorities::Places;
use super::block::Block;
use super::brought::{self, Brought, without_root};
use super::fields::{KEY, REVISION, VALIDITY};
use super::keypair::{self, CERTIFICATE, Line};
use super::problem::{At, Problem};
use super::reader::{Reader, Seen};
use super::shape::{One, Shape, blocks, one, one_of, word};
use super::tree::Value;
use crate::algorithm::KeyAlgorithm;
use crate::facts::is_signed_by;
use crate::name::CommonName;
use crate::profile::key_is_usually_on_nodes;
use crate::sources::Sources;
use crate::spec::{Authority, Ca, CaName, Keypair, KeypairState, Origin, OtherCa, Policy, Setting};
use crate::time::Span;
use crate::words::Worded as _;

pub const SHAPE: Shape = Shape {
    word: "ca",
    example: Some("kubernetes"),
    names: one_of::<CaName>(),
    means: "One of the cluster's three certificate authorities. They exist without being named: a block \
        changes one, or brings one of your own.",
    fields: &[
        VALIDITY
            .field
            .means("How long the CA certificate lives. Nothing that it signed outlives it.")
            .same("\"3650d\"")
            .sample("\"10y\""),
        KEY.field
            .means(
                "The algorithm of its key. Once the key is made, another one replaces the CA, and \
                needs --allow replace:ca/NAME.",
            )
            .follows("that of defaults; ecdsa-p256 where that is ed25519")
            .sample("\"rsa-4096\""),
        COMMON_NAME.field,
        REVISION.field.means(
            "A higher number asks for a new key, at once and everywhere; to rotate without an \
            outage, keypair.",
        ),
        KEYS_ON_NODES.field,
        CERTIFICATE.field,
        blocks(&keypair::SHAPE),
    ],
    shows: "ca \"kubernetes\" {\n    validity \"10y\"\n    key \"rsa-4096\"\n}\n\
        ca \"etcd\" common-name=\"lab etcd\"",
    ..Shape::PLAIN
};

pub const COMMON_NAME: One<CommonName> = one(word("common-name")
    .means("The common name of the CA certificate's subject.")
    .text("a name of at most 64 characters")
    .follows("kubernetes, etcd-ca or front-proxy-ca, as kubeadm's")
    .sample("\"lab root\""));
pub const KEYS_ON_NODES: One<bool> = one(word("keys-on-nodes")
    .means(
        "Whether the CA's key lies beside its certificate on control-plane nodes. With #false for \
        kubernetes the controller-manager signs nothing: kubeadm's external CA mode.",
    )
    .flag()
    .follows("#true for kubernetes, else #false")
    .sample("#false"));

/// kubeadm's 87600h.
pub const TEN_YEARS: Span = Span::days(3650);

/// kubeadm's common names.
pub fn usual_name(name: CaName) -> &'static str {
    match name {
        CaName::Kubernetes => "kubernetes",
        CaName::Etcd => "etcd-ca",
        CaName::FrontProxy => "front-proxy-ca",
    }
}

struct Draft {
    authority: Authority,
    common_name_at: Option<At>,
    /// Where brought certificates are named.
    brought_at: BTreeMap<Keypair, At>,
}

/// A certificate that was brought.
struct BroughtOne<'d> {
    name: CaName,
    ca: &'d Ca,
    at: At,
}

impl Draft {
    fn cas(&self) -> impl Iterator<Item = &Ca> {
        let others = self.authority.others.iter().map(|other| &other.ca);
        std::iter::once(&self.authority.signer).chain(others)
    }
}

fn all_brought(drafts: &BTreeMap<CaName, Draft>) -> Vec<BroughtOne<'_>> {
    let all = drafts.iter().flat_map(|(name, draft)| {
        draft.cas().filter_map(|ca| {
            let at = *draft.brought_at.get(&ca.number)?;
            ca.brought.as_ref().map(|_| BroughtOne { name: *name, ca, at })
        })
    });
    all.collect()
}

pub fn read(
    blocks: &[Block<'_>],
    defaults: &Policy,
    sources: &Sources,
    reader: &mut Reader<'_>,
) -> (BTreeMap<CaName, Authority>, Places) {
    let draft = |name| {
        Some(Draft {
            authority: Authority {
                origin: Origin::Default,
                keys_on_nodes: Setting::default(key_is_usually_on_nodes(name)),
                signer: untouched(name, defaults)?,
                others: Vec::new(),
            },
            common_name_at: None,
            brought_at: BTreeMap::new(),
        })
    };
    let drafts = CaName::ALL.into_iter().filter_map(|name| Some((name, draft(name)?)));
    let mut drafts: BTreeMap<CaName, Draft> = drafts.collect();
    let mut seen = Seen::new();
    for block in blocks {
        let Some(value) = block.name else {
            continue;
        };
        let name = reader.choice(value, SHAPE.word, CaName::WORDS);
        if name.is_some() && !reader.once(block, value, &mut seen) {
            continue;
        }
        // The settings of a block whose name is a mistake are judged as well.
        let mut unknown = draft(CaName::Kubernetes);
        let draft = name.and_then(|name| drafts.get_mut(&name)).or(unknown.as_mut());
        if let Some(draft) = draft {
            draft.fill(block, name == Some(CaName::Kubernetes), sources, reader);
        }
    }
    check_distinct(&drafts, reader);
    let places =
        all_brought(&drafts).iter().map(|one| ((one.name, one.ca.number), one.at)).collect();
    (drafts.into_iter().map(|(name, draft)| (name, draft.authority)).collect(), places)
}

/// A CA that no block speaks of.
fn untouched(name: CaName, defaults: &Policy) -> Option<Ca> {
    let key = match defaults.key.value {
        KeyAlgorithm::Ed25519 => Setting {
            value: KeyAlgorithm::DEFAULT,
            origin: Origin::Derived("ed25519 is not read by kubeadm and others as a CA key"),
        },
        _ => defaults.key.clone(),
    };
    Some(Ca {
        number: Keypair::FIRST,
        origin: Origin::Default,
        common_name: Setting::default(usual_name(name).parse().ok()?),
        validity: Setting::default(TEN_YEARS),
        key,
        explicit_key: false,
        revision: 1,
        brought: None,
    })
}

impl Draft {
    fn fill(
        &mut self,
        block: &Block<'_>,
        is_cluster: bool,
        sources: &Sources,
        reader: &mut Reader<'_>,
    ) {
        let origin = reader.origin(block.at);
        self.authority.origin = origin.clone();
        let ca = &mut self.authority.signer;
        ca.origin = origin;
        if let Some(key) = reader.key(block) {
            if key.value == KeyAlgorithm::Ed25519 {
                let at = block.one(KEY).map_or(block.at, |value| value.at);
                reader.problem(
                    Problem::new(at, "kubeadm and others cannot read an ed25519 CA key")
                        .help("use \"ecdsa-p256\" or \"rsa-2048\""),
                );
            }
            ca.explicit_key = true;
            ca.key = key;
        }
        if let Some(validity) = reader.validity(block) {
            ca.validity = validity;
        }
        if let Some(common_name) = reader.one(block, COMMON_NAME) {
            ca.common_name = common_name;
        }
        self.common_name_at = block.one(COMMON_NAME).map(|value| value.at);
        ca.revision = reader.revision(block);
        if let Some((on_nodes, at)) = reader.flag(block, KEYS_ON_NODES) {
            self.authority.keys_on_nodes = reader.setting(on_nodes, at);
        }
        if !block.blocks.is_empty() {
            refuse_beside_keypairs(block, reader);
            if let Some((signer, others)) = keypair::read(block, reader) {
                self.keypairs(block, (&signer, &others), is_cluster, (sources, reader));
            }
        } else if let Some(value) = block.one(CERTIFICATE) {
            refuse_beside_certificate(block, value, reader);
            self.authority.signer =
                self.bring(self.authority.signer.clone(), value, is_cluster, (sources, reader));
        }
    }

    fn keypairs(
        &mut self,
        block: &Block<'_>,
        (signer, others): (&Line<'_>, &[Line<'_>]),
        is_cluster: bool,
        (sources, reader): (&Sources, &mut Reader<'_>),
    ) {
        let own = self.authority.signer.clone();
        let mut lines = std::iter::once(signer).chain(others);
        let split = others.iter().find(|line| line.state == Some(KeypairState::ServingOnly));
        if let Some(line) = split.filter(|_| !is_cluster) {
            reader.problem(
                Problem::new(line.at, "only the cluster CA has a `serving-only` key pair")
                    .help("of this CA servers and clients read one file: write state=\"trusted\""),
            );
        }
        // What the block says is of those that kpki makes.
        if lines.clone().all(|line| line.certificate.is_some())
            && let Some(value) = lines.find_map(|line| line.certificate)
        {
            refuse_beside_certificate(block, value, reader);
        }
        let mut of = |line: &Line<'_>| {
            let number = line.number;
            // It counted the keys that the first one had before there were several.
            let revision = if number == Keypair::FIRST { own.revision } else { 1 };
            let ca = Ca { number, revision, origin: reader.origin(line.at), ..own.clone() };
            match line.certificate {
                Some(value) => self.bring(ca, value, is_cluster, (sources, &mut *reader)),
                None => ca,
            }
        };
        let signing = of(signer);
        let others = others
            .iter()
            .filter_map(|line| Some(OtherCa { state: line.state?, ca: of(line) }))
            .collect();
        self.authority.signer = signing;
        self.authority.others = others;
    }

    /// `ca` with what its brought certificate says.
    fn bring(
        &mut self,
        mut ca: Ca,
        value: &Value,
        is_cluster: bool,
        (sources, reader): (&Sources, &mut Reader<'_>),
    ) -> Ca {
        let Some(path) = reader.text(value, CERTIFICATE.word()) else {
            return ca;
        };
        match brought::read(path, reader.folder(value.at), sources) {
            Ok(Brought { ca: brought, key, remarks }) => {
                for remark in remarks {
                    reader.note(remark);
                }
                // The others' readers are Go: they take any anchor.
                if is_cluster && let Some(remark) = without_root(&brought) {
                    reader.note(remark);
                }
                let derived = Origin::Derived("from the brought certificate");
                let facts = &brought.facts;
                // A description could not say some names.
                if let Some(name) = facts.subject.common_name().and_then(|name| name.parse().ok()) {
                    ca.common_name.value = name;
                }
                ca.common_name.origin = derived.clone();
                let validity = facts.not_after.since(facts.not_before);
                ca.validity = Setting { value: validity, origin: derived.clone() };
                ca.key = Setting { value: key, origin: derived };
                ca.explicit_key = false;
                ca.brought = Some(brought);
                self.brought_at.insert(ca.number, value.at);
                self.common_name_at = Some(value.at);
            }
            Err(refusals) => {
                for (message, help) in refusals {
                    reader.problem(Problem::new(value.at, message).help(help));
                }
            }
        }
        ca
    }
}

/// Where its key lies, no certificate says.
fn refuse_beside_certificate(block: &Block<'_>, value: &Value, reader: &mut Reader<'_>) {
    let may_stand = [CERTIFICATE.word(), KEYS_ON_NODES.word(), keypair::SHAPE.word];
    for (word, at) in block.words().filter(|(word, _)| !may_stand.contains(word)) {
        reader.problem(
            Problem::new(at, format!("`{word}` beside a brought `certificate`"))
                .other(value.at, "brought here")
                .help("it comes from the certificate; delete it here"),
        );
    }
}

/// Words that speak of the one key pair that there is without the word.
fn refuse_beside_keypairs(block: &Block<'_>, reader: &mut Reader<'_>) {
    for (field, help) in
        [(CERTIFICATE.field, "write it on the line of its own: keypair 1 certificate=\"…\"")]
    {
        if let Some(at) = block.written(field) {
            let message = format!("`{}` beside `keypair`", field.word);
            reader.problem(Problem::new(at, message).help(help));
        }
    }
}

/// A CA that stands above another one takes the clients of that for its own: whoever shows one sends the
/// certificates between along (RFC 8446 4.4.2). Every user of the cluster would be a client of etcd, say.
fn check_apart(all: &[BroughtOne<'_>], reader: &mut Reader<'_>) {
    let brought = all.iter().filter_map(|one| Some((one, one.ca.brought.as_ref()?)));
    let brought: Vec<_> = brought.collect();
    for (lower, below) in &brought {
        for (upper, above) in brought.iter().filter(|(upper, _)| upper.name != lower.name) {
            let key = &above.facts.public_key;
            let is_above = above.facts.public_key != below.facts.public_key
                && (below.above.iter().any(|one| one.facts.public_key == *key)
                    || below.facts.issuer == above.facts.subject && is_signed_by(&below.der, key));
            if is_above {
                let message =
                    format!("the {} CA is certified by the {} CA", lower.name, upper.name);
                reader.problem(Problem::new(lower.at, message).other(upper.at, "the one above").help(
                    format!(
                        "every client of {} would be one of {}, too; bring a CA for each that signs nothing else",
                        lower.name, upper.name
                    ),
                ));
            }
        }
    }
}

/// `--client-ca-file` and `--requestheader-client-ca-file` must not be one CA: whoever holds a client
/// certificate could then speak for anybody (Kubernetes, "Configure the Aggregation Layer").
fn check_distinct(drafts: &BTreeMap<CaName, Draft>, reader: &mut Reader<'_>) {
    let before = reader.problems.len();
    // The same key: two certificates over it are one CA.
    let brought = all_brought(drafts);
    let key = |one: &BroughtOne<'_>| Some(one.ca.brought.as_ref()?.facts.public_key.clone());
    for (index, one) in brought.iter().enumerate() {
        let Some(first) = brought.iter().take(index).find(|other| key(other) == key(one)) else {
            continue;
        };
        let problem = if first.name == one.name {
            Problem::new(one.at, "one certificate for two key pairs")
                .help("bring a certificate over another key: with this one nothing is rotated")
        } else {
            Problem::new(one.at, "one certificate for two CAs")
                .help("each CA needs its own key: a client of one must be nobody to the other")
        };
        reader.problem(problem.first(first.at));
    }
    check_apart(&brought, reader);
    if reader.problems.len() > before {
        return;
    }
    let (Some(cluster), Some(proxy)) =
        (drafts.get(&CaName::Kubernetes), drafts.get(&CaName::FrontProxy))
    else {
        return;
    };
    let place = proxy.common_name_at.or(cluster.common_name_at);
    let is_one_name = cluster
        .cas()
        .any(|one| proxy.cas().any(|other| one.common_name.value == other.common_name.value));
    if let Some(at) = place.filter(|_| is_one_name) {
        let mut problem =
            Problem::new(at, "the kubernetes and front-proxy CAs have the same common name")
                .help("the API server must tell their clients apart; rename one");
        problem.other =
            cluster.common_name_at.filter(|other| *other != at).map(|other| (other, "first here"));
        reader.problem(problem);
    }
}
