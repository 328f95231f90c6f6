//! How members of etcd whose data is gone join again, as a report.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::style::{STRONG, paint};
use super::text::paragraph;
use crate::plan::{Plan, Rejoin};
use crate::shell::{operand, quoted};

/// What a person does, in this order.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RejoinReport {
    pub nodes: Vec<String>,
    pub commands: Vec<RejoinCommand>,
    /// When it does not work like that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RejoinCommand {
    pub command: String,
    /// The node on which it is run; etcdctl is where a member answers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
}

pub(super) fn rejoin_report(plan: &Plan) -> Option<RejoinReport> {
    (!plan.rejoins.is_empty()).then(|| RejoinReport {
        nodes: plan.rejoins.iter().map(|rejoin| rejoin.node.to_string()).collect(),
        commands: commands(&plan.rejoins),
        hint: plan.rejoins.iter().find_map(hint),
    })
}

/// All that are gone leave etcd's list first: the fewer there are on it, the fewer make a majority. Then they
/// come back one after the other.
fn commands(rejoins: &[Rejoin]) -> Vec<RejoinCommand> {
    let anywhere = |command: String| RejoinCommand { command, on: None };
    let mut commands = vec![anywhere("etcdctl member list".to_owned())];
    commands.extend(rejoins.iter().map(|Rejoin { member, .. }| {
        anywhere(format!("etcdctl member remove {}", quoted(&format!("ID-OF-{member}"))))
    }));
    for Rejoin { node, member, peer_url, data, .. } in rejoins {
        let on_node = |command| RejoinCommand { command, on: Some(node.to_string()) };
        let urls = quoted(&format!("--peer-urls={peer_url}"));
        commands.push(anywhere(format!("etcdctl member add {} {urls}", operand(member))));
        let folders: Vec<String> = data.iter().map(|folder| operand(folder)).collect();
        commands.push(on_node(format!("rm -rf {}", folders.join(" "))));
        commands.push(on_node(format!("kpki install {node}")));
        commands.push(anywhere("etcdctl endpoint health --cluster".to_owned()));
    }
    commands
}

fn hint(rejoin: &Rejoin) -> Option<String> {
    let Rejoin { members, left, .. } = rejoin;
    (!rejoin.has_quorum()).then(|| {
        format!(
            "{left} of {members} members is no majority: etcdctl can remove a member only while those that go still \
             run; if they are gone already, start etcd once with --force-new-cluster on one that is left (keep a copy \
             of its data), and go on with member add"
        )
    })
}

impl RejoinReport {
    /// The column at which a remark stands.
    const REMARK: usize = 62;

    pub(super) fn text(&self, columns: usize) -> String {
        let joins = if self.nodes.len() == 1 { "joins" } else { "join" };
        let head = paint(STRONG, &format!("{} {joins} etcd again", self.nodes.join(", ")));
        let mut text = format!("\n{head}, in this order:\n");
        for line in self.lines() {
            let _ = writeln!(text, "  {line}");
        }
        if let Some(hint) = &self.hint {
            text.push_str(&paragraph("  ", 2, hint, columns));
        }
        text.push('\n');
        text
    }

    /// Each command whole, in a line of its own: it is copied. What follows is a shell's comment.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.commands.iter().map(|RejoinCommand { command, on }| {
            let remark = match on {
                Some(node) => format!("# on {node}"),
                None if command == "etcdctl member list" => "# shows the ID".to_owned(),
                None if command.starts_with("etcdctl endpoint health") => {
                    "# until all are healthy".to_owned()
                }
                None => return command.clone(),
            };
            format!("{command:width$}  {remark}", width = Self::REMARK)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejoin(node: &str, left: usize) -> Rejoin {
        Rejoin {
            node: node.parse().unwrap(),
            member: node.to_owned(),
            peer_url: format!("https://{node}.lab:2380"),
            data: vec!["/var/lib/etcd/member".to_owned()],
            members: 5,
            left,
        }
    }

    /// etcd, "Runtime reconfiguration": a member that is gone is removed before the new one is added, and
    /// each new one must run before the next is added.
    #[test]
    fn all_leave_before_the_first_comes_back() {
        let plan = Plan { rejoins: vec![rejoin("cp4", 3), rejoin("cp5", 3)], ..Plan::default() };
        let report = rejoin_report(&plan).unwrap();
        let lines: Vec<String> = (report.commands.iter())
            .map(|line| format!("{}: {}", line.on.as_deref().unwrap_or("etcd"), line.command))
            .collect();
        assert_eq!(
            lines,
            [
                "etcd: etcdctl member list",
                "etcd: etcdctl member remove ID-OF-cp4",
                "etcd: etcdctl member remove ID-OF-cp5",
                "etcd: etcdctl member add cp4 --peer-urls=https://cp4.lab:2380",
                "cp4: rm -rf /var/lib/etcd/member",
                "cp4: kpki install cp4",
                "etcd: etcdctl endpoint health --cluster",
                "etcd: etcdctl member add cp5 --peer-urls=https://cp5.lab:2380",
                "cp5: rm -rf /var/lib/etcd/member",
                "cp5: kpki install cp5",
                "etcd: etcdctl endpoint health --cluster",
            ]
        );
        assert_eq!(report.hint, None);
    }

    /// A majority of five is three.
    #[test]
    fn a_lost_majority_is_told() {
        for (left, told) in [(4, false), (3, false), (2, true), (1, true)] {
            assert_eq!(hint(&rejoin("cp5", left)).is_some(), told, "{left}");
        }
    }
}
