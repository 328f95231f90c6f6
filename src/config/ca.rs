//! `ca "NAME" { … }`: the three certificate authorities, generated or brought.

use std::collections::BTreeMap;

use super::authorities::Places;
use super::block::{Block, One, Shape, one};
use super::brought::{self, Brought, without_root};
use super::fields::{KEY, REVISION, VALIDITY};
use super::problem::{At, Problem};
use super::reader::{Reader, Seen};
use crate::algorithm::KeyAlgorithm;
use crate::facts::is_signed_by;
use crate::name::CommonName;
use crate::profile::key_is_usually_on_nodes;
use crate::sources::Sources;
use crate::spec::{Ca, CaName, Origin, Policy, Setting};
use crate::time::Span;
use crate::words::Worded as _;

pub const SHAPE: Shape = Shape {
    word: "ca",
    example: Some("kubernetes"),
    fields: &[
        VALIDITY.field,
        KEY.field,
        COMMON_NAME.field,
        REVISION.field,
        KEYS_ON_NODES.field,
        CERTIFICATE.field,
    ],
};

pub const COMMON_NAME: One<CommonName> = one("common-name");
pub const KEYS_ON_NODES: One<bool> = one("keys-on-nodes");
pub const CERTIFICATE: One<String> = one("certificate");

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
    ca: Ca,
    common_name_at: Option<At>,
    /// Of a brought certificate.
    brought_at: Option<At>,
}

pub fn read(
    blocks: &[Block<'_>],
    defaults: &Policy,
    sources: &Sources,
    reader: &mut Reader<'_>,
) -> (BTreeMap<CaName, Ca>, Places) {
    let draft = |name| {
        Some(Draft { ca: untouched(name, defaults)?, common_name_at: None, brought_at: None })
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
    let brought = drafts.iter().filter_map(|(name, draft)| Some((*name, draft.brought_at?)));
    let places = brought.collect();
    (drafts.into_iter().map(|(name, draft)| (name, draft.ca)).collect(), places)
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
        origin: Origin::Default,
        common_name: Setting::default(usual_name(name).parse().ok()?),
        validity: Setting::default(TEN_YEARS),
        key,
        explicit_key: false,
        revision: 1,
        keys_on_nodes: Setting::default(key_is_usually_on_nodes(name)),
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
        self.ca.origin = reader.origin(block.at);
        if let Some(key) = reader.key(block) {
            if key.value == KeyAlgorithm::Ed25519 {
                let at = block.one(KEY).map_or(block.at, |value| value.at);
                reader.problem(
                    Problem::new(at, "kubeadm and others cannot read an ed25519 CA key")
                        .help("use \"ecdsa-p256\" or \"rsa-2048\""),
                );
            }
            self.ca.explicit_key = true;
            self.ca.key = key;
        }
        if let Some(validity) = reader.validity(block) {
            self.ca.validity = validity;
        }
        if let Some(common_name) = reader.one(block, COMMON_NAME) {
            self.ca.common_name = common_name;
        }
        self.common_name_at = block.one(COMMON_NAME).map(|value| value.at);
        self.ca.revision = reader.revision(block);
        if let Some((on_nodes, at)) = reader.flag(block, KEYS_ON_NODES) {
            self.ca.keys_on_nodes = reader.setting(on_nodes, at);
        }
        let Some(value) = block.one(CERTIFICATE) else {
            return;
        };
        // Where its key lies, no certificate says.
        let may_stand = [CERTIFICATE.word(), KEYS_ON_NODES.word()];
        for (word, at) in block.words().filter(|(word, _)| !may_stand.contains(word)) {
            reader.problem(
                Problem::new(at, format!("`{word}` beside a brought `certificate`"))
                    .other(value.at, "brought here")
                    .help("it comes from the certificate; delete it here"),
            );
        }
        let Some(path) = reader.text(value, CERTIFICATE.word()) else {
            return;
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
                    self.ca.common_name.value = name;
                }
                self.ca.common_name.origin = derived.clone();
                let validity = facts.not_after.since(facts.not_before);
                self.ca.validity = Setting { value: validity, origin: derived.clone() };
                self.ca.key = Setting { value: key, origin: derived };
                self.ca.explicit_key = false;
                self.ca.brought = Some(brought);
                self.brought_at = Some(value.at);
                self.common_name_at = Some(value.at);
            }
            Err(refusals) => {
                for (message, help) in refusals {
                    reader.problem(Problem::new(value.at, message).help(help));
                }
            }
        }
    }
}

/// A CA that stands above another one takes the clients of that for its own: whoever shows one sends the
/// certificates between along (RFC 8446 4.4.2). Every user of the cluster would be a client of etcd, say.
fn check_apart(drafts: &BTreeMap<CaName, Draft>, reader: &mut Reader<'_>) {
    let brought = drafts
        .iter()
        .filter_map(|(name, draft)| Some((*name, draft.ca.brought.as_ref()?, draft.brought_at?)));
    let brought: Vec<_> = brought.collect();
    for (lower_name, lower, at) in &brought {
        for (upper_name, upper, other) in &brought {
            let key = &upper.facts.public_key;
            let is_above = upper.facts.public_key != lower.facts.public_key
                && (lower.above.iter().any(|one| one.facts.public_key == *key)
                    || lower.facts.issuer == upper.facts.subject && is_signed_by(&lower.der, key));
            if is_above {
                reader.problem(
                    Problem::new(
                        *at,
                        format!("the {lower_name} CA is certified by the {upper_name} CA"),
                    )
                    .other(*other, "the one above")
                    .help(format!(
                        "every client of {lower_name} would be one of {upper_name}, too; bring a CA for each \
                         that signs nothing else"
                    )),
                );
            }
        }
    }
}

/// `--client-ca-file` and `--requestheader-client-ca-file` must not be one CA: whoever holds a client
/// certificate could then speak for anybody (Kubernetes, "Configure the Aggregation Layer").
fn check_distinct(drafts: &BTreeMap<CaName, Draft>, reader: &mut Reader<'_>) {
    let before = reader.problems.len();
    // The same key: two certificates over it are one CA.
    let brought = drafts.values().filter_map(|draft| {
        Some((&draft.ca.brought.as_ref()?.facts.public_key, draft.brought_at?))
    });
    let brought: Vec<_> = brought.collect();
    for (index, (key, at)) in brought.iter().enumerate() {
        let earlier = brought.iter().take(index).find(|(other, _)| other == key);
        if let Some((_, first)) = earlier {
            reader.problem(
                Problem::new(*at, "one certificate for two CAs")
                    .first(*first)
                    .help("each CA needs its own key: a client of one must be nobody to the other"),
            );
        }
    }
    check_apart(drafts, reader);
    if reader.problems.len() > before {
        return;
    }
    let (Some(cluster), Some(proxy)) =
        (drafts.get(&CaName::Kubernetes), drafts.get(&CaName::FrontProxy))
    else {
        return;
    };
    let place = proxy.common_name_at.or(cluster.common_name_at);
    if let Some(at) = place.filter(|_| cluster.ca.common_name.value == proxy.ca.common_name.value) {
        let mut problem =
            Problem::new(at, "the kubernetes and front-proxy CAs have the same common name")
                .help("the API server must tell their clients apart; rename one");
        problem.other =
            cluster.common_name_at.filter(|other| *other != at).map(|other| (other, "first here"));
        reader.problem(problem);
    }
}
