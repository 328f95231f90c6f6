//! A certificate request that a user brings, judged once when it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::files::below;
use super::problem::quoted;
use crate::facts::{AskedExtensions, FactsError, RequestFacts, request_in_pem};
use crate::name::{CommonName, Organization};
use crate::shell;
use crate::sources::Sources;
use crate::spec::{BroughtRequest, Origin, Via};

const LIMIT: usize = 64 * 1024;

type Refusal = (String, String);

/// What the description says about the user, as far as it can be read.
pub struct Wish<'a> {
    pub common_name: Option<&'a CommonName>,
    pub groups: &'a BTreeMap<Organization, Origin>,
    pub via: Option<Via>,
}

/// The request, and a note where something that it asks for is left out.
pub fn read(
    path: &str,
    folder: &str,
    wish: &Wish<'_>,
    sources: &Sources,
) -> Result<(BroughtRequest, Option<String>), Refusal> {
    let refuse = |message: String, help: &str| Err((message, help.to_owned()));
    let Some(full) = below(folder, path) else {
        return refuse(
            format!("{} leads out of the description's folder", quoted(path)),
            "copy the request beside the description and name it from there",
        );
    };
    let bytes = match sources.read(&full, LIMIT) {
        Ok(bytes) => bytes,
        Err(error) => {
            return refuse(
                error.to_string(),
                "a request is made with `openssl req -new`, and is in PEM form",
            );
        }
    };
    // Looked for before parsing, and never shown: the file is about to be committed.
    if bytes.windows(KEY.len()).any(|window| window == KEY) {
        return refuse(
            format!("{full} holds a private key"),
            "only the request belongs there; a key that was committed or shared must be replaced",
        );
    }
    let refusal = |error: FactsError, help: &str| (format!("{full} {error}"), help.to_owned());
    let der = request_in_pem(&bytes)
        .map_err(|error| refusal(error, "it starts with -----BEGIN CERTIFICATE REQUEST-----"))?;
    let facts = RequestFacts::from_der(&der).map_err(|error| refusal(error, SUBJECT))?;
    check(&facts, &full, wish)?;
    let asks = beside_the_subject(&facts)
        .map(|what| format!("{full} asks for {what}: left out, the description decides"));
    Ok((BroughtRequest { path: Arc::from(full.as_str()), der, facts }, asks))
}

const SUBJECT: &str = "have it made again: its subject may be one CN (the user) and an O for each group, each once \
    and as UTF8String or PrintableString, and nothing else";

const KEY: &[u8] = b"PRIVATE KEY";

fn check(facts: &RequestFacts, path: &str, wish: &Wish<'_>) -> Result<(), Refusal> {
    let refuse = |message: String, help: String| Err((message, help));
    if facts.public_key.algorithm().is_none() {
        let kind = facts.public_key.kind();
        let kind = if kind.is_rsa() { format!(": {kind}") } else { String::new() };
        return refuse(
            format!("{path} has a key of an unsupported kind{kind}"),
            "use RSA with 2048, 3072 or 4096 bits (exponent 65537), ECDSA with P-256 or P-384, or Ed25519".into(),
        );
    }
    if !facts.is_signature_valid {
        return refuse(
            format!("{path} is not signed by the key that it names"),
            "it was changed, or its writer does not hold that key; have it made again".into(),
        );
    }
    // Before anything in it is compared: the cluster's signer takes the whole subject, and other readers may
    // find other names in what is not said plainly.
    if let Some(more) = facts.subject.beyond_user_and_groups() {
        return refuse(format!("{path} asks for {more}"), SUBJECT.into());
    }
    let common_name = facts.subject.common_name().unwrap_or_default();
    let wished = wish.common_name.map_or(common_name.as_str(), CommonName::as_str);
    if common_name != wished {
        return refuse(
            format!(
                "{path} has the common name {}, this user is {}",
                quoted(&common_name),
                quoted(wished)
            ),
            "have the request made again, or write its common-name here".into(),
        );
    }
    let groups: BTreeSet<String> = wish.groups.keys().map(ToString::to_string).collect();
    let asked = facts.subject.organizations();
    if asked != groups {
        return refuse(
            format!("{path} asks for {}, this user is in {}", in_words(&asked), in_words(&groups)),
            format!(
                "have it made again: openssl req -new -subj {}",
                shell::quoted(&subject(&groups, wished))
            ),
        );
    }
    // Kubernetes' signer copies SANs, and takes usages from the CertificateSigningRequest.
    let counts = facts.extensions != AskedExtensions::Usages || !facts.other_attributes.is_empty();
    if let Some(what) = beside_the_subject(facts).filter(|_| counts && wish.via == Some(Via::Csr)) {
        return refuse(
            format!("{path} asks for {what}"),
            "the cluster would copy SANs; have it made with a subject alone, or with key usages at most".into(),
        );
    }
    Ok(())
}

/// What is asked for in attributes of the request itself.
fn beside_the_subject(facts: &RequestFacts) -> Option<String> {
    let sans = facts.sans.iter().map(ToString::to_string);
    let sans: Vec<String> = sans.chain(facts.other_sans.iter().cloned()).collect();
    let extensions = match sans.as_slice() {
        [] => (facts.extensions != AskedExtensions::None).then(|| "extensions".to_owned()),
        sans => Some(format!("the SANs {}", sans.join(", "))),
    };
    let others = facts.other_attributes.iter();
    let others = others.map(|other| format!("the attribute {other}"));
    let all: Vec<String> = extensions.into_iter().chain(others).collect();
    (!all.is_empty()).then(|| all.join(" and "))
}

/// As `openssl req -subj` reads it: `/` and `+` part attributes unless a backslash is before them
/// (openssl-req(1)).
fn subject(groups: &BTreeSet<String>, common_name: &str) -> String {
    let mut subject = String::new();
    let groups = groups.iter().map(|group| ("O", group.as_str()));
    for (name, value) in groups.chain([("CN", common_name)]) {
        subject.extend(["/", name, "="]);
        for c in value.chars() {
            if r"\/+".contains(c) {
                subject.push('\\');
            }
            subject.push(c);
        }
    }
    subject
}

fn in_words(groups: &BTreeSet<String>) -> String {
    let list: Vec<String> = groups.iter().map(|group| quoted(group).to_string()).collect();
    match list.as_slice() {
        [] => "no group".to_owned(),
        [one] => format!("the group {one}"),
        many => format!("the groups {}", many.join(", ")),
    }
}
