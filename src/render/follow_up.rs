//! What a person does beside an apply: tell etcd of its members, and restart.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::style::{STRONG, paint};
use super::text::{paragraph, some};
use crate::plan::{Membership, Plan, Restart};

/// A pod that the kubelet restarts when it sees the new manifest, or a service.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RestartReport {
    /// `kube-apiserver`, `kubelet`
    pub what: String,
    pub node: String,
    /// A service does not restart by itself.
    pub service: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MembershipReport {
    pub member: String,
    pub command: String,
    /// When it does not work like that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

pub(super) fn restarts(plan: &Plan) -> Vec<RestartReport> {
    let report = |restart: &Restart| RestartReport {
        what: restart.what().to_owned(),
        node: restart.node.to_string(),
        service: restart.is_service(),
    };
    plan.restarts.iter().map(report).collect()
}

pub(super) fn membership(plan: &Plan) -> Vec<MembershipReport> {
    let report = |change: &Membership| MembershipReport {
        member: change.member().to_owned(),
        command: change.command(),
        hint: change.hint().map(str::to_owned),
    };
    plan.membership.iter().map(report).collect()
}

/// So many nodes are named: a control plane's always are.
const NAMED: usize = 7;

pub(super) fn follow_up_text(
    members: &[MembershipReport],
    restarts: &[RestartReport],
    columns: usize,
) -> String {
    let mut text = String::new();
    if !members.is_empty() {
        let head = paint(STRONG, "tell etcd first");
        let _ = writeln!(text, "\n{head} (etcdctl member list shows an ID):");
        for change in members {
            let _ = writeln!(text, "  {}", change.command);
            if let Some(hint) = &change.hint {
                text.push_str(&paragraph("    ", 4, hint, columns));
            }
        }
        if members.len() > 1 {
            text.push_str(
                "  one after the other: each new member must run before the next is added\n",
            );
        }
    }
    if !restarts.is_empty() {
        let head = paint(STRONG, "restarts");
        let _ = writeln!(text, "\n{head}, in this order, one node at a time:");
    }
    for line in restart_lines(restarts) {
        text.push_str(&paragraph("  ", 4, &line, columns));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// One line a process, with the nodes that follow one another.
pub(super) fn restart_lines(restarts: &[RestartReport]) -> Vec<String> {
    let of_one_process = restarts.chunk_by(|one, next| one.what == next.what);
    let lines = of_one_process.filter_map(|group| {
        let RestartReport { what, service, .. } = group.first()?;
        let kind = if *service { " (service)" } else { "" };
        let nodes: Vec<&str> = group.iter().map(|restart| restart.node.as_str()).collect();
        let nodes = if nodes.len() > NAMED {
            format!("{} nodes: {}", nodes.len(), some(&nodes))
        } else {
            nodes.join(", ")
        };
        Some(format!("{what}{kind}: {nodes}"))
    });
    lines.collect()
}
