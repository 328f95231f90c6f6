//! Who loses what the cluster itself must take away: a file that goes, or says less, deletes nothing there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::style::{STRONG, paint};
use super::text::{harmless, paragraph};
use crate::facts::{BindingObject, CertificateFacts, certificates_in_pem};
use crate::graph::{Artifact, UserPart};
use crate::name::{ArtifactName, Label};
use crate::plan::{Orphan, Plan, World, removed_bindings};
use crate::shell::quoted;
use crate::time::Timestamp;

/// A user who is described no longer, or with fewer roles.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LeaverReport {
    pub user: String,
    /// Deletes the bindings in the cluster, as long as their files are here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete: Option<String>,
    /// Delete the same bindings by their names.
    pub commands: Vec<String>,
    /// What the certificate still opens, which nobody can revoke.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remains: Option<String>,
    /// Until when (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// By their names.
pub(super) fn leavers(world: World<'_>, plan: &Plan) -> Vec<LeaverReport> {
    let lost = removed_bindings(world, plan, true);
    let gone = gone(plan);
    let users: BTreeSet<&Label> = lost.keys().chain(gone.keys()).collect();
    let reports = users.into_iter().filter_map(|user| {
        let objects: BTreeSet<&BindingObject> =
            lost.get(user).into_iter().flat_map(BTreeMap::keys).collect();
        let life = gone.get(user).and_then(|name| remains(world, plan, user, name));
        let (remains, until) = life.unzip();
        let is_here =
            |file: &str| world.inventory.public(&format!("users/{user}/{file}")).is_some();
        let whole = gone.contains_key(user) && !objects.is_empty() && is_here("kustomization.yaml");
        let report = LeaverReport {
            user: user.to_string(),
            delete: whole
                .then(|| format!("kubectl delete -k {}", quoted(&format!("out/users/{user}")))),
            commands: commands(&objects),
            remains,
            until,
        };
        (!report.commands.is_empty() || report.remains.is_some()).then_some(report)
    });
    reports.collect()
}

/// Users whose identity nothing describes any more.
fn gone(plan: &Plan) -> BTreeMap<Label, &ArtifactName> {
    let lines = plan.orphans.iter().filter_map(|orphan| match orphan {
        Orphan::Line(name) => match name.as_str().parse() {
            Ok(Artifact::User(user, UserPart::Identity)) => Some((user, name)),
            _ => None,
        },
        Orphan::File { .. } => None,
    });
    lines.collect()
}

/// What the certificate says, where it is here; until when, the lock.
fn remains(
    world: World<'_>,
    plan: &Plan,
    user: &Label,
    name: &ArtifactName,
) -> Option<(String, Timestamp)> {
    let entry = world.lock.entries.get(name)?;
    let until = entry.not_after.filter(|end| *end > world.now)?;
    let folder = format!("users/{user}/");
    let certificates = plan.orphans.iter().filter_map(|orphan| match orphan {
        Orphan::File { path, .. } if path.as_str().starts_with(&folder) => {
            certificates_in_pem(world.inventory.public(path.as_str())?).ok()
        }
        _ => None,
    });
    let facts = certificates
        .flatten()
        .filter_map(|der| CertificateFacts::from_der(&der).ok())
        .find(|facts| entry.certificate == Some(facts.digest));
    let subject = facts.map(|facts| facts.subject.to_string());
    let whom = subject.unwrap_or_else(|| user.to_string());
    let masters = whom.contains("system:masters");
    let what = if masters {
        "no binding holds system:masters back, so only another CA key (--rekey ca/kubernetes) does"
    } else {
        "what is bound elsewhere to that name, to its groups and to system:authenticated stays open"
    };
    Some((format!("the certificate of {whom} is good until {}: {what}", until.date()), until))
}

fn commands(objects: &BTreeSet<&BindingObject>) -> Vec<String> {
    let command = |object: &&BindingObject| match &object.namespace {
        None => format!("kubectl delete clusterrolebinding {}", quoted(&object.name)),
        Some(namespace) => format!(
            "kubectl delete rolebinding {} {}",
            quoted(&format!("--namespace={namespace}")),
            quoted(&object.name)
        ),
    };
    objects.iter().map(command).collect()
}

/// What a person does in the cluster. `pruned`: the files went.
pub(super) fn leavers_text(leavers: &[LeaverReport], pruned: bool, columns: usize) -> String {
    let mut text = String::new();
    for leaver in leavers {
        let head = match (&leaver.delete, leaver.commands.is_empty()) {
            (Some(_), _) if !pruned => "to take the roles away now, before --prune",
            (_, false) => "to take the roles away in the cluster",
            (_, true) => "",
        };
        let head = if head.is_empty() { String::new() } else { format!(": {head}") };
        let _ = writeln!(text, "{}{head}", paint(STRONG, &harmless(&leaver.user)));
        let whole = leaver.delete.iter().filter(|_| !pruned);
        let lines: Vec<&String> = match whole.clone().next() {
            Some(_) => whole.collect(),
            None => leaver.commands.iter().collect(),
        };
        for line in lines {
            let _ = writeln!(text, "  {}", harmless(line));
        }
        if let Some(remains) = &leaver.remains {
            text.push_str(&paragraph("  ", 4, &harmless(remains), columns));
        }
    }
    text
}

/// Each user with the commands.
pub(super) fn leaver_lines(leavers: &[LeaverReport]) -> Vec<String> {
    let lines = leavers.iter().flat_map(|leaver| {
        let whole = leaver.delete.iter();
        let parts = leaver.commands.iter().filter(|_| leaver.delete.is_none());
        whole
            .chain(parts)
            .chain(&leaver.remains)
            .map(move |line| format!("{}: {line}", leaver.user))
    });
    lines.collect()
}
