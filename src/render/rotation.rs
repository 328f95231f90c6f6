//! The rotations of a plan as a report: what each stage changes, and what must hold for it.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gate::{Kind, gate};
use super::style::{STRONG, paint};
use super::text::{listed, out, paragraph};
use crate::facts::is_signed_by;
use crate::graph::{Artifact, FilePart, UserPart, first_places};
use crate::name::ArtifactName;
use crate::plan::{Plan, Rotation, Stage, World};
use crate::spec::{Keypair, KeypairState, KubeletClient, Root, Spec};
use crate::time::Timestamp;

/// A root of trust whose key pairs change.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RotationReport {
    /// `ca/kubernetes`, `ca/etcd`, `ca/front-proxy` or `service-account`.
    pub root: String,
    /// The key pair that signed before, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<ArtifactName>,
    /// The one that signs from now on.
    pub signs: ArtifactName,
    /// Trusted from now on.
    pub added: Vec<ArtifactName>,
    /// Trusted no more, or by fewer.
    pub dropped: Vec<ArtifactName>,
    /// In their order; none: one key takes the place of another, and nobody was told to trust it first.
    pub stages: Vec<StageReport>,
}

/// One stage, and its gate.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StageReport {
    /// `trust`, `promote` or `distrust`.
    pub stage: String,
    /// What it changes.
    pub changes: String,
    pub gate: Vec<GateReport>,
    /// Certificates here that another key pair signed than the one that signs, and that this plan leaves.
    pub old_certificates: Vec<OldCertificateReport>,
}

/// What must hold before a stage, or follow it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct GateReport {
    /// `before`: must hold first. `unproven`: so must this, and no command shows it. `after`: to do when all
    /// nodes have it.
    pub kind: Kind,
    pub text: String,
    /// Shows it, or does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct OldCertificateReport {
    pub name: ArtifactName,
    /// Its end (RFC 3339).
    pub expires: Timestamp,
}

pub(super) fn rotations(world: World<'_>, spec: &Spec, plan: &Plan) -> Vec<RotationReport> {
    let report = |rotation: &Rotation| {
        let root = rotation.root;
        let name = |keypair: &Keypair| Artifact::of_root(root, *keypair).name();
        let stages = rotation
            .stages
            .iter()
            .filter_map(|stage| stage_report(world, spec, plan, rotation, *stage));
        RotationReport {
            root: root.to_string(),
            signed: rotation.signed.as_ref().map(name),
            signs: name(&rotation.signs),
            added: rotation.added.iter().map(name).collect(),
            dropped: rotation.dropped.iter().map(name).collect(),
            stages: stages.collect(),
        }
    };
    plan.rotations.iter().map(report).collect()
}

fn stage_report(
    world: World<'_>,
    spec: &Spec,
    plan: &Plan,
    rotation: &Rotation,
    stage: Stage,
) -> Option<StageReport> {
    let root = rotation.root;
    let gate = gate(root, stage)?;
    let signs = [rotation.signs];
    let signed: Vec<Keypair> = rotation.signed.into_iter().collect();
    let (new, old) = match stage {
        Stage::Trust => (rotation.added.as_slice(), signed.as_slice()),
        Stage::Promote => (signs.as_slice(), signed.as_slice()),
        Stage::Distrust => (signs.as_slice(), rotation.dropped.as_slice()),
    };
    let old_certificates = match stage {
        Stage::Distrust => old_certificates(world, plan, root),
        Stage::Trust | Stage::Promote => Vec::new(),
    };
    let known: Vec<String> = (old_certificates.iter())
        .map(|one| format!("{} until {}", one.name, one.expires.date()))
        .collect();
    let file = old.first().and_then(|keypair| {
        let places = first_places(&Artifact::of_root(root, *keypair));
        places.into_iter().find(|(part, _)| *part != FilePart::PrivateKey)
    });
    let lists = [("{users}", users(world)), ("{kubelets}", kubelets(spec)), ("{known}", known)];
    let fill = |text: &str| {
        let mut text = text.replace("{new}", &names(root, new)).replace("{old}", &names(root, old));
        if let Some((_, path)) = &file {
            text = text.replace("{file}", &out(path));
        }
        for (word, list) in &lists {
            text = text.replace(word, &listed(list));
        }
        text
    };
    let says_nothing =
        |text: &str| lists.iter().any(|(word, list)| list.is_empty() && text.contains(word));
    let changes = match old.first() {
        Some(keypair) if stage == Stage::Distrust && is_serving_only(world, root, *keypair) => {
            "clients by {old} are refused from now on; servers that show it are believed still"
        }
        _ => gate.changes,
    };
    let rows = gate.rows.iter().filter(|row| !says_nothing(row.text)).map(|row| GateReport {
        kind: row.kind,
        text: fill(row.text),
        command: row.command.map(fill),
    });
    Some(StageReport {
        stage: stage.as_str().to_owned(),
        changes: fill(changes),
        gate: rows.collect(),
        old_certificates,
    })
}

fn names(root: Root, keypairs: &[Keypair]) -> String {
    let names = keypairs.iter().map(|keypair| Artifact::of_root(root, *keypair).to_string());
    names.collect::<Vec<_>>().join(" and ")
}

fn is_serving_only(world: World<'_>, root: Root, keypair: Keypair) -> bool {
    let described = world.graph.find(&Artifact::of_root(root, keypair).name());
    described.is_some_and(|id| {
        world.graph.get(id).recipe.keypair_state() == Some(KeypairState::ServingOnly)
    })
}

/// Who was given a kubeconfig.
fn users(world: World<'_>) -> Vec<String> {
    let users = world.graph.ids().filter_map(|id| match &world.graph.get(id).artifact {
        Artifact::User(user, UserPart::Kubeconfig) => Some(user.to_string()),
        _ => None,
    });
    users.collect()
}

/// Nodes of kubelets that renew their own client certificates: none of those is here.
fn kubelets(spec: &Spec) -> Vec<String> {
    let nodes = spec.nodes.iter().filter(|_| spec.kubelet_client == KubeletClient::SelfRotated);
    nodes.map(|node| node.name.to_string()).collect()
}

fn old_certificates(world: World<'_>, plan: &Plan, root: Root) -> Vec<OldCertificateReport> {
    let graph = world.graph;
    let Some(signer) = graph.keypairs(root).first() else { return Vec::new() };
    let Some(key) = world.survey.public_part(*signer).public_key() else { return Vec::new() };
    let is_made_anew =
        |id| plan.steps.iter().any(|step| step.derivation == id && step.action.signs());
    let old = graph.ids().filter_map(|id| {
        let part = world.survey.public_part(id);
        let is_below = graph.get(id).recipe.issuer() == Some(*signer);
        let (der, facts) = (part.der()?, part.certificate()?);
        (is_below && !is_made_anew(id) && !is_signed_by(der, key)).then(|| OldCertificateReport {
            name: graph.get(id).name.clone(),
            expires: facts.not_after,
        })
    });
    old.collect()
}

/// So many lines a stage takes, unless all is asked for.
const LINES: usize = 12;

impl RotationReport {
    /// `done`: it was applied, and only what follows is of interest.
    pub(super) fn text(&self, columns: usize, done: bool, full: bool) -> String {
        if self.stages.is_empty() {
            let head = paint(STRONG, &format!("{} in one step", self.root));
            let why = format!(
                "nobody trusts {} yet: what the old key signed stops where the new one arrives; kpki rotate {} \
                 goes there without an outage",
                self.signs, self.root
            );
            return format!("{head}\n{}", paragraph("  ", 4, &why, columns));
        }
        let stages = self.stages.iter();
        stages.map(|stage| stage.text(&self.root, columns, done, full)).collect()
    }

    /// All of it, for Markdown.
    pub(super) fn lines(&self) -> Vec<String> {
        let lines = self.stages.iter().flat_map(|stage| {
            let head = format!("{}, {}: {}", self.root, stage.stage, stage.changes);
            std::iter::once(head).chain(stage.gate.iter().map(GateReport::line))
        });
        lines.collect()
    }
}

impl StageReport {
    fn text(&self, root: &str, columns: usize, done: bool, full: bool) -> String {
        let rows = self.gate.iter().filter(|row| !done || row.kind == Kind::After);
        let rows: Vec<String> = rows.map(|row| row.text(columns)).collect();
        if done && rows.is_empty() {
            return String::new();
        }
        let head = paint(STRONG, &format!("{root}: {}", self.stage));
        let mut text = format!("{head}\n");
        if !done {
            text.push_str(&paragraph("  ", 4, &self.changes, columns));
        }
        for (index, row) in rows.iter().enumerate() {
            let lines = text.lines().count() + row.lines().count();
            let is_last = index + 1 == rows.len();
            if !full && lines + usize::from(!is_last) > LINES {
                let left = rows.len() - index;
                let _ = writeln!(text, "  and {left} more: kpki plan --full, and docs/rotate.md");
                break;
            }
            text.push_str(row);
        }
        text.push('\n');
        text
    }
}

impl GateReport {
    fn text(&self, columns: usize) -> String {
        let mut text = paragraph("  ", 4, &self.head(), columns);
        if let Some(command) = &self.command {
            let _ = writeln!(text, "    {command}");
        }
        text
    }

    fn head(&self) -> String {
        let kind = match self.kind {
            Kind::Before => "first",
            Kind::Unproven => "not proven",
            Kind::After => "then",
        };
        format!("{kind}: {}", self.text)
    }

    fn line(&self) -> String {
        match &self.command {
            Some(command) => format!("{}: {command}", self.head()),
            None => self.head(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gate::GATES;
    use super::*;

    #[test]
    fn each_root_has_a_gate_for_each_stage() {
        for root in Root::ALL {
            for stage in Stage::ALL {
                let all = GATES.iter().filter(|gate| (gate.root, gate.stage) == (root, stage));
                assert_eq!(all.count(), 1, "{root} {stage:?}");
            }
        }
    }

    /// Whoever reads the short form has seen all that must hold first.
    #[test]
    fn what_must_hold_first_is_never_left_out() {
        for gate in GATES {
            let mut kinds = gate.rows.iter().map(|row| row.kind).collect::<Vec<_>>();
            let given = kinds.clone();
            kinds.sort();
            assert_eq!(given, kinds, "{} {:?}", gate.root, gate.stage);
            let rows = gate.rows.iter().map(|row| GateReport {
                kind: row.kind,
                text: row.text.replace("{known}", "users/jane until 2027-11-28"),
                command: row.command.map(str::to_owned),
            });
            let stage = StageReport {
                stage: gate.stage.as_str().to_owned(),
                changes: gate.changes.replace("{new}", "ca/kubernetes/2"),
                gate: rows.collect(),
                old_certificates: Vec::new(),
            };
            let text = stage.text(&gate.root.to_string(), 80, false, false);
            assert!(text.lines().count() <= LINES + 1, "{text}");
            let whole = stage.text(&gate.root.to_string(), 80, false, true);
            for row in stage.gate {
                let seen = row.text(80);
                assert!(whole.contains(&seen), "{whole}");
                assert!(row.kind != Kind::Before || text.contains(&seen), "{seen}\n{text}");
            }
        }
    }
}
