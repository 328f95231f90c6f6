//! Requests that wait for the cluster's signature, and the commands that bring it.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::style::{STRONG, paint};
use super::text::{Table, counted, out, paragraph, some};
use crate::first_few::more;
use crate::graph::{DerivationId, Recipe};
use crate::name::ArtifactName;
use crate::plan::{World, is_answered, signing_request_on_disk};
use crate::shell::{operand, quoted};

/// A certificate that the cluster has yet to sign.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct WaitingReport {
    /// The artifact that the certificate will be.
    pub name: ArtifactName,
    /// Name of the CertificateSigningRequest object.
    pub request: String,
    /// Its manifest.
    pub manifest: String,
    /// To submit it, to approve it, and to collect the certificate.
    pub commands: Vec<String>,
}

pub(super) fn waiting_reports(world: World<'_>, ids: &[DerivationId]) -> Vec<WaitingReport> {
    ids.iter().filter_map(|id| waiting_report(world, *id)).collect()
}

/// `None`: no request of it is here.
fn waiting_report(world: World<'_>, id: DerivationId) -> Option<WaitingReport> {
    let Recipe::Accepted(accepted) = &world.graph.get(id).recipe else {
        return None;
    };
    let name = world.graph.get(id).name.clone();
    let request = signing_request_on_disk(world, accepted.request)?.name();
    let manifest = world.graph.manifest_of(accepted.request)?;
    let manifest = out(&world.graph.placements(manifest).first()?.path);
    let commands = vec![
        format!("kubectl create -f {}", operand(&manifest)),
        format!("kubectl certificate approve {}", quoted(&request)),
        // A shell reads on after a pipe.
        format!(
            "kubectl get csr {} -o jsonpath='{{.status.certificate}}' |\n  base64 -d | kpki accept {} -",
            quoted(&request),
            quoted(name.as_str())
        ),
    ];
    Some(WaitingReport { name, request, manifest, commands })
}

/// Whether the artifact is a certificate that waits, whatever the plan says.
pub(super) fn waits(world: World<'_>, id: DerivationId) -> Option<WaitingReport> {
    match &world.graph.get(id).recipe {
        Recipe::Accepted(accepted) if !is_answered(world, id, accepted) => {
            waiting_report(world, id)
        }
        _ => None,
    }
}

impl WaitingReport {
    pub(super) fn steps(&self) -> String {
        let mut text = String::new();
        for line in self.commands.iter().flat_map(|command| command.lines()) {
            let _ = writeln!(text, "  {line}");
        }
        text
    }
}

/// The commands of the first, the names of the others.
pub(super) fn waiting_text(waiting: &[WaitingReport], columns: usize) -> String {
    let Some((first, others)) = waiting.split_first() else {
        return String::new();
    };
    let verb = if others.is_empty() { "waits" } else { "wait" };
    let count = counted(waiting.len(), "request");
    let mut text = format!(
        "{count} {verb} for the cluster's signature; for {}:\n{}",
        paint(STRONG, first.name.as_str()),
        first.steps()
    );
    if !others.is_empty() {
        let names: Vec<&ArtifactName> = others.iter().map(|other| &other.name).collect();
        let line = format!("and {} more (kpki show NAME): {}", others.len(), some(&names));
        text.push_str(&paragraph("", 2, &line, columns));
    }
    text
}

/// One line each.
pub(super) fn waiting_lines(waiting: &[WaitingReport], columns: usize) -> String {
    const SHOWN: usize = 20;
    if waiting.is_empty() {
        return String::new();
    }
    let verb = if waiting.len() == 1 { "waits" } else { "wait" };
    let count = counted(waiting.len(), "request");
    let mut table = Table::new();
    for one in waiting.iter().take(SHOWN) {
        table.row([
            one.name.as_str().into(),
            one.request.as_str().into(),
            format!("kpki show {}", quoted(one.name.as_str())).into(),
        ]);
    }
    let mut text = format!("{count} {verb} for the cluster's signature\n");
    text.push_str(&table.render("  ", columns));
    if let Some(more) = more(waiting.len(), SHOWN) {
        let _ = writeln!(text, "  {more}");
    }
    text.push('\n');
    text
}
