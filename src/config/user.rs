//! `user "NAME" { … }`: a person or robot with a client certificate.

use std::collections::HashMap;

use super::block::Block;
use super::fields::{GROUP, KEY, RENEW_BEFORE, REVISION, SERVER, VALIDITY};
use super::problem::{At, Problem, quoted};
use super::reader::{Reader, Seen};
use super::shape::{One, Shape, Values, blocks, one, word};
use super::{bind, request};
use crate::name::{CommonName, DnsName, Label, Organization};
use crate::sources::Sources;
use crate::spec::{BroughtRequest, Policy, User, Via};

pub const SHAPE: Shape = Shape {
    word: "user",
    example: Some("jane"),
    names: Values::Text("a label of your choice, which names the files"),
    means: "A person or robot with a client certificate, a kubeconfig and roles.",
    fields: &[
        GROUP.field.means(
            "An organization of the certificate each: a group for RBAC. system:masters needs allow-masters.",
        ),
        COMMON_NAME
            .field
            .means("The user's name for RBAC.")
            .follows("the label")
            .sample("\"jane@example.com\""),
        VALIDITY.field.follows(OF_DEFAULTS),
        KEY.field.follows(OF_DEFAULTS),
        RENEW_BEFORE.field,
        REVISION.field,
        VIA.field,
        ALLOW_MASTERS.field,
        NAMESPACE.field,
        SERVER
            .field
            .means(
                "The API server that the kubeconfig names, for people outside, say. The API server's \
                certificate must have the host.",
            )
            .sample("\"https://k8s.corp.example\"")
            .above(&["component \"apiserver\" san=\"k8s.corp.example\""]),
        CSR.field,
        blocks(&bind::SHAPE),
    ],
    shows: "user \"jane\" {\n    group \"dev\"\n    validity \"90d\"\n    \
        bind cluster-role=\"edit\" namespace=\"shop\"\n}",
    ..Shape::PLAIN
};

/// Where a user's or certificate's settings come from.
pub const OF_DEFAULTS: &str = "that of defaults";
/// Of a `certificate`, too.
pub const COMMON_NAME: One<CommonName> = one(word("common-name")
    .means("The common name of the certificate's subject.")
    .text("a name of at most 64 characters")
    .follows("the label, for a client"));
pub const VIA: One<Via> = one(word("via")
    .means("Who signs the certificate.")
    .one_of::<Via>()
    .same("\"ca\"")
    .sample("\"csr\""));
/// Of a `certificate`, too.
pub const ALLOW_MASTERS: One<bool> = one(word("allow-masters")
    .means(
        "Consents to the group system:masters. It bypasses RBAC and cannot be revoked until the \
        certificate expires.",
    )
    .flag()
    .with(&["group \"system:masters\""]));
pub const NAMESPACE: One<DnsName> = one(word("namespace")
    .means("The namespace in which the kubeconfig's commands work unless told otherwise.")
    .text("the name of a namespace")
    .sample("\"shop\""));
pub const CSR: One<String> = one(word("csr")
    .means("A request that the user brings, with a key of their own that nobody else sees.")
    .text("a file in PEM, beside this one or below")
    .follows("kpki makes the key")
    .sample("\"jane.csr\""));

pub fn read(
    blocks: &[Block<'_>],
    defaults: &Policy,
    sources: &Sources,
    reader: &mut Reader<'_>,
) -> Vec<User> {
    let (mut names, mut subjects) = (Seen::new(), HashMap::new());
    blocks
        .iter()
        .filter_map(|block| user(block, defaults, &mut names, &mut subjects, sources, reader))
        .collect()
}

fn user(
    block: &Block<'_>,
    defaults: &Policy,
    names: &mut Seen,
    subjects: &mut HashMap<CommonName, At>,
    sources: &Sources,
    reader: &mut Reader<'_>,
) -> Option<User> {
    let name = reader.name::<Label>(block, names);
    let common_name = common_name(block, name.as_ref(), subjects, reader);
    let groups = reader.list(block, GROUP);
    let via = reader.choice_or(block, VIA, Via::Ca);
    let allow_masters = match via {
        Some(Via::Csr) => {
            // Of no effect, and still `#true` or `#false`.
            reader.flag(block, ALLOW_MASTERS);
            refuse_masters(&groups, reader);
            false
        }
        _ => check_masters(&groups, block, reader),
    };
    let written = reader.policy(block);
    let policy = defaults.overridden_by(&written.policy);
    reader.check_renewal(&policy, &written);
    let namespace = reader.one(block, NAMESPACE).map(|setting| setting.value);
    if let (Some(found), Some(value)) = (&namespace, block.one(NAMESPACE)) {
        bind::check_namespace(found, value.at, reader);
    }
    let server = reader.one(block, SERVER);
    let revision = reader.revision(block);
    let bindings = bind::read(&block.blocks, &groups, reader);
    let groups = reader.origins(groups);
    let wish = request::Wish { common_name: common_name.as_ref(), groups: &groups, via };
    let request = brought(block, name.as_ref(), &wish, sources, reader);
    Some(User {
        origin: reader.origin(block.at),
        name: name?,
        via: via?,
        request,
        bindings,
        common_name: common_name?,
        groups,
        policy,
        revision,
        allow_masters,
        namespace,
        server,
    })
}

/// The request that the block names; the key is then not kpki's.
fn brought(
    block: &Block<'_>,
    name: Option<&Label>,
    wish: &request::Wish<'_>,
    sources: &Sources,
    reader: &mut Reader<'_>,
) -> Option<BroughtRequest> {
    let value = block.one(CSR)?;
    let path = reader.text(value, CSR.word())?;
    for field in [KEY.field, REVISION.field] {
        if let Some(at) = block.written(field) {
            let message = format!("`{}` is decided by whoever made the request", field.word);
            reader.problem(
                Problem::new(at, message)
                    .other(value.at, "brought here")
                    .help("delete it; for another key bring another request"),
            );
        }
    }
    match request::read(path, reader.folder(value.at), wish, sources) {
        Ok((brought, note)) => {
            if let (Some(note), Some(name)) = (note, name) {
                reader.note(format!("user {name}: {note}"));
            }
            Some(brought)
        }
        Err((message, help)) => {
            reader.problem(Problem::new(value.at, message).help(help));
            None
        }
    }
}

/// CertificateSubjectRestriction, on by default since 1.18.
fn refuse_masters(groups: &[(Organization, At)], reader: &mut Reader<'_>) {
    let masters = groups.iter().find(|(group, _)| group.as_str() == MASTERS);
    if let Some((_, at)) = masters {
        reader.problem(
            Problem::new(*at, "system:masters cannot be had via \"csr\"")
                .label("the API server refuses such a request (CertificateSubjectRestriction)")
                .help("bind cluster-role=\"cluster-admin\" instead, or sign via \"ca\" with allow-masters #true"),
        );
    }
}

pub const MASTERS: &str = "system:masters";

fn common_name(
    block: &Block<'_>,
    name: Option<&Label>,
    subjects: &mut HashMap<CommonName, At>,
    reader: &mut Reader<'_>,
) -> Option<CommonName> {
    let (common_name, at): (CommonName, At) = match block.one(COMMON_NAME) {
        Some(value) => (reader.parsed(value, COMMON_NAME.word())?, value.at),
        None => (name?.as_str().parse().ok()?, block.at),
    };
    if common_name.as_str().starts_with("system:") {
        reader.problem(
            Problem::new(at, format!("{} belongs to Kubernetes itself", quoted(common_name.as_str())))
                .label("`system:` is reserved")
                .help("the API server takes it for a component (system:node:…, system:kube-…): use a person's name; a component of your own, such as system:konnectivity-server, is certificate \"konnectivity\" { usage \"client\"; common-name \"system:konnectivity-server\"; node \"cp1\" }, and its kubeconfig names these files"),
        );
        return None;
    }
    if let Some(first) = subjects.get(&common_name) {
        let message = format!("two users have the common name {}", quoted(common_name.as_str()));
        let problem = Problem::new(at, message).first(*first);
        reader.problem(problem.help("to Kubernetes they would be the same person"));
        return None;
    }
    subjects.insert(common_name.clone(), at);
    Some(common_name)
}

/// `system:masters` needs a word of consent; says whether it was given.
pub fn check_masters(
    groups: &[(Organization, At)],
    block: &Block<'_>,
    reader: &mut Reader<'_>,
) -> bool {
    let allowed = reader.flag(block, ALLOW_MASTERS);
    let consent = allowed.is_some_and(|(consent, _)| consent);
    let masters = groups.iter().find(|(group, _)| group.as_str() == MASTERS);
    if let Some((_, at)) = masters.filter(|_| !consent) {
        reader.problem(
            Problem::new(*at, "system:masters bypasses RBAC and cannot be revoked")
                .label("all-powerful until the certificate expires")
                .help("bind another group to cluster-admin, or accept it with allow-masters #true"),
        );
    }
    consent
}
