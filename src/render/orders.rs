//! What a person does beside an apply: tell etcd of its members, and restart.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::plan::PlanReport;
use super::style::{STRONG, paint};
use super::text::{paragraph, some};
use crate::plan::{Membership, Plan, Restart};

/// A pod that the kubelet restarts when it sees the new manifest, or a service.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RestartReport {
    /// `kube-apiserver`, `kubelet`
    pub what: String,
    pub node: String,
    /// A service does not restart by itself.
    pub service: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MembershipReport {
    pub member: String,
    pub command: String,
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
    };
    plan.membership.iter().map(report).collect()
}

/// So many nodes are named: a control plane's always are.
const NAMED: usize = 7;

impl PlanReport {
    pub(super) fn orders(&self, columns: usize) -> String {
        let mut text = String::new();
        if !self.etcd_members.is_empty() {
            let _ = writeln!(
                text,
                "\n{} (etcdctl member list shows an ID):",
                paint(STRONG, "tell etcd first")
            );
            for change in &self.etcd_members {
                let _ = writeln!(text, "  {}", change.command);
            }
            if self.etcd_members.len() > 1 {
                let _ = writeln!(
                    text,
                    "  one after the other: each new member must run before the next is added"
                );
            }
        }
        let restarts = self.restart_lines();
        if !restarts.is_empty() {
            let _ = writeln!(
                text,
                "\n{}, in this order, one node at a time:",
                paint(STRONG, "restarts")
            );
        }
        for line in restarts {
            text.push_str(&paragraph("  ", 4, &line, columns));
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
    /// One line a process, with the nodes that follow one another.
    pub(super) fn restart_lines(&self) -> Vec<String> {
        let mut groups: Vec<(&str, bool, Vec<String>)> = Vec::new();
        for restart in &self.restarts {
            match groups.last_mut() {
                Some((what, _, nodes)) if *what == restart.what => nodes.push(restart.node.clone()),
                _ => groups.push((
                    restart.what.as_str(),
                    restart.service,
                    vec![restart.node.clone()],
                )),
            }
        }
        let line = |(what, service, nodes): (&str, bool, Vec<String>)| {
            let kind = if service { " (service)" } else { "" };
            let nodes = if nodes.len() > NAMED {
                format!("{} nodes: {}", nodes.len(), some(&nodes))
            } else {
                nodes.join(", ")
            };
            format!("{what}{kind}: {nodes}")
        };
        groups.into_iter().map(line).collect()
    }
}
